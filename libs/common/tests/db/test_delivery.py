"""Offsets, the lease check and the outbox on a real PostgreSQL."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from common.bus.errors import ShardLost
from common.bus.messages import Outgoing
from common.db.leases import Lease
from common.db.offsets import Offsets, lock_lease
from common.db.outbox import OutboxRelay, Published, delete_published, insert_outbox
from common.errors import Unavailable

pytestmark = pytest.mark.connected


class MemoryPublisher:
    """Acknowledges what it is given, or is down."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.down = False

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.down:
            raise Unavailable("the broker")
        self.published += messages


@pytest.fixture
def publisher() -> MemoryPublisher:
    return MemoryPublisher()


@pytest.fixture
async def lease(pool: asyncpg.Pool) -> Lease:
    await pool.execute("INSERT INTO leases (kind, shard, owner, epoch) VALUES ('engine', 1, 'me', 3)")
    return Lease("engine", 1, "me", 3, deadline_s=0)


async def count(pool: asyncpg.Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM outbox"))


async def test_offsets_move_behind_the_batch_per_topic(pool: asyncpg.Pool, lease: Lease, a_record: Any) -> None:
    offsets = Offsets(pool, "engine")
    batch = [a_record(7), a_record(8), a_record(0, topic="cgt.order-intents.v1")]
    async with pool.acquire() as connection, connection.transaction():
        await offsets.advance(connection, lease, batch)
    assert await offsets.positions(1) == {("cgt.order-events.v1", 1): 9, ("cgt.order-intents.v1", 1): 1}
    assert await offsets.positions(2) == {}
    await offsets.forget(1)
    assert await offsets.positions(1) == {}


async def test_a_batch_of_an_owner_whose_lease_was_taken_over_changes_nothing(
    pool: asyncpg.Pool, lease: Lease, a_record: Any, a_message: Any
) -> None:
    offsets = Offsets(pool, "engine")
    await pool.execute("UPDATE leases SET owner = 'other', epoch = epoch + 1")

    async def batch() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await insert_outbox(connection, 1, [a_message(1)])
            await offsets.advance(connection, lease, [a_record(7)])

    with pytest.raises(ShardLost):
        await batch()
    assert await offsets.positions(1) == {}
    assert await count(pool) == 0


async def test_a_take_over_waits_for_the_commit_of_the_batch_in_hand(
    pool: asyncpg.Pool, lease: Lease, a_record: Any
) -> None:
    offsets = Offsets(pool, "engine")
    async with pool.acquire() as connection:
        async with connection.transaction():
            await offsets.advance(connection, lease, [a_record(7)])
            take_over = asyncio.create_task(pool.execute("UPDATE leases SET owner = 'other', epoch = epoch + 1"))
            await asyncio.wait([take_over], timeout=0.1)
            assert not take_over.done()
        await take_over
    assert await offsets.positions(1) == {("cgt.order-events.v1", 1): 8}


async def test_whoever_locks_the_lease_sees_what_a_statement_of_a_lost_connection_still_wrote(
    pool: asyncpg.Pool, lease: Lease, a_record: Any
) -> None:
    offsets = Offsets(pool, "engine")

    async def seen() -> Any:
        async with pool.acquire() as connection, connection.transaction():
            await lock_lease(connection, lease)
            return await connection.fetchval("SELECT next_offset FROM consumer_offsets")

    async with pool.acquire() as connection:
        async with connection.transaction():
            await offsets.advance(connection, lease, [a_record(7)])
            reading = asyncio.create_task(seen())
            await asyncio.wait([reading], timeout=0.1)
            assert not reading.done()
        assert await reading == 8


async def test_a_lease_that_is_somebody_elses_cannot_be_locked(pool: asyncpg.Pool, lease: Lease) -> None:
    await pool.execute("UPDATE leases SET owner = 'other', epoch = epoch + 1")
    async with pool.acquire() as connection, connection.transaction():
        with pytest.raises(ShardLost):
            await lock_lease(connection, lease)


async def test_the_broker_of_the_positions_is_remembered(pool: asyncpg.Pool) -> None:
    offsets = Offsets(pool, "engine")
    assert await offsets.broker_of(1) is None
    await offsets.remember(1, "one")
    await offsets.remember(1, "two")
    assert await offsets.broker_of(1) == "two"


async def test_a_message_stored_twice_is_one_row(pool: asyncpg.Pool, a_message: Any) -> None:
    async with pool.acquire() as connection:
        await insert_outbox(connection, 1, [a_message(1), a_message(1), a_message(2)])
        await insert_outbox(connection, 1, [a_message(2)])
    assert await count(pool) == 2
    await delete_published(pool, [a_message(1), a_message(2)])
    assert await count(pool) == 0


async def test_what_the_broker_has_is_deleted_soon_and_what_it_lacks_stays(pool: asyncpg.Pool, a_message: Any) -> None:
    async with pool.acquire() as connection:
        await insert_outbox(connection, 1, [a_message(n) for n in range(5)])
    published = Published(pool, after_ms=1)
    published.note([a_message(0), a_message(1)])
    published.note([a_message(2)])
    await published.finish()
    assert await count(pool) == 2
    published.note([a_message(3)])
    await published.finish()
    assert await count(pool) == 1


async def test_a_connection_given_back_within_a_transaction_brings_nothing_to_the_next_user(
    pool: asyncpg.Pool, a_message: Any
) -> None:
    connection = await pool.acquire()
    await connection.execute("BEGIN")
    await insert_outbox(connection, 1, [a_message(1)])
    await pool.release(connection)
    assert await count(pool) == 0


async def test_the_relay_publishes_old_rows_of_its_shards_in_order_and_says_they_are_redelivered(
    pool: asyncpg.Pool, publisher: MemoryPublisher, a_message: Any
) -> None:
    relay = OutboxRelay(pool, publisher, lambda: {1}, older_than_ms=0)  # type: ignore[arg-type]
    async with pool.acquire() as connection:
        await insert_outbox(connection, 1, [a_message(n) for n in range(5)])
        await insert_outbox(connection, 2, [a_message(99)])
    assert await relay.sweep() == 5
    assert publisher.published == [a_message(n, redelivery=True) for n in range(5)]
    assert await count(pool) == 1
    assert await relay.sweep() == 0


async def test_the_relay_leaves_young_rows_to_the_fast_path(
    pool: asyncpg.Pool, publisher: MemoryPublisher, a_message: Any
) -> None:
    relay = OutboxRelay(pool, publisher, lambda: {1}, older_than_ms=60_000)  # type: ignore[arg-type]
    async with pool.acquire() as connection:
        await insert_outbox(connection, 1, [a_message(1)])
    assert await relay.sweep() == 0
    assert await count(pool) == 1


async def test_rows_stay_until_the_broker_has_acknowledged_them(
    pool: asyncpg.Pool, publisher: MemoryPublisher, a_message: Any
) -> None:
    relay = OutboxRelay(pool, publisher, lambda: {1}, older_than_ms=0)  # type: ignore[arg-type]
    async with pool.acquire() as connection:
        await insert_outbox(connection, 1, [a_message(1)])
    publisher.down = True
    with pytest.raises(Unavailable):
        await relay.sweep()
    assert await count(pool) == 1
    publisher.down = False
    assert await relay.sweep() == 1
    assert await count(pool) == 0


async def test_two_relays_do_not_publish_the_same_row(pool: asyncpg.Pool, a_message: Any) -> None:
    publisher = MemoryPublisher()
    relays = [OutboxRelay(pool, publisher, lambda: {1}, older_than_ms=0) for _ in range(3)]  # type: ignore[arg-type]
    async with pool.acquire() as connection:
        await insert_outbox(connection, 1, [a_message(n) for n in range(500)])
    await asyncio.gather(*[relay.sweep() for relay in relays])
    while await relays[0].sweep():
        pass
    assert sorted(message.ce_time_ms for message in publisher.published) == [
        a_message(n).ce_time_ms for n in range(500)
    ]
