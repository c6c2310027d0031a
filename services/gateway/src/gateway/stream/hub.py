"""What the users who listen here have not been sent yet: the newest events of each, shared by all their connections.

A connection has no queue of its own. It has a place in its user's stream and asks for what comes after; whoever is slow
falls behind, costs nothing, and delays nobody. Events come from this instance's own commits or, when another instance
wrote them, from the database on its notice. Notices may be lost, doubled and disordered: numbers tell what is missing.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final

import structlog

from common.errors import Unavailable
from gateway.stream.ports import EventStore, Kept, Stored, StreamEvent

PAGE: Final = 50
"""Events handed to a connection, or read from the database, at once."""
NEWEST: Final = 100
"""Events of a user that stay in memory while somebody listens."""
SWEEP_S: Final = 5.0
"""How often the database is asked for what no notice told."""
_RETRY_S: Final = 0.2

_log = structlog.get_logger(__name__)


class UserStream:
    """One user's stream, as far as this instance has seen it."""

    def __init__(self, user_id: str, head: int) -> None:
        self.user_id = user_id
        self.head = head
        """The last number seen here."""
        self.listeners = 0
        self._newest: deque[StreamEvent] = deque(maxlen=NEWEST)
        self._news = asyncio.Event()

    def extend(self, events: Iterable[StreamEvent]) -> bool:
        """Take events in their order; False when some before them are missing. Known ones are passed over."""
        for event in events:
            if event.seq > self.head + 1:
                return False
            if event.seq == self.head + 1:
                self._newest.append(event)
                self.head = event.seq
        self._news.set()
        return True

    def begin_after(self, seq: int) -> None:
        """What lies between can no longer be read: whoever listens finds the hole and starts anew."""
        self._newest.clear()
        self.head = seq

    async def news(self, seq: int) -> None:
        """Return when there is something after `seq`."""
        while self.head <= seq:
            self._news.clear()
            await self._news.wait()

    def after(self, seq: int) -> list[StreamEvent] | None:
        """At most a page of what comes after `seq`; None when it is no longer in memory."""
        if not self._newest or self._newest[0].seq > seq + 1:
            return None
        skipped = seq + 1 - self._newest[0].seq
        return [self._newest[place] for place in range(skipped, min(skipped + PAGE, len(self._newest)))]


class Hub:
    """The streams of the users who listen on this instance."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._streams: dict[str, UserStream] = {}
        self._behind: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def listening(self) -> Collection[str]:
        """The users who listen here."""
        return self._streams.keys()

    async def join(self, user_id: str) -> tuple[UserStream, Kept]:
        """Listen to a user's stream, and which of its events there are. Raises Unavailable."""
        kept = await self._store.listen(user_id)
        stream = self._streams.get(user_id)
        if stream is None:
            stream = self._streams[user_id] = UserStream(user_id, kept.last_seq)
            self.heard(user_id)  # Nobody told us of what came while we asked.
        stream.listeners += 1
        return stream, Kept(max(kept.last_seq, stream.head), kept.oldest_seq)

    def leave(self, stream: UserStream) -> None:
        """Listen no more; the last one to leave ends the stream here."""
        stream.listeners -= 1
        if not stream.listeners:
            self._streams.pop(stream.user_id, None)

    def tell(self, stored: Stored) -> None:
        """Events this instance has just stored; whose nobody listens to are passed over."""
        for user_id, events in stored.items():
            stream = self._streams.get(user_id)
            if stream is not None and not stream.extend(events):
                self.heard(user_id)

    def heard(self, user_id: str, seq: int | None = None) -> None:
        """The user's stream has come to `seq` (None: perhaps further than we know): read what is missing here."""
        stream = self._streams.get(user_id)
        if stream is not None and (seq is None or seq > stream.head):
            self._behind.add(user_id)
            self._wake.set()

    def doubt(self) -> None:
        """Something may have been missed: look at everybody's stream now."""
        self._behind.update(self._streams)
        self._wake.set()

    async def after(self, stream: UserStream, seq: int) -> Sequence[StreamEvent]:
        """At most a page of what comes after `seq`, waiting for it. Raises Unavailable."""
        await stream.news(seq)
        events = stream.after(seq)
        if events is None:
            events = list(await self._store.after(stream.user_id, seq, PAGE))
            stream.extend(events)
        return events

    async def run(self) -> None:
        """Read what notices told of, and now and then what they did not, for ever."""
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), SWEEP_S)
            except TimeoutError:
                self._behind.update(self._streams)
            self._wake.clear()
            behind, self._behind = self._behind & self._streams.keys(), set()
            try:
                await self._catch_up(behind)
            except Unavailable as error:
                _log.warning("streams_wait", users=len(behind), error=str(error))
                self._behind |= behind
                await asyncio.sleep(_RETRY_S)
                self._wake.set()

    async def _catch_up(self, behind: Collection[str]) -> None:
        places = {user_id: self._streams[user_id].head for user_id in sorted(behind)}
        while places:
            missing = await self._store.after_each(places, PAGE)
            places = {}
            for user_id, events in missing.items():
                stream = self._streams.get(user_id)
                if stream is None:
                    continue
                if not stream.extend(events):
                    stream.begin_after(events[0].seq - 1)
                    stream.extend(events)
                if len(events) == PAGE:
                    places[user_id] = stream.head
