"""One connection and its script: what was read goes to the owner, what the script says is written, in order.

Nothing here waits for a publish: events go to a handler that returns at once.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidURI, WebSocketException

from common.clock import Clock
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    Frame,
    HttpRequest,
    Reply,
    Send,
    SocketScript,
    StreamEvent,
    StreamEvents,
    Unknown,
)
from common.metrics import stopwatch

_TICK_S: Final = 1.0
_OPEN_TIMEOUT_S: Final = 10.0
_PING_EVERY_S: Final = 20.0
_MAX_FRAME: Final = 16 * 1024 * 1024


AskExchange = Callable[[str, HttpRequest], Awaitable[Reply | Unknown]]
"""Makes a REST request for an account (MEXC's listen key)."""


class Connection(Protocol):
    """An open socket: iterating it gives the frames that arrive, until it ends."""

    @property
    def close_code(self) -> int | None: ...

    def __aiter__(self) -> AsyncIterator[Frame]: ...

    async def send(self, message: Frame, /) -> None: ...


Dial = Callable[[str], AbstractAsyncContextManager[Connection]]
"""Opens a socket to an address. What it raises when there is none: OSError, TimeoutError, WebSocketException."""


def dial_websocket(url: str) -> AbstractAsyncContextManager[Connection]:
    """A WebSocket over the network."""
    return connect(
        url,
        open_timeout=_OPEN_TIMEOUT_S,
        ping_interval=_PING_EVERY_S,
        ping_timeout=_PING_EVERY_S,
        close_timeout=1.0,
        compression=None,
        max_size=_MAX_FRAME,
        proxy=None,
    )


class SocketOwner(Protocol):
    """Who a socket works for."""

    def script(self) -> SocketScript:
        """A fresh script for the next connection, with everything it must subscribe already added."""
        ...

    def on_event(self, session: "Session", event: StreamEvent) -> None:
        """Something was read. Returns at once; frames to write go to `session.act`."""
        ...

    def on_open(self, session: "Session") -> None:
        """Connected, and its first frames are on their way."""
        ...

    def on_closed(self, session: "Session", reason: str) -> None:
        """This connection is gone."""
        ...


class Session:
    """One connection and its script."""

    def __init__(
        self,
        owner: SocketOwner,
        script: SocketScript,
        clock: Clock,
        ask: AskExchange,
        name: str,
        pace_s: float,
        dial: Dial = dial_websocket,
    ) -> None:
        self.script = script
        self.name = name
        self.received = stopwatch()
        """When the frame in hand was received."""
        self.opened_s: float | None = None
        self.complete = asyncio.Event()
        """Set by the owner: it carries everything it should, so that an older connection may be closed."""
        self.ended = asyncio.Event()
        self.leaving: str | None = None
        """Why this session is to be replaced, once it is."""
        self.on_leave: Callable[[], None] = lambda: None
        self._owner = owner
        self._clock = clock
        self._ask = ask
        self._pace_s = pace_s
        self._dial = dial
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._asks: set[asyncio.Task[None]] = set()
        self._asked = asyncio.Event()
        self._end = asyncio.Event()
        self.reason = "closed"
        """Why it ended, once it has."""

    async def run(self) -> None:
        """Connect and play the script until the socket ends; `reason` then says why it did."""
        try:
            url = await self._url()
            if url is None:
                return  # The script ended it before there was an address to go to; it said why.
            async with self._dial(url) as socket:
                await self._play(socket)
        except (WebSocketException, InvalidHandshake, InvalidURI, OSError, TimeoutError) as error:
            self.reason = type(error).__name__
        finally:
            for task in self._asks:
                task.cancel()
            self.ended.set()
            self._owner.on_closed(self, self.reason)

    def act(self, events: StreamEvents) -> None:
        """Do what a script answered: write frames, make asks, hand the rest to the owner."""
        for event in events:
            match event:
                case Send():
                    self._outbox.put_nowait(event.frame)
                case Ask():
                    task = asyncio.create_task(self._answer(event))
                    self._asks.add(task)
                    task.add_done_callback(self._asks.discard)
                case CloseAndReconnect():
                    self._leave(event.reason, planned=event.planned)
                case _:
                    self._owner.on_event(self, event)

    def close(self, reason: str) -> None:
        """End this connection."""
        self.reason = reason
        self._end.set()

    def retire(self, reason: str) -> None:
        """Have this connection replaced while it still works."""
        self._leave(reason, planned=True)

    def _leave(self, reason: str, *, planned: bool) -> None:
        if not planned:
            self.close(reason)
        elif self.leaving is None:
            self.leaving = reason
            self.on_leave()

    async def _url(self) -> str | None:
        self.act(self.script.prepare(self._clock.now_ms()))
        async with asyncio.timeout(_OPEN_TIMEOUT_S):
            while (url := self.script.url()) is None and not self._end.is_set():
                await self._asked.wait()
                self._asked.clear()
        return url

    async def _play(self, socket: Connection) -> None:
        self.opened_s = self.received = stopwatch()
        self.act(self.script.on_open(self._clock.now_ms()))
        self._owner.on_open(self)
        tasks = [
            asyncio.create_task(part, name=f"{self.name}-socket")
            for part in (self._read(socket), self._write(socket), self._tick())
        ]
        ending = asyncio.create_task(self._end.wait())
        done, _ = await asyncio.wait([*tasks, ending], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, ending):
            task.cancel()
        await asyncio.gather(*tasks, ending, return_exceptions=True)
        for task in done - {ending}:
            task.result()

    async def _read(self, socket: Connection) -> None:
        async for frame in socket:
            self.received = stopwatch()
            self.act(self.script.on_frame(frame, self._clock.now_ms()))
        self.reason = f"closed by the exchange ({socket.close_code})"

    async def _write(self, socket: Connection) -> None:
        while True:
            await socket.send(await self._outbox.get())
            if self._pace_s:
                await asyncio.sleep(self._pace_s)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            self.act(self.script.on_time(self._clock.now_ms()))

    async def _answer(self, ask: Ask) -> None:
        reply = await self._ask(ask.account_id, ask.request)
        self.act(self.script.on_reply(ask.request_id, reply, self._clock.now_ms()))
        self._asked.set()
