"""Positions of a consumer in its service's own database, written in the transaction of the effects.

`assert_leases_sql` and `advance_offsets_sql` are fragments for the one hot statement of a service, with placeholders
numbered from where the caller says; the `…_args` functions give the values in that order.
"""

from collections.abc import Iterable, Mapping, Sequence

import asyncpg

from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.db.errors import typed_errors
from common.db.leases import Lease


def assert_leases_sql(first: int) -> str:
    """A boolean expression that is true, or fails the statement when a lease is lost (SQLSTATE CGT01). 4 values."""
    return f"""(
    SELECT bool_and(assert_lease(l.kind, l.shard, l.owner, l.epoch))
    FROM unnest(${first}::text[], ${first + 1}::int[], ${first + 2}::text[], ${first + 3}::bigint[])
        AS l(kind, shard, owner, epoch)
    )"""  # noqa: S608 - placeholders, no values


def assert_leases_args(leases: Iterable[Lease]) -> tuple[list[str], list[int], list[str], list[int]]:
    """The values of `assert_leases_sql`: in the order in which a renewal locks them, too."""
    ordered = sorted(leases, key=lambda lease: lease.shard)
    return (
        [lease.kind for lease in ordered],
        [lease.shard for lease in ordered],
        [lease.owner for lease in ordered],
        [lease.epoch for lease in ordered],
    )


def lease_args(lease: Lease) -> tuple[str, int, str, int]:
    """What tells one lease from all others: kind, shard, owner, epoch."""
    return lease.kind, lease.shard, lease.owner, lease.epoch


async def lock_lease(connection: asyncpg.Connection, lease: Lease) -> None:
    """Inside the caller's transaction: return when no statement that asserts this lease is under way any more.

    A statement whose connection was lost may still be running; it holds the row until it has ended. Raises ShardLost.
    """
    owned = await connection.fetchval(
        "SELECT true FROM leases WHERE kind = $1 AND shard = $2 AND owner = $3 AND epoch = $4 FOR UPDATE",
        *lease_args(lease),
    )
    if not owned:
        raise ShardLost(lease.shard)


def advance_offsets_sql(first: int) -> str:
    """An INSERT that moves the offsets to behind some batches. 5 values."""
    return f"""
    INSERT INTO consumer_offsets AS o (consumer, epoch, topic, part, next_offset)
    SELECT ${first}::text, t.* FROM unnest(
        ${first + 1}::bigint[], ${first + 2}::text[], ${first + 3}::int[], ${first + 4}::bigint[]) AS t
    ON CONFLICT (consumer, topic, part) DO UPDATE SET next_offset = excluded.next_offset, epoch = excluded.epoch
    WHERE o.epoch <= excluded.epoch"""  # noqa: S608 - placeholders, no values


def advance_offsets_args(
    consumer: str, batches: Iterable[tuple[Lease, Sequence[Record]]]
) -> tuple[str, list[int], list[str], list[int], list[int]]:
    """The values of `advance_offsets_sql`: the highest offset of every place in the batches, plus one."""
    places: dict[tuple[int, str, int], int] = {}
    for lease, batch in batches:
        for record in batch:
            place = (lease.epoch, record.topic, record.partition)
            places[place] = max(places.get(place, 0), record.offset + 1)
    return (
        consumer,
        [epoch for epoch, _, _ in places],
        [topic for _, topic, _ in places],
        [part for _, _, part in places],
        list(places.values()),
    )


class Offsets:
    """The positions of one consumer, and which broker they belong to: the `KnownBrokers` of a hot runner."""

    def __init__(self, pool: asyncpg.Pool, consumer: str) -> None:
        self._pool = pool
        self._consumer = consumer

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        """The stored next offsets of a shard. Raises Unavailable."""
        with typed_errors(shard):
            rows = await self._pool.fetch(
                "SELECT topic, next_offset FROM consumer_offsets WHERE consumer = $1 AND part = $2",
                self._consumer,
                shard,
            )
        return {(row["topic"], shard): row["next_offset"] for row in rows}

    async def advance(self, connection: asyncpg.Connection, lease: Lease, batch: Sequence[Record]) -> None:
        """Check the lease and move behind this batch, inside the caller's transaction. Raises ShardLost."""
        with typed_errors(lease.shard):
            await connection.execute(
                f"WITH moved AS ({advance_offsets_sql(5)}) SELECT {assert_leases_sql(1)}",
                *assert_leases_args((lease,)),
                *advance_offsets_args(self._consumer, [(lease, batch)]),
            )

    async def forget(self, shard: int) -> None:
        """The broker came back empty: begin at 0 again. Raises Unavailable."""
        with typed_errors(shard):
            await self._pool.execute(
                "DELETE FROM consumer_offsets WHERE consumer = $1 AND part = $2", self._consumer, shard
            )

    async def broker_of(self, shard: int) -> str | None:
        """The cluster id the stored positions belong to."""
        with typed_errors(shard):
            found: str | None = await self._pool.fetchval(
                "SELECT cluster_id FROM consumer_brokers WHERE consumer = $1 AND shard = $2", self._consumer, shard
            )
        return found

    async def remember(self, shard: int, cluster_id: str) -> None:
        """From now on the stored positions belong to this cluster."""
        with typed_errors(shard):
            await self._pool.execute(
                "INSERT INTO consumer_brokers (consumer, shard, cluster_id) VALUES ($1, $2, $3) "
                "ON CONFLICT (consumer, shard) DO UPDATE SET cluster_id = excluded.cluster_id",
                self._consumer,
                shard,
                cluster_id,
            )
