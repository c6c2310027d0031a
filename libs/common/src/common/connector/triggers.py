"""Triggers and the market's side: pure. An order that waits for a price must stand on the far side of it."""

from decimal import Decimal

from common.commands import AdoptOrder, SubmitOrder
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


def reached(command: SubmitOrder, last_px: Decimal) -> bool:
    """Whether the market stands at the trigger or beyond it already."""
    assert command.trigger_px is not None, "an order that waits for a price names it"
    if fires_below(command.order_type, command.side):
        return last_px <= command.trigger_px
    return last_px >= command.trigger_px
