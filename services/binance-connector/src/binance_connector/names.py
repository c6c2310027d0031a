"""Names of orders after a cancel. The documentation says that an order then carries the id of the cancel.

So our cancels have derived ids, and an order that is met under one is given its own name back.
"""

from common import ids
from common.orders import OrderType

MAX_CLIENT_ID = 36
_SUFFIX = "-c"
_LIST_NAMES = {ids.Leg.TAKE_PROFIT, ids.Leg.STOP_LOSS, ids.Leg.LIST}
_STOPS = {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}


def cancel_id(order_or_list_id: str) -> str:
    """The id of our cancel of an order or of a list."""
    return f"{order_or_list_id[: MAX_CLIENT_ID - len(_SUFFIX)]}{_SUFFIX}"


def own_name(client_order_id: str, order_type: OrderType | None) -> str:
    """The order's own id, where the given one is that of our cancel; else the given one.

    The cancel of a list, or of one leg of it, names both legs alike: the order's type tells which one this is.
    """
    if not client_order_id.endswith(_SUFFIX):
        return client_order_id
    key = ids.parse(client_order_id.removesuffix(_SUFFIX))
    if key is None:
        return client_order_id
    leg = key.leg
    if leg in _LIST_NAMES and order_type is not None:
        leg = ids.Leg.STOP_LOSS if order_type in _STOPS else ids.Leg.TAKE_PROFIT
    return ids.client_order_id(key.bracket_id, leg, key.generation)
