"""The loop that owns a socket, against a real one on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from common.clock import SystemClock
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    Frame,
    ReadAgain,
    Reply,
    Send,
    StreamEvent,
    StreamEvents,
    Unknown,
)
from common.connector.session import Session
from common.connector.sockets import Backoff, SocketLoop


class Server:
    """Says what it is told to, remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []
        self.connections: list[ServerConnection] = []
        self.at_once = 0
        self.most_at_once = 0
        self.url = ""

    async def handle(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            async for frame in connection:
                self.heard.append(frame)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def listening() -> AsyncIterator[Server]:
    server = Server()
    async with serve(server.handle, "127.0.0.1", 0) as listener:
        server.url = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server


class Script:
    """Greets, and obeys what it reads; with a key in its URL it asks for the key first, as MEXC's would."""

    def __init__(self, url: str, *, key: bool = False) -> None:
        self._url: str | None = None if key else url
        self._base = url

    def prepare(self, now_ms: int) -> StreamEvents:
        return [Ask("key", "a", None)] if self._url is None else []  # type: ignore[arg-type]

    def url(self) -> str | None:
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        return [Send("hello")]

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        assert isinstance(reply, Reply)
        self._url = f"{self._base}/?key={reply.body.decode()}"
        return []

    def on_time(self, now_ms: int) -> StreamEvents:
        return []

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        match raw:
            case "leave":
                return [CloseAndReconnect("told to")]
            case "leave soon":
                return [CloseAndReconnect("told to", planned=True)]
            case _:
                return [ReadAgain("a", str(raw))]


class Owner:
    def __init__(self, url: str, *, key: bool = False) -> None:
        self.url, self.key = url, key
        self.events: list[StreamEvent] = []
        self.closed: list[str] = []

    def script(self) -> Script:
        return Script(self.url, key=self.key)

    def on_event(self, session: Session, event: StreamEvent) -> None:
        self.events.append(event)

    def on_open(self, session: Session) -> None:
        session.complete.set()

    def on_closed(self, session: Session, reason: str) -> None:
        self.closed.append(reason)


async def answer(account_id: str, request: object) -> Reply | Unknown:
    return Reply(status=200, body=b"listen-key")


@asynccontextmanager
async def looping(owner: Owner, **options: float) -> AsyncIterator[SocketLoop]:
    settings: dict[str, Any] = {"rotate_after_s": 3_600.0, **options}
    loop = SocketLoop(owner, SystemClock(), answer, exchange="test", kind="private", **settings)
    running = asyncio.create_task(loop.run())
    yield loop
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_frames_are_read_and_what_the_script_says_is_written(eventually: Any) -> None:
    async with listening() as server, looping(owner := Owner(server.url)):
        await eventually(lambda: server.heard == ["hello"])
        await server.connections[0].send("news")
        await server.connections[0].send(b"\x01")
        await eventually(lambda: len(owner.events) == 2)


async def test_a_lost_socket_is_opened_again(eventually: Any) -> None:
    async with listening() as server, looping(owner := Owner(server.url)):
        await eventually(lambda: server.heard)
        server.connections[0].transport.abort()
        await eventually(lambda: len(server.heard) == 2)
        assert len(owner.closed) == 1


async def test_a_script_may_end_its_connection(eventually: Any) -> None:
    async with listening() as server, looping(owner := Owner(server.url)):
        await eventually(lambda: server.heard)
        await server.connections[0].send("leave")
        await eventually(lambda: len(server.heard) == 2)
        assert owner.closed == ["told to"]


async def test_a_planned_replacement_connects_before_it_closes(eventually: Any) -> None:
    async with listening() as server, looping(owner := Owner(server.url)):
        await eventually(lambda: server.heard)
        await server.connections[0].send("leave soon")
        await eventually(lambda: owner.closed == ["replaced"])
        assert server.most_at_once == 2


async def test_an_old_socket_is_replaced(eventually: Any) -> None:
    async with listening() as server, looping(Owner(server.url), rotate_after_s=0.01):
        await eventually(lambda: len(server.connections) >= 2)


async def test_a_url_that_must_be_asked_for_is_asked_for_first(eventually: Any) -> None:
    async with listening() as server, looping(Owner(server.url, key=True)):
        await eventually(lambda: server.connections)
        request = server.connections[0].request
        assert request is not None
        assert request.path == "/?key=listen-key"


async def test_a_server_that_is_not_there_is_tried_until_it_is(eventually: Any) -> None:
    async with listening() as server:
        url = server.url
    async with looping(owner := Owner(url)):
        await eventually(lambda: len(owner.closed) >= 2)


async def test_frames_are_paced_where_the_exchange_counts_them(eventually: Any) -> None:
    async with listening() as server, looping(Owner(server.url), pace_s=0.01) as loop:
        await eventually(lambda: server.heard)
        assert loop.newest is not None
        loop.newest.act([Send(str(n)) for n in range(5)])
        await eventually(lambda: server.heard == ["hello", *"01234"])


def test_pauses_double_up_to_a_ceiling_and_start_over_after_a_success() -> None:
    backoff = Backoff(first_s=1.0, ceiling_s=4.0)
    pauses = [backoff.pause_s() for _ in range(4)]
    for pause_s, most_s in zip(pauses, (1, 2, 4, 4), strict=True):
        assert most_s / 2 <= pause_s <= most_s
    backoff.reset()
    assert backoff.pause_s() <= 1
