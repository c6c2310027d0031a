"""Order facts: what an exchange said happened to an order.

Every fact carries its own truth (status, cumulative quantity), so that duplicates and disorder are harmless.
Nouns are FIX's; quantities are in base asset, prices and `avg_px` in quote asset per base, times in ms.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import msgspec

from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.order_types import OrderType as OrderType  # noqa: PLC0414 - orders lend their kinds to the exchanges' table.


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def terminal(self) -> bool:
        """Whether the order can no longer trade."""
        return self not in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}


class FactBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """The fields every order fact has; absent is null, never left out."""

    account_id: str
    exchange: Exchange
    symbol: str
    client_order_id: str | None = None
    exchange_order_id: str | None = None
    side: Side | None = None
    order_type: OrderType | None = None
    status: OrderStatus | None = None
    qty: Decimal | None = None
    price: Decimal | None = None
    cum_qty: Decimal | None = None
    avg_px: Decimal | None = None
    last_qty: Decimal | None = None
    last_px: Decimal | None = None
    trade_id: str | None = None
    fee: Decimal | None = None
    fee_asset: str | None = None
    ts_event_ms: int
    """When it happened, by the exchange's clock."""
    ts_init_ms: int
    """When we learned of it, by ours."""
    trigger_px: Decimal | None = None
    list_client_order_id: str | None = None
    exchange_list_id: str | None = None


class OrderAccepted(FactBase, frozen=True, kw_only=True, tag="order.accepted"):
    """The exchange has the order (it may still wait for its trigger)."""


class OrderTriggered(FactBase, frozen=True, kw_only=True, tag="order.triggered"):
    """A waiting order's price was reached; it works now."""


class OrderFilled(FactBase, frozen=True, kw_only=True, tag="order.filled"):
    """One trade: `last_qty` at `last_px`, `trade_id` unique per symbol, `cum_qty` including it."""


class OrderCanceled(FactBase, frozen=True, kw_only=True, tag="order.canceled"):
    """Ended by a cancel; `cum_qty` may be above zero."""


class OrderExpired(FactBase, frozen=True, kw_only=True, tag="order.expired"):
    """Ended by the exchange: an OCO partner, an unfilled IOC rest, a pending leg that could not be placed."""

    reason: str | None = None


class OrderRejected(FactBase, frozen=True, kw_only=True, tag="order.rejected"):
    """Provably not placed: refused, never arrived, or not sent because its validity had passed."""

    category: ErrorCategory
    code: str | None = None
    reason: str | None = None
    market_px: Decimal | None = None
    """The last price when the refusal came, where the connector looked it up."""
    available_qty: Decimal | None = None
    """The free balance of what was to be sold, where the connector looked it up."""


class OrderUnknown(FactBase, frozen=True, kw_only=True, tag="order.unknown"):
    """A request went out and no usable answer came back: the order stays in flight until it is settled."""

    operation: Literal["submit", "cancel", "query"] = "submit"
    code: str | None = None
    reason: str | None = None


class OrderSnapshot(FactBase, frozen=True, kw_only=True, tag="order.snapshot"):
    """What the exchange says of an order when asked."""


class ListStatus(FactBase, frozen=True, kw_only=True, tag="order.list_status"):
    """What the exchange says of an order list as a whole; the legs' own facts decide."""

    contingency_type: str
    list_status_type: str
    list_order_status: str
    legs: tuple[str, ...] = ()
    """Client order ids."""


class HoldingShort(FactBase, frozen=True, kw_only=True, tag="order.holding_short"):
    """The account holds less of the base asset than a bracket counts: some was sold or moved by hand.

    Told only after two looks, and good for one version of the bracket: whatever happened to it since makes this void.
    """

    bracket_id: str
    bracket_version: int
    held_qty: Decimal
    """What of the bracket's quantity the account can still hold."""


OrderFact = (
    OrderAccepted
    | OrderTriggered
    | OrderFilled
    | OrderCanceled
    | OrderExpired
    | OrderRejected
    | OrderUnknown
    | OrderSnapshot
    | ListStatus
    | HoldingShort
)

ORDER_FACTS: tuple[type[FactBase], ...] = (
    OrderAccepted,
    OrderTriggered,
    OrderFilled,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
    OrderUnknown,
    OrderSnapshot,
    ListStatus,
    HoldingShort,
)


def type_of(message: Any) -> str:
    """The tag of a message, as it stands in its `type` field and in the `ce_type` header."""
    return type_of_class(type(message))


def type_of_class(message_type: type[Any]) -> str:
    """The tag that all messages of a class carry."""
    return str(message_type.__struct_config__.tag)
