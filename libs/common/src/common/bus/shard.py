"""One shard's worker: a queue, and the task that feeds it to the handler batch by batch."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from common.bus.dead_letters import DeadLetters
from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.bus.topics import Topic
from common.errors import Unavailable
from common.metrics import BATCH_SIZE, BUS_DELAY, HANDLED, HANDLING, RETRIED, since_s, stopwatch

MAX_BATCH = 200
_FULL = 2_000
_DRAINED = 500
_RETRY_CEILING_MS = 200
"""The longest pause before a batch is tried again: a database that comes back is not kept waiting."""
COMPANY_S = 0.01
"""How long records wait for company that nobody waits for."""

Patient = Callable[[Record], bool]
"""Whether nobody waits for what comes of a record, so that it may be handled together with those after it."""


def nothing_waits(_: Record) -> bool:
    """Handle every record as soon as possible."""
    return False


def everything_waits(_: Record) -> bool:
    """Handle many records together: each batch costs a commit."""
    return True


_log = structlog.get_logger(__name__)


class ShardHandler(Protocol):
    """What the hot runner works for. Each method is called for one thing at a time per shard."""

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        """The next offset of (topic, partition), as stored with the effects; missing means 0."""

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        """Make the batch's effects and its next offsets durable, all or nothing.

        Raises Unavailable to be called again with the same batch, ShardLost to be called no more. Anything else means a
        record in the batch is poison: it is searched for by halves and parked as a dead letter.
        """

    async def broker_reset(self, shard: int) -> None:
        """The broker came back empty or dropped records unread: forget the stored positions, and ask what they told.

        What the broker still has is read from its beginning next.
        """


class KnownBrokers(Protocol):
    """Remembers, beside the positions, which broker they belong to."""

    async def broker_of(self, shard: int) -> str | None:
        """The cluster id the stored positions belong to; None when there are none yet."""

    async def remember(self, shard: int, cluster_id: str) -> None:
        """From now on the stored positions belong to this cluster."""


@dataclass(frozen=True, slots=True)
class _Open:
    """Learn the positions on this broker, starting over if it is not the one they belong to."""

    cluster_id: str
    emptied: bool = False


class ShardWorker:
    """Handles one shard in order. `positions` is where reading goes on; empty while that is not known."""

    def __init__(
        self,
        shard: int,
        topics: Sequence[Topic],
        handler: ShardHandler,
        dead_letters: DeadLetters,
        known: KnownBrokers | None,
        *,
        on_change: Callable[[], None],
        patient: Patient = nothing_waits,
        company_s: float = COMPANY_S,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self.shard = shard
        self.places = tuple((topic.name, shard) for topic in topics)
        self.positions: dict[tuple[str, int], int] = {}
        self.paused = False
        self._handler = handler
        self._dead_letters = dead_letters
        self._known = known
        self._on_change = on_change
        self._patient = patient
        self._company_s = company_s
        self._max_batch = max_batch
        self._pressing = asyncio.Event()
        """Set while something is queued that does not wait for company."""
        self._cluster_id: str | None = None
        self._queue: deque[Record | _Open] = deque()
        self._wake = asyncio.Event()
        self._finishing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Records read and not yet being handled."""
        return sum(isinstance(item, Record) for item in self._queue)

    @property
    def full(self) -> bool:
        """More is waiting than should be kept in memory."""
        return len(self._queue) >= _FULL

    @property
    def drained(self) -> bool:
        """Little enough is waiting to read on."""
        return len(self._queue) <= _DRAINED

    def open(self, cluster_id: str) -> None:
        """Begin, or begin again if this is another broker than last time."""
        if cluster_id != self._cluster_id:
            self._cluster_id = cluster_id
            self._reopen(_Open(cluster_id))

    def start_over(self) -> None:
        """Records were lost: handle what is here, then go on from offset 0."""
        assert self._cluster_id is not None
        self._reopen(_Open(self._cluster_id, emptied=True))

    def put(self, records: Sequence[Record]) -> None:
        """Queue records that were read."""
        now_ms = time.time() * 1000
        for record in records:
            place = (record.topic, record.partition)
            if place not in self.positions:
                continue  # Read before the shard was reopened; it is read again.
            self.positions[place] = record.offset + 1
            self._queue.append(record)
            if self.full or not self._patient(record):
                self._pressing.set()
            BUS_DELAY.labels(record.topic).observe(max(0.0, now_ms - record.timestamp_ms) / 1000)
        self._wake.set()

    async def finish(self) -> None:
        """Finish the batch in hand, drop the rest."""
        self._finishing.set()
        self._queue.clear()
        self._pressing.set()
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task])
            if self._task.exception() is not None and not isinstance(self._task.exception(), ShardLost):
                _log.error("shard_ended_badly", shard=self.shard, exc_info=self._task.exception())

    def raise_if_broken(self) -> None:
        """Raise what ended the task: ShardLost, or a defect that must end the process."""
        if self._task is not None and self._task.done() and (error := self._task.exception()) is not None:
            raise error

    def _reopen(self, command: _Open) -> None:
        self.positions = {}
        self._queue.append(command)
        self._pressing.set()
        self._wake.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"shard-{self.shard}")
            self._task.add_done_callback(lambda _: self._on_change())

    async def _run(self) -> None:
        while not self._finishing.is_set():
            if not self._queue:
                self._wake.clear()
                self._pressing.clear()
                await self._wake.wait()
                continue
            if not self._pressing.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._pressing.wait(), self._company_s)
                self._pressing.set()
                continue  # The queue may have been cleared meanwhile.
            batch = self._next_batch()
            if batch:
                await self._handle(batch)
                if self.paused and self.drained:
                    self._on_change()
            elif isinstance(command := self._queue.popleft(), _Open):
                await self._learn_positions(command)

    def _next_batch(self) -> list[Record]:
        """Whatever is waiting, up to the next command."""
        batch: list[Record] = []
        while self._queue and len(batch) < self._max_batch and isinstance(record := self._queue[0], Record):
            self._queue.popleft()
            batch.append(record)
        if not self._queue:
            self._pressing.clear()
        return batch

    async def _learn_positions(self, command: _Open) -> None:
        pause_ms = 20
        while not self._finishing.is_set():
            try:
                positions = await self._positions_on(command)
            except Unavailable as error:
                pause_ms = await self._back_off(error, pause_ms)
                continue
            if command.cluster_id == self._cluster_id and not any(isinstance(item, _Open) for item in self._queue):
                self.positions = positions
                self._on_change()
            return

    async def _positions_on(self, command: _Open) -> dict[tuple[str, int], int]:
        known = command.cluster_id if self._known is None else await self._known.broker_of(self.shard)
        emptied = command.emptied or (known is not None and known != command.cluster_id)
        if emptied:
            await self._handler.broker_reset(self.shard)
        if self._known is not None and known != command.cluster_id:
            await self._known.remember(self.shard, command.cluster_id)
        stored = {} if emptied else await self._handler.positions(self.shard)
        return {place: stored.get(place, 0) for place in self.places}

    async def _handle(self, batch: Sequence[Record]) -> None:
        """Until it is durable, or proven to be poison; a transient failure is waited out."""
        pause_ms = 20
        while not self._finishing.is_set():
            started = stopwatch()
            try:
                await self._handler.handle(self.shard, batch)
            except (Unavailable, ConnectionError, TimeoutError) as error:
                RETRIED.inc()
                pause_ms = await self._back_off(error, pause_ms)
                continue
            except ShardLost:
                raise
            except Exception as error:
                await self._isolate(batch, error)
                return
            HANDLING.observe(since_s(started))
            BATCH_SIZE.observe(len(batch))
            for record in batch:
                HANDLED.labels(record.topic).inc()
            return

    async def _isolate(self, batch: Sequence[Record], error: Exception) -> None:
        """Halve the batch until the poison stands alone; everything else is handled, in order."""
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._handle(batch[:middle])
            await self._handle(batch[middle:])
            return
        record = batch[0]
        _log.error("dead_letter", topic=record.topic, shard=self.shard, offset=record.offset, exc_info=error)
        pause_ms = 20
        while not self._finishing.is_set():
            try:
                await self._dead_letters.park(record, f"{type(error).__name__}: {error}")
            except Unavailable as unavailable:
                pause_ms = await self._back_off(unavailable, pause_ms)
            else:
                return

    async def _back_off(self, error: Exception, pause_ms: int) -> int:
        _log.warning("shard_waits", shard=self.shard, error=repr(error), pause_ms=pause_ms)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._finishing.wait(), pause_ms / 1000)
        return min(2 * pause_ms, _RETRY_CEILING_MS)
