"""The exchange's shapes: its one-letter keys and its spelling become our names here, once.

Strict where a field drives an order (ids, quantities, prices, states), lenient where it only describes. Keys we do not
name are ignored: Binance adds some every few months. Case matters in user events: `c` and `C`, `x` and `X`, `l` and
`L` are different fields (user data stream documentation, "Payload: Order Update").
"""

from decimal import Decimal
from typing import Any

import msgspec

from common.orders import Side

ZERO = Decimal(0)
NO_LIST = -1
NO_TRADE = -1


class Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object of Binance; unknown keys are ignored."""


# User data events: the tag is `e`.


class ExecutionReport(Frame, frozen=True, kw_only=True, tag_field="e", tag="executionReport"):
    symbol: str = msgspec.field(name="s")
    client_order_id: str = msgspec.field(name="c")
    side: Side = msgspec.field(name="S")
    order_type: str = msgspec.field(name="o")
    qty: Decimal = msgspec.field(name="q")
    price: Decimal = msgspec.field(name="p", default=ZERO)
    stop_price: Decimal = msgspec.field(name="P", default=ZERO)
    order_list_id: int = msgspec.field(name="g", default=NO_LIST)
    original_client_order_id: str | None = msgspec.field(name="C", default=None)
    execution_type: str = msgspec.field(name="x")
    order_status: str = msgspec.field(name="X")
    reject_reason: str = msgspec.field(name="r", default="NONE")
    order_id: int = msgspec.field(name="i")
    last_qty: Decimal = msgspec.field(name="l")
    cum_qty: Decimal = msgspec.field(name="z")
    last_px: Decimal = msgspec.field(name="L")
    commission: Decimal | None = msgspec.field(name="n", default=None)
    commission_asset: str | None = msgspec.field(name="N", default=None)
    transact_time_ms: int = msgspec.field(name="T")
    trade_id: int = msgspec.field(name="t", default=NO_TRADE)
    is_working: bool = msgspec.field(name="w", default=True)
    cum_quote_qty: Decimal = msgspec.field(name="Z")
    expiry_reason: str | None = msgspec.field(name="eR", default=None)
    pegged_price: Decimal | None = msgspec.field(name="gp", default=None)


class ListStatusLeg(Frame, frozen=True, kw_only=True):
    order_id: int = msgspec.field(name="i")
    client_order_id: str = msgspec.field(name="c")


class ListStatusEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="listStatus"):
    symbol: str = msgspec.field(name="s")
    order_list_id: int = msgspec.field(name="g")
    contingency_type: str = msgspec.field(name="c")
    list_status_type: str = msgspec.field(name="l")
    list_order_status: str = msgspec.field(name="L")
    list_client_order_id: str = msgspec.field(name="C")
    transact_time_ms: int = msgspec.field(name="T")
    legs: tuple[ListStatusLeg, ...] = msgspec.field(name="O", default=())


class PositionBalance(Frame, frozen=True, kw_only=True):
    asset: str = msgspec.field(name="a")
    free: Decimal = msgspec.field(name="f")
    locked: Decimal = msgspec.field(name="l")


class AccountPosition(Frame, frozen=True, kw_only=True, tag_field="e", tag="outboundAccountPosition"):
    event_time_ms: int = msgspec.field(name="E")
    updated_ms: int | None = msgspec.field(name="u", default=None)
    balances: tuple[PositionBalance, ...] = msgspec.field(name="B")


class BalanceUpdate(Frame, frozen=True, kw_only=True, tag_field="e", tag="balanceUpdate"):
    asset: str = msgspec.field(name="a")
    delta: Decimal = msgspec.field(name="d")
    time_ms: int = msgspec.field(name="T")


class ExternalLockUpdate(Frame, frozen=True, kw_only=True, tag_field="e", tag="externalLockUpdate"):
    asset: str = msgspec.field(name="a")
    delta: Decimal = msgspec.field(name="d")
    time_ms: int = msgspec.field(name="T")


class EventStreamTerminated(Frame, frozen=True, kw_only=True, tag_field="e", tag="eventStreamTerminated"):
    event_time_ms: int | None = msgspec.field(name="E", default=None)


class ServerShutdown(Frame, frozen=True, kw_only=True, tag_field="e", tag="serverShutdown"):
    event_time_ms: int | None = msgspec.field(name="E", default=None)


UserEvent = (
    ExecutionReport
    | ListStatusEvent
    | AccountPosition
    | BalanceUpdate
    | ExternalLockUpdate
    | EventStreamTerminated
    | ServerShutdown
)


# REST bodies, which are also the `result` and `error` of the WebSocket API.


class Fill(Frame, frozen=True, kw_only=True):
    price: Decimal
    qty: Decimal
    commission: Decimal
    commission_asset: str | None = None
    trade_id: int


class OrderBody(Frame, frozen=True, kw_only=True):
    """Every order object: placement (ACK has only the first fields), cancel, query, amend, leg of a list.

    Placements and cancels say `transactTime`, queries `time` and `updateTime`. The cumulative quote is spelled with two
    m's everywhere but in the amend reply, where the quantity is `qty` as well.
    """

    symbol: str
    order_id: int
    client_order_id: str
    order_list_id: int = NO_LIST
    orig_client_order_id: str | None = None
    transact_time: int | None = None
    time: int | None = None
    update_time: int | None = None
    price: Decimal = ZERO
    orig_qty: Decimal | None = None
    qty: Decimal | None = None
    executed_qty: Decimal | None = None
    cummulative_quote_qty: Decimal | None = None
    cumulative_quote_qty: Decimal | None = None
    status: str | None = None
    order_type: str | None = msgspec.field(name="type", default=None)
    side: Side | None = None
    stop_price: Decimal = ZERO
    is_working: bool | None = None
    working_time: int | None = None
    fills: tuple[Fill, ...] | None = None
    expiry_reason: str | None = None
    pegged_price: Decimal | None = None


class ListLegRef(Frame, frozen=True, kw_only=True):
    order_id: int
    client_order_id: str


class OrderListBody(Frame, frozen=True, kw_only=True):
    """An order list; `orderReports` is there after placement and cancel, never in queries."""

    symbol: str
    order_list_id: int
    contingency_type: str
    list_status_type: str
    list_order_status: str
    list_client_order_id: str
    transaction_time: int
    orders: tuple[ListLegRef, ...] = ()
    order_reports: tuple[OrderBody, ...] | None = None


class ErrorBody(Frame, frozen=True, kw_only=True):
    code: int
    msg: str = ""
    data: Any = None


class CancelReplaceBody(Frame, frozen=True, kw_only=True):
    """Success answers it plainly; a partial or full failure carries it as `data` of the error."""

    cancel_result: str
    new_order_result: str
    cancel_response: msgspec.Raw = msgspec.Raw(b"null")
    new_order_response: msgspec.Raw = msgspec.Raw(b"null")


class AmendBody(Frame, frozen=True, kw_only=True):
    transact_time: int
    amended_order: OrderBody


class TradeBody(Frame, frozen=True, kw_only=True):
    """One trade of `myTrades`: it has no client order id, and the side is a flag."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int = NO_LIST
    price: Decimal
    qty: Decimal
    quote_qty: Decimal | None = None
    commission: Decimal
    commission_asset: str | None = None
    time: int
    is_buyer: bool


# Frames of the WebSocket API.


class RateLimitBody(Frame, frozen=True, kw_only=True):
    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int
    count: int | None = None


class WsApiFrame(Frame, frozen=True, kw_only=True):
    """Any frame of the WebSocket API: an event of a subscription, or the answer to a request."""

    subscription_id: int | None = None
    event: UserEvent | None = None
    id: str | int | None = None
    status: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")
    rate_limits: tuple[RateLimitBody, ...] = ()


class EventName(Frame, frozen=True, kw_only=True):
    """Only the type of an event: read when the event itself could not be."""

    e: str


class EventEnvelope(Frame, frozen=True, kw_only=True):
    """Only whose event it is, and its type."""

    subscription_id: int | None = None
    event: EventName


USER_EVENT_NAMES = frozenset(
    {
        "executionReport",
        "listStatus",
        "outboundAccountPosition",
        "balanceUpdate",
        "externalLockUpdate",
        "eventStreamTerminated",
        "serverShutdown",
    }
)
