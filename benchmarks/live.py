"""`python -m benchmarks.live`: from a fact on the topic to the frontends that listen, over Socket.IO.

Ours reads the fact from the broker, numbers it in PostgreSQL, and sends it; a bare python-socketio server emits the
same payload from memory. They take turns with the same clients: `users` of them with `tabs` connections each, one
update after the other for one user after the other. Both ends are stamped by this machine's monotonic clock.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

import aiohttp
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.cpu import usage
from benchmarks.running import NotMeasured, on_a_stack
from benchmarks.stats import median, spread
from common.bus.brokers import BrokerKind, BusSettings
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS
from common.codec import encode
from common.exchanges import Exchange
from common.orders import OrderFilled, OrderStatus, OrderType, Side, type_of
from common.runtime.process import accepts_connections, free_port, start
from common.runtime.stack import Stack
from common.service.auth import ServiceAuth

OURS: Final = "gateway"
BARE: Final = "bare python-socketio"
NEEDED: Final = ("credentials-vault", "gateway")
_SETTLE_S: Final = 30.0
_AT_ONCE: Final = 20


@dataclass(frozen=True)
class Member:
    """A user with an account."""

    token: str
    account_id: str


@dataclass
class Turn:
    """What the clients of one turn received."""

    who: str
    expected: int
    latencies_ms: list[float] = field(default_factory=list)
    cpu_percent: float = 0.0


class Clients:
    """Socket.IO clients as they are on the wire: an Engine.IO WebSocket each, so that a thousand fit in one process."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._readers: list[asyncio.Task[None]] = []
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self.latencies_ms: list[float] = []

    async def connect(self, url: str, tokens: Sequence[str]) -> None:
        """One connection per token, each until the server has answered."""
        for first in range(0, len(tokens), _AT_ONCE):
            await asyncio.gather(*[self._connect(url, token) for token in tokens[first : first + _AT_ONCE]])

    async def say(self, event: str, data: Any) -> None:
        """Let the first client say something."""
        await self._sockets[0].send_str("42" + orjson.dumps([event, data]).decode())

    async def close(self) -> None:
        """Disconnect all."""
        for socket in self._sockets:
            await socket.close()
        await asyncio.gather(*self._readers)

    async def _connect(self, url: str, token: str) -> None:
        socket = await self._http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket")
        await socket.receive_str()
        await socket.send_str("40" + orjson.dumps({"token": token}).decode())
        answer = await socket.receive_str()
        assert answer.startswith("40"), answer
        self._sockets.append(socket)
        self._readers.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            text = str(message.data)
            if text == "2":
                await socket.send_str("3")
            elif text.startswith('42["order_update"'):
                now_ns = time.monotonic_ns()
                self.latencies_ms.append((now_ns - int(orjson.loads(text[2:])[1]["tradeId"])) / 1e6)


class Bench:
    """The stack, the bare server, and the users."""

    def __init__(self, stack: Stack, http: aiohttp.ClientSession, bare_url: str, publisher: Publisher) -> None:
        self._stack = stack
        self._http = http
        self._bare_url = bare_url
        self._publisher = publisher
        self.members: list[Member] = []

    async def enrol(self, users: int) -> None:
        """Register users and give each an account."""
        auth = ServiceAuth("gateway", self._stack.secrets.service_keys["gateway"])
        for _ in range(users):
            password = {"email": f"{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(12)}
            async with self._http.post(f"{self._stack.gateway_url}/auth/register", json=password) as answer:
                data = (await answer.json())["data"]
            body = {
                "user_id": data["user"]["id"], "exchange": Exchange.BINANCE, "label": "live",
                "api_key": secrets.token_hex(16), "secret": secrets.token_hex(16),
            }  # fmt: skip
            vault, header = self._stack.urls["credentials-vault"], auth.header("credentials-vault")
            async with self._http.post(f"{vault}/accounts", json=body, headers=header) as answer:
                self.members.append(Member(data["access_token"], (await answer.json())["account_id"]))

    async def turn(self, who: str, tabs: int, rate: float, seconds: float) -> Turn:
        """Let one of the two send to all clients for a while."""
        clients, count = Clients(self._http), int(rate * seconds)
        tokens = [member.token for member in self.members for _ in range(tabs)]
        await clients.connect(self._stack.gateway_url if who == OURS else self._bare_url, tokens)
        await asyncio.sleep(2)
        before = usage({self._stack.pid("gateway"): OURS})
        if who == OURS:
            await self._publish(rate, count)
        else:
            rooms = [member.token for member in self.members]
            wish = {"rooms": rooms, "rate": rate, "count": count, "payload": _payload()}
            await clients.say("go", wish)
        result = Turn(who, count * tabs)
        deadline = time.monotonic() + seconds + _SETTLE_S
        while len(clients.latencies_ms) < result.expected and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        result.cpu_percent = usage({self._stack.pid("gateway"): OURS}).percent_since(before).get(OURS, 0.0)
        await clients.close()
        result.latencies_ms = clients.latencies_ms
        return result

    async def _publish(self, rate: float, count: int) -> None:
        begun = time.monotonic()
        publishing: set[asyncio.Task[None]] = set()
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            member = self.members[number % len(self.members)]
            task = asyncio.create_task(self._publisher.publish([_fact(member.account_id)]))
            publishing.add(task)
            task.add_done_callback(publishing.discard)
        await asyncio.gather(*publishing)


def _fact(account_id: str) -> Outgoing:
    now_ms = time.time_ns() // 1_000_000
    fact = OrderFilled(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        client_order_id="b" * 17 + "-e0",
        exchange_order_id="123456789",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.FILLED,
        qty=Decimal("0.01"),
        price=Decimal(100_000),
        cum_qty=Decimal("0.01"),
        avg_px=Decimal(100_000),
        last_qty=Decimal("0.01"),
        last_px=Decimal(100_000),
        trade_id=str(time.monotonic_ns()),
        fee=Decimal("0.00001"),
        fee_asset="BTC",
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )
    return Outgoing(
        topic=ORDER_EVENTS.name,
        key=account_id,
        value=encode(fact),
        ce_id=secrets.token_hex(8),
        ce_type=type_of(fact),
        ce_source="benchmark",
        ce_time_ms=now_ms,
        correlation_id=None,
        causation_id=None,
    )


def _payload() -> dict[str, Any]:
    """About what an order_update weighs."""
    shown: dict[str, Any] = orjson.loads(_fact("a" * 36).value or b"")
    return shown


@asynccontextmanager
async def _bench(stack: Stack) -> AsyncIterator[Bench]:
    port = free_port()
    async with AsyncExitStack() as open_:
        bare = start(
            "bare", [sys.executable, "-m", "benchmarks.bots.bare_socketio", str(port)], log=stack.logs / "bare.log"
        )
        open_.push_async_callback(bare.stop)
        await bare.ready(lambda: accepts_connections(port), 30)
        connector = aiohttp.TCPConnector(limit=0)
        http = await open_.enter_async_context(aiohttp.ClientSession(connector=connector, raise_for_status=True))
        bus = BusSettings(kafka_bootstrap=stack.bootstrap, broker=stack.options.broker)
        publisher = await open_.enter_async_context(Publisher(bus, (ORDER_EVENTS,), "benchmark"))
        yield Bench(stack, http, f"http://127.0.0.1:{port}", publisher)


def show(turns: Sequence[Turn], console: Console, title: str) -> None:
    """Print the table: quantiles over all turns of each, and the ratio of the rounds' medians."""
    table = Table(title=title)
    table.add_column("")
    for name in ("received", "lost", "p50", "p90", "p99", "max", "gateway CPU %"):
        table.add_column(name, justify="right")
    for who in (OURS, BARE):
        own = [turn for turn in turns if turn.who == who]
        whole = spread([latency for turn in own for latency in turn.latencies_ms])
        lost = sum(turn.expected - len(turn.latencies_ms) for turn in own)
        numbers = (f"{each:.1f}" for each in (whole.p50, whole.p90, whole.p99, whole.max))
        cpu = f"{median([turn.cpu_percent for turn in own]):.0f}"
        table.add_row(who, str(whole.count), str(lost), *numbers, cpu)
    console.print(table)
    for name in ("p50", "p99"):
        ours, bare = ([getattr(spread(t.latencies_ms), name) for t in turns if t.who == who] for who in (OURS, BARE))
        ratio = median([one / other for one, other in zip(ours, bare, strict=True)])
        console.print(f"gateway / bare, {name}: {ratio:.1f} (median over the rounds)")


def main(argv: Sequence[str], broker: str) -> int:
    """Run it from the command line; 1 when an update was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description="Measure fact to frontend.")
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--tabs", type=int, default=5, help="connections of each user")
    parser.add_argument("--rate", type=float, default=200.0, help="updates a second, over all users")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args(argv)

    async def measured(stack: Stack, console: Console) -> None:
        async with _bench(stack) as bench:
            await bench.enrol(asked.users)
            order = [who for n in range(asked.rounds) for who in ((OURS, BARE) if n % 2 == 0 else (BARE, OURS))]
            turns = [await bench.turn(who, asked.tabs, asked.rate, asked.seconds) for who in order]
        clients = asked.users * asked.tabs
        show(turns, console, f"{clients} Socket.IO clients, {asked.rate:g} updates/s to {asked.tabs} clients each, ms")
        if any(len(turn.latencies_ms) != turn.expected for turn in turns):
            raise NotMeasured("Updates were lost or doubled.")

    return on_a_stack(broker, measured, NEEDED, {"CGT_CONNECTIONS_PER_USER": "1000"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("CGT_BROKER", BrokerKind.EMBEDDED)))
