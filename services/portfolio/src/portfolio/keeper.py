"""The hot runner's handler: batches of records to the stored books."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.db.leases import Lease
from common.db.offsets import Offsets
from portfolio.batch import gathered
from portfolio.facts import fact_of
from portfolio.store import Books


class Keeper:
    """Keeps the books of the shards whose lease this process holds."""

    def __init__(self, books: Books, offsets: Offsets) -> None:
        self._books = books
        self._offsets = offsets
        self._leases: dict[int, Lease] = {}
        self.changed = asyncio.Event()
        """Set when something was written: there may be something new to look up."""

    def gain(self, lease: Lease) -> None:
        """This shard is ours now."""
        self._leases[lease.shard] = lease
        self.changed.set()

    def lose(self, shard: int) -> None:
        """It is not any more."""
        self._leases.pop(shard, None)

    @property
    def shards(self) -> Collection[int]:
        """What is ours now."""
        return [shard for shard, lease in self._leases.items() if lease.valid()]

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        """The next offsets, as stored with the books."""
        return await self._offsets.positions(shard)

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        """Apply a batch and write it with its offsets."""
        lease = self._leases.get(shard)
        if lease is None or not lease.valid():
            raise ShardLost(shard)
        facts = [fact for record in batch if (fact := fact_of(record)) is not None]
        await self._books.commit(lease, batch, gathered(facts))
        if facts:
            self.changed.set()

    async def broker_reset(self, shard: int) -> None:
        """The broker forgot its history: what is stored stays, and no rebuild can be compared with it any more."""
        await self._books.forget(shard)
