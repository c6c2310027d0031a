"""The loop that keeps a socket open: back-off with jitter after a loss, and the next one in time before its end.

A socket ends by an error, by a script that asks for it, or because it is old. In the planned cases the next one is
connected and carries its accounts before the old one is closed.
"""

import asyncio
import random
from typing import Final

import structlog

from common.clock import Clock
from common.connector.metrics import RECONNECTS, STREAM_OPEN, STREAM_SILENT
from common.connector.session import AskExchange, Dial, Session, SocketOwner, dial_websocket
from common.metrics import stopwatch

_LOOK_EVERY_S: Final = 1.0
_HANDOVER_S: Final = 10.0

_log = structlog.get_logger(__name__)


class Backoff:
    """Pauses that double, with jitter, so that a thousand sockets do not come back in the same instant."""

    def __init__(self, first_s: float = 0.2, ceiling_s: float = 30.0) -> None:
        self._first_s = first_s
        self._ceiling_s = ceiling_s
        self._next_s = first_s

    def pause_s(self) -> float:
        """The next pause: at least half of the doubled one, at most all of it."""
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._ceiling_s)
        return pause_s * (0.5 + random.random() / 2)  # noqa: S311  spreads load, hides nothing

    def reset(self) -> None:
        """It worked: the next failure starts from the beginning."""
        self._next_s = self._first_s


class SocketLoop:
    """Keeps one socket of a kind open for its owner, for as long as `run` runs."""

    def __init__(
        self,
        owner: SocketOwner,
        clock: Clock,
        ask: AskExchange,
        *,
        exchange: str,
        kind: str,
        rotate_after_s: float,
        pace_s: float = 0.0,
        dial: Dial = dial_websocket,
    ) -> None:
        self._owner = owner
        self._clock = clock
        self._ask = ask
        self._exchange = exchange
        self._kind = kind
        self._rotate_after_s = rotate_after_s
        self._pace_s = pace_s
        self._dial = dial
        self._backoff = Backoff()
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._leave = asyncio.Event()

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The connections there are, the newest last; two while one replaces another."""
        return tuple(self._sessions)

    @property
    def newest(self) -> Session | None:
        """The connection that new subscriptions go to."""
        return next(reversed(self._sessions), None)

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        try:
            session = self._start()
            while True:
                self._leave.clear()
                ended = await self._until_over(session)
                if ended:
                    _log.warning("socket_lost", exchange=self._exchange, kind=self._kind, reason=session.reason)
                    await asyncio.sleep(self._backoff.pause_s())
                    RECONNECTS.labels(self._exchange, self._kind).inc()
                    session = self._start()
                else:
                    session = await self._replace(session)
        finally:
            await self._stop()

    async def _until_over(self, session: Session) -> bool:
        """Wait until the session ended (True) or is to be replaced (False)."""
        while not session.ended.is_set():
            if session.leaving is not None:
                return False
            await self._first_of(_LOOK_EVERY_S, session.ended, self._leave)
            self._look_at(session)
        return True

    async def _first_of(self, within_s: float, *events: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _look_at(self, session: Session) -> None:
        if session.opened_s is None:
            return
        now_s = stopwatch()
        STREAM_SILENT.labels(self._exchange, session.name).set(now_s - session.received)
        STREAM_OPEN.labels(self._exchange, session.name).set(now_s - session.opened_s)
        if session.complete.is_set():
            self._backoff.reset()
        if now_s - session.opened_s > self._rotate_after_s:
            session.retire("its planned age")

    async def _replace(self, old: Session) -> Session:
        """Make before break: the old connection is closed once the new one carries everything."""
        _log.info("socket_replaced", exchange=self._exchange, kind=self._kind, reason=old.leaving)
        RECONNECTS.labels(self._exchange, self._kind).inc()
        new = self._start()
        while True:
            await self._first_of(_HANDOVER_S, new.complete, new.ended, old.ended)
            if old.ended.is_set() or not new.ended.is_set():
                break
            await asyncio.sleep(self._backoff.pause_s())
            new = self._start()
        old.close("replaced")
        await old.ended.wait()
        return new

    def _start(self) -> Session:
        script = self._owner.script()
        session = Session(self._owner, script, self._clock, self._ask, self._kind, self._pace_s, self._dial)
        session.on_leave = self._leave.set
        task = asyncio.create_task(session.run(), name=f"socket-{self._kind}")
        self._sessions[session] = task
        task.add_done_callback(lambda _: self._over(session, task))
        return session

    def _over(self, session: Session, task: asyncio.Task[None]) -> None:
        self._sessions.pop(session, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A defect of ours; the next connection gives the exchange's next frame a chance.
            _log.error("socket_broke", exchange=self._exchange, kind=self._kind, exc_info=error)

    async def _stop(self) -> None:
        tasks = list(self._sessions.values())
        for session in self.sessions:
            session.close("stopped")
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
