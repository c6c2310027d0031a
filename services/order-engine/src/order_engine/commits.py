"""What shards decide at the same time is written together: a commit costs the database the same for four as for one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from common.bus.messages import Outgoing, Record
from common.db.leases import Lease
from common.errors import Unavailable
from order_engine.rows import Rows


@dataclass(frozen=True, slots=True)
class Commit:
    """What one shard has decided, and how far it has read with it."""

    lease: Lease
    batch: Sequence[Record]
    rows: Rows
    messages: Sequence[Outgoing]


Waiting = tuple[Commit, asyncio.Future[None]]


class GroupCommit:
    """Writes one group at a time, all of it or nothing; what comes meanwhile is the next group."""

    def __init__(self, write: Callable[[Sequence[Commit]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: list[Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def commit(self, commit: Commit) -> None:
        """Return when it is durable. Raises what `write` raises for it, whatever the others of its group meet."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((commit, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        await written

    async def _write_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            await self._write_group(group)
        self._writing = None

    async def _write_group(self, group: Sequence[Waiting]) -> None:
        try:
            await self._write([commit for commit, _ in group])
        except Exception as error:
            if len(group) == 1 or isinstance(error, Unavailable):
                _settle(group, error)  # Unavailable: perhaps only the answer was lost, for all of them.
                return
            # One shard has lost its lease, or cannot be written: the others have nothing to do with it.
            for each in group:
                await self._write_group([each])
        else:
            _settle(group, None)


def _settle(group: Sequence[Waiting], error: Exception | None) -> None:
    for _, written in group:
        if written.done():
            continue  # Whoever waited was cancelled.
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)
