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

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from common.accounts import BalanceChanged, Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder, SubmitOrderList
from common.connector.outcomes import (
    Accepted,
    Call,
    ExchangeInfo,
    FateKind,
    HttpRequest,
    KeyCheck,
    LimitKind,
    LimitScope,
    LimitShape,
    OrderAbsent,
    OrderAnswer,
    OrderFate,
    OrderFound,
    OrderListAnswer,
    OrderListFound,
    OrderQuestion,
    OrderRef,
    Outcome,
    RateLimit,
    Rejected,
    Reply,
    SignedRequest,
    Unknown,
    Usage,
)
from common.connector.scripts import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    Frame,
    MarketChannel,
    MarketReceived,
    MarketStream,
    OrderSocket,
    PrivateStream,
    ReadAgain,
    ReplyReceived,
    Send,
    SocketScript,
    StreamEvent,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
    Unreadable,
)
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderFilled, OrderSnapshot

__all__ = [
    "Accepted",
    "Ask",
    "Call",
    "CloseAndReconnect",
    "Dialect",
    "ExchangeInfo",
    "FactsReceived",
    "FateKind",
    "Frame",
    "HttpRequest",
    "KeyCheck",
    "LimitKind",
    "LimitScope",
    "LimitShape",
    "MarketChannel",
    "MarketReceived",
    "MarketStream",
    "OrderAbsent",
    "OrderAnswer",
    "OrderFate",
    "OrderFound",
    "OrderListAnswer",
    "OrderListFound",
    "OrderQuestion",
    "OrderRef",
    "OrderSocket",
    "Outcome",
    "PrivateStream",
    "RateLimit",
    "ReadAgain",
    "Rejected",
    "Reply",
    "ReplyReceived",
    "Send",
    "SignedRequest",
    "SocketScript",
    "SpawnsOrders",
    "StreamEvent",
    "StreamEvents",
    "Subscribed",
    "SubscriptionLost",
    "Unknown",
    "Unreadable",
    "Usage",
]


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
