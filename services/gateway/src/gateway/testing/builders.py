"""Instruments, markets and facts as tests need them."""

from decimal import Decimal
from typing import Any, TypeVar

from common import ids
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import IntentBase
from common.orders import FactBase, OrderType
from common.protection import BracketState, ProtectionBase
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
