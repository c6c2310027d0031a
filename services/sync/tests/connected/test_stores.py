"""The order-engine's own views, and sync's tables, in a real PostgreSQL."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from common.bus.topics import shard_of
from common.db.migrations import migrate
from common.db.pool import create_pool
from common.exchanges import Exchange
from common.orders import OrderStatus
from sync.check import Checked
from sync.command import check_everyone
from sync.ledger import Account, Drift, Finding
from sync.runs import PostgresRuns
from sync.store import SCHEMA, PostgresForeign, PostgresLedger
from sync.testing.builders import ACCOUNT, BRACKET, an_order, shown

pytestmark = pytest.mark.connected

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
NOW = datetime.now(UTC)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("order_engine", "order_engine", database_url)
    await migrate("sync", SCHEMA, database_url)
    pool = await create_pool(database_url, SCHEMA, application_name="test", size=2)
    await pool.execute(
        "TRUNCATE order_engine.brackets, order_engine.orders, order_engine.fills, foreign_orders, runs CASCADE"
    )
    yield pool
    await pool.close()


async def a_bracket(pool: asyncpg.Pool, name: str = BRACKET, state: str = "PROTECTED", **fields: Any) -> None:
    row = {
        "bracket_id": name,
        "shard": 0,
        "intent_id": name,
        "account_id": ACCOUNT.account_id,
        "user_id": ACCOUNT.user_id,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "state": state,
        "version": 3,
        "entry_qty": Decimal("0.01"),
        "held_qty": Decimal("0.01"),
        "protected_qty": Decimal("0.01"),
        "guarded_qty": Decimal(0),
        "unprotected_qty": Decimal(0),
        "dust_qty": Decimal(0),
        "exit_qty": Decimal(0),
        "fees": "{}",
        "doc": '{"instrument": {"base": "BTC", "lot_size": "0.00001"}}',
        "created_at": NOW,
        "updated_at": NOW,
    } | fields
    await insert(pool, "order_engine.brackets", row)


async def an_order_row(pool: asyncpg.Pool, name: str, status: str = "NEW", **fields: Any) -> None:
    row = {
        "client_order_id": name,
        "exchange_order_id": f"x-{name}",
        "order_group_id": BRACKET,
        "user_id": ACCOUNT.user_id,
        "account_id": ACCOUNT.account_id,
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT_MAKER",
        "quantity": Decimal("0.01"),
        "status": status,
        "executed_qty": Decimal(0),
        "order_role": "TP1",
        "residency": "exchange",
        "residency_reason": "rests on the exchange",
        "fees": "{}",
        "valid_until": NOW,
        "created_at": NOW - timedelta(minutes=1),
        "updated_at": NOW,
    } | fields
    await insert(pool, "order_engine.orders", row)


async def insert(pool: asyncpg.Pool, table: str, row: dict[str, Any]) -> None:
    places = ", ".join(f"${n + 1}" for n in range(len(row)))
    await pool.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", *row.values())


async def test_the_scope_is_what_is_open_and_what_was_closed_of_late(pool: asyncpg.Pool) -> None:
    old = NOW - timedelta(days=30)
    await a_bracket(pool, "open", updated_at=old)
    await a_bracket(pool, "just-closed", "CLOSED", symbol="ETHUSDT")
    await a_bracket(pool, "long-closed", "CLOSED", symbol="SOLUSDT", updated_at=old)
    await a_bracket(pool, "others", account_id="account-2", exchange="mexc", user_id="user-2")
    ledger = PostgresLedger(pool)
    assert await ledger.scope(WEEK_MS) == [
        (ACCOUNT, ["BTCUSDT", "ETHUSDT"]),
        (Account("account-2", "user-2", Exchange.MEXC), ["BTCUSDT"]),
    ]
    assert await ledger.scope(WEEK_MS, ["account-2"]) == [(Account("account-2", "user-2", Exchange.MEXC), ["BTCUSDT"])]


async def test_unfinished_is_what_is_open_however_old_and_what_lacks_trades_of_late(pool: asyncpg.Pool) -> None:
    old = NOW - timedelta(days=30)
    await an_order_row(pool, "pending", "PENDING", exchange_order_id=None)
    await an_order_row(pool, "old-and-open", created_at=old)
    await an_order_row(pool, "held-by-the-engine", residency="engine")
    await an_order_row(pool, "elsewhere", symbol="ETHUSDT")
    for name, at in (("lacking", NOW), ("lacking-long-ago", old), ("complete", NOW)):
        await an_order_row(pool, name, "FILLED", executed_qty=Decimal("0.01"), created_at=at)
    for name, qty in (("lacking", "0.004"), ("complete", "0.01")):
        fill: dict[str, Any] = {
            "account_id": ACCOUNT.account_id,
            "symbol": "BTCUSDT",
            "trade_id": name,
            "client_order_id": name,
        }
        fill |= {"exchange": "binance", "user_id": "u", "side": "SELL", "qty": Decimal(qty), "px": Decimal(1)}
        await insert(pool, "order_engine.fills", fill | {"fee": Decimal(0), "at": NOW})
    found = {o.client_order_id: o for o in await PostgresLedger(pool).unfinished("account-1", "BTCUSDT", WEEK_MS)}
    assert sorted(found) == ["lacking", "old-and-open", "pending"]
    assert (found["pending"].status, found["pending"].exchange_order_id) == (None, None)
    assert (found["lacking"].status, found["lacking"].itemised_qty) == (OrderStatus.FILLED, Decimal("0.004"))


async def test_overdue_is_what_was_sent_long_enough_ago_and_never_confirmed(pool: asyncpg.Pool) -> None:
    await an_order_row(pool, "late", "PENDING")
    await an_order_row(pool, "young", "PENDING", created_at=datetime.now(UTC))
    await an_order_row(pool, "known")
    ledger = PostgresLedger(pool)
    for n in range(3):
        await an_order_row(pool, f"flood-{n}", "PENDING", account_id="account-2")
    await an_order_row(pool, "there", "PENDING", exchange="mexc", account_id="account-3")
    await an_order_row(pool, f"{BRACKET}-q1", "PENDING", account_id="account-4")  # The exchange places it by itself.
    overdue = await ledger.overdue(Exchange.BINANCE, 30_000, 2, 10)
    assert sorted(order.client_order_id for order in overdue) == ["flood-0", "flood-1", "late"]
    assert await ledger.numbers("account-1", "BTCUSDT") == ("x-known", "x-young", "x-late")


async def test_holdings_tell_the_asset_the_lot_and_the_version(pool: asyncpg.Pool) -> None:
    await a_bracket(pool)
    await a_bracket(pool, "closed", "CLOSED")
    (held,) = await PostgresLedger(pool).holdings("account-1")
    assert (held.bracket_id, held.base_asset, held.lot_size, held.version) == (BRACKET, "BTC", Decimal("0.00001"), 3)


async def test_a_foreign_order_is_shown_while_it_is_open(pool: asyncpg.Pool) -> None:
    foreign, order = PostgresForeign(pool), shown(an_order(), client_order_id="web_1")
    await foreign.seen(ACCOUNT, "BTCUSDT", [order])
    await foreign.seen(ACCOUNT, "BTCUSDT", [order])
    rows = await pool.fetch("SELECT order_id, client_order_id, price FROM sync.foreign_orders_v1")
    assert [tuple(row.values()) for row in rows] == [(order.exchange_order_id, "web_1", Decimal(104_000))]
    await foreign.seen(ACCOUNT, "ETHUSDT", [])
    assert await pool.fetchval("SELECT count(*) FROM sync.foreign_orders_v1") == 1
    await foreign.seen(ACCOUNT, "BTCUSDT", [])
    assert await pool.fetchval("SELECT count(*) FROM sync.foreign_orders_v1") == 0


async def test_a_run_is_worked_off_by_whoever_holds_the_shard_and_reported_as_a_whole(pool: asyncpg.Pool) -> None:
    runs = PostgresRuns(pool, partitions=4)
    idle = Account("account-2", "user-1", Exchange.MEXC)
    await runs.add("run", "user-1", False, [(ACCOUNT, ["BTCUSDT"]), (idle, [])])
    mine = shard_of(ACCOUNT.account_id, 4)
    assert await runs.waiting({(mine + 1) % 4}) == []
    (item,) = await runs.waiting({mine})
    assert await runs.running("user-1", False, ["account-2", ACCOUNT.account_id]) == "run"
    assert await runs.running("user-1", True, []) is None
    report = await runs.report("run")
    assert report is not None
    assert (report.state, report.accounts, report.finished_ms) == ("RUNNING", 2, None)
    order = an_order()
    facts = (shown(order, OrderStatus.CANCELED),)
    found = Finding(drift=Drift.CANCELED, symbol="BTCUSDT", client_order_id=order.client_order_id, facts=facts)
    await runs.done(item, Checked(checked=3, findings=(found,)))
    await runs.failed(item, "too late")
    report = await runs.report("run")
    assert report is not None
    assert (report.state, report.checked, report.corrected, report.by_kind) == ("DONE", 3, 1, {"canceled": 1})
    assert (report.corrections[0].status, report.failures) == (OrderStatus.CANCELED, ())
    assert await runs.running("user-1", False, ["account-2", ACCOUNT.account_id]) is None
    assert await runs.report("none") is None


async def test_an_operator_has_everybody_checked_and_hears_when_nobody_does_it(pool: asyncpg.Pool) -> None:
    nothing = await check_everyone(pool, 4, longest_s=0)
    assert (nothing.state, nothing.accounts) == ("DONE", 0)
    await a_bracket(pool)
    waiting = await check_everyone(pool, 4, longest_s=0)
    assert (waiting.state, waiting.accounts, waiting.everyone) == ("RUNNING", 1, True)
