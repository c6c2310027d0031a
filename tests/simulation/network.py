"""The wire between a connector and an exchange, in memory: the kit's sender and sockets on one side, the paper
exchange's own servers on the other, without a byte on a network.

A request may be lost on its way, its answer may be lost on the way back, both may be late, and frames of one socket
keep their order until it breaks.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, Self, cast

from aiohttp import WSMsgType, web
from multidict import CIMultiDict

from common.connector.ports import Frame, Reply, SignedRequest, Unknown
from common.connector.rest import NotSent
from common.connector.session import Connection
from paper_exchange.faults import Kind
from paper_exchange.serving import WRITES, FaceServer
from paper_exchange.sockets import Socket
from tests.simulation.loop import NODE, VirtualLoop
from tests.simulation.strikes import Harm, Strikes

HOST: Final = "ws://127.0.0.1"
_TIMEOUT_S: Final = 10.0
_LATE_S: Final = (0.5, 14.0)
_ARMED: Final = {Harm.FAIL: Kind.ERROR_BEFORE, Harm.FAIL_AFTER: Kind.ERROR_AFTER_ACCEPT, Harm.LIMIT: Kind.RATE_LIMITED}


class Transport:
    """The server's end of a connection: all it is asked for is to break it."""

    def __init__(self, on_abort: Callable[[], None]) -> None:
        self.abort = on_abort


class Request:
    """One request as the paper exchange's servers look at it."""

    remote = "10.0.0.1"

    def __init__(self, signed: SignedRequest, on_abort: Callable[[], None]) -> None:
        self.method, self.raw_path = signed.method, signed.target
        self.headers: CIMultiDict[str] = CIMultiDict(signed.headers)
        self.can_read_body = bool(signed.body)
        self.transport = Transport(on_abort)
        self.pipe: Pipe | None = None
        self._body = signed.body

    async def read(self) -> bytes:
        return self._body


class Network:
    """The way to one exchange."""

    def __init__(self, name: str, loop: VirtualLoop, chance: random.Random, strikes: Strikes) -> None:
        self.name, self.loop, self.strikes = name, loop, strikes
        self.server: FaceServer
        self.pipes: dict[Pipe, None] = {}
        self._chance = chance
        self._down_until_s = 0.0

    @property
    def up(self) -> bool:
        return self.loop.time() >= self._down_until_s

    def cut(self, for_s: float) -> None:
        """Nothing gets through for a while, and open sockets break."""
        self._down_until_s = self.loop.time() + for_s
        for pipe in tuple(self.pipes):
            pipe.break_off()

    def pause_s(self) -> float:
        """Half a round trip."""
        return self._chance.uniform(0.001, 0.02)

    def late_s(self) -> float:
        """Half a round trip on a bad day: perhaps later than anybody waits."""
        return self._chance.uniform(*_LATE_S)

    async def handle(self, request: Request) -> Reply:
        """Let the exchange answer, in the world's own time."""
        response = await self.server._handle(cast("web.BaseRequest", request))
        assert isinstance(response, web.Response)
        headers = {name.lower(): value for name, value in response.headers.items()}
        body = response.body
        return Reply(status=response.status, headers=headers, body=body if isinstance(body, bytes) else b"")


class MemoryWire:
    """Stands in for the kit's RestSender."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    async def send(self, signed: SignedRequest) -> Reply | NotSent | Unknown:
        network, node = self._network, NODE.get()
        harm = network.strikes.at(f"{network.name} {'orders' if signed.method in WRITES else 'asked'}", node)
        if harm is Harm.KILL_BEFORE:
            await asyncio.sleep(0)
        if harm is Harm.CUT or not network.up:
            await asyncio.sleep(0.01)
            return NotSent("ClientConnectorError", "no connection to the exchange")
        answer: asyncio.Future[Reply | Unknown] = network.loop.create_future()
        if harm is not Harm.LOSE:
            delay_s = network.late_s() if harm is Harm.DELAY else network.pause_s()
            network.loop.later(delay_s, self._arrive, signed, answer, harm, node)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await answer
        except TimeoutError:
            return Unknown("timeout", "no answer in time")

    def _arrive(self, signed: SignedRequest, answer: "asyncio.Future[Reply | Unknown]", harm: Any, node: Any) -> None:
        self._network.loop.spawn(None, self._serve(signed, answer, harm, node))

    async def _serve(
        self, signed: SignedRequest, answer: "asyncio.Future[Reply | Unknown]", harm: Any, node: Any
    ) -> None:
        network = self._network

        def tell(reply: Reply | Unknown) -> None:
            if not answer.done():
                answer.set_result(reply)

        lost = Unknown("ServerDisconnectedError", "the connection broke after the request was written")
        request = Request(signed, lambda: tell(lost))
        if (kind := _ARMED.get(harm)) is not None:
            network.server.faults.arm(kind, count=1, method=signed.method, path=signed.target.partition("?")[0])
        reply = await network.handle(request)
        if harm is Harm.KILL_AFTER and node is not None:
            node.kill()
        if harm is not Harm.LOSE_ANSWER:
            network.loop.later(network.pause_s(), tell, reply)
        elif network._chance.random() < 0.5:
            network.loop.later(network.pause_s(), tell, lost)


class Pipe:
    """One socket: two queues and an end."""

    def __init__(self, network: Network, url: str, *, text: bool) -> None:
        self.network, self.text = network, text
        self.close_code: int | None = None
        target = url.removeprefix(HOST)
        self.request = Request(SignedRequest(method="GET", target=target), self.break_off)
        self.request.pipe = self
        self.to_client: deque[Frame | None] = deque()
        self.to_server: deque[Frame | None] = deque()
        self.client_looks, self.server_looks = asyncio.Event(), asyncio.Event()
        self.broken = False
        self._last_s = {True: 0.0, False: 0.0}
        network.pipes[self] = None

    def carry(self, frame: Frame | None, *, to_client: bool) -> None:
        """Bring a frame (or the end) to the other side, behind those before it."""
        loop = self.network.loop
        delay_s = self.network.pause_s()
        if to_client and frame is not None:
            match self.network.strikes.at(f"{self.network.name} tells"):
                case Harm.DELAY:
                    delay_s += self.network.late_s() / 4
                case Harm.CUT:
                    self.break_off()
        at_s = max(loop.time() + delay_s, self._last_s[to_client])
        self._last_s[to_client] = at_s
        loop.later(at_s - loop.time(), self._deliver, frame, to_client)

    def break_off(self) -> None:
        """The connection is gone: what is under way is lost, and both sides notice a moment later."""
        if not self.broken:
            self.broken = True
            self.network.pipes.pop(self, None)
            self.network.loop.later(self.network.pause_s(), self._end)

    def _deliver(self, frame: Frame | None, to_client: bool) -> None:
        if self.broken:
            return
        if frame is None:
            self.break_off()
        elif to_client:
            self.to_client.append(frame)
            self.client_looks.set()
        else:
            self.to_server.append(frame)
            self.server_looks.set()

    def _end(self) -> None:
        self.close_code = 1006
        self.to_client.append(None)
        self.to_server.append(None)
        self.client_looks.set()
        self.server_looks.set()


class ClientSide:
    """The kit's end of a socket."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    @property
    def close_code(self) -> int | None:
        return self._pipe.close_code

    async def send(self, message: Frame, /) -> None:
        if self._pipe.broken:
            raise ConnectionResetError
        self._pipe.carry(message, to_client=False)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        async for frame in _frames(self._pipe.to_client, self._pipe.client_looks):
            yield frame


async def _frames(queue: deque[Frame | None], looks: asyncio.Event) -> AsyncGenerator[Frame, None]:
    while True:
        while queue:
            frame = queue.popleft()
            if frame is None:
                return
            yield frame
        looks.clear()
        await looks.wait()


def dialler(network: Network) -> Callable[[str], Any]:
    """The kit's way to open sockets."""

    @asynccontextmanager
    async def dial(url: str) -> AsyncIterator[Connection]:
        await asyncio.sleep(network.pause_s())
        if not network.up:
            raise ConnectionRefusedError
        text = network.server.data is WSMsgType.TEXT
        pipe, node = Pipe(network, url, text=text), NODE.get()
        if node is not None:
            node.on_death.append(pipe.break_off)
        network.loop.spawn(None, network.server._handle(cast("web.BaseRequest", pipe.request)))
        try:
            yield ClientSide(pipe)
        finally:
            pipe.carry(None, to_client=False)

    return dial


class MemorySocket(Socket):
    """The exchange's end of a socket, as its face's server uses it."""

    def __init__(self, pipe: Pipe, loop: VirtualLoop, *, combined: bool) -> None:
        self.combined, self._pipe, self._loop = combined, pipe, loop
        self.opened_s = self.last_heard_s = loop.time()
        self.ws = self  # type: ignore[assignment]  # what the servers ask of it is below

    def push(self, frame: bytes, stamp: Any = None) -> None:
        self._pipe.carry(frame.decode() if self._pipe.text else frame, to_client=True)

    def say(self, text: bytes) -> None:
        self._pipe.carry(text.decode(), to_client=True)

    async def send_str(self, text: str) -> None:
        self._pipe.carry(text, to_client=True)

    async def frames(self) -> AsyncGenerator[str, None]:
        async for frame in _frames(self._pipe.to_server, self._pipe.server_looks):
            self.last_heard_s = self._loop.time()
            yield frame if isinstance(frame, str) else frame.decode()

    async def ping(self) -> None:
        """Answered by the client's library, unseen by the kit: only a broken socket stays silent."""
        self.last_heard_s = self._loop.time()

    def abort(self) -> None:
        self._pipe.break_off()

    async def close(self) -> None:
        self._pipe.carry(None, to_client=True)

    async def finish(self, frame: bytes) -> None:
        self.push(frame)
        await self.close()

    def stop(self) -> None:
        """There is no writer to stop."""
