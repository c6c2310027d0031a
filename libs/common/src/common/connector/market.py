"""Public market data: tickers for whoever asks, and the market-data topic for symbols configured or watched.

Nobody asks, nothing is streamed. A ticker is served from the cache while its stream tells it, or while it is younger
than a second and a half; otherwise it is read over REST once, and from then on streamed. Who guards a stop himself
watches its symbol: the best prices are published as they come, for as long as the watch is renewed.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec
import structlog

from common.bus.messages import Outgoing
from common.bus.topics import market_data
from common.codec import encode, plain
from common.connector.client import ExchangeClient
from common.connector.clocksync import ExchangeClock
from common.connector.facts import Bus
from common.connector.market_sockets import MarketSocket, MarketSockets
from common.connector.ports import Dialect, MarketChannel, Rejected, Unknown
from common.connector.rates import Priority
from common.connector.session import AskExchange, Dial, Session, dial_websocket
from common.connector.sockets import SocketLoop
from common.connector.tasks import TaskGroup
from common.errors import Unavailable
from common.market import Candle, Depth, MarketFact, PublicTrade, Ticker
from common.metrics import since_s, stopwatch
from common.orders import type_of

KIND: Final = "market"
FRAME_PACE_S: Final = 0.25
"""Binance takes five incoming messages a second on a market socket, pongs among them."""
_YOUNG_S: Final = 1.5
_FORGET_AFTER_S: Final = 300.0
_MAX_PENDING: Final = 1_000
_CACHED: Final = (MarketChannel.BOOK_TICKER, MarketChannel.TICKER)
_WATCHED: Final = (MarketChannel.BOOK_TICKER,)
_PUBLISHED: Final = (MarketChannel.TICKER, MarketChannel.CANDLES, MarketChannel.DEPTH, MarketChannel.TRADES)

_log = structlog.get_logger(__name__)


class _Entry:
    __slots__ = ("asked", "heard", "streamed_by", "ticker")

    def __init__(self) -> None:
        self.ticker: Ticker | None = None
        self.heard = 0.0
        self.asked = stopwatch()
        self.streamed_by: Session | None = None


class MarketFeed:
    """What is known and told of the market of one exchange."""

    def __init__(
        self,
        dialect: Dialect,
        client: ExchangeClient,
        bus: Bus,
        clock: ExchangeClock,
        ask: AskExchange,
        tasks: TaskGroup,
        *,
        source: str,
        published: Sequence[str],
        rotate_after_s: float,
        symbols_per_socket: int,
        dial: Dial = dial_websocket,
    ) -> None:
        self._dialect = dialect
        self._client = client
        self._bus = bus
        self._tasks = tasks
        self._source = source
        self._published = frozenset(published)
        self._topic = market_data(dialect.exchange).name
        self._entries: dict[str, _Entry] = {}
        self._watched: dict[str, float] = {}
        """Until when (the loop's clock) a symbol's best prices are published for somebody who watches them."""
        self._pending = 0

        def loop_for(socket: MarketSocket) -> SocketLoop:
            return SocketLoop(
                socket,
                clock,
                ask,
                exchange=dialect.exchange,
                kind=KIND,
                rotate_after_s=rotate_after_s,
                pace_s=FRAME_PACE_S,
                dial=dial,
            )

        self._sockets = MarketSockets(dialect, clock, self, tasks, loop_for, symbols_per_socket=symbols_per_socket)

    def start(self) -> None:
        """Stream what is to be published; without such symbols a socket is opened by the first question."""
        for symbol in sorted(self._published):
            self._follow(symbol)

    def watch(self, symbols: Collection[str], for_ms: int) -> None:
        """Publish the best prices of these symbols as they come, until `for_ms` from now or from a later call."""
        loop = asyncio.get_running_loop()
        until = loop.time() + for_ms / 1000
        for symbol in symbols:
            self._watched[symbol] = max(until, self._watched.get(symbol, 0.0))
            self._follow(symbol)
        loop.call_at(until, self._end_watches)

    async def ticker(
        self, symbol: str, *, priority: Priority = Priority.READ, patience_ms: int = 5_000, fresh: bool = False
    ) -> Ticker | Rejected | Unknown:
        """The symbol's ticker (`fresh`: asked for now), or why the exchange does not tell it."""
        entry = self._entries.get(symbol)
        if entry is not None:
            entry.asked = stopwatch()
            if not fresh and entry.ticker is not None and self._current(symbol, entry):
                return entry.ticker
        if symbol in self._watched:
            priority = min(priority, Priority.PROTECTION)
        call = self._dialect.fetch_tickers((symbol,))
        answer = await self._client.ask(call, None, priority=priority, patience_ms=patience_ms)
        if isinstance(answer, Rejected | Unknown):
            return answer
        if not answer:
            return Unknown("no_ticker", f"the exchange told no ticker of {symbol}")
        self._remember(symbol)
        return self._heard(answer[0], None)

    async def last_px(self, symbol: str, patience_ms: int, *, fresh: bool = False) -> Decimal | None:
        """The last price, for an order that waits for it; `fresh` if it must not be older than this question."""
        ticker = await self.ticker(symbol, priority=Priority.PROTECTION, patience_ms=patience_ms, fresh=fresh)
        return ticker.last_px if isinstance(ticker, Ticker) else None

    def heard(self, facts: Iterable[MarketFact], session: Session) -> None:
        """Keep the tickers that are asked for, publish what is published or watched."""
        for fact in facts:
            if isinstance(fact, Ticker) and fact.symbol in self._entries:
                self._heard(fact, session)
            if fact.symbol in self._published or (isinstance(fact, Ticker) and fact.symbol in self._watched):
                self._publish(fact)

    def silenced(self, session: Session) -> None:
        """What this connection told may be old from now on."""
        for entry in self._entries.values():
            if entry.streamed_by is session:
                entry.streamed_by = None

    def _current(self, symbol: str, entry: _Entry) -> bool:
        # Whoever watches a symbol asks because its stream fell silent: that it is open is no proof then.
        streamed = entry.streamed_by is not None and symbol not in self._watched
        return streamed or since_s(entry.heard) < _YOUNG_S

    def _heard(self, ticker: Ticker, session: Session | None) -> Ticker:
        entry = self._entries[ticker.symbol]
        known = entry.ticker = ticker if entry.ticker is None or session is None else merged(entry.ticker, ticker)
        entry.heard = stopwatch()
        # Only a complete ticker is worth serving without asking.
        if session is not None and known.last_px is not None:
            entry.streamed_by = session
        return known

    def _remember(self, symbol: str) -> None:
        if symbol in self._entries:
            return
        for idle in [each for each, entry in self._entries.items() if since_s(entry.asked) > _FORGET_AFTER_S]:
            del self._entries[idle]
            self._follow(idle)
        self._entries[symbol] = _Entry()
        self._follow(symbol)

    def _end_watches(self) -> None:
        now = asyncio.get_running_loop().time()
        for symbol in [each for each, until in self._watched.items() if until <= now]:
            del self._watched[symbol]
            self._follow(symbol)

    def _follow(self, symbol: str) -> None:
        """Stream what is needed of the symbol, and nothing else."""
        channels: set[MarketChannel] = set()
        channels.update(_CACHED if symbol in self._entries else ())
        channels.update(_PUBLISHED if symbol in self._published else ())
        channels.update(_WATCHED if symbol in self._watched else ())
        self._sockets.carry(symbol, channels)

    def _publish(self, fact: MarketFact) -> None:
        if self._pending >= _MAX_PENDING:
            return  # Nobody is served by old prices: while the broker is away they are dropped.
        self._pending += 1
        self._tasks.spawn(self._send(fact))

    async def _send(self, fact: MarketFact) -> None:
        try:
            await self._bus.publish((self._message(fact),))
        except Unavailable as error:
            _log.warning("market_data_dropped", symbol=fact.symbol, error=str(error))
        finally:
            self._pending -= 1

    def _message(self, fact: MarketFact) -> Outgoing:
        return Outgoing(
            topic=self._topic,
            key=fact.symbol,
            value=encode(fact),
            ce_id=market_id(fact),
            ce_type=type_of(fact),
            ce_source=self._source,
            ce_time_ms=fact.ts_init_ms,
            correlation_id=None,
            causation_id=None,
        )


def merged(old: Ticker, new: Ticker) -> Ticker:
    """What is known now: frames of different streams tell different fields."""
    told = {name: value for name in Ticker.__struct_fields__ if (value := getattr(new, name)) is not None}
    return msgspec.structs.replace(old, **told)


def market_id(fact: MarketFact) -> str:
    """The id of what the market told: another for whatever differs, for stops are sold by it and audits look it up."""
    return "/".join(str(part) for part in (fact.exchange, fact.symbol, *_identity(fact)))


def _identity(fact: MarketFact) -> tuple[object, ...]:
    match fact:
        case PublicTrade():
            return "trade", fact.trade_id
        case Candle():
            return "candle", fact.interval, fact.open_ms, fact.ts_event_ms
        case Depth():
            return "depth", fact.last_id
        case Ticker():  # Several come in a millisecond.
            prices = (plain(px) if px is not None else "" for px in (fact.bid_px, fact.ask_px, fact.last_px))
            return "ticker", fact.ts_event_ms, fact.ts_init_ms, *prices
