"""Amounts as exchanges write them, to numbers that may be trusted."""

from decimal import Decimal, InvalidOperation
from typing import Final

from common.errors import UnreadableFrame

ZERO: Final = Decimal(0)
Num = str | int | None
"""A number as an exchange sends it: text nearly everywhere, an integer here and there, nothing where there is none."""

# No asset has amounts anywhere near these; what is outside them would only be a trap for whoever prints it.
_SMALLEST_EXPONENT: Final = -40
_LARGEST_EXPONENT: Final = 40


def finite(value: Decimal, name: str) -> Decimal:
    """The value, if it is a number of ordinary size. Raises UnreadableFrame naming the field."""
    if not value.is_finite() or not _SMALLEST_EXPONENT < value.adjusted() < _LARGEST_EXPONENT:
        raise UnreadableFrame(f"{name}: not an amount")
    return value


def decimal(value: Num, name: str) -> Decimal:
    """The number, without superfluous zeros; nothing is zero. Raises UnreadableFrame naming the field."""
    try:
        number = Decimal(value) if value not in (None, "") else ZERO
    except (InvalidOperation, ValueError) as error:
        raise UnreadableFrame(f"{name}: not an amount") from error
    # One zero and one way of writing: replies and pushes differ in digits, and a fact told by both is one fact.
    return finite(number, name).normalize() if number else ZERO


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
    """A number above zero; None where the exchange writes zero, nothing or null. Raises UnreadableFrame."""
    return amount(value, name) or None
