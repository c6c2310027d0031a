"""Limits on a real PostgreSQL: orders that come at once never pass together a limit that only one of them fits."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Refused
from common.exchanges import Exchange
from common.ids import new_id
from common.intents import CancelAllOrdersIntent, PlaceOrder
from common.orders import OrderType, Side
from gateway.ports import StoredIntent
from gateway.risk.rules import DAY_MS, Limits, Scope, SetBy, Stake, Switch
from gateway.store.intents import PostgresIntents
from gateway.store.risk import PostgresRisk
from gateway.testing.builders import an_instrument
from gateway.testing.views import CREATE_VIEWS, DROP_VIEWS

pytestmark = pytest.mark.connected

NOW_MS = 20_000 * DAY_MS + 1_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("gateway", "gateway", database_url)
    pool = await create_pool(database_url, "gateway", application_name="test", size=8)
    await pool.execute(CREATE_VIEWS)
    yield pool
    await pool.execute(DROP_VIEWS)
    await pool.execute("DELETE FROM kill_switches")
    await pool.close()


def a_buy(user_id: str, usd: str = "100", **changes: Any) -> tuple[StoredIntent, Stake]:
    order: dict[str, Any] = {
        "intent_id": new_id(),
        "user_id": user_id,
        "account_id": f"account of {user_id}",
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "ts_init_ms": NOW_MS,
        "valid_until_ms": NOW_MS + 30_000,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "qty": Decimal(1),
        "instrument": an_instrument(),
        "reference_px": Decimal(usd),
    }
    stored = StoredIntent(intent=PlaceOrder(**(order | changes)), idempotency_key=None, request_hash="h")
    return stored, Stake(user_id=user_id, exchange=Exchange.BINANCE, usd=Decimal(usd), usd_rate=Decimal(1))


async def attempt(intents: PostgresIntents, stored: StoredIntent, stake: Stake | None) -> str:
    try:
        return "stored" if await intents.add(stored, stake) else "known"
    except Refused as refused:
        return refused.code


async def read_by_the_engine(pool: asyncpg.Pool, stored: StoredIntent, **bracket: Any) -> None:
    """The ledger as it stands once the engine has read the intent: a bracket with its entry."""
    intent = stored.intent
    row: dict[str, Any] = {
        "state": "OPENING",
        "held": 0,
        "px": None,
        "pnl": None,
        "entry": "NEW",
        "at": NOW_MS,
    } | bracket
    about = (intent.intent_id, intent.user_id, intent.account_id)
    await pool.execute(
        "INSERT INTO order_engine.intents_v1 (intent_id, user_id, account_id, outcome) VALUES ($1, $2, $3, 'accepted')",
        *about,
    )
    await pool.execute(
        "INSERT INTO order_engine.brackets_v1 (bracket_id, intent_id, user_id, account_id, state, held_qty, "
        "entry_avg_px, realised_pnl, updated_at) VALUES ($1, $1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8))",
        *(*about, row["state"], row["held"], row["px"], row["pnl"], row["at"] / 1000),
    )
    await pool.execute(
        "INSERT INTO order_engine.orders_v1 (client_order_id, user_id, account_id, exchange, symbol, order_id, side, "
        "order_role, order_group_id, status) VALUES ('c-' || $1, $2, $3, 'binance', 'BTCUSDT', '7', 'BUY', 'ENTRY', "
        "$1, $4)",
        *(*about, row["entry"]),
    )


async def test_of_orders_that_come_at_once_only_those_that_fit_are_stored(pool: asyncpg.Pool) -> None:
    intents, risk, user = PostgresIntents(pool, 100), PostgresRisk(pool), new_id()
    await risk.set_limits(user, SetBy.USER, Limits(max_open_exposure=Decimal(350)))
    outcomes = await asyncio.gather(*(attempt(intents, *a_buy(user)) for _ in range(8)))
    assert sorted(outcomes) == ["MAX_OPEN_EXPOSURE"] * 5 + ["stored"] * 3
    assert (await risk.usage(user, NOW_MS)).open_exposure == 300


async def test_exposure_is_what_works_and_what_is_held_and_nothing_else(pool: asyncpg.Pool) -> None:
    intents, risk, user = PostgresIntents(pool, 100), PostgresRisk(pool), new_id()
    unread, working, held, closed, outdated = (a_buy(user, usd) for usd in ("1", "10", "100", "1000", "10000"))
    late = a_buy(user, "100000", ts_init_ms=NOW_MS - 90_000, valid_until_ms=NOW_MS - 60_000)
    for stored, stake in (unread, working, held, closed, outdated, late):
        await intents.add(stored, stake)
    await read_by_the_engine(pool, working[0])
    await read_by_the_engine(pool, held[0], state="PROTECTED", held=Decimal("0.5"), px=Decimal(90), entry="FILLED")
    await read_by_the_engine(pool, closed[0], state="CLOSED", pnl=Decimal(-7), entry="FILLED")
    before = NOW_MS - NOW_MS % DAY_MS - 1
    await read_by_the_engine(pool, outdated[0], state="CLOSED", pnl=Decimal(-900), entry="FILLED", at=before)
    usage = await risk.usage(user, NOW_MS)
    assert usage.open_exposure == 1 + 10 + 45
    assert usage.day_pnl == -7
    names = [entry.client_order_id for entry in await risk.open_entries(user, NOW_MS)]
    assert len(names) == 2
    assert f"c-{working[0].intent.intent_id}" in names


async def test_a_loss_limit_counts_what_was_closed_today(pool: asyncpg.Pool) -> None:
    intents, risk, user = PostgresIntents(pool, 100), PostgresRisk(pool), new_id()
    await risk.set_limits(user, SetBy.ADMIN, Limits(daily_loss_limit=Decimal(50)))
    lost, stake = a_buy(user)
    await intents.add(lost, stake)
    await read_by_the_engine(pool, lost, state="CLOSED", pnl=Decimal(-50), entry="FILLED")
    assert await attempt(intents, *a_buy(user)) == "DAILY_LOSS_LIMIT"
    with pytest.raises(Refused, match="lost 50 USD"):
        await risk.check(stake, NOW_MS)
    await risk.set_limits(user, SetBy.ADMIN, Limits())
    assert await attempt(intents, *a_buy(user)) == "stored"


@pytest.mark.parametrize(
    ("scope", "target"), [(Scope.USER, "someone"), (Scope.EXCHANGE, "binance"), (Scope.GLOBAL, "")]
)
async def test_a_switch_stops_what_it_is_meant_for_until_it_is_released(
    pool: asyncpg.Pool, scope: Scope, target: str
) -> None:
    intents, risk = PostgresIntents(pool, 100), PostgresRisk(pool)
    user = f"{target}/{new_id()}" if scope is Scope.USER else new_id()
    target = user if scope is Scope.USER else target
    switch = Switch(scope=scope, target=target, set_by=SetBy.ADMIN, reason="", engaged_by="a", engaged_ms=NOW_MS)
    assert await risk.engage(switch) == await risk.engage(switch) == switch
    assert list(await risk.switches(user)) == [switch]
    assert await attempt(intents, *a_buy(user)) == "KILL_SWITCH_ENGAGED"
    sell, _ = a_buy(user)
    assert await attempt(intents, sell, None) == "stored"
    assert await risk.release(scope, target, SetBy.ADMIN)
    assert not await risk.release(scope, target, SetBy.ADMIN)
    assert await attempt(intents, *a_buy(user)) == "stored"


async def test_an_account_has_only_so_much_under_way_and_orders_leave_room_for_cancels(pool: asyncpg.Pool) -> None:
    intents, user = PostgresIntents(pool, 3), new_id()
    outcomes = [await attempt(intents, *a_buy(user)) for _ in range(4)]
    assert outcomes == ["stored", "stored", "stored", "TOO_MANY_OPERATIONS"]
    about = {"user_id": user, "account_id": f"account of {user}", "exchange": Exchange.BINANCE, "symbol": "BTCUSDT"}
    cancel = CancelAllOrdersIntent(intent_id=new_id(), ts_init_ms=NOW_MS, valid_until_ms=NOW_MS + 1, **about)  # type: ignore[arg-type]
    stored = StoredIntent(intent=cancel, idempotency_key=None, request_hash="h")
    assert await attempt(intents, stored, None) == "stored"
    later = a_buy(user, ts_init_ms=NOW_MS + 31_000, valid_until_ms=NOW_MS + 61_000)
    assert await attempt(intents, *later) == "stored"


async def test_a_repeated_intent_is_known_even_where_limits_hold(pool: asyncpg.Pool) -> None:
    intents, risk, user = PostgresIntents(pool, 100), PostgresRisk(pool), new_id()
    await risk.set_limits(user, SetBy.USER, Limits(max_order_value=Decimal(100)))
    stored, stake = a_buy(user)
    assert [await attempt(intents, stored, stake) for _ in range(2)] == ["stored", "known"]
    await risk.add_all([stored])
    assert (await risk.usage(user, NOW_MS)).open_exposure == 100
