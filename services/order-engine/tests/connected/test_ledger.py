"""The ledger on a real PostgreSQL: what several shards decide at once is one transaction, and each is on its own."""

import asyncio
import time
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
from order_engine.bracket import Bracket
from order_engine.rows import Rows
from order_engine.store import CONSUMER, SCHEMA, Ledger
from order_engine.testing.builders import an_intent, opened

pytestmark = pytest.mark.connected


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("order_engine", SCHEMA, database_url)
    pool = await create_pool(database_url, SCHEMA, application_name="test", size=3)
    await pool.execute("TRUNCATE brackets, orders, outbox, consumer_offsets, leases")
    yield pool
    await pool.close()


async def leases_on(pool: asyncpg.Pool, *shards: int) -> list[Lease]:
    for shard in shards:
        await pool.execute("INSERT INTO leases (kind, shard, owner, epoch) VALUES ('engine', $1, 'me', 3)", shard)
    return [Lease("engine", shard, "me", 3, deadline_s=time.monotonic() + 60) for shard in shards]


async def write(ledger: Ledger, lease: Lease) -> Bracket:
    """A bracket of this shard, read up to offset 7."""
    bracket, rows = opened(an_intent(intent_id=f"intent-{lease.shard}")), Rows()
    rows.add_bracket(lease.shard, None, bracket)
    record = Record(ORDER_EVENTS.name, lease.shard, 7, 0, "account", b"", {})
    await ledger.commit(lease, [record], rows, ())
    return bracket


async def test_what_several_shards_decide_at_once_is_one_transaction(pool: asyncpg.Pool) -> None:
    ledger, leases = Ledger(pool), await leases_on(pool, 2, 0, 1)
    brackets = await asyncio.gather(*[write(ledger, lease) for lease in leases])
    assert await pool.fetchval("SELECT count(DISTINCT xmin::text) FROM brackets") == 1
    for lease, bracket in zip(leases, brackets, strict=True):
        assert await ledger.open_brackets(lease.shard) == [bracket]
        assert await Offsets(pool, CONSUMER).positions(lease.shard) == {(ORDER_EVENTS.name, lease.shard): 8}


async def test_a_lease_that_was_taken_over_costs_only_its_own_shard_the_commit(pool: asyncpg.Pool) -> None:
    ledger, leases = Ledger(pool), await leases_on(pool, 0, 1)
    await pool.execute("UPDATE leases SET owner = 'other', epoch = 4 WHERE shard = 1")
    kept, lost = await asyncio.gather(*[write(ledger, lease) for lease in leases], return_exceptions=True)
    assert isinstance(kept, Bracket)
    assert isinstance(lost, ShardLost)
    assert lost.shard == 1
    assert await ledger.open_brackets(0) == [kept]
    assert await ledger.open_brackets(1) == []
    assert await Offsets(pool, CONSUMER).positions(1) == {}
