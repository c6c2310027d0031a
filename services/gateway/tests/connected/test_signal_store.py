"""Signals on a real PostgreSQL: whoever works on them, and however many, each account's order is stored once."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from common.accounts import AccountState
from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Refused
from common.exchanges import Exchange
from common.ids import new_id
from common.intents import PlaceOrder
from common.orders import OrderType, Side
from gateway.ports import Account, StoredIntent
from gateway.risk.rules import Limits, SetBy, Stake
from gateway.signals.model import SHARDS, Receipt, Signal, State, receipt_for
from gateway.store.risk import PostgresRisk
from gateway.store.signals import PostgresSignals
from gateway.testing.builders import an_instrument
from gateway.testing.views import CREATE_VIEWS, DROP_VIEWS

pytestmark = pytest.mark.connected

NOW_MS = 1_000_000
SHARDS_ALL = range(SHARDS)
FIRST = ("", -1)


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("gateway", "gateway", database_url)
    pool = await create_pool(database_url, "gateway", application_name="test", size=8)
    await pool.execute(CREATE_VIEWS)
    await pool.execute("DELETE FROM signal_receipts")
    await pool.execute("DELETE FROM signals")
    yield pool
    await pool.execute(DROP_VIEWS)
    await pool.close()


def a_signal(**changes: Any) -> Signal:
    fields: dict[str, Any] = {
        "signal_id": new_id(),
        "admin_id": "admin",
        "idempotency_key": new_id(),
        "request_hash": "h",
        "body": b"{}",
        "symbol": "BTCUSDT",
        "side": Side.BUY,
        "created_ms": NOW_MS,
        "valid_until_ms": NOW_MS + 30_000,
    }
    return Signal(**(fields | changes))


def receipts_of(signal: Signal, count: int) -> list[Receipt]:
    accounts = [
        Account(
            account_id=new_id(),
            user_id=new_id(),
            exchange=Exchange.BINANCE,
            label="",
            state=AccountState.ACTIVE,
            is_default=True,
            key_version=1,
            ts_init_ms=1,
        )
        for _ in range(count)
    ]
    return [receipt_for(signal.signal_id, each, n, NOW_MS) for n, each in enumerate(accounts)]


def order_of(receipt: Receipt) -> tuple[StoredIntent, Stake]:
    intent = PlaceOrder(
        intent_id=receipt.intent_id,
        user_id=receipt.user_id,
        account_id=receipt.account_id,
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        ts_init_ms=NOW_MS,
        valid_until_ms=NOW_MS + 30_000,
        side=Side.BUY,
        order_type=OrderType.MARKET,
        qty=Decimal(1),
        instrument=an_instrument(),
        reference_px=Decimal(100),
    )
    stake = Stake(user_id=receipt.user_id, exchange=Exchange.BINANCE, usd=Decimal(100), usd_rate=Decimal(1))
    return StoredIntent(intent=intent, idempotency_key=None, request_hash="signal"), stake


async def test_a_signal_and_its_recipients_are_stored_together_and_once(pool: asyncpg.Pool) -> None:
    store, signal = PostgresSignals(pool, 100), a_signal()
    receipts = receipts_of(signal, 5)
    assert await store.add(signal, receipts)
    assert not await store.add(signal, receipts_of(signal, 9))
    assert await store.get(signal.signal_id) == signal
    assert await store.receipts(signal.signal_id, None, 10, None) == receipts
    assert await store.receipts(signal.signal_id, (2,), 1, [State.PENDING]) == receipts[3:4]
    assert await store.receipts(signal.signal_id, None, 10, [State.FAILED]) == []
    assert (await store.counts([signal.signal_id]))[signal.signal_id] == {State.PENDING: 5}
    pending = await store.pending(Exchange.BINANCE, SHARDS_ALL, after=FIRST, limit=10)
    assert sorted(pending, key=lambda each: each[0].ordinal) == [(receipt, signal) for receipt in receipts]
    assert await store.pending(Exchange.MEXC, SHARDS_ALL, after=FIRST, limit=10) == []
    twin = a_signal()
    await store.add(twin, [])
    newest, older = await store.newest(None, 2)
    assert {newest.signal_id, older.signal_id} == {signal.signal_id, twin.signal_id}
    assert await store.newest((newest.created_ms, newest.signal_id), 2) == [older]
    assert await store.newest((older.created_ms, older.signal_id), 2) == []


async def test_of_many_who_send_one_order_one_does(pool: asyncpg.Pool) -> None:
    store, signal = PostgresSignals(pool, 100), a_signal()
    (receipt,) = receipts_of(signal, 1)
    await store.add(signal, [receipt])
    sent = await asyncio.gather(*(store.send(receipt, *order_of(receipt), NOW_MS + 1) for _ in range(6)))
    assert sorted(sent) == [False] * 5 + [True]
    assert await pool.fetchval("SELECT count(*) FROM intents WHERE intent_id = $1", receipt.intent_id) == 1
    (opened,) = await store.open(SHARDS_ALL, resting=False, after=FIRST, limit=10)
    assert (opened.receipt.state, opened.receipt.sent_ms, opened.found.outcome) == (State.SENT, NOW_MS + 1, None)


async def test_an_order_that_a_limit_holds_back_leaves_its_receipt_as_it_was(pool: asyncpg.Pool) -> None:
    store, signal = PostgresSignals(pool, 100), a_signal()
    (receipt,) = receipts_of(signal, 1)
    await store.add(signal, [receipt])
    await PostgresRisk(pool).set_limits(receipt.user_id, SetBy.ADMIN, Limits(max_order_value=Decimal(1)))
    with pytest.raises(Refused, match="100 USD"):
        await store.send(receipt, *order_of(receipt), NOW_MS)
    assert await store.receipts(signal.signal_id, None, 10, None) == [receipt]
    assert await pool.fetchval("SELECT count(*) FROM intents WHERE intent_id = $1", receipt.intent_id) == 0


async def test_a_receipt_is_only_changed_from_what_it_was(pool: asyncpg.Pool) -> None:
    store, signal = PostgresSignals(pool, 100), a_signal()
    (receipt,) = receipts_of(signal, 1)
    await store.add(signal, [receipt])
    failed = msgspec.structs.replace(receipt, state=State.FAILED, open=False, code="X", reason="y")
    assert await store.change([(receipt, failed)]) == [failed]
    assert await store.change([(receipt, msgspec.structs.replace(receipt, state=State.SENT))]) == []
    assert await store.receipts(signal.signal_id, None, 10, None) == [failed]


async def test_what_nothing_was_done_for_in_time_is_ended(pool: asyncpg.Pool) -> None:
    store, late, fresh = PostgresSignals(pool, 100), a_signal(), a_signal(valid_until_ms=NOW_MS + 90_000)
    for signal in (late, fresh):
        await store.add(signal, receipts_of(signal, 2))
    assert await store.expire(SHARDS_ALL, NOW_MS + 30_000) == []
    ended = await store.expire(SHARDS_ALL, NOW_MS + 30_001)
    assert {(each.signal_id, each.state, each.code) for each in ended} == {
        (late.signal_id, State.SKIPPED, "SIGNAL_EXPIRED")
    }
    assert len(await store.pending(Exchange.BINANCE, SHARDS_ALL, after=FIRST, limit=10)) == 2


async def test_what_the_ledger_says_is_found_beside_the_receipt(pool: asyncpg.Pool) -> None:
    store, signal = PostgresSignals(pool, 100), a_signal()
    receipts = receipts_of(signal, 3)
    await store.add(signal, receipts)
    for receipt in receipts:
        await store.send(receipt, *order_of(receipt), NOW_MS)
    first = receipts[0]
    await pool.execute(
        "INSERT INTO order_engine.intents_v1 (intent_id, user_id, account_id, outcome) VALUES ($1, $2, $3, 'accepted')",
        *(first.intent_id, first.user_id, first.account_id),
    )
    await pool.execute(
        "INSERT INTO order_engine.orders_v1 (client_order_id, order_id, status, executed_qty, avg_price, "
        "filled_timestamp) VALUES ($1, '7', 'FILLED', 0.5, 99, now())",
        first.client_order_id,
    )
    await pool.execute(
        "INSERT INTO order_engine.brackets_v1 (bracket_id, state, updated_at) VALUES ($1, 'PROTECTED', now())",
        first.bracket_id,
    )
    found = {
        each.receipt.ordinal: each.found
        for after in (("", -1), (signal.signal_id, 1))
        for each in await store.open(SHARDS_ALL, resting=False, after=after, limit=2)
    }
    assert sorted(found) == [0, 1, 2]
    assert (found[0].outcome, found[0].order_id, found[0].executed_qty) == ("accepted", "7", Decimal("0.5"))
    assert (found[0].bracket_state, found[1].outcome) == ("PROTECTED", None)
    assert await store.open(SHARDS_ALL, resting=True, after=FIRST, limit=2) == []
