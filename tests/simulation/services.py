"""The services of a history: production parts, joined as their `app.py` joins them, on the broker, the database and the
network of this world. Each start is a new process; a supervisor starts the next one when it died.
"""

import asyncio
import random
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from common.accounts import AccountChanged, AccountState, Credentials
from common.bus.brokers import BusSettings
from common.bus.dead_letters import TopicDeadLetters
from common.bus.hot import HotRunner
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, all_topics
from common.clock import SystemClock
from common.codec import encode
from common.connector.client import KeyRefused
from common.connector.connector import Connector, Outside
from common.connector.door import Door
from common.connector.ports import Dialect
from common.connector.settings import ConnectorSettings
from common.db.leases import Lease, Leases, owner_name
from common.db.offsets import Offsets
from common.db.outbox import OutboxRelay
from common.errors import Unavailable
from common.exchanges import CAPABILITIES, Exchange
from common.service.client import ServiceReply
from common.service.run import Process
from order_engine.policy import DEFAULT_POLICY
from order_engine.prices import PriceWatch
from order_engine.shards import Shards
from order_engine.store import CONSUMER, SCHEMA, Ledger
from tests.simulation.broker import MemoryBroker
from tests.simulation.database import MemoryServer
from tests.simulation.exchanges import Venue
from tests.simulation.loop import NODE, Node, VirtualLoop
from tests.simulation.network import MemoryWire, dialler

ENGINE: Final = "order-engine"
_TICK_MS: Final = 50
_RESTART_S: Final = (0.2, 3.0)


@dataclass
class Parts:
    """What a test may plant a fault of ours in: production parts, unless somebody puts others here."""

    ledger: type[Ledger] = Ledger
    wire: type[MemoryWire] = MemoryWire
    dialect: Callable[[Dialect], Dialect] = field(default=lambda dialect: dialect)


@dataclass
class Site:
    """Where services run."""

    loop: VirtualLoop
    broker: MemoryBroker
    database: MemoryServer
    venues: Mapping[Exchange, Venue]
    chance: random.Random
    tell: Callable[[str], None]
    parts: Parts
    connectors: dict[Exchange, dict[Node, Connector]] = field(default_factory=dict)
    synced_s: dict[str, float] = field(default_factory=dict)
    """By account, when the last check that sync finished had begun."""
    settings: BusSettings = field(init=False)

    def __post_init__(self) -> None:
        self.settings = BusSettings(partitions=self.broker.partitions)

    def running(self, exchange: Exchange) -> list[tuple[Node, Connector]]:
        """The connectors of an exchange whose process lives, the newest last."""
        return [(node, each) for node, each in self.connectors.get(exchange, {}).items() if node.alive]

    def deaf(self, exchange: Exchange) -> list[str]:
        """The accounts of an exchange whose stream is not complete in any process."""
        running = [each for _, each in self.running(exchange)]
        return [
            account_id
            for account_id in self.venues[exchange].credentials
            if not any(account_id in each.streamed and each.ready_for((account_id,)) for each in running)
        ]


class Supervised:
    """One place for a process: starts it, and starts it again when it died."""

    def __init__(
        self, site: Site, name: str, start: "Callable[[Site, Process, str], Coroutine[Any, Any, None]]"
    ) -> None:
        self.name, self._site, self._start = name, site, start
        self.starts = 0
        self.node = Node(name)
        self._run()

    def kill(self) -> None:
        """SIGKILL."""
        if self.node.alive:
            self.node.kill()

    def _run(self) -> None:
        self.starts += 1
        self.node = Node(self.name)
        self.node.on_death.append(self._died)
        self._site.loop.spawn(self.node, self._live())

    def _died(self) -> None:
        self._site.tell(f"{self.name} dies")
        self._site.loop.later(self._site.chance.uniform(*_RESTART_S), self._run)

    async def _live(self) -> None:
        instance = f"{self.name}-{self.starts}"
        await Process().run(lambda process: self._start(self._site, process, instance))
        self.node.kill()  # It ended by itself: whoever supervises starts the next one.


async def start_engine(site: Site, process: Process, instance: str) -> None:
    """As `order_engine.app` does it, without its HTTP port."""
    pool = site.database.pool(SCHEMA, ENGINE)
    clients = site.broker.clients()
    publisher = await process.enter(clients.publisher(site.settings, all_topics(CAPABILITIES), ENGINE))
    offsets, clock = Offsets(pool, CONSUMER), SystemClock()
    shards = Shards(site.parts.ledger(pool), offsets, publisher, clock, DEFAULT_POLICY, tick_ms=_TICK_MS)
    process.on_stop(shards.stop)
    runner = HotRunner(
        site.settings,
        [ORDER_INTENTS, ORDER_EVENTS],
        shards,
        dead_letters=TopicDeadLetters(publisher, ENGINE),
        client_id=ENGINE,
        known=offsets,
        open_reader=clients.reader,
    )
    shards.waiting = runner.waiting

    async def gained(lease: Lease) -> None:
        await shards.gain(lease)
        await runner.assign([lease.shard])

    async def lost(shard: int) -> None:
        try:
            await runner.revoke([shard])
        finally:
            shards.lose(shard)

    owner = owner_name(ENGINE, instance)
    leases = Leases(pool, CONSUMER, owner, shards=site.settings.partitions, on_gained=gained, on_lost=lost)
    process.spawn("runner", runner.run(), runner.stop)
    process.spawn("leases", leases.run(), leases.stop)
    process.spawn("relay", OutboxRelay(pool, publisher, leases.held).run())
    process.spawn("timers", shards.run_timers())
    if Exchange.MEXC in site.venues:
        connector = _ConnectorApi(site, Exchange.MEXC)
        watch = PriceWatch(Exchange.MEXC, shards, site.settings, connector, clock, follow=clients.follow)
        process.spawn("prices-followed", watch.follow())
        process.spawn("prices-watched", watch.keep_watched())


def start_connector(exchange: Exchange) -> Callable[[Site, Process, str], Coroutine[Any, Any, None]]:
    """As the connectors' `app.py` do it, without an HTTP port."""

    async def start(site: Site, process: Process, instance: str) -> None:
        venue, name = site.venues[exchange], f"{exchange}-connector"
        settings = ConnectorSettings(vault_url="http://127.0.0.1", warm_connections=0)
        dialect, vault, clock = site.parts.dialect(venue.dialect()), _Vault(site, venue), SystemClock()
        door = Door(
            dialect,
            settings,
            vault,
            clock,
            rest_url="http://127.0.0.1",
            orders_over_socket=False,
            purpose=name,
            wire=site.parts.wire(venue.network),
            dial=dialler(venue.network),
        )
        outside = Outside(
            name=name,
            bus=site.settings,
            pool=site.database.pool(name, name),
            accounts=vault,
            clock=clock,
            bus_clients=site.broker.clients(),
        )
        connector = Connector(dialect, door, settings, outside)
        await connector.start(process)
        node = NODE.get()
        assert node is not None
        site.connectors.setdefault(exchange, {})[node] = connector

    return start


class _Vault:
    """Lists and lends what was opened on the exchange."""

    def __init__(self, site: Site, venue: Venue) -> None:
        self._site, self._venue = site, venue

    async def accounts(self, exchange: Exchange) -> tuple[AccountChanged, ...]:
        await asyncio.sleep(self._site.broker.pause_s())
        return tuple(
            AccountChanged(
                account_id=account_id,
                user_id=f"user-of-{account_id}",
                exchange=exchange,
                label="",
                state=AccountState.ACTIVE,
                is_default=True,
                key_version=1,
                ts_init_ms=0,
            )
            for account_id in self._venue.credentials
        )

    async def lease(self, account_id: str, purpose: str) -> Credentials:
        await asyncio.sleep(self._site.broker.pause_s())
        if account_id not in self._venue.credentials:
            raise KeyRefused(account_id, "unknown")
        return self._venue.credentials[account_id]


class _ConnectorApi:
    """The little of a connector's internal HTTP API that the engine asks: prices, and their publication."""

    name = "mexc-connector"

    def __init__(self, site: Site, exchange: Exchange) -> None:
        self._site, self._exchange = site, exchange

    async def ask(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> ServiceReply:
        answer: asyncio.Future[ServiceReply] = self._site.loop.create_future()
        running = self._site.running(self._exchange)
        if not running:
            raise Unavailable(self.name)
        node, connector = running[-1]
        self._site.loop.spawn(node, self._serve(connector, path, query or {}, body or b"{}", answer))
        try:
            async with asyncio.timeout(5.0):
                return await answer
        except TimeoutError as error:
            raise Unavailable(self.name) from error

    async def _serve(
        self,
        connector: Connector,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        answer: "asyncio.Future[ServiceReply]",
    ) -> None:
        await asyncio.sleep(self._site.broker.pause_s())
        reader = connector.reader
        if path == "/watch":
            asked = orjson.loads(body)
            reader.market.watch(asked["symbols"], asked["for_ms"])
            answer.set_result(ServiceReply(200, b"{}"))
            return
        ticker = await reader.market.ticker(query["symbol"])
        told = encode((ticker,)) if hasattr(ticker, "bid_px") else b""
        answer.set_result(ServiceReply(200 if told else 504, told))


def alive(places: Collection[Supervised]) -> bool:
    """Whether every process runs."""
    return all(place.node.alive for place in places)
