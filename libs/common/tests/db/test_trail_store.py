"""An account's trail is saved by whoever has its lease, on a real PostgreSQL."""

import time

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from common.connector.trail import Trails
from common.connector.trail_store import TrailStore, stream_state
from common.db.leases import Lease

pytestmark = pytest.mark.connected


@pytest.fixture
async def leases(pool: asyncpg.Pool) -> tuple[Lease, Lease]:
    """Of one shard: the first, which has been handed over, and the second, which is valid."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # as the library has it
    await pool.execute(str(CreateTable(stream_state(sa.MetaData())).compile(dialect=dialect)))
    await pool.execute(
        "INSERT INTO leases (kind, shard, owner, epoch, expires_at) "
        "VALUES ('accounts', 0, 'new', 2, clock_timestamp() + interval '1 minute')"
    )
    until_s = time.monotonic() + 60
    return Lease("accounts", 0, "old", 1, until_s), Lease("accounts", 0, "new", 2, until_s)


async def saved(pool: asyncpg.Pool, lease: Lease | None, symbol: str) -> list[str]:
    """What is stored after a process that holds this lease has saved an account that trades this symbol."""
    trails = Trails()
    trails.note_symbol("a", symbol, from_ms=1)
    store = TrailStore(pool, trails, safe=lambda account_id: True)
    store.lease_of = lambda account_id: lease
    await store.flush()
    return [row["symbols"] for row in await pool.fetch("SELECT symbols FROM stream_state")]


async def test_only_the_process_that_has_the_account_saves_its_trail(
    pool: asyncpg.Pool, leases: tuple[Lease, Lease]
) -> None:
    handed_over, ours = leases
    assert await saved(pool, handed_over, "BTCUSDT") == []
    assert await saved(pool, ours, "ETHUSDT") == ['["ETHUSDT"]']
    assert await saved(pool, handed_over, "BTCUSDT") == ['["ETHUSDT"]'], "it still hears its stream for a while"
    assert await saved(pool, None, "BTCUSDT") == ['["ETHUSDT"]'], "what was stored has not been read yet"
