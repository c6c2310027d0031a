"""Gate.io as the connector kit's Dialect: requests out, replies in, one object for all accounts."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

from common.accounts import BalanceChanged, Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder, SubmitOrderList
from common.connector.bodies import parse
from common.connector.ports import (
    Call,
    ExchangeInfo,
    HttpRequest,
    KeyCheck,
    LimitScope,
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
from common.errors import ErrorCategory, Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderFilled, OrderSnapshot
from gateio_connector import placing, prices, queries, reads
from gateio_connector.finding import Finder
from gateio_connector.frames import BookRow, PairRow, PublicTradeRow, ServerTime, TickerRow
from gateio_connector.market_stream import PublicStream
from gateio_connector.memory import Memory
from gateio_connector.pairs import Listed
from gateio_connector.replies import TOO_MANY_REQUESTS, value_of, wait_ms
from gateio_connector.requests import Habits
from gateio_connector.signing import TOLERANCE_MS, signed_request
from gateio_connector.stream import AccountStream
from gateio_connector.symbols import instruments_of

T = TypeVar("T")
DEFAULT_VALIDITY_MS: Final = 10_000
# How long the exchange itself may take is not documented; its gateways give up well before this.
BACKEND_TIMEOUT_MS: Final = 10_000
WS_PATH: Final = "/ws/v4/"


class GateioDialect:
    """Implements the kit's Dialect. A small `validity_ms` bounds how long an unanswered request may still arrive."""

    exchange = Exchange.GATEIO
    backend_timeout_ms = BACKEND_TIMEOUT_MS
    accounts_per_socket = 1

    def __init__(self, *, ws_url: str, validity_ms: int = DEFAULT_VALIDITY_MS, habits: Habits | None = None) -> None:
        assert 0 < validity_ms <= TOLERANCE_MS, "a signature is valid for a minute at most"
        self._window_ms = validity_ms
        # Timestamps are whole seconds, rounded up.
        self.validity_ms = validity_ms + 1_000
        self._ws_url = _with_path(ws_url, WS_PATH)
        self._habits = habits or Habits()
        self._memory = Memory()
        self._listed = Listed()

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
        """The bytes to send."""
        return signed_request(request, credentials, now_ms, self._window_ms)

    def usage(self, reply: Reply) -> Usage:
        """Limits are per endpoint and account, so what remains of one says nothing of the others; only a 429 stops."""
        if reply.status != TOO_MANY_REQUESTS:
            return Usage()
        return Usage(retry_after_ms=wait_ms(reply) or 0, retry_scope=LimitScope.ACCOUNT)

    def initial_limits(self) -> tuple[RateLimit, ...]:
        """The documented limits."""
        return queries.DOCUMENTED_LIMITS

    def submit_order(self, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused for a command no request can say."""
        if command.order_type.waits_for_trigger:
            return placing.arm(command, instrument, self._habits, self._memory)
        return placing.place(command, instrument, self._habits)

    def submit_order_list(self, command: SubmitOrderList, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused: there are no order lists."""
        raise Refused(
            code="no_order_lists",
            title="Gate.io has no order lists",
            field="type",
            rule="exits are pairs of price orders here",
            fix="submit each leg by itself",
        )

    def cancel_order(self, command: CancelOrder) -> Call[Outcome]:
        """Raises Refused for a cancel that names nothing."""
        return self._paired(
            command.symbol, lambda instrument: placing.cancel(command, instrument.exchange_symbol, self._memory)
        )

    def cancel_all_orders(self, command: CancelAllOrders) -> Call[Outcome]:
        """Price orders and orders; nothing open is Accepted."""
        return self._paired(
            command.symbol, lambda instrument: placing.cancel_all(command.account_id, instrument.exchange_symbol)
        )

    def fetch_order(self, ref: OrderRef) -> Call[OrderAnswer]:
        """By the surest thing that is known of the order."""
        return self._paired(ref.symbol, lambda instrument: Finder(self._memory, ref.account_id, instrument).order(ref))

    def fetch_order_list(self, account_id: str, list_client_order_id: str) -> Call[OrderListAnswer]:
        """There are none."""

        def none(reply: Reply, now_ms: int) -> OrderListAnswer:
            return value_of(reply, lambda body: OrderAbsent("no_order_lists"))

        return Call(queries.time(), none)

    def fetch_open_orders(
        self, account_id: str, symbol: str | None
    ) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
        """Open orders and waiting price orders."""
        if symbol is None:
            return reads.open_orders(self._memory, account_id, None)
        return self._paired(
            symbol, lambda instrument: reads.open_orders(self._memory, account_id, instrument.exchange_symbol)
        )

    def fetch_my_trades(
        self, account_id: str, symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None
    ) -> Call[tuple[OrderFilled, ...] | Rejected | Unknown]:
        """Trades, oldest first, with fees."""
        return self._paired(
            symbol,
            lambda instrument: reads.my_trades(
                self._memory,
                account_id,
                instrument.exchange_symbol,
                since_ms=since_ms,
                exchange_order_id=exchange_order_id,
            ),
        )

    def fetch_balances(self, account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
        """All balances the exchange lists."""
        return reads.balances(account_id)

    def check_key(self) -> Call[KeyCheck | Rejected | Unknown]:
        """What the key may do."""
        return reads.check_key()

    def fetch_time(self) -> Call[int | Rejected | Unknown]:
        """The exchange's clock in ms."""
        return reads.simple(queries.time(), lambda body, now_ms: parse(body, ServerTime).server_time)

    def fetch_instruments(self) -> Call[ExchangeInfo | Rejected | Unknown]:
        """All pairs; their names are remembered for every later call. Limits are documented, not announced."""

        def learned(body: bytes, now_ms: int) -> ExchangeInfo:
            instruments = instruments_of(parse(body, list[PairRow]))
            self._listed.learn(instruments)
            return ExchangeInfo(instruments, ())

        return reads.simple(queries.currency_pairs(), learned)

    def fetch_tickers(self, symbols: Sequence[str]) -> Call[tuple[Ticker, ...] | Rejected | Unknown]:
        """24-hour tickers with best prices; of several symbols all are read."""

        def wanted(body: bytes, now_ms: int) -> tuple[Ticker, ...]:
            told = prices.tickers(parse(body, list[TickerRow]), now_ms)
            return told if not symbols else tuple(each for each in told if each.symbol in symbols)

        if len(symbols) != 1:
            return reads.simple(queries.tickers(None), wanted)
        return self._paired(
            symbols[0], lambda instrument: reads.simple(queries.tickers(instrument.exchange_symbol), wanted)
        )

    def fetch_candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None = None, end_ms: int | None = None
    ) -> Call[tuple[Candle, ...] | Rejected | Unknown]:
        """Candles, oldest first. Raises Refused for an interval there is not."""
        queries.candles("", interval, limit, start_ms, end_ms)
        return self._paired(
            symbol,
            lambda instrument: reads.simple(
                queries.candles(instrument.exchange_symbol, interval, limit, start_ms, end_ms),
                lambda body, now_ms: prices.candles(parse(body, list[prices.CandleRow]), symbol, interval, now_ms),
            ),
        )

    def fetch_depth(self, symbol: str, limit: int) -> Call[Depth | Rejected | Unknown]:
        """The best levels."""
        return self._paired(
            symbol,
            lambda instrument: reads.simple(
                queries.depth(instrument.exchange_symbol, limit),
                lambda body, now_ms: prices.depth(parse(body, BookRow), symbol, now_ms),
            ),
        )

    def fetch_public_trades(self, symbol: str, limit: int) -> Call[tuple[PublicTrade, ...] | Rejected | Unknown]:
        """The latest trades, oldest first."""

        def told(body: bytes, now_ms: int) -> tuple[PublicTrade, ...]:
            trades = (prices.public_trade(row, now_ms) for row in parse(body, list[PublicTradeRow]))
            return tuple(sorted(trades, key=lambda trade: trade.ts_event_ms))

        return self._paired(
            symbol, lambda instrument: reads.simple(queries.public_trades(instrument.exchange_symbol, limit), told)
        )

    def private_stream(self) -> AccountStream:
        """A fresh private stream."""
        return AccountStream(self._ws_url, self._memory)

    def market_stream(self) -> PublicStream:
        """A fresh market stream."""
        return PublicStream(self._ws_url, self._listed)

    def order_socket(self) -> None:
        """Orders go over REST: the socket has no price orders, and orders and exits should share one way."""

    def _paired(self, symbol: str, build: Callable[[Instrument], Call[T]]) -> "Call[T | Rejected | Unknown]":
        """A call about a symbol. Its pair is never guessed: where the list is not read yet, it is read first."""
        known = self._listed.get(symbol)
        if known is not None:
            return build(known)  # type: ignore[return-value]
        listing = self.fetch_instruments()

        def read(reply: Reply, now_ms: int) -> "T | Rejected | Unknown | Call[T | Rejected | Unknown]":
            answer = listing.read(reply, now_ms)
            if isinstance(answer, Rejected | Unknown):
                return answer
            listed = self._listed.get(symbol)
            if listed is None:
                return Rejected(ErrorCategory.INVALID_SYMBOL, "unlisted", f"{symbol} is not traded here")
            return build(listed)  # type: ignore[return-value]

        return Call(listing.request, read)


def _with_path(url: str, path: str) -> str:
    """The URL, with the documented path where it has none of its own."""
    parts = urlsplit(url)
    return url if parts.path.strip("/") else urlunsplit(parts._replace(path=path))
