"""Public market data: a ticker cache for symbols somebody asked for, and the market-data topic for symbols configured.

Nobody asks, nothing is streamed. A ticker is served from the cache while its stream tells it, or while it is younger
than a second and a half; otherwise it is read over REST once, and from then on streamed.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, cast

import msgspec
import structlog

from common.bus.messages import Outgoing
from common.bus.topics import market_data
from common.codec import encode
from common.connector.client import ExchangeClient
from common.connector.clocksync import ExchangeClock
from common.connector.facts import Bus
from common.connector.metrics import UNREADABLE
from common.connector.ports import (
    Dialect,
    MarketChannel,
    MarketReceived,
    MarketStream,
    Rejected,
    SocketScript,
    StreamEvent,
    StreamEvents,
    Unknown,
    Unreadable,
)
from common.connector.rates import Priority
from common.connector.session import AskExchange, Session
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
    """Owns the market socket of one exchange."""

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
    ) -> None:
        self._dialect = dialect
        self._client = client
        self._bus = bus
        self._clock = clock
        self._tasks = tasks
        self._source = source
        self._published = tuple(published)
        self._topic = market_data(dialect.exchange).name
        self._entries: dict[str, _Entry] = {}
        self._pending = 0
        self._running = False
        self._loop = SocketLoop(
            self,
            clock,
            ask,
            exchange=dialect.exchange,
            kind=KIND,
            rotate_after_s=rotate_after_s,
            pace_s=FRAME_PACE_S,
        )

    def start(self) -> None:
        """Stream what is to be published; without such symbols the socket is opened by the first question."""
        if self._published:
            self._open()

    async def ticker(
        self, symbol: str, *, priority: Priority = Priority.READ, patience_ms: int = 5_000
    ) -> Ticker | Rejected | Unknown:
        """The symbol's ticker, or why the exchange does not tell it."""
        entry = self._entries.get(symbol)
        if entry is not None:
            entry.asked = stopwatch()
            if entry.ticker is not None and self._current(entry):
                return entry.ticker
        call = self._dialect.fetch_tickers((symbol,))
        answer = await self._client.ask(call, None, priority=priority, patience_ms=patience_ms)
        if isinstance(answer, Rejected | Unknown):
            return answer
        if not answer:
            return Unknown("no_ticker", f"the exchange told no ticker of {symbol}")
        self._watch(symbol)
        return self._heard(answer[0], None)

    async def last_px(self, symbol: str, patience_ms: int) -> Decimal | None:
        """The last price, for an order that waits for it."""
        ticker = await self.ticker(symbol, priority=Priority.PROTECTION, patience_ms=patience_ms)
        return ticker.last_px if isinstance(ticker, Ticker) else None

    def script(self) -> SocketScript:
        """A fresh market stream with every symbol that is watched."""
        script, now_ms = self._dialect.market_stream(), self._clock.now_ms()
        if self._entries:
            script.watch(sorted(self._entries), _CACHED, now_ms)
        if self._published:
            script.watch(self._published, _PUBLISHED, now_ms)
        return script

    def on_open(self, session: Session) -> None:
        """Nothing is missed: whoever asks reads."""
        session.complete.set()

    def on_closed(self, session: Session, reason: str) -> None:
        """What this connection told may be old from now on."""
        for entry in self._entries.values():
            if entry.streamed_by is session:
                entry.streamed_by = None

    def on_event(self, session: Session, event: StreamEvent) -> None:
        """Market data, or a frame nobody understands."""
        match event:
            case MarketReceived():
                for fact in event.facts:
                    if isinstance(fact, Ticker) and fact.symbol in self._entries:
                        self._heard(fact, session)
                    if fact.symbol in self._published:
                        self._publish(fact)
            case Unreadable():
                UNREADABLE.labels(self._dialect.exchange).inc()
                _log.warning("market_frame_unreadable", reason=event.reason)
            case _:
                _log.warning("unexpected_market_event", event_type=type(event).__name__)

    def _current(self, entry: _Entry) -> bool:
        return entry.streamed_by is not None or since_s(entry.heard) < _YOUNG_S

    def _heard(self, ticker: Ticker, session: Session | None) -> Ticker:
        entry = self._entries[ticker.symbol]
        known = entry.ticker = ticker if entry.ticker is None else merged(entry.ticker, ticker)
        entry.heard = stopwatch()
        # Only a complete ticker is worth serving without asking.
        if session is not None and known.last_px is not None:
            entry.streamed_by = session
        return known

    def _watch(self, symbol: str) -> None:
        if symbol in self._entries:
            return
        self._forget_unasked()
        self._entries[symbol] = _Entry()
        self._tell(lambda script, now_ms: script.watch((symbol,), _CACHED, now_ms))
        self._open()

    def _forget_unasked(self) -> None:
        for symbol in [each for each, entry in self._entries.items() if since_s(entry.asked) > _FORGET_AFTER_S]:
            del self._entries[symbol]
            kept = _PUBLISHED if symbol in self._published else ()
            self._unwatch(symbol, [channel for channel in _CACHED if channel not in kept])

    def _unwatch(self, symbol: str, channels: Sequence[MarketChannel]) -> None:
        self._tell(lambda script, now_ms: script.unwatch((symbol,), channels, now_ms))

    def _tell(self, say: Callable[[MarketStream, int], StreamEvents]) -> None:
        for session in self._loop.sessions:
            session.act(say(cast("MarketStream", session.script), self._clock.now_ms()))

    def _open(self) -> None:
        if not self._running:
            self._running = True
            self._tasks.spawn(self._loop.run(), "market-stream")

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
            ce_id="/".join(str(part) for part in _identity(fact)),
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


def _identity(fact: MarketFact) -> Iterable[object]:
    match fact:
        case PublicTrade():
            return fact.exchange, fact.symbol, "trade", fact.trade_id
        case Candle():
            return fact.exchange, fact.symbol, "candle", fact.interval, fact.open_ms, fact.ts_event_ms
        case Depth():
            return fact.exchange, fact.symbol, "depth", fact.last_id
        case Ticker():
            return fact.exchange, fact.symbol, "ticker", fact.ts_event_ms, fact.ts_init_ms
