"""Both kinds of socket on one stream: the same events and numbers, the same resync, the same doors."""

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest
import socketio
from fastapi import FastAPI

from common.clock import SystemClock
from common.errors import Unavailable
from common.service.http import HttpServer, HttpSettings
from gateway.auth import refusals
from gateway.auth.identity import Caller, Role, Scope
from gateway.stream import plain
from gateway.stream.door import Door
from gateway.stream.events import LiveEvent
from gateway.stream.hub import Hub
from gateway.stream.joined import EventStream
from gateway.stream.session import Limits
from gateway.stream.socket_io import SocketIo
from gateway.testing.events import MemoryEvents

LIMITS = Limits(most_behind=200, slow_after_s=0.3, connections_per_user=3, recheck_s=0.05)


class Callers:
    """Tokens that are good until they are taken away."""

    def __init__(self) -> None:
        self.known = {"token-u": "u", "token-u2": "u", "token-v": "v", "token-w": "w"}
        self.away = False

    async def of(self, token: str) -> Caller:
        if self.away:
            raise Unavailable("the database")
        if token == "token-without-read":
            return Caller(user_id="u", role=Role.TRADER, scopes=frozenset({Scope.TRADE}))
        if token not in self.known:
            raise refusals.unauthenticated("The access token has expired or is not ours.")
        return Caller(user_id=self.known[token], role=Role.TRADER)


class House:
    """The sockets of a gateway on a store in memory."""

    def __init__(self) -> None:
        self.callers, store = Callers(), MemoryEvents()
        self.hub = Hub(store)
        self.stream = EventStream(store, self.hub)
        self.door = Door(self.callers, self.hub, LIMITS)  # type: ignore[arg-type]
        self.count = 0
        self.url = ""
        self.server: HttpServer

    async def happens(self, count: int = 1, user_id: str = "u", size: int = 1) -> None:
        for _ in range(count):
            self.count += 1
            event = LiveEvent("order_update", {"orderStatus": "NEW", "filler": "x" * size})
            await self.stream.tell(user_id, event, str(self.count))


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    app = FastAPI()
    app.include_router(plain.router(house.door, SystemClock()))
    whole = socketio.ASGIApp(SocketIo(house.door, ["*"]).server, other_asgi_app=app)
    server = house.server = HttpServer(whole, HttpSettings())
    tasks = [asyncio.create_task(work) for work in (server.run(), house.hub.run(), house.door.watch())]
    house.url = f"http://127.0.0.1:{await server.listening()}"
    yield house
    await server.stop()
    await tasks[0]
    for task in tasks[1:]:
        task.cancel()


class Heard:
    """What a client hears, as (event, data)."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    async def next(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.queue.get(), 5)

    async def numbers(self, count: int) -> list[int]:
        return [(await self.next())[1]["seq"] for _ in range(count)]


class SocketIoClient(Heard):
    """The official Python client."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.client = socketio.AsyncClient(reconnection=False)
        self.client.on("*", lambda event, data: self.queue.put_nowait((event, data)))
        self.disconnected = asyncio.Event()
        self.client.on("disconnect", lambda *_: self.disconnected.set())
        self._url = house.url

    async def connect(self, token: Any, since: Any = None, transports: Any = ("websocket",)) -> None:
        await self.client.connect(self._url, auth={"token": token, "since": since}, transports=list(transports))

    async def say(self, name: str, body: Any) -> Any:
        return await self.client.call(name, body, timeout=5)

    async def until_closed(self) -> str:
        while (heard := await self.next())[0] != "stream_closed":
            pass
        await asyncio.wait_for(self.disconnected.wait(), 5)
        return str(heard[1]["code"])

    async def close(self) -> None:
        await self.client.disconnect()


class PlainClient(Heard):
    """A WebSocket and nothing else."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._session = aiohttp.ClientSession()
        self._url = f"{house.url}/ws"
        self.socket: Any = None

    async def connect(self, token: Any, since: Any = None) -> None:
        query = "" if since is None else f"?since={since}"
        headers = {"Authorization": f"Bearer {token}"}
        self.socket = await self._session.ws_connect(self._url + query, headers=headers)
        self._reading = asyncio.create_task(self.read())

    async def connect_with(self, query: str = "", **how: Any) -> None:
        self.socket = await self._session.ws_connect(self._url + query, **how)
        self._reading = asyncio.create_task(self.read())

    async def read(self) -> None:
        async for message in self.socket:
            frame = message.json()
            self.queue.put_nowait((frame["event"], frame["data"]))
        self.queue.put_nowait(("closed", self.socket.close_code))

    async def say(self, name: str, body: Any) -> Any:
        await self.socket.send_json({"type": name, **body})

    async def until_closed(self) -> str:
        while (heard := await self.next())[0] != "stream_closed":
            pass
        assert (await self.next())[0] == "closed"
        return str(heard[1]["code"])

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
            with suppress(asyncio.CancelledError):
                await self._reading
        await self._session.close()


KINDS = pytest.mark.parametrize("kind", [SocketIoClient, PlainClient])


@pytest.fixture
async def client(house: House, kind: Any) -> AsyncIterator[Any]:
    client = kind(house)
    yield client
    await client.close()


@KINDS
async def test_what_was_missed_comes_in_order_before_what_is_live(house: House, client: Any) -> None:
    await house.stream.store.listen("u")
    await house.happens(120)
    await client.connect("token-u", since=20)
    assert await client.next() == ("stream_ready", {"since": 20, "seq": 120})
    await house.happens(2)
    await house.happens(5, user_id="v")
    assert await client.numbers(102) == list(range(21, 123))
    assert client.queue.empty()


@KINDS
async def test_a_gap_is_healed_on_request_without_a_new_connection(house: House, client: Any) -> None:
    await client.connect("token-u")
    await client.next()
    await house.happens(3)
    assert await client.numbers(3) == [1, 2, 3]
    await client.say("resync", {"since": 1})
    assert await client.next() == ("stream_ready", {"since": 1, "seq": 3})
    assert await client.numbers(2) == [2, 3]


@KINDS
async def test_a_past_that_is_not_kept_asks_for_a_snapshot(house: House, client: Any) -> None:
    await client.connect("token-u", since=7)
    name, message = await client.next()
    assert (name, message["reason"], message["seq"]) == ("resync_required", "AHEAD", 0)


@KINDS
async def test_a_token_that_is_taken_away_ends_its_connections(house: House, client: Any) -> None:
    await client.connect("token-u")
    await client.next()
    house.callers.away = True
    await asyncio.sleep(0.15)
    house.callers.away = False
    await house.happens(1)
    assert (await client.next())[0] == "order_update"
    del house.callers.known["token-u"]
    assert await client.until_closed() == "UNAUTHENTICATED"
    async with asyncio.timeout(5):
        while house.door.open:
            await asyncio.sleep(0.01)


@KINDS
async def test_a_fresh_token_of_the_same_user_keeps_the_connection(house: House, client: Any) -> None:
    await client.connect("token-u")
    await client.next()
    refused = await client.say("authenticate", {"token": "token-v"})
    refused = refused or (await client.next())[1]
    assert refused["code"] == "OTHER_USER"
    accepted = await client.say("authenticate", {"token": "token-u2"})
    assert accepted == {"status": "Success"} or (await client.next())[0] == "authenticated"
    del house.callers.known["token-u"]
    await asyncio.sleep(0.15)
    await house.happens(1)
    assert (await client.next())[0] == "order_update"


async def test_socket_io_works_over_long_polling(house: House) -> None:
    """Packets come as text between record separators, in portions that every client takes."""
    url, heard = f"{house.url}/socket.io/?EIO=4&transport=polling", list[str]()
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as opened:
            sid = orjson.loads((await opened.text())[1:])["sid"]
        async with http.post(f"{url}&sid={sid}", data='40{"token":"token-u"}') as said:
            assert said.status == 200
        async with asyncio.timeout(10):
            while len(heard) < 62:
                async with http.get(f"{url}&sid={sid}") as polled:
                    packets = (await polled.text()).split("\x1e")
                assert len(packets) <= 16
                heard += packets
                if len(heard) == 2:
                    await house.happens(60)
        await http.post(f"{url}&sid={sid}", data="1")
    assert [orjson.loads(packet[2:])[1]["seq"] for packet in heard[2:]] == list(range(1, 61))


@pytest.mark.parametrize("token", [None, "rubbish", 7, "token-without-read"])
async def test_nobody_listens_to_socket_io_without_a_good_token(house: House, token: Any) -> None:
    client = SocketIoClient(house)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(token)
    assert house.door.open == 0


async def test_a_since_that_is_no_number_is_refused(house: House) -> None:
    client = SocketIoClient(house)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect("token-u", since="yesterday")
    plain_client = PlainClient(house)
    await plain_client.connect("token-u", since="yesterday")
    name, problem = await plain_client.next()
    assert (name, problem["field"], await plain_client.next()) == ("error", "since", ("closed", 4400))
    await plain_client.close()


async def test_a_user_has_a_bounded_number_of_connections(house: House) -> None:
    clients: list[Any] = [PlainClient(house), PlainClient(house), SocketIoClient(house)]
    for each in clients:
        await each.connect("token-u")
        await each.next()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await SocketIoClient(house).connect("token-u")
    one_more = PlainClient(house)
    await one_more.connect("token-u")
    assert (await one_more.next())[1]["code"] == "TOO_MANY_CONNECTIONS"
    assert await one_more.next() == ("closed", 4429)
    other = PlainClient(house)
    await other.connect("token-v")
    assert (await other.next())[0] == "stream_ready"
    for each in (*clients, one_more, other):
        await each.close()


WAYS: Any = {
    "subprotocol": {"protocols": ["cgt.v1", "bearer.token-u"]},
    "header": {"headers": {"Authorization": "bearer token-u"}},
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_websockets_token_comes_in_its_handshake(house: House, way: str) -> None:
    client = PlainClient(house)
    await client.connect_with("?since=0", **WAYS[way])
    assert (await client.next())[0] == "stream_ready"
    assert client.socket.protocol == ("cgt.v1" if way == "subprotocol" else None)
    await client.close()


async def test_a_websockets_token_may_come_in_its_first_message(house: House) -> None:
    await house.stream.store.listen("u")
    await house.happens(4)
    client = PlainClient(house)
    await client.connect_with()
    await client.say("authenticate", {"token": "token-u", "since": 2})
    assert await client.next() == ("stream_ready", {"since": 2, "seq": 4})
    assert await client.numbers(2) == [3, 4]
    await client.say("ping", {})
    assert (await client.next())[0] == "pong"
    for wrong in ({"type": "dance"}, {"type": "resync"}, {"type": "resync", "since": "x"}, {"type": 3}, {}):
        await client.socket.send_json(wrong)
        assert (await client.next())[0] == "error"
    await client.socket.send_str("no json")
    assert (await client.next())[1]["code"] == "NOT_UNDERSTOOD"
    await client.close()


@pytest.mark.parametrize(
    ("query", "first", "code"),
    [("?token=token-u", None, "TOKEN_IN_URL"), ("", {"type": "hello"}, "UNAUTHENTICATED")],
    ids=["in the url", "not at all"],
)
async def test_a_websocket_without_a_token_where_it_belongs_is_closed(
    house: House, query: str, first: Any, code: str
) -> None:
    client = PlainClient(house)
    await client.connect_with(query)
    if first is not None:
        await client.socket.send_json(first)
    assert (await client.next())[1]["code"] == code
    assert (await client.next())[0] == "closed"
    await client.close()


async def stuck(house: House, handshake: bytes, *messages: bytes) -> sockets.socket:
    """A client that shakes hands and then never reads again."""
    host, _, port = house.url.removeprefix("http://").partition(":")
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, (host, int(port)))
    await loop.sock_sendall(raw, handshake)
    await asyncio.wait_for(loop.sock_recv(raw, 4096), 5)
    for message in messages:
        mask = b"\x00\x00\x00\x00"
        await loop.sock_sendall(raw, bytes([0x81, 0x80 | len(message)]) + mask + message)
    return raw


def upgrade(path: str, token: str = "") -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{authorization}"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("how", ["socket.io", "plain"])
async def test_a_client_that_never_reads_is_ended_and_delays_nobody(house: House, how: str) -> None:
    quick = PlainClient(house)
    await quick.connect("token-u", since=0)
    await quick.next()
    if how == "plain":
        raw = await stuck(house, upgrade("/ws", "token-u"))
    else:
        raw = await stuck(house, upgrade("/socket.io/?EIO=4&transport=websocket"), b'40{"token":"token-u"}')
    async with asyncio.timeout(5):
        while house.door.open < 2:
            await asyncio.sleep(0.01)
    # More than the kernel keeps for a reader that does not read.
    for _ in range(120):
        await house.happens(1, size=60_000)
        await quick.next()
    async with asyncio.timeout(10):
        while house.door.open > 1:
            await asyncio.sleep(0.01)
    if how == "plain":
        await _cut_off(house)
    raw.close()
    await quick.close()


async def _cut_off(house: House) -> None:
    """Wait until the server has thrown away what this client would not read: only the other connection is left."""
    async with asyncio.timeout(10):
        while len(house.server._server.server_state.connections) > 1:
            await asyncio.sleep(0.02)
