"""What all translations share: statuses, amounts that may be trusted, fees without their confusing signs.

Bitget writes numbers as text with superfluous zeros, and an empty text, zero or null where there is none.
"""

from decimal import Decimal

from common.connector.amounts import Num, decimal
from common.errors import UnreadableFrame
from common.orders import OrderStatus, Side

_STATUSES = {
    "live": OrderStatus.NEW,
    "new": OrderStatus.NEW,
    "init": OrderStatus.NEW,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "partial_fill": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "full_fill": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELED,
    "canceled": OrderStatus.CANCELED,
    "cancel": OrderStatus.CANCELED,
    "reject": OrderStatus.REJECTED,
    "rejected": OrderStatus.REJECTED,
}
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def status_of(word: str) -> OrderStatus:
    """Our status for Bitget's word. Raises UnreadableFrame for others, because a state is never guessed."""
    status = _STATUSES.get(word.lower())
    if status is None:
        raise UnreadableFrame(f"status: {word!r} is not documented")
    return status


def side_of(word: str) -> Side:
    """Our side. Raises UnreadableFrame."""
    side = _SIDES.get(word.lower())
    if side is None:
        raise UnreadableFrame(f"side: {word!r} is not documented")
    return side


def charged(value: Num, name: str) -> Decimal:
    """A fee as a positive number: REST and `orders` write it below zero, `fill` and unified accounts above."""
    return abs(decimal(value, name))


def time_ms(value: Num, name: str) -> int:
    """Epoch ms. Raises UnreadableFrame."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise UnreadableFrame(f"{name}: not a time")
    return int(text)
