"""Facts of the shards this instance owns to numbered events: the handler of a hot runner.

One gateway instance at a time writes for an account, under a lease, with the offset in the same transaction; a fact
that is read twice is known by its `ce_id`. Users whose events nobody wants cost a look at an index per batch.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import structlog

from common.accounts import BalanceFact
from common.bus.brokers import Pace
from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.bus.topics import BALANCE_EVENTS, ORDER_EVENTS, PROTECTION_EVENTS
from common.codec import decode_union
from common.db.leases import Lease
from common.errors import Unavailable, UnreadableMessage
from common.metrics import observe_hop
from common.orders import OrderFact
from common.protection import ProtectionFact
from gateway.stream.events import live_events
from gateway.stream.hub import Hub
from gateway.stream.metrics import NUMBERED
from gateway.stream.ports import Draft, EventStore, draft

TOPICS: Final = (ORDER_EVENTS, PROTECTION_EVENTS, BALANCE_EVENTS)
FACTS: Final[dict[str, Any]] = {
    ORDER_EVENTS.name: OrderFact,
    PROTECTION_EVENTS.name: ProtectionFact,
    BALANCE_EVENTS.name: BalanceFact,
}

_WANTED_FOR_S: Final = 10.0
"""How long a user is taken to want events without asking again; the store has the last word on each."""
_FLUSH_S: Final = 1.0

_log = structlog.get_logger(__name__)


class Owners(Protocol):
    """Whose account it is."""

    async def owner(self, account_id: str) -> str | None:
        """None for an account nobody knows. Raises Unavailable."""


class Positions(Protocol):
    """Where reading goes on."""

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]: ...

    async def forget(self, shard: int) -> None: ...


class Writer:
    """Writes the events of the shards it has been given a lease on."""

    def __init__(self, store: EventStore, positions: Positions, owners: Owners, hub: Hub, retention_ms: int) -> None:
        self._store = store
        self._positions = positions
        self._owners = owners
        self._hub = hub
        self._retention_ms = retention_ms
        self._leases: dict[int, Lease] = {}
        self._wanted_until_s: dict[str, float] = {}
        self._heeded_until_s = 0.0
        self._passed: dict[int, dict[tuple[str, int], Record]] = {}
        self._flushed_s: dict[int, float] = {}

    def gain(self, lease: Lease) -> None:
        """Write for this shard from now on."""
        self._leases[lease.shard] = lease

    def lose(self, shard: int) -> None:
        """The shard is somebody else's now."""
        self._leases.pop(shard, None)
        self._passed.pop(shard, None)

    def pace(self) -> Pace:
        """A person before a screen may wait for these, and nobody's trade: what the trades read goes first."""
        return Pace.LIVE if self._hub.listening or time.monotonic() < self._heeded_until_s else Pace.COLD

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        """The next offsets, as stored with the events."""
        return await self._positions.positions(shard)

    async def broker_reset(self, shard: int) -> None:
        """Begin at 0 on the new broker; what it has again is known by its `ce_id`."""
        self._passed.pop(shard, None)
        await self._positions.forget(shard)

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        """Number and keep the events of a batch, and tell who listens here."""
        lease = self._leases.get(shard)
        if lease is None or not lease.valid():
            raise ShardLost(shard)
        drafts = await self._drafts(batch)
        passed = self._passed.setdefault(shard, {})
        if not drafts and time.monotonic() - self._flushed_s.get(shard, 0.0) < _FLUSH_S:
            # The position is written with the next events; read again, these records would change nothing.
            passed |= {(record.topic, record.partition): record for record in batch}
            return
        try:
            stored = await self._store.append_batch(lease, [*passed.values(), *batch], drafts)
        except Unavailable:
            self._hub.doubt()  # Perhaps only the answer was lost, and with it what we would have told.
            raise
        passed.clear()
        self._flushed_s[shard] = time.monotonic()
        self._hub.tell(stored)
        await self._store.notify(stored)
        NUMBERED.inc(sum(map(len, stored.values())))
        now_ms = time.time_ns() // 1_000_000
        for record in batch:
            observe_hop("record_published_to_streamed", record.timestamp_ms, now_ms)

    async def _drafts(self, batch: Sequence[Record]) -> list[Draft]:
        owners = {key: await self._owners.owner(key) for key in {record.key for record in batch} if key is not None}
        wanted = await self._wanted({owner for owner in owners.values() if owner is not None})
        history_ms = time.time_ns() // 1_000_000 - self._retention_ms
        drafts: list[Draft] = []
        for record in batch:
            owner = owners.get(record.key) if record.key is not None else None
            if owner in wanted and record.timestamp_ms >= history_ms:
                drafts += _of(record, owner)
        return drafts

    async def _wanted(self, users: set[str]) -> set[str]:
        now_s = time.monotonic()
        known = {user for user in users if self._wanted_until_s.get(user, 0.0) > now_s}
        if unknown := users - known:
            # Only a yes is remembered: whoever begins to listen must miss nothing from that moment on.
            found = await self._store.wanted(sorted(unknown))
            self._wanted_until_s |= dict.fromkeys(found, now_s + _WANTED_FOR_S)
            known |= found
        if known:
            self._heeded_until_s = now_s + _WANTED_FOR_S
        return known


def _of(record: Record, owner: str) -> list[Draft]:
    if record.value is None:
        return []
    try:
        fact = decode_union(record.value, FACTS[record.topic])
    except UnreadableMessage as error:
        # One that cannot be read is the order-engine's to park.
        _log.warning("fact_not_read", topic=record.topic, offset=record.offset, error=str(error))
        return []
    return [draft(owner, event, f"{record.ce_id}#{place}") for place, event in enumerate(live_events(fact))]
