"""An event once it has its number, how it leaves, and the store it is kept in."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from common.bus.messages import Record
from common.codec import encode
from common.db.leases import Lease
from gateway.stream.events import LiveEvent


class Draft(msgspec.Struct, frozen=True):
    """An event that has no number yet."""

    user_id: str
    name: str
    payload: bytes
    """A JSON object."""
    source: str
    """What caused it: the same source is one event, however often it is drafted."""


class StreamEvent(msgspec.Struct, frozen=True):
    """An event of a user, numbered: the same for every client and every gateway instance."""

    seq: int
    name: str
    payload: bytes

    @property
    def json(self) -> str:
        """The payload as it leaves: with its number."""
        return f'{{"seq":{self.seq},{self.payload[1:].decode()}'


class Kept(msgspec.Struct, frozen=True):
    """Which events of a user there are."""

    last_seq: int
    """0 before the first."""
    oldest_seq: int
    """The oldest that can still be read; `last_seq + 1` when none can."""


def draft(user_id: str, event: LiveEvent, source: str) -> Draft:
    """An event of this user, caused by `source`."""
    return Draft(user_id, event.name, encode(event.payload), source)


Stored = Mapping[str, Sequence[StreamEvent]]
"""By user, the events that were new, in their order."""


class EventStore(Protocol):
    """The numbered events of all users. Every method raises Unavailable."""

    async def append(self, drafts: Sequence[Draft]) -> Stored:
        """Number and keep what is new and wanted."""

    async def append_batch(self, lease: Lease, batch: Sequence[Record], drafts: Sequence[Draft]) -> Stored:
        """The same, and the position behind the batch, all or nothing. Raises ShardLost."""

    async def notify(self, stored: Stored) -> None:
        """Tell the other instances of what was stored; raises nothing, because they look for themselves as well."""

    async def listen(self, user_id: str) -> Kept:
        """Keep the user's events from now on, for the retention at least; which of them can be read."""

    async def still_listening(self, user_ids: Sequence[str]) -> None:
        """Go on keeping these users' events."""

    async def wanted(self, user_ids: Sequence[str]) -> frozenset[str]:
        """Whose events are kept; those of others need not be drafted."""

    async def prune(self) -> int:
        """Forget what is older than the retention; how many."""

    async def after(self, user_id: str, seq: int, limit: int) -> Sequence[StreamEvent]:
        """The user's events with higher numbers, in their order."""

    async def after_each(self, places: Mapping[str, int], limit: int) -> Stored:
        """The same for several users at once, each after a number of its own."""


def control(payload: msgspec.Struct) -> dict[str, Any]:
    """A message about the connection itself, as it leaves."""
    shown: dict[str, Any] = msgspec.to_builtins(payload)
    return shown
