"""The store of events in memory: the same rules, no retention."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from common.bus.messages import Record
from common.db.leases import Lease
from common.errors import Unavailable
from gateway.stream.ports import Draft, Kept, Stored, StreamEvent


class MemoryEvents:
    """Numbers and keeps; `forget` prunes, `away` makes it unreachable."""

    def __init__(self) -> None:
        self.away = False
        self.reads = 0
        self._kept: defaultdict[str, list[StreamEvent]] = defaultdict(list)
        self._last: defaultdict[str, int] = defaultdict(int)
        self._wanted: set[str] = set()
        self._sources: set[str] = set()

    async def append(self, drafts: Sequence[Draft]) -> Stored:
        self._there()
        stored: defaultdict[str, list[StreamEvent]] = defaultdict(list)
        for each in drafts:
            if each.source in self._sources or each.user_id not in self._wanted:
                continue
            self._sources.add(each.source)
            self._last[each.user_id] += 1
            stored[each.user_id].append(StreamEvent(self._last[each.user_id], each.name, each.payload))
        for user_id, events in stored.items():
            self._kept[user_id] += events
        return stored

    async def append_batch(self, lease: Lease, batch: Sequence[Record], drafts: Sequence[Draft]) -> Stored:
        return await self.append(drafts)

    async def notify(self, stored: Stored) -> None:
        """There are no other instances."""

    async def listen(self, user_id: str) -> Kept:
        self._there()
        self._wanted.add(user_id)
        kept, last = self._kept[user_id], self._last[user_id]
        return Kept(last, kept[0].seq if kept else last + 1)

    async def still_listening(self, user_ids: Sequence[str]) -> None:
        self._there()

    async def wanted(self, user_ids: Sequence[str]) -> frozenset[str]:
        self._there()
        return frozenset(user_ids) & self._wanted

    async def prune(self) -> int:
        return 0

    async def after(self, user_id: str, seq: int, limit: int) -> Sequence[StreamEvent]:
        self._there()
        self.reads += 1
        return [event for event in self._kept[user_id] if event.seq > seq][:limit]

    async def after_each(self, places: Mapping[str, int], limit: int) -> Stored:
        found = {user_id: await self.after(user_id, seq, limit) for user_id, seq in places.items()}
        return {user_id: events for user_id, events in found.items() if events}

    def forget(self, user_id: str, up_to: int) -> None:
        """Prune the user's events up to this number."""
        self._kept[user_id] = [event for event in self._kept[user_id] if event.seq > up_to]

    def _there(self) -> None:
        if self.away:
            raise Unavailable("the database")
