"""Numbered events on a real PostgreSQL: no number is left out, doubled or given twice, whoever writes."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.bus.topics import ORDER_EVENTS
from common.db.leases import Lease
from common.db.migrations import migrate
from common.db.offsets import Offsets
from common.db.pool import create_pool
from common.ids import new_id
from gateway.store.events import CONSUMER, PostgresEvents
from gateway.stream.events import LiveEvent
from gateway.stream.hub import Hub
from gateway.stream.notices import Notices
from gateway.stream.ports import Draft, Kept, draft

pytestmark = pytest.mark.connected

DAY_MS = 86_400_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("gateway", "gateway", database_url)
    pool = await create_pool(database_url, "gateway", application_name="test", size=6)
    yield pool
    await pool.close()


@pytest.fixture
def store(pool: asyncpg.Pool) -> PostgresEvents:
    return PostgresEvents(pool, "one", DAY_MS)


def drafts(user_id: str, *sources: str) -> list[Draft]:
    return [draft(user_id, LiveEvent("order_update", {"of": source}), source) for source in sources]


def record(offset: int, shard: int) -> Record:
    return Record(ORDER_EVENTS.name, shard, offset, 0, "account", b"{}", {})


async def test_who_begins_to_listen_while_events_are_being_written_can_read_them(
    pool: asyncpg.Pool, store: PostgresEvents
) -> None:
    user = new_id()
    await store.listen(user)
    async with pool.acquire() as connection:
        writing = connection.transaction()
        await writing.start()
        await connection.execute("UPDATE user_event_heads SET last_seq = 2 WHERE user_id = $1", user)
        for seq in (1, 2):
            await connection.execute(
                "INSERT INTO user_events (user_id, seq, name, payload, source) VALUES ($1, $2, 'n', $3, $4)",
                user, seq, b"{}", new_id().encode(),
            )  # fmt: skip
        listening = asyncio.create_task(store.listen(user))
        while not await pool.fetchval("SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)"):
            assert not listening.done()
        await writing.commit()
    assert await listening == Kept(2, 1)


async def a_lease(pool: asyncpg.Pool, shard: int) -> Lease:
    await pool.execute(
        "INSERT INTO leases (kind, shard, owner, epoch) VALUES ($1, $2, 'one', 1) "
        "ON CONFLICT (kind, shard) DO UPDATE SET owner = 'one', epoch = 1",
        *(CONSUMER, shard),
    )
    return Lease(CONSUMER, shard, "one", 1, float("inf"))


async def test_a_repeated_cause_is_one_event_and_takes_no_number(store: PostgresEvents) -> None:
    user = new_id()
    await store.listen(user)
    first, second, third = new_id(), new_id(), new_id()
    stored = await store.append(drafts(user, first, second, first))
    assert [event.seq for event in stored[user]] == [1, 2]
    stored = await store.append(drafts(user, second, third))
    assert [(event.seq, event.json) for event in stored[user]] == [(3, f'{{"seq":3,"of":"{third}"}}')]
    assert [event.seq for event in await store.after(user, 1, 10)] == [2, 3]
    assert await store.listen(user) == Kept(3, 1)


async def test_writers_of_many_shards_number_a_user_without_a_hole(store: PostgresEvents) -> None:
    users = [new_id() for _ in range(3)]
    for user in users:
        await store.listen(user)

    async def writes() -> None:
        for _ in range(20):
            await store.append([each for user in users for each in drafts(user, new_id(), new_id())])

    await asyncio.gather(*[writes() for _ in range(5)])
    for user in users:
        assert [event.seq for event in await store.after(user, 0, 1000)] == list(range(1, 201))


async def test_the_position_is_written_with_the_events_and_not_without_the_lease(
    pool: asyncpg.Pool, store: PostgresEvents
) -> None:
    user, shard = new_id(), 1
    await store.listen(user)
    lease, offsets = await a_lease(pool, shard), Offsets(pool, CONSUMER)
    await store.append_batch(lease, [record(7, shard)], drafts(user, new_id()))
    assert await offsets.positions(shard) == {(ORDER_EVENTS.name, shard): 8}
    await store.append_batch(lease, [record(8, shard)], [])
    assert await offsets.positions(shard) == {(ORDER_EVENTS.name, shard): 9}
    await pool.execute("UPDATE leases SET epoch = 2, owner = 'two' WHERE kind = $1 AND shard = $2", CONSUMER, shard)
    with pytest.raises(ShardLost):
        await store.append_batch(lease, [record(9, shard)], drafts(user, new_id()))
    with pytest.raises(ShardLost):
        await store.append_batch(lease, [record(9, shard)], [])
    assert (await store.listen(user)).last_seq == 1
    assert await offsets.positions(shard) == {(ORDER_EVENTS.name, shard): 9}


async def test_a_user_who_never_listened_costs_no_row(pool: asyncpg.Pool, store: PostgresEvents) -> None:
    user = new_id()
    assert await store.append(drafts(user, new_id())) == {}
    assert await store.wanted([user]) == frozenset()
    assert await pool.fetchval("SELECT count(*) FROM user_events WHERE user_id = $1", user) == 0
    assert await store.listen(user) == Kept(0, 1)
    assert await store.wanted([user]) == {user}


async def test_who_comes_back_after_the_retention_sees_the_hole(pool: asyncpg.Pool, store: PostgresEvents) -> None:
    user = new_id()
    await store.listen(user)
    await store.append(drafts(user, new_id()))
    await pool.execute("UPDATE user_event_heads SET wanted_until = clock_timestamp() WHERE user_id = $1", user)
    assert await store.append(drafts(user, new_id())) == {}
    assert await store.listen(user) == Kept(2, 1)
    assert [event.seq for event in (await store.append(drafts(user, new_id())))[user]] == [3]


async def test_listening_keeps_events_wanted_and_age_takes_them_away(pool: asyncpg.Pool, store: PostgresEvents) -> None:
    user = new_id()
    await store.listen(user)
    await store.append(drafts(user, new_id(), new_id()))
    soon = "UPDATE user_event_heads SET wanted_until = clock_timestamp() + interval '1 minute' WHERE user_id = $1"
    await pool.execute(soon, user)
    await store.still_listening([user])
    left = "SELECT wanted_until > clock_timestamp() + interval '23 hours' FROM user_event_heads WHERE user_id = $1"
    assert await pool.fetchval(left, user)
    await pool.execute("UPDATE user_events SET at = at - interval '25 hours' WHERE user_id = $1 AND seq = 1", user)
    assert await store.prune() == 1
    assert await store.listen(user) == Kept(2, 2)


async def test_another_instance_hears_of_what_is_stored_and_reads_it(
    database_url: str, pool: asyncpg.Pool, store: PostgresEvents
) -> None:
    user = new_id()
    hub = Hub(PostgresEvents(pool, "two", DAY_MS))
    notices = Notices(database_url, "gateway", "two", hub)
    tasks = [asyncio.create_task(notices.run()), asyncio.create_task(hub.run())]
    await asyncio.wait_for(notices.listening.wait(), 10)
    stream, kept = await hub.join(user)
    assert kept == Kept(0, 1)
    # Each statement tells of its last number only; many of them at once arrive as they commit.

    async def happens() -> None:
        await store.notify(await store.append(drafts(user, new_id(), new_id())))

    await asyncio.gather(*[happens() for _ in range(10)])
    heard: list[int] = []
    async with asyncio.timeout(10):
        while len(heard) < 20:
            heard += [event.seq for event in await hub.after(stream, len(heard))]
    assert heard == list(range(1, 21))
    for task in tasks:
        task.cancel()
