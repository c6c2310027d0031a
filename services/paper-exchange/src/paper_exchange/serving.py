"""What the servers of all faces do alike: listening, time, faults, and cutting sockets."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from paper_exchange.clock import Clock
from paper_exchange.core.exchange import Exchange
from paper_exchange.faults import Fault, Faults, Kind, RequestFacts
from paper_exchange.reply import Reply
from paper_exchange.sockets import Socket
from paper_exchange.timings import Stamp, Timings

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
Job = tuple[float, Callable[[], Awaitable[None]]]


class FaceServer(ABC):
    """Listens on one port for one face; its subclasses know the protocol. `data` is what its data frames are."""

    data: ClassVar[WSMsgType] = WSMsgType.TEXT

    def __init__(self, exchange: Exchange, clock: Clock, faults: Faults, *, walk_every_ms: int | None = None) -> None:
        self.exchange, self.faults, self.timings = exchange, faults, Timings()
        self._clock, self._walk_every_ms = clock, walk_every_ms
        self._refuse_until_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.ServerRunner | None = None

    def now_ms(self) -> int:
        """The exchange's clock, with its skew."""
        return self._clock() + (self.faults.skew_ms() if self.faults else 0)

    async def start(self, host: str, port: int) -> int:
        """Listen; answers the port (the one given, or the one the system chose for 0)."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        for seconds, action in self._jobs():
            self._spawn(self._every(seconds, action))
        if self._walk_every_ms is not None:
            self._spawn(self._every(self._walk_every_ms / 1000, self._walk))
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every socket and stop listening."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*(socket.close() for socket in self._sockets("all")), return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- what a protocol adds -------------------------------------------------------------------------------------

    @abstractmethod
    def _jobs(self) -> Iterable[Job]:
        """What is to be done every so many seconds."""

    @abstractmethod
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one HTTP request, or serve one WebSocket until it ends."""

    @abstractmethod
    def _sockets(self, which: str) -> list[Socket]:
        """The open sockets of a kind that the protocol names; `all` is every one."""

    # -- time -----------------------------------------------------------------------------------------------------

    @staticmethod
    async def _every(seconds: float, action: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await action()

    async def _walk(self) -> None:
        for symbol in self.exchange.markets:
            self.exchange.step(symbol, self.now_ms())

    # -- requests and events under faults -------------------------------------------------------------------------

    async def _answer(
        self, request: web.BaseRequest, facts: RequestFacts, answer: Callable[[], Reply],
        failure: Callable[[Fault], Reply],
    ) -> web.Response:  # fmt: skip
        """Answer an HTTP request, unless a fault strikes it; `failure` words the fault's error."""
        if facts.method in WRITES:
            call = f"{facts.method} {facts.path}"
            self.timings.requests.append((time.monotonic_ns(), facts.uid, call, facts.client_order_ids))
        fault = self.faults.for_request(facts) if self.faults else None
        if fault is None:
            return response(answer())
        if fault.kind in {Kind.ERROR_BEFORE, Kind.RATE_LIMITED}:
            return response(failure(fault))
        reply = answer()
        if fault.kind is Kind.ERROR_AFTER_ACCEPT:
            return response(failure(fault))
        if fault.kind is Kind.SLOW_RESPONSE:
            await asyncio.sleep(fault.delay_ms / 1000)
        elif request.transport is not None:
            request.transport.abort()
        return response(reply)

    def _push_event(
        self, uid: int, kind: str, frames: Iterable[tuple[Socket, bytes]], stamp: Stamp | None = None
    ) -> None:
        """Push one event of an account to those who listen, unless a fault loses, delays or doubles it."""
        fault = self.faults.for_event(uid, kind) if self.faults else None
        if fault is not None and fault.kind is Kind.SWALLOW_EVENT:
            return
        for socket, frame in frames:
            if fault is not None and fault.kind is Kind.DELAY_EVENT:
                asyncio.get_running_loop().call_later(fault.delay_ms / 1000, socket.push, frame, stamp)
                continue
            socket.push(frame, stamp)
            if fault is not None:
                socket.push(frame)

    # -- faults of sockets ----------------------------------------------------------------------------------------

    async def _open_socket(self, request: web.BaseRequest, *, combined: bool = False) -> Socket | None:
        """A socket, or nothing while connections are refused."""
        if time.monotonic() < self._refuse_until_s:
            if request.transport is not None:
                request.transport.abort()
            return None
        socket = Socket(request, self.timings, combined=combined, data=self.data)
        await socket.open()
        return socket

    def drop_sockets(self, which: str = "all") -> int:
        """Cut sockets of a kind now; answers how many."""
        chosen = self._sockets(which)
        for socket in chosen:
            socket.abort()
        return len(chosen)

    def refuse_connections(self, for_ms: int) -> None:
        """Cut every new WebSocket connection for this long."""
        self._refuse_until_s = time.monotonic() + for_ms / 1000


def response(reply: Reply) -> web.Response:
    """The reply as the HTTP library wants it."""
    return web.Response(
        body=reply.body, status=reply.status, headers=reply.headers, content_type=reply.content_type
    )  # fmt: skip
