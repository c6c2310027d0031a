"""The ports between the connector kit and an exchange: pure protocols and frozen types, no I/O and no clock.

The kit owns sockets, HTTP, time, retries, limits and Kafka. An exchange is a translator: a `Dialect` turns commands
and questions into unsigned requests, signs them and reads the replies; a `PrivateStream` says what to send on a
socket and reads what arrives on it. Both take the time as an argument and answer with values, so that every one of
them can be tested with recorded bytes alone. An exchange package joins its rooms in `dialect.py`, in one class that
takes its base URLs and its validity window as keyword arguments: Binance's is
`BinanceDialect(ws_api_url=..., stream_url=..., recv_window_ms=...)`.

Four shapes of exchange were held against these ports: Binance (many accounts on one socket, each subscribed with a
signature; orders over REST or over the socket), Bitget (login once per socket, so one account per socket; plan
orders live under other paths than orders), Gate.io (each subscribe frame signed; trigger orders without our ids; some
frames only say "go and read") and MEXC (a listen key, fetched and kept alive over REST, stands in the URL; protobuf).
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import msgspec

from common.accounts import BalanceChanged, BalanceFact, Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder, SubmitOrderList
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Depth, MarketFact, PublicTrade, Ticker
from common.orders import OrderFact, OrderFilled, OrderSnapshot

T = TypeVar("T")


# --- requests and replies -------------------------------------------------------------------------------------------


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


# --- reads ----------------------------------------------------------------------------------------------------------


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


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may do; `problem` says in a sentence why it cannot be used."""

    ok: bool
    can_trade: bool
    can_withdraw: bool
    account_kind: str | None = None
    problem: str | None = None


class Dialect(Protocol):
    """One exchange's own language: requests out, replies in. Pure; one object serves all accounts."""

    exchange: Exchange
    validity_ms: int
    """A signed request cannot reach the exchange's engine later than this after its timestamp (Binance recvWindow)."""
    backend_timeout_ms: int
    """How much longer the exchange itself may take to learn what became of a request it let in."""
    accounts_per_socket: int
    """How many accounts one private socket may carry."""

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
        """The bytes to send; `now_ms` is the exchange's time. Credentials are None for unsigned requests only.

        Raises a CgtError when the secret cannot sign: the account is then parked.
        """
        ...

    def usage(self, reply: Reply) -> Usage:
        """What the headers of a reply say of the limits; never raises."""
        ...

    def initial_limits(self) -> tuple[RateLimit, ...]:
        """The documented limits, in force until the exchange has told its own."""
        ...

    def submit_order(self, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]: ...

    def submit_order_list(self, command: SubmitOrderList, instrument: Instrument) -> Call[Outcome]:
        """Only called where the capability table says native OCO."""
        ...

    def cancel_order(self, command: CancelOrder) -> Call[Outcome]:
        """A cancel of an order, or of its whole list. "Unknown order" is Rejected(NOT_FOUND): the kit then asks."""
        ...

    def cancel_all_orders(self, command: CancelAllOrders) -> Call[Outcome]:
        """Nothing to cancel is Accepted without facts."""
        ...

    def fetch_order(self, ref: OrderRef) -> Call[OrderAnswer]: ...

    def fetch_order_list(self, account_id: str, list_client_order_id: str) -> Call[OrderListAnswer]: ...

    def fetch_open_orders(
        self, account_id: str, symbol: str | None
    ) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
        """All symbols when None, where the exchange can; waiting trigger orders are open orders too."""
        ...

    def fetch_my_trades(
        self, account_id: str, symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None
    ) -> Call[tuple[OrderFilled, ...] | Rejected | Unknown]:
        """Trades with their fees, oldest first. `client_order_id`, `order_type`, `status` and `cum_qty` are None where
        the exchange does not tell: the kit adds them from the order."""
        ...

    def fetch_balances(self, account_id: str) -> Call[BalanceChanged | Rejected | Unknown]: ...

    def check_key(self) -> Call[KeyCheck | Rejected | Unknown]:
        """An authentication refusal is a KeyCheck that is not ok; Rejected is left for limits and clock."""
        ...

    def fetch_time(self) -> Call[int | Rejected | Unknown]:
        """The exchange's clock in ms."""
        ...

    def fetch_instruments(self) -> Call[ExchangeInfo | Rejected | Unknown]: ...

    def fetch_tickers(self, symbols: Sequence[str]) -> Call[tuple[Ticker, ...] | Rejected | Unknown]:
        """At least last, bid and ask; an empty sequence asks for all."""
        ...

    def fetch_candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None = None, end_ms: int | None = None
    ) -> Call[tuple[Candle, ...] | Rejected | Unknown]: ...

    def fetch_depth(self, symbol: str, limit: int) -> Call[Depth | Rejected | Unknown]: ...

    def fetch_public_trades(self, symbol: str, limit: int) -> Call[tuple[PublicTrade, ...] | Rejected | Unknown]: ...

    def private_stream(self) -> "PrivateStream":
        """A fresh stream for one new socket."""
        ...

    def market_stream(self) -> "MarketStream": ...

    def order_socket(self) -> "OrderSocket | None":
        """A fresh socket for order entry; None where the exchange takes orders over REST only."""
        ...


@runtime_checkable
class SpawnsOrders(Protocol):
    """Said by dialects of exchanges whose trigger orders spawn another order when they fire (Bitget, Gate.io)."""

    def spawned(self, order: OrderSnapshot) -> bool:
        """Whether the order stands in the place of a trigger order that has fired: `OrderTriggered` is then due."""
        ...


# --- streams --------------------------------------------------------------------------------------------------------

Frame = str | bytes
"""Text frames are str, binary ones bytes, both ways."""


class Send(msgspec.Struct, frozen=True, tag=True):
    """Write this frame. It may hold a signature: it is never logged."""

    frame: Frame

    def __repr__(self) -> str:
        return f"Send({len(self.frame)} hidden)"

    __str__ = __repr__


class Ask(msgspec.Struct, frozen=True, tag=True):
    """Make this REST request for the account and hand its reply to `on_reply` (MEXC's listen key)."""

    request_id: str
    account_id: str
    request: HttpRequest


class FactsReceived(msgspec.Struct, frozen=True, tag=True):
    """A frame read; `orders` and `balances` in the order the exchange told them."""

    account_id: str
    orders: tuple[OrderFact, ...] = ()
    balances: tuple[BalanceFact, ...] = ()


class MarketReceived(msgspec.Struct, frozen=True, tag=True):
    """Public market data read from a frame."""

    facts: tuple[MarketFact, ...]


class Subscribed(msgspec.Struct, frozen=True, tag=True):
    """Facts of this account arrive from now on. The kit closes the gap before it calls the account live."""

    account_id: str


class SubscriptionLost(msgspec.Struct, frozen=True, tag=True):
    """No more facts of this account: not retryable means that its key is refused, and it alone is parked."""

    account_id: str
    reason: str
    retryable: bool


class ReadAgain(msgspec.Struct, frozen=True, tag=True):
    """Something changed, but the frame does not say what (Gate.io's price orders): the kit reads the account."""

    account_id: str
    reason: str


class ReplyReceived(msgspec.Struct, frozen=True, tag=True):
    """The answer to a request of an order socket, shaped as the REST reply would have been."""

    request_id: str
    reply: Reply


class CloseAndReconnect(msgspec.Struct, frozen=True, tag=True):
    """This socket ends. `planned`: it still works, so the new one is opened before the old is closed."""

    reason: str
    planned: bool = False


class Unreadable(msgspec.Struct, frozen=True, tag=True):
    """A frame nobody understands: it goes to dead letters, and its account (all of the socket if None) is read."""

    raw: bytes
    reason: str
    account_id: str | None = None


StreamEvent = (
    Send
    | Ask
    | FactsReceived
    | MarketReceived
    | Subscribed
    | SubscriptionLost
    | ReadAgain
    | ReplyReceived
    | CloseAndReconnect
    | Unreadable
)
StreamEvents = list[StreamEvent]


class SocketScript(Protocol):
    """What is said on one socket, without owning it. `now_ms` is always the exchange's time.

    The kit calls `prepare` first and makes its asks until `url` answers; then it connects and calls `on_open`; then
    `on_frame` for every data frame and `on_time` about once a second. After a loss it throws the object away.
    """

    def prepare(self, now_ms: int) -> StreamEvents:
        """What must be asked before the URL is known; usually nothing."""
        ...

    def url(self) -> str | None:
        """Where to connect; None while asks are open."""
        ...

    def on_open(self, now_ms: int) -> StreamEvents:
        """The socket is connected: log in, subscribe what was added."""
        ...

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """Reads one data frame. Never raises: bytes it cannot read become `Unreadable`."""
        ...

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """The answer to an `Ask`."""
        ...

    def on_time(self, now_ms: int) -> StreamEvents:
        """Text pings, keep-alives, subscriptions that were never acknowledged."""
        ...


class PrivateStream(SocketScript, Protocol):
    """The private facts of up to `accounts_per_socket` accounts on one socket. Starts empty."""

    def add(self, credentials: Credentials, now_ms: int) -> StreamEvents:
        """Adds an account: before `on_open` it is remembered, after it the subscription is sent at once.

        Adding an account again replaces its credentials (a renewed lease) and sends nothing if it is subscribed.
        """
        ...

    def remove(self, account_id: str, now_ms: int) -> StreamEvents:
        """Stops streaming the account and forgets its credentials."""
        ...


class MarketStream(SocketScript, Protocol):
    """Public data of the symbols watched. Frames are paced by the kit (Binance takes 5 a second)."""

    def watch(self, symbols: Sequence[str], channels: Sequence["MarketChannel"], now_ms: int) -> StreamEvents:
        """Adds symbols: before `on_open` remembered, after it subscribed at once."""
        ...

    def unwatch(self, symbols: Sequence[str], channels: Sequence["MarketChannel"], now_ms: int) -> StreamEvents: ...


class MarketChannel(StrEnum):
    """What can be watched of a symbol."""

    TICKER = "ticker"
    BOOK_TICKER = "book_ticker"
    CANDLES = "candles"
    """One-minute candles."""
    DEPTH = "depth"
    TRADES = "trades"


class OrderSocket(SocketScript, Protocol):
    """Order entry over a socket: requests of many accounts, answered in any order by `ReplyReceived`."""

    def request(self, request_id: str, request: HttpRequest, credentials: Credentials, now_ms: int) -> Frame:
        """The signed frame for a request whose `channel` is not empty. Raises as `Dialect.sign` does."""
        ...
