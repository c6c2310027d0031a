"""What all translations share: statuses, amounts that may be trusted, the mean price."""

from decimal import Decimal

from common.connector.amounts import ZERO, finite
from common.errors import UnreadableFrame
from common.orders import OrderStatus, OrderType

_STATUSES = {
    "NEW": OrderStatus.NEW,
    # Accepted, and waiting for the working order of its list.
    "PENDING_NEW": OrderStatus.NEW,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    # Ended by self-trade prevention; it may have traded before.
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_ORDER_TYPES = {order_type.value: order_type for order_type in OrderType}


def status_of(word: str, cum_qty: Decimal) -> OrderStatus | None:
    """Our status for Binance's word; None for a word that is not documented, because a state is never guessed."""
    if word == "PENDING_CANCEL":  # Documented as unused: the order still works.
        return OrderStatus.PARTIALLY_FILLED if cum_qty > 0 else OrderStatus.NEW
    return _STATUSES.get(word)


def order_type_of(word: str | None) -> OrderType | None:
    """Our order type; None for types that were invented after this was written."""
    return None if word is None else _ORDER_TYPES.get(word)


def amount(value: Decimal, name: str) -> Decimal:
    """The value, if it is a number from zero up. Raises UnreadableFrame naming the field."""
    if finite(value, name) < ZERO:
        raise UnreadableFrame(f"{name}: below zero")
    # One zero: replies and streams write it with different digits, and a fact told by both is one fact.
    return value or ZERO


def positive_or_none(value: Decimal | None, name: str) -> Decimal | None:
    """Binance writes zero where it means "none": a market order's price, a limit order's stop price."""
    return amount(value, name) or None if value is not None else None


def mean_px(cum_quote_qty: Decimal, cum_qty: Decimal) -> Decimal | None:
    """Average price; None before the first fill, and for old orders whose quote quantity is negative (unknown)."""
    if cum_qty <= 0 or finite(cum_quote_qty, "cumulative quote quantity") <= 0:
        return None
    return cum_quote_qty / cum_qty


def list_id_of(order_list_id: int) -> str | None:
    """The exchange's list id; -1 says that the order belongs to none."""
    return None if order_list_id < 0 else str(order_list_id)
