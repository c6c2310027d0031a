"""Gate.io's numbers, times and words to ours. Money is text with any number of zeros; times come in five shapes."""

from decimal import Decimal, InvalidOperation
from typing import Final

from common.errors import UnreadableFrame
from common.orders import OrderStatus, OrderType, Side, TimeInForce

ZERO: Final = Decimal(0)
Num = str | int | None
"""A number as Gate.io sends it: text nearly everywhere, a JSON number here and there, nothing where it is zero."""

_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_TIMES_IN_FORCE: Final = {"gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}

# No asset has amounts anywhere near these; what is outside them would only be a trap for whoever prints it.
_SMALLEST_EXPONENT: Final = -40
_LARGEST_EXPONENT: Final = 40
_LAST_MS: Final = 10**15


def decimal(value: Num, name: str) -> Decimal:
    """The number, without superfluous zeros; nothing is zero. Raises UnreadableFrame naming the field."""
    try:
        number = Decimal(value) if value not in (None, "") else ZERO
    except (InvalidOperation, ValueError) as error:
        raise UnreadableFrame(f"{name}: not an amount") from error
    if not number.is_finite() or not _SMALLEST_EXPONENT < number.adjusted() < _LARGEST_EXPONENT:
        raise UnreadableFrame(f"{name}: not an amount")
    # One zero and one way of writing: replies and pushes differ in digits, and a fact told by both is one fact.
    return number.normalize() if number else ZERO


def amount(value: Num, name: str) -> Decimal:
    """A number from zero up. Raises UnreadableFrame naming the field."""
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
    """A number above zero; None where Gate.io writes zero or nothing. Raises UnreadableFrame."""
    return amount(value, name) or None


def ms(value: Num, name: str) -> int:
    """Epoch ms from ms as text or number; decimals are cut. Raises UnreadableFrame."""
    return _whole(value, name, 1)


def seconds_as_ms(value: Num, name: str) -> int:
    """Epoch ms from seconds as text or number. Raises UnreadableFrame."""
    return _whole(value, name, 1_000)


def _whole(value: Num, name: str, factor: int) -> int:
    try:
        number = int(Decimal(value if value not in (None, "") else "x") * factor)
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise UnreadableFrame(f"{name}: not a time") from error
    if not 0 <= number < _LAST_MS:
        raise UnreadableFrame(f"{name}: not a time")
    return number


def side_of(word: str) -> Side:
    """Our side. Raises UnreadableFrame."""
    side = _SIDES.get(word)
    if side is None:
        raise UnreadableFrame(f"side: {word!r} is not documented")
    return side


def order_type_of(word: str, time_in_force: str | None) -> OrderType:
    """Our order type: unified accounts write `limit_repay`, `market_borrow` and the like. Raises UnreadableFrame."""
    match word.partition("_")[0]:
        case "limit":
            return OrderType.LIMIT_MAKER if time_in_force == "poc" else OrderType.LIMIT
        case "market":
            return OrderType.MARKET
        case _:
            raise UnreadableFrame(f"type: {word!r} is not documented")


def ended_status(
    *, finish_as: str | None, time_in_force: str | None, closed: bool, complete: bool, filled: bool
) -> OrderStatus:
    """The status of an order that has ended. `closed` is what its `status` says where it has one: since 2026-01 it
    means "ended", so it counts only where `finish_as` is missing; `complete` that nothing is left to fill."""
    match finish_as:
        case "filled":
            return OrderStatus.FILLED
        case None | "":
            return OrderStatus.FILLED if closed and complete else OrderStatus.CANCELED
        case "poc":
            return OrderStatus.CANCELED if filled else OrderStatus.REJECTED
        case "ioc" if time_in_force == "poc":  # Gate.io reuses the word for a post-only order that would take.
            return OrderStatus.CANCELED if filled else OrderStatus.REJECTED
        case "ioc" | "fok":
            return OrderStatus.EXPIRED
        case _:  # cancelled, stp, small, depth_not_enough, liquidate_cancelled, "-", and whatever is invented next
            return OrderStatus.CANCELED


def open_status(filled: Decimal) -> OrderStatus:
    """The status of an order that works."""
    return OrderStatus.PARTIALLY_FILLED if filled > ZERO else OrderStatus.NEW
