"""Users' trading defaults on a real PostgreSQL."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.exchanges import Exchange, ExitStyle
from common.exits import PriceTarget
from common.ids import new_id
from common.orders import OrderType
from gateway.store.defaults import PostgresDefaults
from gateway.trading.plans import Wanted

pytestmark = pytest.mark.connected


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("gateway", "gateway", database_url)
    pool = await create_pool(database_url, "gateway", application_name="test")
    yield pool
    await pool.close()


async def test_what_is_set_is_kept_as_it_was_said_replaced_and_taken_back(pool: asyncpg.Pool) -> None:
    store, user = PostgresDefaults(pool), new_id()
    wanted = Wanted(
        take_profits=(PriceTarget(pct=Decimal("4.50")),),
        shares=(Decimal(1),),
        stop_loss=PriceTarget(pct=Decimal(-3)),
        stop_type=OrderType.STOP_LOSS_LIMIT,
        stop_limit_offset_pct=Decimal("0.5"),
        style=ExitStyle.SHARED_STOP,
    )
    await store.put(user, Exchange.BITGET, wanted, 1)
    assert await store.of(user, Exchange.BITGET) == wanted
    assert await store.of(user, Exchange.GATEIO) is None
    assert await store.of(new_id(), Exchange.BITGET) is None
    replaced = Wanted(stop_loss=PriceTarget(pct=Decimal(-9)))
    await store.put(user, Exchange.BITGET, replaced, 2)
    assert await store.of(user, Exchange.BITGET) == replaced
    await store.put(user, Exchange.BITGET, Wanted(), 3)
    assert await store.of(user, Exchange.BITGET) is None
