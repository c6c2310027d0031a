"""The sockets of public market data: which symbol's channels are carried on which connection.

Exchanges bound the subscriptions of a connection (MEXC to 30), so symbols are spread over as many as they need.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Final, Protocol, cast

import structlog

from common.clock import Clock
from common.connector.metrics import UNREADABLE
from common.connector.ports import (
    Dialect,
    MarketChannel,
    MarketReceived,
    MarketStream,
    SocketScript,
    StreamEvent,
    Unreadable,
)
from common.connector.session import Session
from common.connector.sockets import SocketLoop
from common.connector.tasks import TaskGroup
from common.market import MarketFact

_NOTHING: Final[frozenset[MarketChannel]] = frozenset()

_log = structlog.get_logger(__name__)


class MarketListener(Protocol):
    """Who hears of market data. Every method returns at once."""

    def heard(self, facts: Iterable[MarketFact], session: Session) -> None: ...

    def silenced(self, session: Session) -> None:
        """What this connection told may be old from now on."""
        ...


class MarketSocket:
    """One connection's symbols and their channels; owns its loop's scripts."""

    loop: SocketLoop
    task: asyncio.Task[None]

    def __init__(self, dialect: Dialect, clock: Clock, listener: MarketListener) -> None:
        self.carried: dict[str, frozenset[MarketChannel]] = {}
        self._dialect = dialect
        self._clock = clock
        self._listener = listener

    def carry(self, symbol: str, channels: frozenset[MarketChannel]) -> None:
        """Carry exactly these channels of the symbol from now on."""
        known = self.carried.pop(symbol, _NOTHING)
        if channels:
            self.carried[symbol] = channels
        now_ms = self._clock.now_ms()
        for session in self.loop.sessions:
            script = cast("MarketStream", session.script)
            if fresh := sorted(channels - known):
                session.act(script.watch((symbol,), fresh, now_ms))
            if over := sorted(known - channels):
                session.act(script.unwatch((symbol,), over, now_ms))

    def script(self) -> SocketScript:
        """A fresh market stream with everything that is carried."""
        script, now_ms = self._dialect.market_stream(), self._clock.now_ms()
        for channels in set(self.carried.values()):
            symbols = sorted(symbol for symbol, carried in self.carried.items() if carried == channels)
            script.watch(symbols, sorted(channels), now_ms)
        return script

    def on_open(self, session: Session) -> None:
        """Nothing is missed: whoever asks reads."""
        session.complete.set()

    def on_closed(self, session: Session, reason: str) -> None:
        """Whoever relied on it reads again."""
        self._listener.silenced(session)

    def on_event(self, session: Session, event: StreamEvent) -> None:
        """Market data, or a frame nobody understands."""
        match event:
            case MarketReceived():
                self._listener.heard(event.facts, session)
            case Unreadable():
                UNREADABLE.labels(self._dialect.exchange).inc()
                _log.warning("market_frame_unreadable", reason=event.reason)
            case _:
                _log.warning("unexpected_market_event", event_type=type(event).__name__)


class MarketSockets:
    """As many sockets as the symbols need; one that carries nothing is closed."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Clock,
        listener: MarketListener,
        tasks: TaskGroup,
        loop_for: Callable[[MarketSocket], SocketLoop],
        *,
        symbols_per_socket: int,
    ) -> None:
        self._dialect = dialect
        self._clock = clock
        self._listener = listener
        self._tasks = tasks
        self._loop_for = loop_for
        self._symbols_per_socket = symbols_per_socket
        self._by_symbol: dict[str, MarketSocket] = {}

    def carry(self, symbol: str, channels: Collection[MarketChannel]) -> None:
        """Stream exactly these channels of the symbol; none ends it."""
        socket = self._by_symbol.get(symbol)
        if socket is None:
            if not channels:
                return
            socket = self._with_room()
            self._by_symbol[symbol] = socket
        socket.carry(symbol, frozenset(channels))
        if not channels:
            del self._by_symbol[symbol]
        if not socket.carried:
            socket.task.cancel()

    def _with_room(self) -> MarketSocket:
        for socket in dict.fromkeys(self._by_symbol.values()):
            if len(socket.carried) < self._symbols_per_socket:
                return socket
        socket = MarketSocket(self._dialect, self._clock, self._listener)
        socket.loop = self._loop_for(socket)
        socket.task = self._tasks.spawn(socket.loop.run(), "market-stream")
        return socket
