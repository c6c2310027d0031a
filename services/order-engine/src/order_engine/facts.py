"""An order and a fact about it give the order afterwards.

Merging is monotone: totals only grow and an ended order stays ended, so repeats and disorder change nothing.
"""

from typing import assert_never

import msgspec

from common.errors import ErrorCategory
from common.instruments import ZERO
from common.orders import (
    HoldingShort,
    ListStatus,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderTriggered,
    OrderUnknown,
)
from order_engine.order import Fill, Order

_NEVER_ARRIVED = (ErrorCategory.NOT_FOUND, ErrorCategory.EXPIRED)


def after(order: Order, fact: OrderFact) -> Order:
    """The order as it stands once the fact is known."""
    match fact:
        case OrderFilled():
            return _with_totals(_with_fill(order, fact), fact, _fill_status(order, fact))
        case OrderAccepted() | OrderSnapshot():
            return _with_totals(order, fact, fact.status or OrderStatus.NEW)
        case OrderTriggered():
            known = _with_totals(order, fact, OrderStatus.NEW)
            return msgspec.structs.replace(known, triggered=True)
        case OrderCanceled():
            return _with_totals(order, fact, OrderStatus.CANCELED)
        case OrderExpired():
            return _with_totals(order, fact, OrderStatus.EXPIRED)
        case OrderRejected():
            return _refused(order, fact)
        case OrderUnknown() | ListStatus() | HoldingShort():
            return order
        case _:
            assert_never(fact)


def _with_fill(order: Order, fact: OrderFilled) -> Order:
    assert fact.trade_id is not None, "a fill names its trade"
    assert fact.last_qty is not None, "a fill has a quantity"
    assert fact.last_px is not None, "a fill has a price"
    if any(fill.trade_id == fact.trade_id for fill in order.fills):
        return order  # Exchanges replay fills after a reconnect.
    fill = Fill(
        trade_id=fact.trade_id,
        qty=fact.last_qty,
        px=fact.last_px,
        fee=fact.fee or ZERO,
        fee_asset=fact.fee_asset,
        ts_ms=fact.ts_event_ms,
    )
    return msgspec.structs.replace(order, fills=(*order.fills, fill))


def _fill_status(order: Order, fact: OrderFilled) -> OrderStatus:
    filled = max(order.filled_qty, fact.cum_qty or ZERO)
    complete = order.qty is not None and filled >= order.qty
    return OrderStatus.FILLED if complete else (fact.status or OrderStatus.PARTIALLY_FILLED)


def _with_totals(order: Order, fact: OrderFact, status: OrderStatus) -> Order:
    """Totals and status, each only ever moving forward."""
    cum_qty, avg_px = order.cum_qty, order.avg_px
    if fact.cum_qty is not None and fact.cum_qty > cum_qty:
        cum_qty, avg_px = fact.cum_qty, fact.avg_px or avg_px
    known = msgspec.structs.replace(
        order,
        cum_qty=cum_qty,
        avg_px=avg_px,
        exchange_order_id=order.exchange_order_id or fact.exchange_order_id,
    )
    return _with_status(known, status)


def _with_status(order: Order, status: OrderStatus) -> Order:
    if order.status is not None and order.status.terminal and not _thought_lost(order):
        status = order.status
    elif not status.terminal and order.filled_qty > 0:
        status = OrderStatus.PARTIALLY_FILLED
    if status is not OrderStatus.REJECTED and order.qty is not None and order.filled_qty >= order.qty:
        status = OrderStatus.FILLED
    return msgspec.structs.replace(order, status=status)


def _thought_lost(order: Order) -> bool:
    """An order we concluded to be nowhere; should the exchange show it after all, the exchange is right."""
    return order.refusal in _NEVER_ARRIVED


def _refused(order: Order, fact: OrderRejected) -> Order:
    """A refusal ends an order the exchange never had. Of one it had, only its proven absence is news: it is gone."""
    if order.confirmed:
        if fact.category is not ErrorCategory.NOT_FOUND or not order.live:
            return order
        return msgspec.structs.replace(order, status=OrderStatus.EXPIRED, refusal=fact.category)
    return msgspec.structs.replace(
        order,
        status=OrderStatus.REJECTED,
        refusal=fact.category,
        refusal_code=fact.code,
        refusal_reason=fact.reason,
        exchange_order_id=order.exchange_order_id or fact.exchange_order_id,  # Of one that was taken back at once.
        available_qty=fact.available_qty,
    )
