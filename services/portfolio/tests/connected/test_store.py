"""The books in a real PostgreSQL: whatever the order and the batches, what is stored is what a rebuild computes."""

from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from common.accounts import AccountChanged, AccountState
from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.bus.topics import ORDER_EVENTS
from common.db.leases import Lease
from common.db.migrations import migrate
from common.db.offsets import Offsets
from common.db.pool import create_pool
from common.exchanges import Exchange
from portfolio.batch import gathered
from portfolio.book import BookFact
from portfolio.compare import Lines, digest, lines_of, rebuilt
from portfolio.facts import Fact
from portfolio.rows import CHECKPOINT_EVERY
from portfolio.store import CONSUMER, SCHEMA, Books
from portfolio.tables import NUMBERS
from portfolio.testing.builders import BRACKET, NOW_MS, a_buy, a_closing, a_name, a_sale, a_snapshot, a_value
from portfolio.testing.histories import a_history, in_disorder

pytestmark = [pytest.mark.connected, pytest.mark.asyncio(loop_scope="module")]

SHARD = 0


class Bench:
    """Books whose shard we hold."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.offsets = Offsets(pool, CONSUMER)
        self.books = Books(pool, self.offsets)
        self.lease = Lease(CONSUMER, SHARD, "test", 1, deadline_s=float("inf"))
        self._offset = 0

    async def take(self, *facts: Fact) -> None:
        """One batch."""
        self._offset += 1
        record = Record(ORDER_EVENTS.name, SHARD, self._offset, NOW_MS, None, None, {})
        await self.books.commit(self.lease, [record], gathered(facts))

    async def stored(self, account_id: str) -> Lines:
        rows: dict[str, Sequence[Any]] = {}
        for table in NUMBERS:
            query = f"SELECT {', '.join(table.names)} FROM {table.name} WHERE account_id = $1"
            rows[table.name] = [tuple(row.values()) for row in await self.pool.fetch(query, account_id)]
        return lines_of(rows)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(database_url: str) -> AsyncIterator[Bench]:
    await migrate("portfolio", SCHEMA, database_url)
    pool = await create_pool(database_url, SCHEMA, application_name="test", size=2)
    await pool.execute(
        "INSERT INTO leases (kind, shard, owner, epoch, expires_at) VALUES ($1, $2, 'test', 1, now() + interval '1 h')",
        CONSUMER,
        SHARD,
    )
    yield Bench(pool)
    await pool.close()


_accounts = iter(f"account-{number}" for number in range(1_000_000))


def of_account(account_id: str, facts: Sequence[BookFact]) -> list[BookFact]:
    return [msgspec.structs.replace(fact, account_id=account_id) for fact in facts]


@pytest.mark.parametrize("decade", range(4))
async def test_whatever_the_order_and_the_batches_what_is_stored_is_what_a_rebuild_computes(
    bench: Bench, decade: int
) -> None:
    for seed in range(10 * decade, 10 * decade + 10):
        random, account_id = Random(seed), next(_accounts)
        facts = of_account(account_id, a_history(random))
        for batch in in_disorder(random, facts):
            await bench.take(*batch)
        assert await bench.stored(account_id) == rebuilt(gathered(facts)), f"seed {seed}"


async def test_a_book_with_many_checkpoints_is_the_same_wherever_a_late_fact_falls(bench: Bench) -> None:
    for seed in range(100, 106):
        random, account_id = Random(seed), next(_accounts)
        facts = of_account(account_id, a_history(random, most=5 * CHECKPOINT_EVERY))
        for batch in in_disorder(random, facts):
            await bench.take(*batch)
        assert await bench.stored(account_id) == rebuilt(gathered(facts)), f"seed {seed}"


async def test_a_trade_whose_sale_turns_out_to_be_anothers_is_open_again(bench: Bench) -> None:
    account_id = next(_accounts)
    entry, sale = a_buy("1", "100", trade=1, bracket=BRACKET), a_sale("1", "110", trade=3)
    facts = of_account(account_id, [a_name(), entry, sale, a_buy("1", "105", trade=2)])
    await bench.take(*facts[:3])
    await bench.take(facts[3])
    assert await bench.stored(account_id) == rebuilt(gathered(facts))


async def test_a_trade_of_a_closed_bracket_ends_with_a_sale_by_hand_much_later(bench: Bench) -> None:
    account_id = next(_accounts)
    facts = of_account(
        account_id,
        [a_name(), a_buy("1", "100", trade=1, bracket=BRACKET), a_closing("1", "0"), a_sale("1", "110", trade=2)],
    )
    await bench.take(*facts[:3])
    await bench.take(facts[3])
    assert await bench.stored(account_id) == rebuilt(gathered(facts))


async def test_the_digest_of_what_is_stored_tells_a_changed_digit(bench: Bench) -> None:
    account_id = next(_accounts)
    buy = a_buy("0.01", "100000", trade=1, fee="0.00083", fee_asset="BNB", bracket=BRACKET)
    facts = of_account(
        account_id,
        [
            a_name(),
            buy,
            a_value(buy, "890.1"),
            a_sale("0.01", "104000", trade=2, bracket=BRACKET),
            a_closing("0.01", "0.01"),
        ],
    )
    snapshot = a_snapshot(account_id=account_id)
    await bench.take(*facts, snapshot)
    whole = rebuilt(gathered([*facts, snapshot]))
    assert digest(await bench.stored(account_id)) == digest(whole)
    assert {table: len(lines) for table, lines in whole.items()} == {
        "positions": 1,
        "fills": 2,
        "trades": 1,
        "snapshots": 1,
        "performance": 1,
    }
    await bench.pool.execute(
        "UPDATE trades SET realised_pnl = realised_pnl + 0.000000000000000001 WHERE account_id = $1", account_id
    )
    assert digest(await bench.stored(account_id)) != digest(whole)


async def test_the_earlier_of_two_snapshots_of_a_day_stays_in_whatever_order_they_come(bench: Bench) -> None:
    account_id = next(_accounts)
    late, early = (a_snapshot(account_id=account_id, ts_event_ms=NOW_MS + ms) for ms in (9, 2))
    for batch in ([late], [early], [late]):
        await bench.take(*batch)
    (row,) = await bench.pool.fetch("SELECT at_ms FROM snapshots WHERE account_id = $1", account_id)
    assert row["at_ms"] == NOW_MS + 2


async def test_views_show_what_belongs_to_a_user_once_the_account_is_known(bench: Bench) -> None:
    account_id = next(_accounts)
    await bench.take(*of_account(account_id, [a_name(), a_buy("1", "100", trade=1)]))
    query = "SELECT user_id, qty FROM positions_v1 WHERE account_id = $1"
    assert await bench.pool.fetch(query, account_id) == []
    await bench.take(
        AccountChanged(
            account_id=account_id,
            user_id="user-1",
            exchange=Exchange.BINANCE,
            label="",
            state=AccountState.REVOKED,
            is_default=False,
            key_version=1,
            ts_init_ms=NOW_MS,
        )
    )
    (row,) = await bench.pool.fetch(query, account_id)
    assert (row["user_id"], row["qty"]) == ("user-1", 1)


async def test_who_lost_the_shard_writes_nothing(bench: Bench) -> None:
    account_id = next(_accounts)
    bench.lease.epoch = 0
    try:
        with pytest.raises(ShardLost):
            await bench.take(*of_account(account_id, [a_buy("1", "100", trade=1)]))
    finally:
        bench.lease.epoch = 1
    assert await bench.pool.fetchval("SELECT count(*) FROM fills WHERE account_id = $1", account_id) == 0


async def test_a_broker_without_its_history_is_read_from_its_beginning_and_remembered(bench: Bench) -> None:
    await bench.take(*of_account(next(_accounts), [a_buy("1", "100", trade=1)]))
    assert await bench.offsets.positions(SHARD)
    await bench.books.forget(SHARD)
    assert await bench.offsets.positions(SHARD) == {}
    assert await bench.pool.fetchval("SELECT count(*) FROM broker_resets WHERE shard = $1", SHARD) == 1
