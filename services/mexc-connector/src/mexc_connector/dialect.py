"""MEXC as the connector kit's Dialect: requests out, replies in, one object for all accounts."""

from collections.abc import Sequence

from common.accounts import BalanceChanged, Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder, SubmitOrderList
from common.connector.bodies import parse, retry_after_ms
from common.connector.ports import (
    Call,
    ExchangeInfo,
    HttpRequest,
    KeyCheck,
    OrderAbsent,
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
from common.errors import Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderFact, OrderFilled, OrderSnapshot
from mexc_connector import prices, queries, reads, replies, requests, symbols
from mexc_connector.bodies import Reader
from mexc_connector.frames import (
    DepthBody,
    ExchangeInfoBody,
    KlineRow,
    OrderAck,
    PublicTradeBody,
    ServerTimeBody,
    TickerBody,
)
from mexc_connector.market_stream import PublicStream
from mexc_connector.replies import BANNED, FORBIDDEN, TOO_MANY_REQUESTS
from mexc_connector.signing import signed_request
from mexc_connector.stream import DEFAULT_PROVE_SILENT_MS, ListenKeys, UserDataStream
from mexc_connector.told import ToldTrades

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
# Nothing is documented about how long a request may take inside; "still unknown" is the safer mistake.
BACKEND_TIMEOUT_MS = 11_000
# Where no Retry-After is told. After a limit is broken access may stay closed for minutes.
_STOPS_MS = {TOO_MANY_REQUESTS: 10_000, BANNED: 120_000, FORBIDDEN: 60_000}


class MexcDialect:
    """Implements the kit's Dialect. A small `recv_window_ms` bounds how long an unanswered order may still arrive."""

    exchange = Exchange.MEXC
    backend_timeout_ms = BACKEND_TIMEOUT_MS
    accounts_per_socket = 1

    def __init__(
        self,
        *,
        ws_url: str,
        recv_window_ms: int = DEFAULT_RECV_WINDOW_MS,
        prove_silent_ms: int = DEFAULT_PROVE_SILENT_MS,
    ) -> None:
        assert 0 < recv_window_ms <= MAX_RECV_WINDOW_MS, "recvWindow is 1 to 60000 ms"
        self.validity_ms = recv_window_ms
        self._ws_url = ws_url
        self._prove_silent_ms = prove_silent_ms
        self._listen_keys: ListenKeys = {}
        self._told = ToldTrades()

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
        """The bytes to send."""
        return signed_request(request, credentials, now_ms, self.validity_ms)

    def usage(self, reply: Reply) -> Usage:
        """Nothing is counted in headers; 429, 418 and the firewall's 403 stop us."""
        stop_ms = _STOPS_MS.get(reply.status)
        return Usage() if stop_ms is None else Usage(retry_after_ms=retry_after_ms(reply) or stop_ms)

    def initial_limits(self) -> tuple[RateLimit, ...]:
        """The documented limits: none are ever announced."""
        return symbols.DOCUMENTED_LIMITS

    def submit_order(self, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused for a command no request can say, stops and triggers above all."""

        def read(reply: Reply, now_ms: int) -> Outcome:
            def facts(body: bytes) -> tuple[OrderFact, ...]:
                ack, reader = parse(body, OrderAck), Reader(command.account_id, now_ms)
                return (reader.accepted(ack, symbol=command.symbol, client_order_id=command.client_order_id),)

            return replies.placed(reply, facts)

        return Call(requests.submit_order(command, instrument), read)

    def submit_order_list(self, command: SubmitOrderList, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused: MEXC has no order lists."""
        raise Refused(
            code="unsupported_order_type",
            title="MEXC spot has no order lists",
            field="list_client_order_id",
            rule="single orders only",
            fix="place the take-profit alone and let the order-engine hold the stop",
        )

    def cancel_order(self, command: CancelOrder) -> Call[Outcome]:
        """Raises Refused for a cancel that names nothing."""
        return Call(requests.cancel_order(command), lambda reply, now: replies.canceled(reply))

    def cancel_all_orders(self, command: CancelAllOrders) -> Call[Outcome]:
        """Nothing open is Accepted."""
        return Call(requests.cancel_all_orders(command), lambda reply, now: replies.all_canceled(reply))

    def fetch_order(self, ref: OrderRef) -> Call[OrderAnswer]:
        """By the exchange's id where it is known."""
        return reads.order(ref)

    def fetch_order_list(self, account_id: str, list_client_order_id: str) -> Call[OrderListAnswer]:
        """There are no lists: whatever is asked for is not there."""
        return Call(queries.time(), lambda reply, now: replies.refusal(reply) or OrderAbsent("no_lists"))

    def fetch_open_orders(
        self, account_id: str, symbol: str | None
    ) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
        """Open orders."""
        return reads.open_orders(account_id, symbol)

    def fetch_my_trades(
        self, account_id: str, symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None
    ) -> Call[tuple[OrderFilled, ...] | Rejected | Unknown]:
        """Trades, oldest first, with fees."""
        return reads.my_trades(
            account_id, symbol, since_ms=since_ms, exchange_order_id=exchange_order_id, told=self._told
        )

    def fetch_balances(self, account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
        """All balances that are not zero."""
        return reads.balances(account_id)

    def check_key(self) -> Call[KeyCheck | Rejected | Unknown]:
        """What the key may do."""
        return reads.check_key()

    def fetch_time(self) -> Call[int | Rejected | Unknown]:
        """The exchange's clock in ms."""
        return reads.simple(queries.time(), lambda body, now: parse(body, ServerTimeBody).server_time)

    def fetch_instruments(self) -> Call[ExchangeInfo | Rejected | Unknown]:
        """All symbols."""
        return reads.simple(
            queries.exchange_info(), lambda body, now: symbols.exchange_info(parse(body, ExchangeInfoBody))
        )

    def fetch_tickers(self, symbols: Sequence[str]) -> Call[tuple[Ticker, ...] | Rejected | Unknown]:
        """24-hour tickers with best prices; of several symbols, out of the ticker of all."""

        def value(body: bytes, now_ms: int) -> tuple[Ticker, ...]:
            one = body.lstrip()[:1] == b"{"
            rows = [parse(body, TickerBody)] if one else parse(body, list[TickerBody])
            return tuple(prices.ticker(row, now_ms) for row in rows if not symbols or row.symbol in symbols)

        return reads.simple(queries.tickers(symbols), value)

    def fetch_candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None = None, end_ms: int | None = None
    ) -> Call[tuple[Candle, ...] | Rejected | Unknown]:
        """Candles, oldest first; the last is usually unfinished. Raises Refused for an interval there is not."""
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
            lambda body, now: prices.public_trades(parse(body, list[PublicTradeBody]), symbol, now),
        )

    def private_stream(self) -> UserDataStream:
        """A fresh private stream."""
        return UserDataStream(self._ws_url, self._listen_keys, self._told, prove_silent_ms=self._prove_silent_ms)

    def market_stream(self) -> PublicStream:
        """A fresh market stream."""
        return PublicStream(self._ws_url)

    def order_socket(self) -> None:
        """Orders are taken over REST only."""
        return
