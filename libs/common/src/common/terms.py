"""Whether an order on the exchange still has the terms it was placed with, or somebody changed it by hand."""

from decimal import Decimal

from common.orders import OrderSnapshot, OrderType

_LIMITED = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def altered(
    shown: OrderSnapshot,
    *,
    order_type: OrderType,
    qty: Decimal | None,
    price: Decimal | None,
    trigger_px: Decimal | None,
) -> bool:
    """Whether the exchange shows another quantity, limit or trigger than ours.

    What one side does not name proves nothing. An order of another type is what a trigger became when it fired, and
    the price of a market order is the exchange's own affair: neither is a change.
    """
    if order_type is OrderType.MARKET or shown.order_type not in {None, order_type}:
        return False
    pairs = [(shown.qty, qty), (shown.trigger_px, trigger_px)]
    if order_type in _LIMITED:
        pairs.append((shown.price, price))
    return any(theirs is not None and ours is not None and theirs != ours for theirs, ours in pairs)
