"""The numbered events of all users in PostgreSQL.

One statement numbers a batch, keeps it and moves the consumer's offsets. The row of a user's last number is locked
until that commit, so numbers have no hole, and whoever sees an event can see those before it. The rows are taken in the
order of the users' ids, so that two statements never wait for each other in a ring.

Kept are the events of users who want them: who listens now, or did within the retention and may come back for what it
missed. When somebody comes back later than that, one number is left out, so that the hole is seen.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg
import structlog

from common.bus.messages import Record
from common.db.errors import typed_errors
from common.db.leases import Lease
from common.db.offsets import advance_offsets_args, advance_offsets_sql, assert_leases_args, assert_leases_sql
from common.errors import Unavailable
from gateway.stream.ports import Draft, Kept, Stored, StreamEvent

CHANNEL: Final = "gateway_events"
"""PostgreSQL's NOTIFY channel; its payload is `<instance> <user id> <last seq>`."""
CONSUMER: Final = "events"

_PRUNED_AT_ONCE: Final = 5_000

_log = structlog.get_logger(__name__)

# $1 to $4: one list per column of the drafts.
_NUMBER: Final = """
given AS (
    SELECT g.* FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bytea[])
    WITH ORDINALITY AS g (user_id, name, payload, source, place)
    JOIN user_event_heads w USING (user_id) WHERE w.wanted_until > clock_timestamp()
), fresh AS (
    SELECT g.*, row_number() OVER (PARTITION BY g.user_id ORDER BY g.place) AS number FROM given g
    WHERE NOT EXISTS (SELECT 1 FROM user_events e WHERE e.source = g.source)
), heads AS (
    INSERT INTO user_event_heads AS h (user_id, last_seq, wanted_until)
    SELECT user_id, count(*), 'epoch' FROM fresh GROUP BY user_id ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE SET last_seq = h.last_seq + excluded.last_seq
    RETURNING user_id, last_seq
), stored AS (
    INSERT INTO user_events (user_id, seq, name, payload, source)
    SELECT f.user_id, h.last_seq - (count(*) OVER (PARTITION BY f.user_id)) + f.number, f.name, f.payload, f.source
    FROM fresh f JOIN heads h USING (user_id)
    RETURNING user_id, seq, name, payload
)"""
_APPEND: Final = f"""
WITH {_NUMBER}
SELECT s.* FROM stored s ORDER BY s.user_id, s.seq
"""  # noqa: S608
_APPEND_BATCH: Final = f"""
WITH {_NUMBER}, moved AS ({advance_offsets_sql(9)})
SELECT s.*, held.is_ours
FROM (SELECT {assert_leases_sql(5)} AS is_ours) held LEFT JOIN stored s ON true ORDER BY s.user_id, s.seq
"""  # noqa: S608
_LISTEN: Final = """
INSERT INTO user_event_heads AS h (user_id, last_seq, wanted_until)
VALUES ($1, 0, clock_timestamp() + $2 * interval '1 millisecond')
ON CONFLICT (user_id) DO UPDATE SET last_seq = h.last_seq + (h.wanted_until <= clock_timestamp())::int,
                                    wanted_until = excluded.wanted_until
RETURNING last_seq
"""
_OLDEST: Final = "SELECT min(seq) FROM user_events WHERE user_id = $1"
_WANT: Final = """
UPDATE user_event_heads SET wanted_until = clock_timestamp() + $2 * interval '1 millisecond'
WHERE user_id = ANY($1) AND wanted_until < clock_timestamp() + $2 * interval '0.75 milliseconds'
"""
_WANTED: Final = "SELECT user_id FROM user_event_heads WHERE user_id = ANY($1) AND wanted_until > clock_timestamp()"
# Not in the transaction of the events: commits that notify wait in line for each other, each for the disk.
_NOTIFY: Final = f"""
SELECT pg_notify('{CHANNEL}', $1::text || ' ' || user_id || ' ' || seq)
FROM unnest($2::text[], $3::bigint[]) AS news (user_id, seq)
"""  # noqa: S608 - a constant
_AFTER: Final = "SELECT seq, name, payload FROM user_events WHERE user_id = $1 AND seq > $2 ORDER BY seq LIMIT $3"
_AFTER_EACH: Final = """
SELECT place.user_id, e.seq, e.name, e.payload
FROM unnest($1::text[], $2::bigint[]) AS place (user_id, seq)
CROSS JOIN LATERAL (
    SELECT seq, name, payload FROM user_events u WHERE u.user_id = place.user_id AND u.seq > place.seq
    ORDER BY seq LIMIT $3
) e
ORDER BY place.user_id, e.seq
"""
_PRUNE: Final = """
DELETE FROM user_events WHERE ctid IN (
    SELECT ctid FROM user_events WHERE at < clock_timestamp() - $1 * interval '1 millisecond' LIMIT $2
)
"""


class PostgresEvents:
    """The store of events. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool, instance: str, retention_ms: int) -> None:
        self._pool = pool
        self._instance = instance
        self._retention_ms = retention_ms

    async def append(self, drafts: Sequence[Draft]) -> Stored:
        """Number and keep what is new."""
        with typed_errors():
            rows = await self._pool.fetch(_APPEND, *self._values(drafts))
        return _stored(rows)

    async def append_batch(self, lease: Lease, batch: Sequence[Record], drafts: Sequence[Draft]) -> Stored:
        """The same, and the position behind the batch, all or nothing. Raises ShardLost."""
        with typed_errors(lease.shard):
            rows = await self._pool.fetch(
                _APPEND_BATCH,
                *self._values(drafts),
                *assert_leases_args((lease,)),
                *advance_offsets_args(CONSUMER, [(lease, batch)]),
            )
        return _stored(rows)

    async def notify(self, stored: Stored) -> None:
        """Tell the other instances. A failure is harmless: they look for themselves now and then."""
        if not stored:
            return
        try:
            with typed_errors():
                last = [events[-1].seq for events in stored.values()]
                await self._pool.execute(_NOTIFY, self._instance, list(stored), last)
        except Unavailable as error:
            _log.info("others_not_notified", users=len(stored), error=str(error))

    async def listen(self, user_id: str) -> Kept:
        """Keep the user's events from now on, for the retention at least; which of them can be read."""
        with typed_errors():
            last_seq = await self._pool.fetchval(_LISTEN, user_id, self._retention_ms)
            # By itself: a statement that waited for the head of the stream does not see the events it waited for.
            oldest_seq = await self._pool.fetchval(_OLDEST, user_id)
        return Kept(last_seq, oldest_seq or last_seq + 1)

    async def still_listening(self, user_ids: Sequence[str]) -> None:
        """Go on keeping these users' events."""
        with typed_errors():
            await self._pool.execute(_WANT, list(user_ids), self._retention_ms)

    async def wanted(self, user_ids: Sequence[str]) -> frozenset[str]:
        """Whose events are kept."""
        with typed_errors():
            return frozenset(row["user_id"] for row in await self._pool.fetch(_WANTED, list(user_ids)))

    async def after(self, user_id: str, seq: int, limit: int) -> Sequence[StreamEvent]:
        """The user's events with higher numbers, in their order."""
        with typed_errors():
            rows = await self._pool.fetch(_AFTER, user_id, seq, limit)
        return [_event(row) for row in rows]

    async def after_each(self, places: Mapping[str, int], limit: int) -> Stored:
        """The same for several users at once, each after a number of its own."""
        with typed_errors():
            return _stored(await self._pool.fetch(_AFTER_EACH, list(places), list(places.values()), limit))

    async def prune(self) -> int:
        """Forget what is older than the retention, a part at a time; how many."""
        forgotten = 0
        while True:
            with typed_errors():
                status = await self._pool.execute(_PRUNE, self._retention_ms, _PRUNED_AT_ONCE)
            count = int(status.split()[-1])
            forgotten += count
            if count < _PRUNED_AT_ONCE:
                return forgotten

    def _values(self, drafts: Sequence[Draft]) -> tuple[Any, ...]:
        # The same source twice in one statement would be seen by neither row's look for the other.
        once: dict[bytes, Draft] = {}
        for each in drafts:
            once.setdefault(_digest(each.source), each)
        return (
            [each.user_id for each in once.values()],
            [each.name for each in once.values()],
            [each.payload for each in once.values()],
            list(once),
        )


def _digest(source: str) -> bytes:
    return hashlib.blake2b(source.encode(), digest_size=16).digest()


def _stored(rows: Sequence[asyncpg.Record]) -> Stored:
    stored: dict[str, list[StreamEvent]] = {}
    for row in rows:
        if row["seq"] is not None:
            stored.setdefault(row["user_id"], []).append(_event(row))
    return stored


def _event(row: asyncpg.Record) -> StreamEvent:
    return StreamEvent(row["seq"], row["name"], bytes(row["payload"]))
