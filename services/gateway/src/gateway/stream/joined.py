"""The parts of the event stream, built and joined; started and stopped with the process."""

import asyncio
from typing import Any, Final

import structlog

from common.bus.brokers import BusSettings
from common.bus.dead_letters import DeadLetters
from common.bus.hot import HotRunner
from common.bus.tempo import Tempo
from common.db.leases import Lease, Leases, owner_name
from common.db.offsets import Offsets
from common.db.pool import DatabaseSettings, create_pool
from common.errors import Unavailable
from common.ids import new_id
from common.service.run import Process
from gateway.store.events import CONSUMER, PostgresEvents
from gateway.stream.events import LiveEvent
from gateway.stream.hub import Hub
from gateway.stream.notices import Notices
from gateway.stream.ports import EventStore, draft
from gateway.stream.settings import StreamSettings
from gateway.stream.writer import TOPICS, Owners, Writer

_SCHEMA: Final = "gateway"
_LEAST_CARE_S: Final = 60.0

_log = structlog.get_logger(__name__)


class EventStream:
    """What the rest of the gateway knows of the stream: its store, its hub, and how to tell a user something."""

    def __init__(self, store: EventStore, hub: Hub) -> None:
        self.store = store
        self.hub = hub

    async def tell(self, user_id: str, event: LiveEvent, source: str) -> None:
        """Number and send an event that no topic tells; one `source` is one event. Raises Unavailable."""
        stored = await self.store.append([draft(user_id, event, source)])
        self.hub.tell(stored)
        await self.store.notify(stored)


class RunningStream:
    """The stream on PostgreSQL and the broker. It has a pool of its own, so that it and requests never wait in line."""

    def __init__(self, bus: BusSettings, settings: StreamSettings, database: DatabaseSettings) -> None:
        self._bus = bus
        self._settings = settings
        self._database = database
        self._instance = new_id()

    async def open(self, process: Process) -> EventStream:
        """Connect. Raises Unavailable."""
        # Each shard commits on one connection; the others replay, look up and look after what is kept.
        self._pool = await create_pool(
            self._database.database_url, _SCHEMA, application_name="gateway-events", size=self._bus.partitions + 4
        )
        process.on_stop(self._pool.close)
        self._store = PostgresEvents(self._pool, self._instance, self._settings.retention_ms)
        self._hub = Hub(self._store)
        return EventStream(self._store, self._hub)

    def spawn(self, process: Process, owners: Owners, dead_letters: DeadLetters) -> asyncio.Event:
        """Write, read and listen as long as the process runs; the event is set while notices arrive."""
        notices = Notices(self._database.database_url, _SCHEMA, self._instance, self._hub)
        offsets = Offsets(self._pool, CONSUMER)
        writer = Writer(self._store, offsets, owners, self._hub, self._settings.retention_ms)
        runner = HotRunner(
            self._bus,
            TOPICS,
            writer,
            dead_letters=dead_letters,
            client_id="gateway-events",
            known=offsets,
            tempo=Tempo(writer.pace),
        )
        process.spawn("hub", self._hub.run())
        process.spawn("notices", notices.run())
        process.spawn("events", runner.run(), runner.stop)
        leases = self._leases(writer, runner)
        process.spawn("leases", leases.run(), leases.stop)
        process.spawn("events-care", self._care())
        return notices.listening

    def _leases(self, writer: Writer, runner: HotRunner) -> Leases:
        async def gained(lease: Lease) -> None:
            writer.gain(lease)
            await runner.assign([lease.shard])

        async def lost(shard: int) -> None:
            try:
                await runner.revoke([shard])
            finally:
                writer.lose(shard)

        owner = owner_name("gateway", self._instance)
        shards: dict[str, Any] = {"shards": self._bus.partitions, "on_gained": gained, "on_lost": lost}
        return Leases(self._pool, CONSUMER, owner, **shards)

    async def _care(self) -> None:
        """Go on keeping the events of who listens here, and forget what is old, for ever."""
        while True:
            await asyncio.sleep(min(_LEAST_CARE_S, self._settings.events_retention_s / 10))
            try:
                await self._store.still_listening(list(self._hub.listening))
                forgotten = await self._store.prune()
            except Unavailable as error:
                _log.warning("events_care_waits", error=str(error))
            else:
                if forgotten:
                    _log.info("events_forgotten", count=forgotten)
