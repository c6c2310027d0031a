"""What the kit sends and what comes of it: requests, replies, outcomes and answers as frozen values."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec

from common.commands import SubmitOrder
from common.errors import ErrorCategory
from common.instruments import Instrument
from common.orders import OrderFact, OrderSnapshot

T = TypeVar("T")


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One unsigned request, without host, time and key."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    """In the order they will be signed and sent; values are plain text, not yet percent-encoded."""
    body: Any = None
    """A JSON value, for exchanges that take JSON bodies (Bitget, Gate.io); else None."""
    signed: bool = False
    read: bool = False
    """Asking twice changes nothing, so the kit may repeat it."""
    weight: int = 1
    """Request weight per IP, as the exchange documents it."""
    free_when_accepted: bool = False
    """The weight is given back when the exchange does what was asked (Binance's orders and cancels since 2026-04)."""
    order_count: int = 0
    """How many orders it counts for in the account's order limits."""
    bucket: str = ""
    """The endpoint's own limit where the exchange has limits per endpoint (`RateLimit.bucket`); else empty."""
    lane: str = ""
    """What a limit that counts apart (`RateLimit.per_lane`) counts this request under: a market, a market and rule."""
    channel: str = ""
    """The name of the same request on the order socket (Binance `order.place`); empty if it exists over REST only."""


class SignedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly the bytes that were signed: the kit sends them as they are and re-encodes nothing."""

    method: str
    target: str
    """Path and query, percent-encoded; the kit puts the base URL in front."""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def __repr__(self) -> str:
        return f"SignedRequest({self.method} {self.target.partition('?')[0]}, signed parts hidden)"

    __str__ = __repr__


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, over REST or (with the body a REST answer would have had) over the order socket."""

    status: int
    headers: dict[str, str] = {}
    """Names in lower case."""
    body: bytes = b""


class Accepted(msgspec.Struct, frozen=True, tag=True):
    """The exchange did it; `facts` is what its reply says (accepted, filled with fees, canceled)."""

    facts: tuple[OrderFact, ...]
    done: bool = True
    """False where it only took the request (a cancel on MEXC): the kit asks until it sees what came of it."""


class Rejected(msgspec.Struct, frozen=True, tag=True):
    """Provably refused: nothing was done. Only codes on the exchange's allowlist may become this."""

    category: ErrorCategory
    code: str
    reason: str
    retry_after_ms: int | None = None
    """How long the exchange asks us to wait, from now; None where it says nothing."""


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """Nobody can say whether it was done: timeout, 5xx, lost socket, an answer we cannot read."""

    code: str
    reason: str


Outcome = Accepted | Rejected | Unknown


class OrderFound(msgspec.Struct, frozen=True):
    """The exchange has (or had) the order."""

    order: OrderSnapshot


class OrderAbsent(msgspec.Struct, frozen=True):
    """The exchange says it has no such order. Whether that is conclusive only time tells; the kit waits for it."""

    code: str


class OrderListFound(msgspec.Struct, frozen=True):
    """The legs of an order list by their client ids."""

    legs: tuple[str, ...]


OrderAnswer = OrderFound | OrderAbsent | Rejected | Unknown
OrderListAnswer = OrderListFound | OrderAbsent | Rejected | Unknown


class Call(msgspec.Struct, Generic[T], frozen=True):
    """One request and how to read its reply: a pure value, so that it can be previewed without being sent.

    `read(reply, now_ms)` answers what the reply means, or another call to make first: the next page, or the other
    place where an exchange may keep the order (Bitget's plan orders, Gate.io's price orders). It never raises: a
    reply it cannot read is `Unknown`. `now_ms` becomes `ts_init_ms`.
    """

    request: HttpRequest
    read: Callable[[Reply, int], "T | Call[T]"]


# --- limits ---------------------------------------------------------------------------------------------------------


class LimitKind(StrEnum):
    WEIGHT = "weight"
    REQUESTS = "requests"
    ORDERS = "orders"


class LimitScope(StrEnum):
    IP = "ip"
    ACCOUNT = "account"


class LimitShape(StrEnum):
    FIXED_WINDOW = "fixed_window"
    """Counts from the last multiple of the interval since the epoch (Binance)."""
    SLIDING_WINDOW = "sliding_window"
    """Counts over the last interval before now (MEXC, Gate.io, Bitget, read carefully)."""


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """At most `limit` of `kind` per `interval_ms`, counted per IP or per account."""

    kind: LimitKind
    scope: LimitScope
    interval_ms: int
    limit: int
    bucket: str = ""
    """Only requests of this bucket count; empty means every request."""
    per_lane: bool = False
    """Every lane of the requests has this limit to itself (Gate.io: orders per market)."""
    shape: LimitShape = LimitShape.FIXED_WINDOW


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a reply says of the limits: used so far per (kind, interval in ms), and how long to stop."""

    used: tuple[tuple[LimitKind, int, int], ...] = ()
    retry_after_ms: int | None = None
    """Set on a refusal for a limit: everything of `retry_scope` stops that long (0 if the reply names no time)."""
    retry_scope: LimitScope = LimitScope.IP
    """ACCOUNT where only this account's orders must wait (Binance -1015)."""


class ExchangeInfo(msgspec.Struct, frozen=True):
    """What may be traded, and the limits the exchange announces beside it."""

    instruments: tuple[Instrument, ...]
    limits: tuple[RateLimit, ...]


class OrderRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which order is asked for. The exchange's own id is the surer one where it is known."""

    account_id: str
    symbol: str
    client_order_id: str | None = None
    exchange_order_id: str | None = None
    waits_for_trigger: bool | None = None
    """A hint where to look first, for exchanges that keep trigger orders apart."""
    terms: SubmitOrder | None = None
    """What it was placed with, for exchanges that keep no id of ours (Gate.io's price orders)."""
    taken: tuple[str, ...] = ()
    """Exchange ids of other orders: whoever looks for the terms must not take one of these for it."""
    ended: bool = False
    """It is over; what is still remembered of it keeps its terms from being taken for another order's."""


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may do; `problem` says in a sentence why it cannot be used."""

    ok: bool
    can_trade: bool
    can_withdraw: bool | None = None
    """None where the exchange does not tell."""
    account_kind: str | None = None
    problem: str | None = None


class OrderQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What became of this order? Asked by another service, over the internal HTTP API."""

    ref: OrderRef
    submitted_ms: int
    """When the request that placed it may last have left us, by our clock."""


class FateKind(StrEnum):
    """What one look at an order has shown."""

    FOUND = "found"
    ABSENT = "absent"
    """Not there now, which proves nothing yet: it may still arrive."""
    NEVER_ARRIVED = "never_arrived"
    """Not there, no trade of it, and it can no longer arrive (DESIGN, section 6.4)."""
    UNCLEAR = "unclear"
    """The exchange gave no usable answer."""
    SETTLING = "settling"
    """The connector is asking already, and will publish what it learns: nothing was asked again."""


class OrderFate(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an OrderQuestion."""

    kind: FateKind
    facts: tuple[OrderFact, ...] = ()
    """Of an order that was found: its trades, oldest first, then what it looks like now."""
    code: str = ""
    reason: str = ""
