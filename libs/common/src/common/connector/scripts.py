"""What a socket is told and what it tells: sans-io scripts and the events they answer with."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from common.accounts import BalanceFact, Credentials
from common.connector.outcomes import HttpRequest, Reply, Unknown
from common.market import MarketFact
from common.orders import OrderFact

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
