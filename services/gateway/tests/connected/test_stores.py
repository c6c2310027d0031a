"""The gateway's rows on a real PostgreSQL, beside the views that the order-engine publishes."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id
from common.intents import CancelAllOrdersIntent
from gateway.ports import COMMIT_MARGIN_MS, Answer, StoredIntent
from gateway.redelivery import Redelivery
from gateway.store.intents import PostgresIntents
from gateway.store.ledger import PostgresLedger
from gateway.store.transfers import PostgresTransfers
from gateway.testing.fakes import MemoryBus
from gateway.testing.views import CREATE_VIEWS, DROP_VIEWS
from gateway.trading.moving import Moved

pytestmark = pytest.mark.connected

NOW_MS = 1_000_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("gateway", "gateway", database_url)
    pool = await create_pool(database_url, "gateway", application_name="test")
    await pool.execute(CREATE_VIEWS)
    yield pool
    await pool.execute(DROP_VIEWS)
    await pool.close()


def an_intent(user_id: str = "u", *, at_ms: int = NOW_MS) -> CancelAllOrdersIntent:
    return CancelAllOrdersIntent(
        intent_id=new_id(),
        user_id=user_id,
        account_id="a",
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        ts_init_ms=at_ms,
        valid_until_ms=at_ms + 30_000,
    )


def stored(intent: CancelAllOrdersIntent, key: str | None = None) -> StoredIntent:
    return StoredIntent(intent=intent, idempotency_key=key, request_hash="h")


async def test_a_key_belongs_to_one_intent_of_its_user(pool: asyncpg.Pool) -> None:
    intents, key = PostgresIntents(pool, 100), new_id()
    first = an_intent()
    assert await intents.add(stored(first, key))
    assert not await intents.add(stored(an_intent(), key))
    assert await intents.add(stored(an_intent("another user"), key))
    found = await intents.by_key("u", key)
    assert found is not None
    assert found.intent == first
    assert await intents.by_id("another user", first.intent_id) is None


async def test_requests_without_a_key_never_collide(pool: asyncpg.Pool) -> None:
    intents = PostgresIntents(pool, 100)
    assert await intents.add(stored(an_intent()))
    assert await intents.add(stored(an_intent()))


async def test_a_final_answer_is_never_replaced_but_an_open_one_is(pool: asyncpg.Pool) -> None:
    intents, intent = PostgresIntents(pool, 100), an_intent()
    await intents.add(stored(intent))
    for status in (202, 200, 400):
        await intents.answered(intent.intent_id, Answer(status=status, body=b"{}"))
    found = await intents.by_id("u", intent.intent_id)
    assert found is not None
    assert found.answer == Answer(status=200, body=b"{}")


async def test_an_intent_is_on_its_way_until_it_is_answered_handed_over_or_counts_no_more(pool: asyncpg.Pool) -> None:
    intents, account_id = PostgresIntents(pool, 100), new_id()
    answered, handed_over, waiting = [
        msgspec.structs.replace(an_intent(new_id()), account_id=account_id) for _ in range(3)
    ]
    for intent in (answered, handed_over, waiting):
        await intents.add(stored(intent))
        await intents.answered(intent.intent_id, Answer(status=202, body=b"{}"))
    assert await intents.on_its_way(account_id, NOW_MS) == 3
    await intents.answered(answered.intent_id, Answer(status=200, body=b"{}"))
    await intents.handed_over([handed_over.intent_id])
    assert await intents.on_its_way(account_id, NOW_MS) == 1
    assert await intents.on_its_way(account_id, waiting.valid_until_ms) == 0


async def test_intents_are_published_again_until_the_ledger_knows_them_or_they_count_no_more(
    pool: asyncpg.Pool,
) -> None:
    class Clock:
        now = NOW_MS + 5_000

        def now_ms(self) -> int:
            return self.now

    intents, ledger, bus, clock = PostgresIntents(pool, 100), PostgresLedger(pool), MemoryBus(), Clock()
    await pool.execute("DELETE FROM intents")
    known, lost, fresh = an_intent(), an_intent(), an_intent(at_ms=NOW_MS + 4_900)
    for intent in (known, lost, fresh):
        await intents.add(stored(intent))
    await pool.execute(
        "INSERT INTO order_engine.intents_v1 (intent_id, user_id, account_id, outcome, created_at) "
        "VALUES ($1, 'u', 'a', 'accepted', now())",
        known.intent_id,
    )
    redelivery = Redelivery(intents, ledger, bus, clock)
    assert await redelivery.sweep() == 1
    assert await redelivery.sweep() == 1
    assert bus.intents == [lost, lost]
    assert {message.redelivery for message in bus.published} == {True}
    clock.now = fresh.valid_until_ms + 1
    assert await redelivery.sweep() == 0
    assert {each.intent for each in await intents.unknown_to_the_ledger(clock.now, 10)} == {lost, fresh}
    clock.now += COMMIT_MARGIN_MS
    assert await redelivery.sweep() == 0
    assert not await intents.unknown_to_the_ledger(clock.now, 10)


async def test_the_views_are_read_as_they_are_promised(pool: asyncpg.Pool) -> None:
    await pool.execute(
        """
        INSERT INTO order_engine.orders_v1 (id, order_id, client_order_id, user_id, account_id, exchange, symbol, side,
            type, quantity, status, executed_qty, order_role, order_group_id, tp_levels, fees, created_at, updated_at)
        VALUES (7, '4711', 'c', 'u', 'a', 'binance', 'BTCUSDT', 'BUY', 'MARKET', 0.5, 'FILLED', 0.5, 'ENTRY', 'b',
            '["105000", "110000"]', '{"BTC": "0.0005"}', now(), now());
        """
    )
    await pool.execute(
        """
        INSERT INTO order_engine.brackets_v1 (bracket_id, intent_id, user_id, account_id, exchange, symbol, state,
            version, entry_qty, held_qty, protected_qty, guarded_qty, unprotected_qty, dust_qty, exit_qty, fees,
            created_at, updated_at)
        VALUES ('b', 'i', 'u', 'a', 'binance', 'BTCUSDT', 'PROTECTED', 3, 0.5, 0.4995, 0.4995, 0, 0, 0, 0, '{}',
            now(), now());
        """
    )
    ledger = PostgresLedger(pool)
    (order,) = await ledger.orders_by_client_id("a", ["c"])
    (bracket,) = await ledger.brackets(["a"], "BTCUSDT", 10)
    assert (order.order_id, order.fees, order.tp_levels) == ("4711", {"BTC": Decimal("0.0005")}, ["105000", "110000"])
    assert (bracket.held_qty, bracket.fees) == (Decimal("0.4995"), {})
    assert await ledger.open_brackets("a") == [bracket]
    assert await ledger.open_brackets("another") == []
    assert await ledger.orders_of(["b"]) == [order]
    assert await ledger.orders_by_exchange_id("a", ["4711", "4712"]) == [order]
    assert await ledger.held_orders("a", None) == []
    await pool.execute("UPDATE order_engine.orders_v1 SET residency = 'engine', status = 'NEW' WHERE id = 7")
    (held,) = await ledger.held_orders("a", "BTCUSDT")
    assert (held.client_order_id, await ledger.held_orders("a", "ETHUSDT")) == ("c", [])
    assert await ledger.brackets(["another"], None, 10) == []
    await pool.execute("UPDATE order_engine.brackets_v1 SET state = 'CLOSED'")
    assert await ledger.open_brackets("a") == []
    assert await ledger.intent("unknown") is None


async def test_brackets_come_page_by_page_the_newest_first_to_the_microsecond(pool: asyncpg.Pool) -> None:
    await pool.execute(
        """
        INSERT INTO order_engine.brackets_v1 (bracket_id, intent_id, user_id, account_id, exchange, symbol, state,
            version, entry_qty, held_qty, protected_qty, guarded_qty, unprotected_qty, dust_qty, exit_qty, fees,
            created_at, updated_at)
        SELECT 'b' || n, 'i', 'u', 'a', 'binance', 'BTCUSDT', 'CLOSED', 1, 0, 0, 0, 0, 0, 0, 0, '{}',
            timestamptz '2026-11-22 00:00:00.000001+00' + (n / 2) * interval '1 microsecond', now()
        FROM generate_series(0, 6) n
        """
    )
    ledger, seen, after = PostgresLedger(pool), [], None
    while page := await ledger.brackets(["a"], None, 2, after):
        seen += [each.bracket_id for each in page]
        after = page[-1].place
    assert seen == ["b6", "b5", "b4", "b3", "b2", "b1", "b0"]
    assert await ledger.brackets(["a"], None, 2, (2**63 - 1, "")) == await ledger.brackets(["a"], None, 2)


async def test_a_ledger_that_is_not_there_yet_is_unavailable(pool: asyncpg.Pool) -> None:
    await pool.execute(DROP_VIEWS)
    with pytest.raises(Unavailable):
        await PostgresLedger(pool).intent("i")


async def test_a_transfer_is_begun_once_and_remembers_its_answer(pool: asyncpg.Pool) -> None:
    transfers, key = PostgresTransfers(pool), new_id()
    assert await transfers.find("u", key) is None
    assert await transfers.begin("u", key, "h", NOW_MS)
    assert not await transfers.begin("u", key, "h", NOW_MS)
    assert await transfers.find("u", key) == Moved(request_hash="h")
    await transfers.finish("u", key, Answer(status=200, body=b"{}"))
    assert await transfers.find("u", key) == Moved(request_hash="h", answer=Answer(status=200, body=b"{}"))
    await transfers.forget("u", key)
    assert await transfers.find("u", key) is None
