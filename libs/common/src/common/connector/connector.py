"""A whole connector: the parts of the kit around one dialect, joined and run in a process."""

import asyncio
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import asyncpg
import structlog

from common.accounts import AccountChanged
from common.bus.brokers import BusSettings, Pace
from common.bus.clients import KAFKA, BusClients
from common.bus.dead_letters import TopicDeadLetters
from common.bus.hot import HotRunner
from common.bus.tempo import steady
from common.bus.topics import (
    ACCOUNTS,
    BALANCE_EVENTS,
    DEAD_LETTERS,
    ORDER_EVENTS,
    Topic,
    market_data,
    order_commands,
    shard_of,
)
from common.clock import Clock
from common.codec import decode
from common.connector.accounts import AccountSource, Ownership
from common.connector.commands import CommandRunner
from common.connector.desk import CommandDesk
from common.connector.door import Door
from common.connector.facts import FactPublisher
from common.connector.fates import Fates
from common.connector.feed import AccountFeed
from common.connector.instruments import InstrumentBook
from common.connector.lookups import Lookups
from common.connector.market import MarketFeed
from common.connector.nameless import Nameless
from common.connector.ports import Dialect
from common.connector.rates import Priority
from common.connector.reads import Reader
from common.connector.recovery import Recovery
from common.connector.settings import ConnectorSettings
from common.connector.settling import Settler
from common.connector.streams import PrivateStreams
from common.connector.tasks import TaskGroup
from common.connector.trail import Correlations, Trails
from common.connector.trail_store import TrailStore
from common.db.leases import Lease, Leases, owner_name
from common.errors import UnreadableMessage
from common.exchanges import Exchange
from common.health import Health
from common.ids import new_id
from common.service.run import Process

LEASE_KIND: Final = "accounts"
_DRAIN_S: Final = 3.0
_OTHER_OWNERS: Final = "SELECT EXISTS (SELECT 1 FROM lease_owners WHERE kind = $1 AND expires_at >= clock_timestamp())"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outside:
    """What a connector is joined to."""

    name: str
    """The service's name: `binance-connector`."""
    bus: BusSettings
    pool: asyncpg.Pool
    accounts: AccountSource
    clock: Clock
    market_symbols: tuple[str, ...] = ()
    bus_clients: BusClients = KAFKA


def topics_of(exchange: Exchange) -> tuple[Topic, ...]:
    """Every topic a connector writes or reads."""
    return (ORDER_EVENTS, BALANCE_EVENTS, ACCOUNTS, DEAD_LETTERS, order_commands(exchange), market_data(exchange))


class Connector:
    """The parts of one connector. Nothing happens before `start`."""

    def __init__(self, dialect: Dialect, door: Door, settings: ConnectorSettings, outside: Outside) -> None:
        self._dialect = dialect
        self._door = door
        self._settings = settings
        self._outside = outside
        self._tasks = TaskGroup()
        self._publisher = outside.bus_clients.publisher(outside.bus, topics_of(dialect.exchange), outside.name)
        self._facts = FactPublisher(self._publisher, dialect.exchange, outside.name)
        self._trails = Trails()
        self._store = TrailStore(outside.pool, self._trails, safe=self._is_safe)
        self._correlations = Correlations()
        self._nameless = Nameless(dialect.exchange, self._trails, recall=self._recall, remember=self._store.remember)
        self._settler = self._new_settler()
        self._recovery = self._new_recovery()
        self._streams = self._new_streams()
        self._ownership = Ownership(
            dialect.exchange,
            outside.accounts,
            door.keys,
            self._streams,
            outside.clock,
            partitions=outside.bus.partitions,
            forget=self._forget,
            overlap_s=settings.overlap_ms / 1000,
        )
        door.keys.on_change = self._ownership.key_changed
        self._store.lease_of = self._ownership.lease_of
        self._nameless.keeps = self._ownership.owns
        self._facts.on_gap = self._recovery.start
        self._instruments = InstrumentBook(dialect, door.client, self._tasks)
        self._market = self._new_market()
        self._desk, self._runner = self._new_desk()
        self._leases = Leases(
            outside.pool,
            LEASE_KIND,
            owner_name(outside.name, f"{os.getpid()}-{new_id()[:8]}"),
            shards=outside.bus.partitions,
            on_gained=self._gained,
            on_lost=self._lost,
        )

    @property
    def reader(self) -> Reader:
        """What the internal HTTP API asks."""
        return Reader(self._dialect, self._door.client, self._instruments, self._market, self._fates())

    @property
    def streamed(self) -> frozenset[str]:
        """The accounts this process streams."""
        return self._streams.accounts

    def ready_for(self, account_ids: Collection[str]) -> bool:
        """Whether commands are taken for every shard of ours and these accounts of ours are live."""
        shards = self._leases.held()
        mine = {each for each in account_ids if shard_of(each, self._outside.bus.partitions) in shards}
        return (
            bool(shards)
            and self._instruments.loaded
            and all(self._runner.caught_up(shard) for shard in shards)
            and mine <= self._recovery.live
        )

    def add_checks(self, health: Health) -> None:
        """Ready means: broker and vault have answered, instruments are known, our shards' commands are read to the end.

        A command read before that is suspect: it is looked up first, and takes its time to be proven new.
        """

        async def accounts_known() -> bool:
            return self._ownership.loaded

        async def instruments_known() -> bool:
            return self._instruments.loaded

        async def commands_read() -> bool:
            shards = self._leases.held()
            return bool(shards) and all(self._runner.caught_up(shard) for shard in shards)

        health.add("broker", self._publisher.ready)
        health.add("accounts", accounts_known)
        health.add("instruments", instruments_known)
        health.add("commands", commands_read)

    async def start(self, process: Process) -> None:
        """Run every part; what is started last ends first."""
        await self._door.start(process)
        process.spawn("instruments", self._instruments.run())
        await process.enter(self._publisher)
        process.on_stop(self._tasks.stop)
        process.on_stop(self._finish)
        process.spawn("positions", self._desk.run(self._settings.flush_ms / 1000))
        process.spawn("trails", self._store.run(self._settings.flush_ms / 1000))
        process.on_stop(self._streams.stop)
        process.on_stop(self._linger)
        process.spawn("accounts", self._ownership.run(self._settings.accounts_refresh_ms / 1000))
        process.spawn("account-hints", self._follow_hints())
        process.spawn("commands", self._runner.run(), self._runner.stop)
        process.spawn("leases", self._leases.run(), self._leases.stop)
        self._market.start()

    async def _linger(self) -> None:
        """Our shards are free: stream on until their next owners surely do, if there are any."""
        try:
            others = await self._outside.pool.fetchval(_OTHER_OWNERS, LEASE_KIND)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return
        if others:
            await asyncio.sleep(self._settings.overlap_ms / 1000)

    async def _finish(self) -> None:
        """The streams are closed and nothing is sent any more: tell what is still to be told."""
        await self._recovery.stop()
        await self._settler.stop()
        if not await self._facts.drain(_DRAIN_S):
            _log.warning("facts_not_published", count=self._facts.unacknowledged)

    async def _gained(self, lease: Lease) -> None:
        lingering = [
            each for each in self._streams.accounts if shard_of(each, self._outside.bus.partitions) == lease.shard
        ]
        held = self._ownership.gained(lease)
        for account_id in () if held.stayed_ours else sorted(lingering):
            self._recovery.regained(account_id)
        await self._runner.assign((lease.shard,))

    async def _lost(self, shard: int) -> None:
        try:
            await self._runner.revoke((shard,))
            await self._desk.finish(shard)
            await self._store.flush()
        finally:  # Whoever hands a shard over does not wait for us longer than the lease lasts.
            self._ownership.lost(shard)

    def _forget(self, account_id: str) -> None:
        self._settler.drop(account_id)
        self._recovery.drop(account_id)
        self._trails.forget(account_id)

    def _is_safe(self, account_id: str) -> bool:
        """Whether what is remembered of the account may replace what is stored."""
        return self._recovery.restored(account_id) and self._facts.acknowledged(account_id)

    async def _recall(self, account_id: str) -> None:
        await self._recovery.trail(account_id)

    async def _follow_hints(self) -> None:
        client_id = f"{self._outside.name}-accounts"
        follow = self._outside.bus_clients.follow
        async for record in follow(self._outside.bus, ACCOUNTS, client_id=client_id, tempo=steady(Pace.COLD)):
            if record.value is None:
                continue
            try:
                self._ownership.hint(decode(record.value, AccountChanged))
            except UnreadableMessage as error:
                _log.warning("account_hint_unreadable", offset=record.offset, error=str(error))

    def _new_settler(self) -> Settler:
        margin_ms = self._settings.settle_margin_ms
        if margin_ms is None:
            margin_ms = self._dialect.backend_timeout_ms
        return Settler(
            self._dialect.exchange,
            self._lookups(Priority.QUERY, self._nameless),
            self._facts,
            self._trails,
            self._outside.clock,
            proof_ms=self._dialect.validity_ms + margin_ms,
            urgent=self._lookups(Priority.PROTECTION, self._nameless),
        )

    def _lookups(self, priority: Priority, nameless: Nameless | None) -> Lookups:
        return Lookups(self._dialect, self._door.client, self._outside.clock, priority, nameless)

    def _fates(self) -> Fates:
        """Others ask after our orders at the pace of a recovery: behind everything that trades."""
        ours, any_order = self._lookups(Priority.RECOVERY, self._nameless), self._lookups(Priority.RECOVERY, None)
        return Fates(self._settler, ours, any_order, self._streams, self._outside.clock)

    def _new_recovery(self) -> Recovery:
        return Recovery(
            self._dialect,
            self._door.client,
            self._lookups(Priority.RECOVERY, self._nameless),
            self._lookups(Priority.QUERY, self._nameless),
            self._facts,
            self._trails,
            self._correlations,
            self._door.clock,
            load=self._store.load,
            nameless=self._nameless,
        )

    def _new_streams(self) -> PrivateStreams:
        feed = AccountFeed(
            self._dialect.exchange,
            self._outside.name,
            self._facts,
            self._trails,
            self._correlations,
            self._settler,
            self._recovery,
            self._publisher,
            self._tasks,
            self._outside.clock,
            self._nameless,
        )
        return PrivateStreams(
            self._dialect,
            self._door.keys,
            feed,
            self._door.clock,
            self._door.ask,
            rotate_after_s=self._settings.rotate_after_ms / 1000,
            dial=self._door.dial,
        )

    def _new_market(self) -> MarketFeed:
        return MarketFeed(
            self._dialect,
            self._door.client,
            self._publisher,
            self._door.clock,
            self._door.ask,
            self._tasks,
            source=self._outside.name,
            published=self._outside.market_symbols,
            rotate_after_s=self._settings.rotate_after_ms / 1000,
            symbols_per_socket=self._settings.market_symbols_per_socket,
            dial=self._door.dial,
        )

    def _new_desk(self) -> tuple[CommandDesk, HotRunner]:
        dead_letters = TopicDeadLetters(self._publisher, self._outside.name)
        carry_out = CommandRunner(
            self._dialect,
            self._door.client,
            self._settler,
            self._facts,
            self._trails,
            self._correlations,
            self._instruments,
            self._market,
            self._outside.clock,
            on_gap=self._recovery.start,
            begin=self._store.begin,
            nameless=self._nameless,
        )
        desk = CommandDesk(self._outside.pool, self._outside.name, carry_out, self._ownership.held, dead_letters)
        runner = HotRunner(
            self._outside.bus,
            (order_commands(self._dialect.exchange),),
            desk,
            dead_letters=dead_letters,
            client_id=self._outside.name,
            known=desk.known_brokers,
            open_reader=self._outside.bus_clients.reader,
        )
        return desk, runner
