"""What all translations share: states, types, amounts that may be trusted, the mean price."""

from decimal import Decimal, InvalidOperation

from common.connector.amounts import ZERO, finite
from common.errors import UnreadableFrame
from common.orders import OrderStatus, OrderType, Side
from mexc_connector.frames import Id, Num

_STATUSES = {
    "NEW": OrderStatus.NEW,
    "FILLED": OrderStatus.FILLED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "CANCELED": OrderStatus.CANCELED,
    # Partly filled, the rest cancelled: it has ended. Reading it as open is the classic mistake.
    "PARTIALLY_CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
PUSHED_STATUSES = {
    1: OrderStatus.NEW,
    2: OrderStatus.FILLED,
    3: OrderStatus.PARTIALLY_FILLED,
    4: OrderStatus.CANCELED,
    5: OrderStatus.CANCELED,
}
_ORDER_TYPES = {
    "LIMIT": OrderType.LIMIT,
    "LIMIT_ORDER": OrderType.LIMIT,
    "LIMIT_MAKER": OrderType.LIMIT_MAKER,
    "IMMEDIATE_OR_CANCEL": OrderType.LIMIT,
    "FILL_OR_KILL": OrderType.LIMIT,
    "MARKET": OrderType.MARKET,
}
PUSHED_ORDER_TYPES = {
    1: OrderType.LIMIT,
    2: OrderType.LIMIT_MAKER,
    3: OrderType.LIMIT,
    4: OrderType.LIMIT,
    5: OrderType.MARKET,
}
PUSHED_SIDES = {1: Side.BUY, 2: Side.SELL}
_SIDES = {side.value: side for side in Side}


def status_of(word: str, cum_qty: Decimal) -> OrderStatus:
    """Our status for MEXC's word. Raises UnreadableFrame for others, because a state is never guessed."""
    if word == "PENDING_CANCEL":  # Not documented, but seen: the order still works.
        return OrderStatus.PARTIALLY_FILLED if cum_qty > 0 else OrderStatus.NEW
    status = _STATUSES.get(word)
    if status is None:
        raise UnreadableFrame(f"status: {word!r} is not documented")
    return status


def order_type_of(word: str | None) -> OrderType | None:
    """Our order type: time in force is part of MEXC's. None for types that are not the API's."""
    return None if word is None else _ORDER_TYPES.get(word)


def side_of(word: str | None) -> Side | None:
    """Our side; None where it is not said."""
    return None if word is None else _SIDES.get(word.upper())


def number(value: Num, name: str) -> Decimal | None:
    """The number, or None where there is none (null, empty text). Raises UnreadableFrame naming the field."""
    if value is None or value == "":
        return None
    try:
        result = Decimal(str(value))
    except InvalidOperation:
        raise UnreadableFrame(f"{name}: not an amount") from None
    return finite(result, name) if result else ZERO


def amount(value: Num, name: str) -> Decimal:
    """A number from zero up; missing is zero. Raises UnreadableFrame naming the field."""
    result = number(value, name) or ZERO
    if result < ZERO:
        raise UnreadableFrame(f"{name}: below zero")
    return result


def positive(value: Num, name: str) -> Decimal:
    """A number above zero. Raises UnreadableFrame naming the field."""
    result = amount(value, name)
    if not result:
        raise UnreadableFrame(f"{name}: zero or missing")
    return result


def positive_or_none(value: Num, name: str) -> Decimal | None:
    """MEXC writes zero where it means "none". Raises UnreadableFrame naming the field."""
    return amount(value, name) or None


def limit_px(value: Num, order_type: OrderType | None) -> Decimal | None:
    """The limit price. A MARKET order's `price` is the exchange's own protection price: neither a limit nor a fill."""
    return None if order_type is OrderType.MARKET else positive_or_none(value, "price")


def mean_px(cum_quote_qty: Decimal, cum_qty: Decimal) -> Decimal | None:
    """Average price; None before the first fill."""
    return cum_quote_qty / cum_qty if cum_qty > 0 and cum_quote_qty > 0 else None


def text_or_none(value: Id | None) -> str | None:
    """An id as text; null and empty text are none."""
    return str(value) if value not in (None, "") else None
