"""What all translations share: statuses, amounts that may be trusted, fees without their confusing signs.

Bitget writes numbers as text with superfluous zeros, and an empty text, zero or null where there is none.
"""

from decimal import Decimal, InvalidOperation

from common.errors import UnreadableFrame
from common.orders import OrderStatus, Side

ZERO = Decimal(0)
Num = str | int | None
"""A number as Bitget sends it: text nearly everywhere, an integer now and then (times above all)."""

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

# No asset has amounts anywhere near these; what is outside them would only be a trap for whoever prints it.
_SMALLEST_EXPONENT = -40
_LARGEST_EXPONENT = 40


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


def decimal(value: Num, name: str) -> Decimal:
    """The number, without superfluous zeros. Raises UnreadableFrame naming the field."""
    try:
        number = Decimal(value) if value not in (None, "") else ZERO
    except InvalidOperation as error:
        raise UnreadableFrame(f"{name}: not an amount") from error
    if not number.is_finite() or not _SMALLEST_EXPONENT < number.adjusted() < _LARGEST_EXPONENT:
        raise UnreadableFrame(f"{name}: not an amount")
    # One zero: replies and streams write it with different digits, and a fact told by both is one fact.
    return number.normalize() if number else ZERO


def amount(value: Num, name: str) -> Decimal:
    """A number from zero up; nothing is zero. Raises UnreadableFrame naming the field."""
    number = decimal(value, name)
    if number < ZERO:
        raise UnreadableFrame(f"{name}: below zero")
    return number


def positive(value: Num, name: str) -> Decimal:
    """A number above zero. Raises UnreadableFrame naming the field."""
    number = amount(value, name)
    if not number:
        raise UnreadableFrame(f"{name}: above zero is needed")
    return number


def some(value: Num, name: str) -> Decimal | None:
    """A number above zero; None where Bitget writes zero, nothing or null. Raises UnreadableFrame."""
    return amount(value, name) or None


def charged(value: Num, name: str) -> Decimal:
    """A fee as a positive number: REST and `orders` write it below zero, `fill` and unified accounts above."""
    return abs(decimal(value, name))


def time_ms(value: Num, name: str) -> int:
    """Epoch ms. Raises UnreadableFrame."""
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= 16):
        raise UnreadableFrame(f"{name}: not a time")
    return int(text)
