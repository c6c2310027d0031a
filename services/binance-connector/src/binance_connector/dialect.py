"""Binance as the connector kit's Dialect: requests out, replies in, one object for all accounts."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

from binance_connector import prices, queries, reads, replies, requests, symbols
from binance_connector.frames import ErrorBody
from binance_connector.market_stream import PublicStream
from binance_connector.order_socket import OrderEntry
from binance_connector.read_frames import (
    DepthBody,
    ExchangeInfoBody,
    KlineRow,
    PublicTradeBody,
    ServerTimeBody,
    TickerBody,
)
from binance_connector.signing import signed_request
from binance_connector.stream import UserDataStream
from common.accounts import BalanceChanged, Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder, SubmitOrderList
from common.connector.bodies import parse, retry_after_ms
from common.connector.ports import (
    Call,
    ExchangeInfo,
    HttpRequest,
    KeyCheck,
    LimitKind,
    LimitScope,
    OrderAnswer,
    OrderListAnswer,
    OrderRef,
    Outcome,
    RateLimit,
    Rejected,
    Reply,
    SignedRequest,
    Unknown,
    Usage,
)
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderFilled, OrderSnapshot

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
# The API gives up on its engine after 10 s (-1007); a second more for its database.
BACKEND_TIMEOUT_MS = 11_000
SUBSCRIPTIONS_PER_CONNECTION = 1_000
WS_API_PATH = "/ws-api/v3"
COMBINED_PATH = "/stream"

_USAGE = re.compile(r"x-mbx-(used-weight|order-count)-([1-9][0-9]{0,5})([smhd])")
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
TOO_MANY_ORDERS = -1015


class BinanceDialect:
    """Implements the kit's Dialect. A small `recv_window_ms` bounds how long an unanswered order may still arrive."""

    exchange = Exchange.BINANCE
    backend_timeout_ms = BACKEND_TIMEOUT_MS
    accounts_per_socket = SUBSCRIPTIONS_PER_CONNECTION

    def __init__(self, *, ws_api_url: str, stream_url: str, recv_window_ms: int = DEFAULT_RECV_WINDOW_MS) -> None:
        assert 0 < recv_window_ms <= MAX_RECV_WINDOW_MS, "recvWindow is 1 to 60000 ms"
        self.validity_ms = recv_window_ms
        self._ws_api_url = _with_path(ws_api_url, WS_API_PATH)
        self._stream_url = _with_path(stream_url, COMBINED_PATH)

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
        """The bytes to send. Raises UnusableSecret."""
        return signed_request(request, credentials, now_ms, self.validity_ms)

    def usage(self, reply: Reply) -> Usage:
        """`X-MBX-USED-WEIGHT-1M` and `X-MBX-ORDER-COUNT-10S` count what is used; 429 and 418 stop us."""
        used = tuple(
            (kind, int(match[2]) * _UNIT_MS[match[3]], int(value))
            for name, value in reply.headers.items()
            if (match := _USAGE.fullmatch(name)) and value.isascii() and value.isdecimal()
            for kind in (LimitKind.WEIGHT if match[1] == "used-weight" else LimitKind.ORDERS,)
        )
        if reply.status not in {replies.TOO_MANY_REQUESTS, replies.BANNED}:
            return Usage(used=used, retry_after_ms=retry_after_ms(reply))
        scope = LimitScope.ACCOUNT if _code(reply) == TOO_MANY_ORDERS else LimitScope.IP
        return Usage(used=used, retry_after_ms=retry_after_ms(reply) or 0, retry_scope=scope)

    def initial_limits(self) -> tuple[RateLimit, ...]:
        """The documented limits."""
        return symbols.DOCUMENTED_LIMITS

    def submit_order(self, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused for a command no request can say."""
        account_id = command.account_id
        return Call(
            requests.submit_order(command, instrument), lambda reply, now: replies.placed(account_id, reply, now)
        )

    def submit_order_list(self, command: SubmitOrderList, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused for a command no request can say."""
        account_id = command.account_id
        return Call(
            requests.submit_order_list(command, instrument), lambda reply, now: replies.placed(account_id, reply, now)
        )

    def cancel_order(self, command: CancelOrder) -> Call[Outcome]:
        """Raises Refused for a cancel that names nothing."""
        account_id = command.account_id
        return Call(requests.cancel_order(command), lambda reply, now: replies.canceled(account_id, reply, now))

    def cancel_all_orders(self, command: CancelAllOrders) -> Call[Outcome]:
        """Orders and lists; nothing open is Accepted."""
        account_id = command.account_id
        return Call(
            requests.cancel_all_orders(command), lambda reply, now: replies.all_canceled(account_id, reply, now)
        )

    def fetch_order(self, ref: OrderRef) -> Call[OrderAnswer]:
        """By every name the order may have."""
        return reads.order(ref)

    def fetch_order_list(self, account_id: str, list_client_order_id: str) -> Call[OrderListAnswer]:
        """The legs of a list."""
        return reads.order_list(list_client_order_id)

    def fetch_open_orders(
        self, account_id: str, symbol: str | None
    ) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
        """Open orders, waiting stops among them."""
        return reads.open_orders(account_id, symbol)

    def fetch_my_trades(
        self, account_id: str, symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None
    ) -> Call[tuple[OrderFilled, ...] | Rejected | Unknown]:
        """Trades, oldest first, with fees."""
        return reads.my_trades(account_id, symbol, since_ms=since_ms, exchange_order_id=exchange_order_id)

    def fetch_balances(self, account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
        """All balances, zeros included."""
        return reads.balances(account_id)

    def check_key(self) -> Call[KeyCheck | Rejected | Unknown]:
        """What the key may do."""
        return reads.check_key()

    def fetch_time(self) -> Call[int | Rejected | Unknown]:
        """The exchange's clock in ms."""
        return reads.simple(queries.time(), lambda body, now: parse(body, ServerTimeBody).server_time)

    def fetch_instruments(self) -> Call[ExchangeInfo | Rejected | Unknown]:
        """All symbols and the announced limits."""
        return reads.simple(
            queries.exchange_info(), lambda body, now: symbols.exchange_info(parse(body, ExchangeInfoBody))
        )

    def fetch_tickers(self, symbols: Sequence[str]) -> Call[tuple[Ticker, ...] | Rejected | Unknown]:
        """24-hour tickers with best prices."""
        return reads.simple(
            queries.tickers(symbols),
            lambda body, now: tuple(prices.ticker(row, now) for row in parse(body, list[TickerBody])),
        )

    def fetch_candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None = None, end_ms: int | None = None
    ) -> Call[tuple[Candle, ...] | Rejected | Unknown]:
        """Candles, oldest first; the last is usually unfinished."""
        return reads.simple(
            queries.candles(symbol, interval, limit, start_ms, end_ms),
            lambda body, now: prices.candles(parse(body, list[KlineRow]), symbol, interval, now),
        )

    def fetch_depth(self, symbol: str, limit: int) -> Call[Depth | Rejected | Unknown]:
        """The best levels."""
        return reads.simple(
            queries.depth(symbol, limit), lambda body, now: prices.depth(parse(body, DepthBody), symbol, now)
        )

    def fetch_public_trades(self, symbol: str, limit: int) -> Call[tuple[PublicTrade, ...] | Rejected | Unknown]:
        """The latest trades, oldest first."""
        return reads.simple(
            queries.public_trades(symbol, limit),
            lambda body, now: tuple(
                prices.public_trade(row, symbol, now) for row in parse(body, list[PublicTradeBody])
            ),
        )

    def private_stream(self) -> UserDataStream:
        """A fresh private stream."""
        return UserDataStream(self._ws_api_url, self.validity_ms)

    def market_stream(self) -> PublicStream:
        """A fresh market stream."""
        return PublicStream(self._stream_url)

    def order_socket(self) -> OrderEntry:
        """A fresh socket for order entry."""
        return OrderEntry(self._ws_api_url, self.validity_ms)


def _with_path(url: str, path: str) -> str:
    """The URL, with the documented path where it has none of its own."""
    parts = urlsplit(url)
    return url if parts.path.strip("/") else urlunsplit(parts._replace(path=path))


def _code(reply: Reply) -> int | None:
    try:
        return parse(reply.body, ErrorBody).code
    except UnreadableFrame:
        return None
