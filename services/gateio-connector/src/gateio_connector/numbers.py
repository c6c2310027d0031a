"""Gate.io's numbers, times and words to ours. Money is text with any number of zeros; times come in five shapes."""

from decimal import Decimal, InvalidOperation
from typing import Final

from common.connector.amounts import ZERO, Num
from common.errors import UnreadableFrame
from common.orders import OrderStatus, OrderType, Side, TimeInForce

_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}
_TIMES_IN_FORCE: Final = {"gtc": TimeInForce.GTC, "ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}

_LAST_MS: Final = 10**15


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
