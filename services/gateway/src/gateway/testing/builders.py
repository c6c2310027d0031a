"""Instruments, markets and facts as tests need them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeVar

from common import ids
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import IntentBase
from common.orders import FactBase, OrderType
from common.protection import BracketState, ProtectionBase
from gateway.ports import BracketView, OrderView
from gateway.trading.plans import Market

F = TypeVar("F", bound=FactBase)
P = TypeVar("P", bound=ProtectionBase)


def an_instrument(**changes: Any) -> Instrument:
    """BTCUSDT as Binance has it, small rules changed at will."""
    rules: dict[str, Any] = {
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "exchange_symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.00001"),
        "min_qty": Decimal("0.00001"),
        "max_qty": Decimal(9000),
        "min_notional": Decimal(5),
        "max_algo_orders": 5,
        "order_types": tuple(OrderType),
        "oco_allowed": True,
    }
    return Instrument(**(rules | changes))


def an_instrument_of(exchange: Exchange, **changes: Any) -> Instrument:
    """BTCUSDT as the exchange has it."""
    rules = _RULES[exchange] | {"exchange": exchange} | changes
    return an_instrument(**rules)


_PLAIN = (OrderType.MARKET, OrderType.LIMIT, OrderType.LIMIT_MAKER)
_RULES: dict[Exchange, dict[str, Any]] = {
    Exchange.BINANCE: {},
    Exchange.BITGET: {"lot_size": Decimal("0.000001"), "min_qty": Decimal(0), "min_notional": Decimal(1)}
    | {"max_algo_orders": 0, "oco_allowed": False},
    Exchange.GATEIO: {"exchange_symbol": "BTC_USDT", "tick_size": Decimal("0.1"), "min_notional": Decimal(3)}
    | {"max_algo_orders": 0, "oco_allowed": False, "order_types": ()},
    Exchange.MEXC: {"lot_size": Decimal("0.000001"), "min_qty": Decimal("0.000001"), "min_notional": Decimal(1)}
    | {"market_min_notional": Decimal(1), "max_algo_orders": 0, "oco_allowed": False, "order_types": _PLAIN},
}


def a_market(px: str = "100000", *, spread: str = "10") -> Market:
    """A market whose last price is in the middle of its spread."""
    return Market(
        last_px=Decimal(px), bid_px=Decimal(px) - Decimal(spread) / 2, ask_px=Decimal(px) + Decimal(spread) / 2
    )


def order_fact(kind: type[F], intent: IntentBase, **fields: Any) -> F:
    """A fact about the entry an intent causes."""
    bracket = ids.bracket_id(intent.account_id, intent.intent_id)
    about: dict[str, Any] = {
        "account_id": intent.account_id,
        "exchange": intent.exchange,
        "symbol": intent.symbol,
        "client_order_id": ids.client_order_id(bracket, ids.Leg.ENTRY, 0),
        "exchange_order_id": "4711",
        "ts_event_ms": intent.ts_init_ms,
        "ts_init_ms": intent.ts_init_ms,
    }
    return kind(**(about | fields))


def protection_fact(kind: type[P], intent: IntentBase, **fields: Any) -> P:
    """A fact about the bracket an intent opens."""
    about: dict[str, Any] = {
        "bracket_id": ids.bracket_id(intent.account_id, intent.intent_id),
        "account_id": intent.account_id,
        "user_id": intent.user_id,
        "exchange": intent.exchange,
        "symbol": intent.symbol,
        "version": 1,
        "position": 0,
        "cause": intent.intent_id,
        "ts_event_ms": intent.ts_init_ms,
        "state": BracketState.OPENING,
        "held_qty": Decimal(0),
        "protected_qty": Decimal(0),
        "guarded_qty": Decimal(0),
        "unprotected_qty": Decimal(0),
        "dust_qty": Decimal(0),
    }
    return kind(**(about | fields))


AT: Final = datetime(2026, 11, 22, tzinfo=UTC)


def a_bracket_row(**changes: Any) -> BracketView:
    """A protected BTCUSDT bracket as the ledger publishes it."""
    fields: dict[str, Any] = {
        "bracket_id": "b1",
        "intent_id": "i",
        "user_id": "u",
        "account_id": "a",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "state": "PROTECTED",
        "version": 1,
        "entry_qty": Decimal(1),
        "entry_avg_px": Decimal(90_000),
        "held_qty": Decimal(1),
        "protected_qty": Decimal(1),
        "guarded_qty": Decimal(0),
        "unprotected_qty": Decimal(0),
        "dust_qty": Decimal(0),
        "exit_qty": Decimal(0),
        "exit_avg_px": None,
        "fees": {},
        "realised_pnl": None,
        "created_at": AT,
        "updated_at": AT,
    }
    return BracketView(**(fields | changes))


def an_order_row(account_id: str, name: str, **changes: Any) -> OrderView:
    """A filled entry as the ledger publishes it."""
    fields: dict[str, Any] = {
        "id": 1,
        "order_id": "4711",
        "client_order_id": name,
        "user_id": "u",
        "account_id": account_id,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": Decimal(1),
        "price": None,
        "trigger_price": None,
        "status": "FILLED",
        "executed_qty": Decimal(1),
        "avg_price": Decimal(100_000),
        "order_role": "ENTRY",
        "pair": None,
        "order_group_id": "b1",
        "parent_order_id": None,
        "tp_levels": None,
        "sl_price": None,
        "residency": "exchange",
        "residency_reason": "native OCO",
        "fees": {},
        "filled_timestamp": AT,
        "created_at": AT,
        "updated_at": AT,
    }
    return OrderView(**(fields | changes))
