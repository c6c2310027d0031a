"""Bitget as the connector kit's Dialect: requests out, replies in, one object for all accounts of both families."""

from collections.abc import Sequence

from bitget_connector import finding, prices, queries, reads, trading
from bitget_connector.facts import time_ms
from bitget_connector.family import in_its_words
from bitget_connector.limits import DOCUMENTED_LIMITS
from bitget_connector.market_stream import PublicStream
from bitget_connector.memory import Memory
from bitget_connector.public_frames import Book, CandleRow, PublicTrade, ServerTime, Symbol, Ticker
from bitget_connector.replies import TOO_MANY_REQUESTS, parse, value_of
from bitget_connector.signing import CLOCK_WINDOW_MS, signed_request
from bitget_connector.stream import AccountStream
from common.accounts import BalanceChanged, Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder, SubmitOrderList
from common.connector.bodies import retry_after_ms
from common.connector.calls import then
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
from common.market import Candle, Depth
from common.market import PublicTrade as PublicTradeFact
from common.market import Ticker as TickerFact
from common.orders import OrderFilled, OrderSnapshot

DEFAULT_VALIDITY_MS = 10_000
BACKEND_TIMEOUT_MS = 10_000
"""Documented nowhere: how long an accepted request may stay out of the lists. Histories lag by seconds."""


class BitgetDialect:
    """Implements the kit's Dialect. What it remembers between calls are hints, see `memory`.

    A small `validity_ms` bounds how long an unanswered request may still arrive.
    """

    exchange = Exchange.BITGET
    backend_timeout_ms = BACKEND_TIMEOUT_MS
    accounts_per_socket = 1

    def __init__(
        self, *, public_url: str, private_url: str, demo: bool = False, validity_ms: int = DEFAULT_VALIDITY_MS
    ) -> None:
        assert 0 < validity_ms <= CLOCK_WINDOW_MS, "a signature is valid for half a minute at most"
        self.validity_ms = validity_ms
        self._public_url = public_url
        self._private_urls = (private_url, private_url.replace("/v2/ws/", "/v3/ws/"))
        self._demo = demo
        self._memory = Memory()

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
        """The bytes to send. Raises UnusableKey."""
        return signed_request(request, credentials, now_ms, validity_ms=self.validity_ms, demo=self._demo)

    def usage(self, reply: Reply) -> Usage:
        """A 429 stops the whole address; what is used so far only concerns single endpoints and is counted here."""
        if reply.status != TOO_MANY_REQUESTS:
            return Usage()
        return Usage(retry_after_ms=retry_after_ms(reply) or 0)

    def initial_limits(self) -> tuple[RateLimit, ...]:
        """The documented limits; the exchange announces none."""
        return DOCUMENTED_LIMITS

    def submit_order(self, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]:
        """An order or a plan. Raises Refused for a command no request can say."""
        return in_its_words(
            self._memory,
            command.account_id,
            lambda words: trading.submit(words, self._memory, command, instrument),
        )

    def submit_order_list(self, command: SubmitOrderList, instrument: Instrument) -> Call[Outcome]:
        """Raises Refused: there are no order lists over this API."""
        raise Refused(
            code="bad_order",
            title="Bitget has no order lists",
            field="list_client_order_id",
            rule="exits are pairs of trigger orders here",
            fix="send two command.submit_order with a trigger_px each",
        )

    def cancel_order(self, command: CancelOrder) -> Call[Outcome]:
        """An order, a plan, or the child in its place. Raises Refused for a cancel that names nothing."""
        return in_its_words(
            self._memory, command.account_id, lambda words: trading.cancel(words, self._memory, command)
        )

    def cancel_all_orders(self, command: CancelAllOrders) -> Call[Outcome]:
        """Plans and orders; nothing open is Accepted."""
        return in_its_words(
            self._memory, command.account_id, lambda words: trading.cancel_all(words, self._memory, command)
        )

    def fetch_order(self, ref: OrderRef) -> Call[OrderAnswer]:
        """Wherever the exchange keeps it; a plan that fired is its child."""
        return in_its_words(
            self._memory,
            ref.account_id,
            lambda words: finding.Finder(words, self._memory, ref.account_id).order(ref),
        )

    def fetch_order_list(self, account_id: str, list_client_order_id: str) -> Call[OrderListAnswer]:
        """There are none: absent once the cheapest question there is was answered."""

        def read(clock: int | Rejected | Unknown, now_ms: int) -> OrderListAnswer:
            return clock if isinstance(clock, Rejected | Unknown) else OrderAbsent("no_lists")

        return then(self.fetch_time(), read)

    def spawned(self, order: OrderSnapshot) -> bool:
        """Whether the order stands in the place of a plan that has fired (the kit's SpawnsOrders)."""
        order_id = order.exchange_order_id
        return order_id is not None and self._memory.child_name(order.account_id, order_id) is not None

    def fetch_open_orders(
        self, account_id: str, symbol: str | None
    ) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
        """Open orders, waiting plans among them."""
        return in_its_words(
            self._memory, account_id, lambda words: reads.open_orders(words, self._memory, account_id, symbol)
        )

    def fetch_my_trades(
        self, account_id: str, symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None
    ) -> Call[tuple[OrderFilled, ...] | Rejected | Unknown]:
        """Trades, oldest first, with fees."""
        return in_its_words(
            self._memory,
            account_id,
            lambda words: reads.my_trades(
                words, self._memory, account_id, symbol, since_ms=since_ms, exchange_order_id=exchange_order_id
            ),
        )

    def fetch_balances(self, account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
        """All balances."""
        return in_its_words(self._memory, account_id, lambda words: reads.account_balances(words, account_id))

    def check_key(self) -> Call[KeyCheck | Rejected | Unknown]:
        """What the key may do, and of which family its account is."""
        return reads.check_key()

    def fetch_time(self) -> Call[int | Rejected | Unknown]:
        """The exchange's clock in ms."""
        return Call(
            queries.time(),
            lambda reply, now_ms: value_of(
                reply, lambda data: time_ms(parse(data, ServerTime).server_time, "serverTime")
            ),
        )

    def fetch_instruments(self) -> Call[ExchangeInfo | Rejected | Unknown]:
        """All symbols; the limits stay the documented ones."""
        return Call(
            queries.symbols(),
            lambda reply, now_ms: value_of(
                reply, lambda data: ExchangeInfo(prices.instruments(parse(data, list[Symbol])), ())
            ),
        )

    def fetch_tickers(self, symbols: Sequence[str]) -> Call[tuple[TickerFact, ...] | Rejected | Unknown]:
        """24-hour tickers with best prices."""
        wanted = frozenset(symbols)

        def read(data: bytes, now_ms: int) -> tuple[TickerFact, ...]:
            rows = parse(data, list[Ticker])
            return tuple(prices.ticker(row, now_ms) for row in rows if not wanted or row.symbol in wanted)

        return Call(
            queries.tickers(queries.symbols_asked(symbols)),
            lambda reply, now_ms: value_of(reply, lambda data: read(data, now_ms)),
        )

    def fetch_candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None = None, end_ms: int | None = None
    ) -> Call[tuple[Candle, ...] | Rejected | Unknown]:
        """Candles, oldest first; the last is usually unfinished. Raises Refused for an interval there is not."""
        return Call(
            queries.candles(symbol, interval, limit, start_ms, end_ms),
            lambda reply, now_ms: value_of(
                reply, lambda data: prices.candles(parse(data, list[CandleRow]), symbol, interval, now_ms)
            ),
        )

    def fetch_depth(self, symbol: str, limit: int) -> Call[Depth | Rejected | Unknown]:
        """The best levels."""
        return Call(
            queries.depth(symbol, limit),
            lambda reply, now_ms: value_of(reply, lambda data: prices.depth(parse(data, Book), symbol, now_ms)),
        )

    def fetch_public_trades(self, symbol: str, limit: int) -> Call[tuple[PublicTradeFact, ...] | Rejected | Unknown]:
        """The latest trades, oldest first."""

        def read(data: bytes, now_ms: int) -> tuple[PublicTradeFact, ...]:
            rows = parse(data, list[PublicTrade])
            return tuple(reversed([prices.public_trade(row, symbol, now_ms) for row in rows]))

        return Call(
            queries.public_trades(symbol, limit),
            lambda reply, now_ms: value_of(reply, lambda data: read(data, now_ms)),
        )

    def private_stream(self) -> AccountStream:
        """A fresh private stream."""
        return AccountStream(*self._private_urls, self._memory)

    def market_stream(self) -> PublicStream:
        """A fresh market stream."""
        return PublicStream(self._public_url)

    def order_socket(self) -> None:
        """Order entry over a socket needs the exchange's approval and shares the limits of REST."""
        return
