"""Small, honest examples: a ledger's order, and what an exchange shows of it."""

from decimal import Decimal
from typing import Any

import msgspec

from common import ids
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import OrderFact, OrderFilled, OrderRejected, OrderSnapshot, OrderStatus, OrderType, Side
from sync.ledger import Account, Holding, LedgerOrder

NOW_MS = 1_795_341_600_000
ACCOUNT = Account("account-1", "user-1", Exchange.BINANCE)
BRACKET = ids.bracket_id("account-1", "intent-1")


def an_order(leg: str = "t1", **fields: Any) -> LedgerOrder:
    """A take-profit the ledger knows as open, sent a minute ago."""
    defaults: dict[str, Any] = {
        "account_id": ACCOUNT.account_id,
        "exchange": ACCOUNT.exchange,
        "symbol": "BTCUSDT",
        "client_order_id": f"{BRACKET}-{leg}",
        "exchange_order_id": f"x-{leg}",
        "side": Side.SELL,
        "order_type": OrderType.LIMIT_MAKER,
        "qty": Decimal("0.01"),
        "price": Decimal(104_000),
        "trigger_px": None,
        "status": OrderStatus.NEW,
        "cum_qty": ZERO,
        "itemised_qty": ZERO,
        "submitted_ms": NOW_MS - 60_000,
        "valid_until_ms": NOW_MS - 50_000,
        "updated_ms": NOW_MS - 59_000,
    }
    return LedgerOrder(**(defaults | fields))


def shown(order: LedgerOrder, status: OrderStatus = OrderStatus.NEW, **fields: Any) -> OrderSnapshot:
    """The order as the exchange shows it now."""
    return OrderSnapshot(
        **(
            {
                "account_id": order.account_id,
                "exchange": order.exchange,
                "symbol": order.symbol,
                "client_order_id": order.client_order_id,
                "exchange_order_id": order.exchange_order_id or f"x-{order.client_order_id}",
                "side": order.side,
                "order_type": order.order_type,
                "status": status,
                "qty": order.qty,
                "price": order.price,
                "trigger_px": order.trigger_px,
                "cum_qty": order.cum_qty,
                "ts_event_ms": NOW_MS,
                "ts_init_ms": NOW_MS,
            }
            | fields
        )
    )


def a_trade(order: LedgerOrder, qty: str, trade_id: str = "1", **fields: Any) -> OrderFilled:
    """A trade as an exchange lists it: by its own id of the order."""
    return OrderFilled(
        **(
            {
                "account_id": order.account_id,
                "exchange": order.exchange,
                "symbol": order.symbol,
                "exchange_order_id": order.exchange_order_id,
                "last_qty": Decimal(qty),
                "last_px": Decimal(104_000),
                "trade_id": trade_id,
                "fee": Decimal("0.1"),
                "fee_asset": "USDT",
                "ts_event_ms": NOW_MS - 1_000,
                "ts_init_ms": NOW_MS,
            }
            | fields
        )
    )


def a_holding(bracket_id: str = BRACKET, held: str = "0.01", **fields: Any) -> Holding:
    """An open bracket that counts this much of BTC as held."""
    defaults: dict[str, Any] = {
        "bracket_id": bracket_id,
        "account_id": ACCOUNT.account_id,
        "exchange": Exchange.BITGET,
        "symbol": "BTCUSDT",
        "version": 3,
        "base_asset": "BTC",
        "lot_size": Decimal("0.00001"),
        "held_qty": Decimal(held),
        "created_ms": NOW_MS - 60_000,
    }
    return Holding(**(defaults | fields))


def after(order: LedgerOrder, facts: tuple[OrderFact, ...]) -> LedgerOrder:
    """The ledger's order once the facts are merged, as the order-engine merges them: totals grow, what ended stays."""
    seen: set[str | None] = set()
    for fact in facts:
        if fact.client_order_id != order.client_order_id:
            continue
        if isinstance(fact, OrderFilled) and fact.trade_id not in seen:
            seen.add(fact.trade_id)
            order = msgspec.structs.replace(order, itemised_qty=order.itemised_qty + (fact.last_qty or ZERO))
        order = msgspec.structs.replace(
            order,
            status=_status(order, fact),
            cum_qty=max(order.cum_qty, fact.cum_qty or ZERO, order.itemised_qty),
            exchange_order_id=order.exchange_order_id or fact.exchange_order_id,
            qty=fact.qty or order.qty,
            price=fact.price or order.price,
            trigger_px=fact.trigger_px or order.trigger_px,
            updated_ms=max(order.updated_ms, fact.ts_init_ms),
        )
    return order


def _status(order: LedgerOrder, fact: OrderFact) -> OrderStatus | None:
    if order.status is not None and order.status.terminal:
        return order.status
    if isinstance(fact, OrderRejected):
        return OrderStatus.REJECTED if order.status is None else OrderStatus.EXPIRED
    return fact.status
