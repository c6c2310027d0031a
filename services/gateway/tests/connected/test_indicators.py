"""The gateway reads sync's views as sync publishes them."""

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Unavailable
from gateway.syncing.client import HttpSync
from gateway.syncing.indicators import PostgresIndicators

pytestmark = pytest.mark.connected
NOT_ASKED: Any = None  # Views are read in the database, not over HTTP.


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await create_pool(database_url, "gateway", application_name="test", size=1)
    yield pool
    await pool.close()


async def test_before_sync_has_migrated_the_answer_is_to_come_again(pool: asyncpg.Pool, database_url: str) -> None:
    with pytest.raises(Unavailable):
        await PostgresIndicators(pool).read(None, None, None, 10)


async def test_the_newest_values_of_the_named_series_are_read_oldest_first(
    pool: asyncpg.Pool, database_url: str
) -> None:
    await migrate("sync", "sync", database_url)
    for day in range(1, 6):
        await pool.execute(
            "INSERT INTO sync.fredindicators (series_id, date, value) VALUES ('UNRATE', $1, $2)",
            date(2026, 1, day),
            Decimal(day),
        )
    await pool.execute("INSERT INTO sync.fred_series (series_id, fetched_at) VALUES ('UNRATE', now())")
    await pool.execute("INSERT INTO sync.fred_status VALUES (true, false, '{DGS10}')")
    found = await PostgresIndicators(pool).read(None, None, date(2026, 1, 4), 2)
    assert (found.key_configured, [each.series_id for each in found.series]) == (False, ["DGS10", "UNRATE"])
    assert [each.day.day for each in found.series[1].observations] == [3, 4]
    named = await PostgresIndicators(pool).read(["NONE", "UNRATE"], date(2026, 1, 5), None, 10)
    assert [len(each.observations) for each in named.series] == [0, 1]


async def test_foreign_orders_are_read_page_by_page_as_sync_publishes_them(
    pool: asyncpg.Pool, database_url: str
) -> None:
    await migrate("sync", "sync", database_url)
    await pool.execute(
        "INSERT INTO sync.foreign_orders "
        "(account_id, user_id, exchange, symbol, exchange_order_id, executed_qty, status) "
        "SELECT account, 'u', 'binance', 'BTCUSDT', number::text, 0, 'NEW' "
        "FROM unnest(ARRAY['mine', 'too', 'theirs']) account, generate_series(1, 3) number"
    )
    sync, seen, after = HttpSync(NOT_ASKED, pool), [], None
    while page := await sync.foreign_orders(["mine", "too"], 4, after):
        seen += [(each.order_id, each.account_id) for each in page]
        after = page[-1].place
    assert seen == [(number, account) for number in "123" for account in ("mine", "too")]
    assert len(await sync.foreign_orders(["mine", "too"], None, None)) == 6
