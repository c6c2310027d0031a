"""The desk where commands arrive: decoded, told apart from repetitions, run in the order their orders need.

Commands about the same order or list wait for each other; all others run at once, so that both OCO lists of a fill
leave together, but of one account only so many: its waiting must not hold up another's. The hot path writes nothing:
positions are flushed in the background, and never beyond a command whose answer the broker has not confirmed, so that
a crash costs a query and not an order.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol
from weakref import WeakValueDictionary

import asyncpg
import structlog

from common.bus.dead_letters import DeadLetters
from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.codec import decode_union
from common.commands import CancelAllOrders, Command, SubmitOrder, SubmitOrderList
from common.connector.trail import RecentIds
from common.db.leases import Lease
from common.db.offsets import Offsets
from common.errors import Unavailable, UnreadableMessage
from common.metrics import stopwatch

MAX_IN_FLIGHT: Final = 1_000
"""How many commands of one account run at once; more of them wait, and nobody else's."""

_log = structlog.get_logger(__name__)


class Held:
    """A shard we own, and since when."""

    __slots__ = ("lease", "ours_since_ms", "since_ms", "stayed_ours")

    def __init__(self, lease: Lease, since_ms: int, before: "Held | None" = None) -> None:
        self.lease = lease
        self.since_ms = since_ms
        """Nothing can have been sent for this shard under the lease before after this (our clock): it had ended."""
        self.stayed_ours = before is not None and before.lease.epoch == lease.epoch - 1
        """Our lease had lapsed, and nobody else had one meanwhile."""
        self.ours_since_ms: int = before.ours_since_ms if before is not None and self.stayed_ours else since_ms
        """Nobody but this process has had a lease since this: what was begun of commands made later is known here."""

    def may_send(self) -> None:
        """Raises LeaseEnded once somebody else may own the shard; ask right before a request leaves."""
        if not self.lease.valid():
            raise LeaseEnded


class Task:
    """One command on its way through; `interrupted` if it was before, when our lease ended."""

    __slots__ = ("command", "held", "interrupted", "record", "started")

    def __init__(self, command: Command, record: Record, held: Held, *, interrupted: bool = False) -> None:
        self.command = command
        self.record = record
        self.held = held
        self.interrupted = interrupted
        self.started = stopwatch()

    @property
    def correlation_id(self) -> str:
        """What the command belongs to: what its record says, else its bracket."""
        return self.record.correlation_id or self.command.bracket_id


class LeaseEnded(Exception):
    """The shard's lease ran out before the command could be sent; whoever owns it next handles it as suspect."""


class Execute(Protocol):
    """Carries a command out and returns when its answers are safe. Raises LeaseEnded when it must not be sent."""

    def __call__(self, task: Task) -> Awaitable[None]: ...


class _Unfinished:
    """The records of one shard in order, so that the position never passes one that is not finished."""

    def __init__(self) -> None:
        self._open: deque[tuple[Record, list[bool]]] = deque()
        self._last: Record | None = None

    def add(self, record: Record) -> list[bool]:
        """A record begins; set the returned cell to finish it."""
        cell = [False]
        self._open.append((record, cell))
        return cell

    def last_finished(self) -> Record | None:
        """The last record before which everything is finished; None when there is nothing new."""
        while self._open and self._open[0][1][0]:
            self._last = self._open.popleft()[0]
        return self._last

    def flushed(self, record: Record) -> None:
        """This position is stored."""
        if self._last is record:
            self._last = None


class CommandDesk:
    """The hot runner's handler for the commands of one exchange."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        consumer: str,
        execute: Execute,
        held: Callable[[int], Held | None],
        dead_letters: DeadLetters,
        *,
        max_in_flight: int = MAX_IN_FLIGHT,
    ) -> None:
        self._pool = pool
        self._offsets = Offsets(pool, consumer)
        self._execute = execute
        self._held = held
        self._dead_letters = dead_letters
        self._recent, self._interrupted = RecentIds(), RecentIds()
        self._chains: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._running: dict[int, set[asyncio.Task[None]]] = {}
        self._unfinished: dict[int, _Unfinished] = {}
        self._max_in_flight = max_in_flight
        self._rooms: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @property
    def known_brokers(self) -> Offsets:
        """What the hot runner must know of stored positions."""
        return self._offsets

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        """Where to read on."""
        return await self._offsets.positions(shard)

    async def broker_reset(self, shard: int) -> None:
        """The broker is empty: begin at 0."""
        self._unfinished.pop(shard, None)
        await self._offsets.forget(shard)

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        """Start every command of the batch; they finish on their own. Raises UnreadableMessage, ShardLost."""
        held = self._held(shard)
        if held is None or not held.lease.valid():
            raise ShardLost(shard)
        tasks = [self._task(command_of(record), record, held) for record in batch]
        unfinished = self._unfinished.setdefault(shard, _Unfinished())
        for task in tasks:
            cell = unfinished.add(task.record)
            if not self._recent.add(task.command.command_id):
                cell[0] = True  # Handled already, or under way at a lower offset.
                continue
            self._start(shard, task, cell)

    async def finish(self, shard: int) -> None:
        """Wait for what is under way and store how far we got."""
        while running := self._running.get(shard):
            await asyncio.wait(set(running))
        await self._flush(shard)
        self._unfinished.pop(shard, None)

    async def flush(self) -> None:
        """Store how far every shard got. A database that is down is tried again next time."""
        for shard in tuple(self._unfinished):
            await self._flush(shard)

    async def run(self, every_s: float) -> None:
        """Flush in the background until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.flush()

    async def _flush(self, shard: int) -> None:
        unfinished, held = self._unfinished.get(shard), self._held(shard)
        record = unfinished.last_finished() if unfinished is not None else None
        if unfinished is None or held is None or record is None:
            return
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await self._offsets.advance(connection, held.lease, (record,))
        except (Unavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            _log.warning("positions_not_stored", shard=shard, error=repr(error))
        except ShardLost:
            _log.info("positions_belong_to_the_next_owner", shard=shard)
            unfinished.flushed(record)
        else:
            unfinished.flushed(record)

    def _task(self, command: Command, record: Record, held: Held) -> Task:
        return Task(command, record, held, interrupted=command.command_id in self._interrupted)

    def _start(self, shard: int, task: Task, cell: list[bool]) -> None:
        key = _chain_of(task.command)
        before = self._chains.get(key)
        running = asyncio.create_task(self._run(task, before, cell), name=f"command-{task.command.command_id}")
        self._chains[key] = running
        self._running.setdefault(shard, set()).add(running)
        running.add_done_callback(lambda done: self._over(shard, key, done))

    async def _run(self, task: Task, before: asyncio.Task[None] | None, cell: list[bool]) -> None:
        if before is not None and not before.done():
            await asyncio.wait([before])
        # An account's room lasts as long as somebody is in it or waits for it.
        room = self._rooms.setdefault(task.command.account_id, asyncio.Semaphore(self._max_in_flight))
        try:
            async with room:
                await self._execute(task)
        except LeaseEnded:
            self._interrupt(task, cell)
        except Exception as error:
            # A defect of ours: it must not hold up the shard, and an operator must see it.
            _log.exception("command_broke", command_id=task.command.command_id)
            await self._park(task.record, error)
            cell[0] = True
        else:
            cell[0] = True

    def _interrupt(self, task: Task, cell: list[bool]) -> None:
        """Not finished: whoever owns the shard next reads it again, and looks the order up before it sends."""
        command_id, held = task.command.command_id, self._held(task.record.partition)
        self._interrupted.add(command_id)
        if held is None or held is task.held:
            self._recent.discard(command_id)
        else:  # That is us, and we may have read it already and taken it for one under way.
            self._start(task.record.partition, self._task(task.command, task.record, held), cell)

    async def _park(self, record: Record, error: Exception) -> None:
        while True:
            try:
                return await self._dead_letters.park(record, f"{type(error).__name__}: {error}")
            except Unavailable as unavailable:
                await asyncio.sleep(unavailable.retry_after_ms / 1000)

    def _over(self, shard: int, key: tuple[str, str], done: asyncio.Task[None]) -> None:
        self._running[shard].discard(done)
        if self._chains.get(key) is done:
            del self._chains[key]


def command_of(record: Record) -> Command:
    """The command in a record. Raises UnreadableMessage."""
    if record.value is None:
        raise UnreadableMessage("a command has no value")
    command: Command = decode_union(record.value, Command)
    return command


def _chain_of(command: Command) -> tuple[str, str]:
    """Commands with the same chain run one after the other."""
    if isinstance(command, CancelAllOrders):
        return command.account_id, f"all/{command.symbol}"
    of_list = None if isinstance(command, SubmitOrder) else command.list_client_order_id
    own = None if isinstance(command, SubmitOrderList) else command.client_order_id
    return command.account_id, of_list or own or command.command_id
