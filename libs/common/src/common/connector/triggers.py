"""Triggers and the market's side: pure. An order that waits for a price must stand on the far side of it."""

from decimal import Decimal

from common.commands import AdoptOrder, ListLeg, SubmitOrder, SubmitOrderList
from common.exchanges import CAPABILITIES, ExitStyle
from common.orders import OrderType, Side

_STOPS = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})


def holds_triggers(command: SubmitOrder) -> bool:
    """Whether this is a single waiting order on an exchange that exits by pairs of them."""
    return (
        not isinstance(command, AdoptOrder)  # It stands already, on whichever side.
        and command.order_type.waits_for_trigger
        and command.trigger_px is not None
        and CAPABILITIES[command.exchange].exit_style is ExitStyle.TRIGGER_PAIR
    )


def fires_below(order_type: OrderType, side: Side) -> bool:
    """Whether the order waits for the price to fall: the stop of a sale, the take-profit of a purchase."""
    return (order_type in _STOPS) is (side is Side.SELL)


def reached(order: SubmitOrder | ListLeg, side: Side, last_px: Decimal) -> bool:
    """Whether the market stands at the order's price (a trigger, else its limit) or beyond it already."""
    px = order.price if order.trigger_px is None else order.trigger_px
    assert px is not None, "an order that waits for a price names it"
    return last_px <= px if fires_below(order.order_type, side) else last_px >= px


def explains(last_px: Decimal, command: SubmitOrder | SubmitOrderList) -> bool:
    """Whether an exit is refused for its price where the market stands here: at one of its prices already."""
    if isinstance(command, SubmitOrderList):
        return any(reached(leg, command.side, last_px) for leg in (command.take_profit, command.stop_loss))
    priced = command.price is not None or command.trigger_px is not None
    return not priced or reached(command, command.side, last_px)
