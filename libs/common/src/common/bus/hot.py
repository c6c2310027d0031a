"""The hot runner: reads the shards this process owns and hands each, in order, to a handler that makes them durable.

Per shard whatever arrived while the last batch was being handled forms the next one, so there is no timer, and a single
record waits for nothing. Positions belong to the handler, which stores them in the transaction of their effects.
"""

import asyncio
from collections.abc import Collection, Sequence

import structlog

from common.bus.admin import BROKER_ERRORS
from common.bus.brokers import BusSettings, Pace
from common.bus.clients import OpenReader
from common.bus.dead_letters import DeadLetters
from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.bus.reader import Place, PositionsLost, Reader
from common.bus.shard import COMPANY_S, MAX_BATCH, KnownBrokers, Patient, ShardHandler, ShardWorker, nothing_waits
from common.bus.tempo import Tempo, steady
from common.bus.topics import Topic
from common.errors import Unavailable

__all__ = ["HotRunner", "KnownBrokers", "ShardHandler"]

_RECONNECT_CEILING_S = 0.25
"""The longest pause before a broker that is away is tried again: fills wait for it."""
_HOT = steady(Pace.HOT)

_log = structlog.get_logger(__name__)


class HotRunner:
    """Runs the shards it is assigned until it is stopped; anything unforeseen ends `run()` with an exception.

    `known` remembers which broker the stored positions belong to. Without it a broker that came back empty while this
    process was down is noticed only as long as its topics are shorter than the positions. `tempo` says who waits for
    the effects, `patient` which records may wait for `company_s`, so that those after them go into the same batch.
    """

    def __init__(
        self,
        settings: BusSettings,
        topics: Sequence[Topic],
        handler: ShardHandler,
        *,
        dead_letters: DeadLetters,
        client_id: str,
        known: KnownBrokers | None = None,
        tempo: Tempo = _HOT,
        patient: Patient = nothing_waits,
        company_s: float = COMPANY_S,
        max_batch: int = MAX_BATCH,
        open_reader: OpenReader = Reader,
    ) -> None:
        self._settings = settings
        self._topics = tuple(topics)
        self._handler = handler
        self._dead_letters = dead_letters
        self._client_id = client_id
        self._known = known
        self._tempo = tempo
        self._patient = patient
        self._company_s = company_s
        self._max_batch = max_batch
        self._open_reader = open_reader
        self._workers: dict[int, ShardWorker] = {}
        self._reader: Reader | None = None
        self._changed = asyncio.Event()
        self._stopping = False

    async def assign(self, shards: Collection[int]) -> None:
        """Take these shards in addition to those already held; reading starts as soon as their positions are known."""
        for shard in set(shards) - self._workers.keys():
            self._workers[shard] = ShardWorker(
                shard,
                self._topics,
                self._handler,
                self._dead_letters,
                self._known,
                on_change=self._change,
                patient=self._patient,
                company_s=self._company_s,
                max_batch=self._max_batch,
            )
        self._change()

    async def revoke(self, shards: Collection[int]) -> None:
        """Give these shards up: return when the batch in hand is finished and nothing more will be handled."""
        workers = [self._workers.pop(shard) for shard in set(shards) & self._workers.keys()]
        self._change()
        await asyncio.gather(*[worker.finish() for worker in workers])

    async def run(self) -> None:
        """Read and handle until `stop()`; a broker that is down is waited for."""
        pause_s = 0.05
        while not self._stopping:
            try:
                async with self._open_reader(
                    self._settings, self._topics, self._client_id, tempo=self._tempo
                ) as reader:
                    pause_s = 0.05
                    await self._read(reader)
            except (Unavailable, *BROKER_ERRORS) as error:
                _log.warning("broker_unavailable", error=repr(error))
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _RECONNECT_CEILING_S)
            finally:
                self._reader = None
        await self.revoke(tuple(self._workers))

    async def stop(self) -> None:
        """End `run()` after the batches in hand."""
        self._stopping = True
        self._change()

    def nudge(self) -> None:
        """A record is expected soon: read without idle pauses for a while."""
        if self._reader is not None:
            self._reader.nudge()

    @property
    def shards(self) -> frozenset[int]:
        """The shards held now."""
        return frozenset(self._workers)

    def waiting(self, shard: int) -> int:
        """How many records of a shard are read and not yet being handled."""
        worker = self._workers.get(shard)
        return 0 if worker is None else worker.waiting

    def caught_up(self, shard: int) -> bool:
        """Whether this shard is being read to its end: everything published from now on is fresh."""
        worker, reader = self._workers.get(shard), self._reader
        if worker is None or reader is None or not worker.positions:
            return False
        return worker.positions.keys() <= reader.positions.keys() and reader.caught_up

    def _change(self) -> None:
        self._changed.set()
        self.nudge()

    async def _read(self, reader: Reader) -> None:
        self._reader = reader
        self._changed.set()
        while not self._stopping:
            if self._changed.is_set():
                self._changed.clear()
                self._follow_assignment(reader)
            if not reader.positions:
                await self._changed.wait()
                continue
            try:
                self._distribute(reader, await reader.poll())
            except PositionsLost as error:
                self._start_over(reader, error.places)

    def _follow_assignment(self, reader: Reader) -> None:
        """Surface what broke a worker; read exactly the shards whose positions are known."""
        for worker in tuple(self._workers.values()):
            try:
                worker.raise_if_broken()
            except ShardLost as lost:
                _log.warning("shard_lost", shard=lost.shard)
                del self._workers[lost.shard]
                continue
            worker.open(reader.cluster_id)
        wanted: dict[Place, int] = {}
        for worker in self._workers.values():
            wanted |= worker.positions
        if wanted.keys() != reader.positions.keys():
            reader.assign(wanted)
            for worker in self._workers.values():
                worker.paused = False  # A new assignment starts with everything running.
        for worker in self._workers.values():
            if worker.paused and worker.drained:
                worker.paused = False
                reader.resume(worker.positions)

    def _distribute(self, reader: Reader, records: Sequence[Record]) -> None:
        by_shard: dict[int, list[Record]] = {}
        for record in records:
            by_shard.setdefault(record.partition, []).append(record)
        for shard, batch in by_shard.items():
            worker = self._workers.get(shard)
            if worker is None:
                continue  # Revoked while this poll was under way; the next owner reads it.
            worker.put(batch)
            if worker.full and not worker.paused:
                worker.paused = True
                reader.pause(worker.positions)

    def _start_over(self, reader: Reader, places: Collection[Place]) -> None:
        """Records are gone that nobody handled: their shards finish what they hold, then begin again at 0."""
        shards = {partition for _, partition in places}
        _log.warning("positions_lost", shards=sorted(shards))
        for shard in shards & self._workers.keys():
            self._workers[shard].start_over()
        self._follow_assignment(reader)
