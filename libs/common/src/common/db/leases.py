"""Who owns which shard: leases in PostgreSQL, in its clock, shared out evenly among the owners that are alive.

Every owner renews its leases and announces itself every `renew_ms`. The live owners, sorted by name, give each its
quota, so that all agree without talking. Whoever is above it hands shards over in order (callback first, then the row);
whoever is below takes what is free or expired, in the next epoch. An owner that cannot renew loses its leases by its
own clock before anybody can take them: `Lease.valid()` counts from before the renewal was sent. A lease that was
invalid for a moment never comes back: whoever asked meanwhile gave its shard up, so it is lost and the shard taken
again in a new epoch.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
import structlog

from common.db.errors import typed_errors
from common.errors import Unavailable
from common.metrics import SHARDS_HELD

LEASE_MS: Final = 2_000
RENEW_MS: Final = 500
RETRY_MS: Final = 100
"""How soon a database that did not answer is asked again: without a lease nothing is done."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Lease:
    """The right to act on a shard, until a moment of this process's monotonic clock."""

    kind: str
    shard: int
    owner: str
    epoch: int
    deadline_s: float
    free_since_s: float = field(default_factory=time.monotonic)
    """Since this moment of our monotonic clock nobody else has had the right; often long before we took it."""

    def valid(self) -> bool:
        """Whether nobody else can own the shard yet; ask right before acting on it."""
        return time.monotonic() < self.deadline_s


class Leases:
    """Keeps a fair share of `shards` leases of one kind while `run()` runs.

    `on_gained` and `on_lost` are awaited one at a time. `on_lost` returns when nothing more is done for the shard: one
    handed over voluntarily is free for others only then, but no longer than its lease lasts. An `on_gained` that raises
    is followed by `on_lost`, and the shard is free for whoever takes it next. The other leases are renewed while a
    callback takes its time.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        kind: str,
        owner: str,
        *,
        shards: int,
        on_gained: Callable[[Lease], Coroutine[Any, Any, None]],
        on_lost: Callable[[int], Coroutine[Any, Any, None]],
        lease_ms: int = LEASE_MS,
        renew_ms: int = RENEW_MS,
    ) -> None:
        self._pool = pool
        self._kind = kind
        self._owner = owner
        self._shards = shards
        self._on_gained = on_gained
        self._on_lost = on_lost
        self._lease_ms = lease_ms
        self._renew_ms = renew_ms
        self._held: dict[int, Lease] = {}
        self._stopping = asyncio.Event()

    def get(self, shard: int) -> Lease | None:
        """Our lease on a shard, while it is valid."""
        lease = self._held.get(shard)
        return lease if lease is not None and lease.valid() else None

    def held(self) -> frozenset[int]:
        """The shards whose lease is valid now."""
        return frozenset(shard for shard, lease in self._held.items() if lease.valid())

    async def run(self) -> None:
        """Hold our share until `stop()`, then hand everything over. A database that is down is waited for."""
        try:
            while not self._stopping.is_set():
                answered = await self._turn()
                await self._sleep(self._renew_ms if answered else min(self._renew_ms, RETRY_MS))
        finally:
            await self._leave()

    async def stop(self) -> None:
        """End `run()`."""
        self._stopping.set()

    async def _turn(self) -> bool:
        """Renew, give and take; whether the database answered."""
        answered = True
        try:
            with typed_errors():
                quota = await self._renew()
                await self._hand_over(self._lapsed())
                if len(self._held) > quota:
                    await self._hand_over(sorted(self._held)[quota:])
                elif len(self._held) < quota:
                    await self._take(quota - len(self._held))
        except Unavailable as error:
            _log.warning("leases_not_renewed", kind=self._kind, error=repr(error))
            answered = False
        for shard in self._lapsed():
            await self._lose(shard)
        SHARDS_HELD.labels(self._kind).set(len(self._held))
        return answered

    async def _sleep(self, pause_ms: int) -> None:
        deadlines = [lease.deadline_s - time.monotonic() for lease in self._held.values()]
        pause_s = max(0.0, min([pause_ms / 1000, *deadlines]))
        try:
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        except TimeoutError:
            return

    async def _renew(self) -> int:
        """Announce ourselves, renew what we hold, and return how many shards are ours to hold."""
        deadline_s = self._deadline()
        held = list(self._held.values())
        async with asyncio.timeout(self._lease_ms / 2000):
            rows = await self._pool.fetch(
                _RENEW,
                self._kind,
                self._owner,
                self._lease_ms,
                [lease.shard for lease in held],
                [lease.epoch for lease in held],
                self._shards,
            )
        renewed = {row["shard"] for row in rows if row["shard"] is not None}
        for lease in held:
            if lease.shard not in renewed:
                lease.deadline_s = -math.inf  # The row says that it is somebody else's.
            elif lease.valid():
                lease.deadline_s = deadline_s
        owners = sorted({*rows[0]["owners"], self._owner})
        whole, rest = divmod(self._shards, len(owners))
        return whole + (owners.index(self._owner) < rest)

    async def _take(self, count: int) -> None:
        deadline_s = self._deadline()
        async with asyncio.timeout(self._lease_ms / 2000):
            rows = await self._pool.fetch(_TAKE, self._kind, self._owner, self._lease_ms, count)
        taken_s = time.monotonic()
        taken = [
            Lease(self._kind, row["shard"], self._owner, row["epoch"], deadline_s, taken_s - row["free_ms"] / 1000)
            for row in rows
        ]
        self._held |= {lease.shard: lease for lease in taken}
        for lease in taken:
            _log.info("lease_gained", kind=self._kind, shard=lease.shard, epoch=lease.epoch)
            try:
                await self._while_renewing(self._on_gained(lease))
            except Unavailable as error:
                _log.warning("shard_not_begun_yet", kind=self._kind, shard=lease.shard, error=repr(error))
                await self._hand_over([lease.shard])
            except Exception:
                _log.exception("shard_not_begun", kind=self._kind, shard=lease.shard)
                await self._hand_over([lease.shard])

    async def _hand_over(self, shards: list[int]) -> None:
        """Finish with the shards first, then free them; whoever waits for them need not wait for the expiry."""
        if not shards:
            return
        leases = [self._held[shard] for shard in shards]
        for shard in shards:
            await self._lose(shard)
        await self._pool.execute(
            _FREE, self._kind, self._owner, [lease.shard for lease in leases], [lease.epoch for lease in leases]
        )

    async def _lose(self, shard: int) -> None:
        del self._held[shard]
        _log.info("lease_lost", kind=self._kind, shard=shard)
        try:
            await self._while_renewing(asyncio.wait_for(self._on_lost(shard), self._lease_ms / 1000))
        except TimeoutError:
            _log.warning("shard_not_finished_in_time", kind=self._kind, shard=shard)

    async def _while_renewing(self, callback: Coroutine[Any, Any, None]) -> None:
        """A shard that takes long to load or to finish must not cost us all the others."""
        task = asyncio.create_task(callback)
        try:
            while not (await asyncio.wait([task], timeout=self._renew_ms / 1000))[0]:
                try:
                    with typed_errors():
                        await self._renew()
                except Unavailable as error:
                    _log.warning("leases_not_renewed", kind=self._kind, error=repr(error))
            task.result()
        finally:
            task.cancel()

    def _lapsed(self) -> list[int]:
        return [shard for shard, lease in self._held.items() if not lease.valid()]

    async def _leave(self) -> None:
        try:
            with typed_errors():
                await self._hand_over(sorted(self._held))
                await self._pool.execute(_DEPART, self._kind, self._owner)
        except Unavailable as error:
            _log.warning("leases_left_to_expire", kind=self._kind, error=repr(error))

    def _deadline(self) -> float:
        """Taken before a statement is sent: the database counts from later, so we always stop first."""
        return time.monotonic() + self._lease_ms / 1000


def owner_name(service: str, instance: str) -> str:
    """The name an owner goes by; `instance` must differ between processes and between starts of one."""
    return f"{service}/{instance}"


_EXPIRY: Final = "clock_timestamp() + $3 * interval '1 millisecond'"

# Locked in order: a commit that asserts several leases locks them in the same, or each would wait for the other.
_RENEW: Final = f"""
WITH prepared AS (
    INSERT INTO leases (kind, shard) SELECT $1, n FROM generate_series(0, $6::int - 1) n
    WHERE NOT EXISTS (SELECT 1 FROM leases WHERE kind = $1 AND shard = n)
    ON CONFLICT DO NOTHING
), departed AS (
    DELETE FROM lease_owners WHERE kind = $1 AND owner <> $2 AND expires_at < clock_timestamp()
), announced AS (
    INSERT INTO lease_owners (kind, owner, expires_at) VALUES ($1, $2, {_EXPIRY})
    ON CONFLICT (kind, owner) DO UPDATE SET expires_at = excluded.expires_at
), renewed AS (
    UPDATE leases SET expires_at = {_EXPIRY}
    FROM (
        SELECT shard FROM leases JOIN unnest($4::int[], $5::bigint[]) AS mine(shard, epoch) USING (shard, epoch)
        WHERE kind = $1 AND owner = $2 ORDER BY shard FOR NO KEY UPDATE OF leases
    ) AS ours
    WHERE leases.kind = $1 AND leases.shard = ours.shard
    RETURNING leases.shard
), alive AS (
    SELECT coalesce(array_agg(owner), '{{}}') AS owners FROM lease_owners
    WHERE kind = $1 AND expires_at >= clock_timestamp()
)
SELECT alive.owners, renewed.shard FROM alive LEFT JOIN renewed ON true
"""  # noqa: S608 - the only thing put in is the expression above

_TAKE: Final = f"""
UPDATE leases SET owner = $2, epoch = epoch + 1, expires_at = {_EXPIRY}
FROM (
    SELECT shard, floor(extract(epoch FROM clock_timestamp() - expires_at) * 1000)::bigint AS free_ms FROM leases
    WHERE kind = $1 AND (owner IS NULL OR expires_at < clock_timestamp())
    ORDER BY shard LIMIT $4 FOR UPDATE SKIP LOCKED
) AS free
WHERE leases.kind = $1 AND leases.shard = free.shard
RETURNING leases.shard, leases.epoch, free.free_ms
"""  # noqa: S608

_FREE: Final = """
UPDATE leases SET owner = NULL, expires_at = clock_timestamp()
FROM unnest($3::int[], $4::bigint[]) AS mine(shard, epoch)
WHERE leases.kind = $1 AND leases.owner = $2 AND leases.shard = mine.shard AND leases.epoch = mine.epoch
"""

_DEPART: Final = "DELETE FROM lease_owners WHERE kind = $1 AND owner = $2"
