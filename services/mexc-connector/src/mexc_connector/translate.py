"""Binary pushes to facts: one push is one fact at most.

The order push tells totals and the state, the deal push the single trade with its fee; on one fill the order push
usually comes first. Nothing is promised about their order, so each is told as what it is: a snapshot, and a fill.
"""

from typing import Any

from common.accounts import AssetBalance, BalanceChanged
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.mexc_proto import UnreadablePush, body_name, decode
from common.orders import OrderAccepted, OrderCanceled, OrderFact, OrderFilled, OrderSnapshot, OrderStatus
from mexc_connector.facts import (
    PUSHED_ORDER_TYPES,
    PUSHED_SIDES,
    PUSHED_STATUSES,
    amount,
    limit_px,
    number,
    positive,
    positive_or_none,
    text_or_none,
)

ORDERS, DEALS, ACCOUNT = "privateOrders", "privateDeals", "privateAccount"
FIRST_CONDITIONAL_TYPE = 100
"""Stops and OCO legs that were placed by hand in the web interface: never ours, though they lock balance."""


def read_push(raw: bytes) -> tuple[Any, str | None]:
    """A binary frame and the name of its body. Raises UnreadableFrame."""
    try:
        push = decode(raw)
    except UnreadablePush as error:
        raise UnreadableFrame(f"not a push: {error}") from error
    return push, body_name(push)


def order_fact(push: Any, account_id: str, now_ms: int) -> OrderFact | None:
    """One order push as one fact; None for orders of the web interface. Raises UnreadableFrame."""
    body = push.privateOrders
    if body.orderType >= FIRST_CONDITIONAL_TYPE:
        return None
    status, side = PUSHED_STATUSES.get(body.status), PUSHED_SIDES.get(body.tradeType)
    order_type = PUSHED_ORDER_TYPES.get(body.orderType)
    if status is None or side is None or order_type is None or not body.id or not push.symbol:
        raise UnreadableFrame(f"privateOrders status={body.status} type={body.orderType} side={body.tradeType}")
    cum_qty = amount(body.cumulativeQuantity, "cumulativeQuantity")
    fields: dict[str, Any] = {
        "account_id": account_id,
        "exchange": Exchange.MEXC,
        "symbol": push.symbol,
        "client_order_id": text_or_none(body.clientId),
        "exchange_order_id": body.id,
        "side": side,
        "order_type": order_type,
        "status": status,
        "qty": positive_or_none(body.quantity, "quantity"),
        "price": limit_px(body.price, order_type),
        "cum_qty": cum_qty,
        "avg_px": positive_or_none(body.avgPrice, "avgPrice") if cum_qty else None,
        # `createTime` of the body is when the order was created, never when this happened.
        "ts_event_ms": push.sendTime or push.createTime or now_ms,
        "ts_init_ms": now_ms,
    }
    if status is OrderStatus.CANCELED:
        return OrderCanceled(**fields)
    if status is OrderStatus.NEW:
        return OrderAccepted(**fields)
    return OrderSnapshot(**fields)


def fill_fact(push: Any, account_id: str, now_ms: int) -> OrderFilled:
    """One deal push as one fill. Raises UnreadableFrame."""
    body = push.privateDeals
    side = PUSHED_SIDES.get(body.tradeType)
    if side is None or not body.tradeId or not body.orderId or not push.symbol:
        raise UnreadableFrame("privateDeals without a trade, an order, a side or a symbol")
    return OrderFilled(
        account_id=account_id,
        exchange=Exchange.MEXC,
        symbol=push.symbol,
        client_order_id=text_or_none(body.clientOrderId),
        exchange_order_id=body.orderId,
        side=side,
        trade_id=body.tradeId,
        last_qty=positive(body.quantity, "quantity"),
        last_px=positive(body.price, "price"),
        fee=number(body.feeAmount, "feeAmount"),
        fee_asset=text_or_none(body.feeCurrency),
        ts_event_ms=body.time or push.sendTime or now_ms,
        ts_init_ms=now_ms,
    )


def balance_fact(push: Any, account_id: str, now_ms: int) -> BalanceChanged:
    """One account push. `balanceAmount` is the free amount, not the total. Raises UnreadableFrame."""
    body = push.privateAccount
    if not body.vcoinName:
        raise UnreadableFrame("privateAccount without an asset")
    return BalanceChanged(
        account_id=account_id,
        exchange=Exchange.MEXC,
        balances=(
            AssetBalance(
                asset=body.vcoinName,
                free=amount(body.balanceAmount, "balanceAmount"),
                locked=amount(body.frozenAmount, "frozenAmount"),
            ),
        ),
        ts_event_ms=body.time or push.createTime or push.sendTime or now_ms,
        ts_init_ms=now_ms,
    )
