"""The ledger in PostgreSQL: one statement writes brackets, orders, fills, outbox and offsets of batches, or nothing."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

import asyncpg
import structlog

from common.bus.messages import Outgoing, Record
from common.codec import decode
from common.db.errors import typed_errors
from common.db.leases import Lease
from common.db.offsets import (
    advance_offsets_args,
    advance_offsets_sql,
    assert_leases_args,
    assert_leases_sql,
    lock_lease,
)
from common.db.outbox import OUTBOX_VALUES, Published, insert_outbox_args, insert_outbox_sql
from common.errors import UnreadableMessage
from order_engine.bracket import Bracket
from order_engine.commits import Commit, GroupCommit
from order_engine.rows import BRACKET_COLUMNS, FILL_COLUMNS, INTENT_COLUMNS, ORDER_COLUMNS, Rows, columns_of

SCHEMA: Final = "order_engine"
CONSUMER: Final = "order-engine"

Column = tuple[str, str]

_log = structlog.get_logger(__name__)


def _insert(table: str, columns: Sequence[Column], key: Sequence[str], first: int) -> str:
    """An INSERT of whole columns, placeholders from `first`; rows that exist are left as they are."""
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"${first + n}::{type_}[]" for n, (_, type_) in enumerate(columns))
    keys = ", ".join(key)
    return f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT ({keys}) DO NOTHING"  # noqa: S608 - names from this module


def _upsert(table: str, columns: Sequence[Column], key: Sequence[str], first: int) -> str:
    """The same, but rows that exist take the new values of all but their key and their creation."""
    kept = {*key, "created_at"}
    changed = ", ".join(f"{name} = excluded.{name}" for name, _ in columns if name not in kept)
    return _insert(table, columns, key, first).removesuffix("NOTHING") + f"UPDATE SET {changed}"


_DOCS: Final = "SELECT doc FROM brackets WHERE bracket_id = ANY($1)"
_LEASE_VALUES: Final = 4
_OFFSET_VALUES: Final = 5
_FIRST_OFFSET: Final = 1 + _LEASE_VALUES
_FIRST_OUTBOX: Final = _FIRST_OFFSET + _OFFSET_VALUES
_FIRST_BRACKET: Final = _FIRST_OUTBOX + OUTBOX_VALUES
_FIRST_ORDER: Final = _FIRST_BRACKET + len(BRACKET_COLUMNS)
_FIRST_FILL: Final = _FIRST_ORDER + len(ORDER_COLUMNS)
_FIRST_INTENT: Final = _FIRST_FILL + len(FILL_COLUMNS)

_COMMIT: Final = f"""
WITH moved AS ({advance_offsets_sql(_FIRST_OFFSET)}),
     queued AS ({insert_outbox_sql(_FIRST_OUTBOX)}),
     ledger AS ({_upsert("brackets", BRACKET_COLUMNS, ["bracket_id"], _FIRST_BRACKET)}),
     placed AS ({_upsert("orders", ORDER_COLUMNS, ["client_order_id"], _FIRST_ORDER)}),
     traded AS ({_insert("fills", FILL_COLUMNS, ["account_id", "symbol", "trade_id", "client_order_id"], _FIRST_FILL)}),
     wanted AS ({_insert("intents", INTENT_COLUMNS, ["account_id", "intent_id"], _FIRST_INTENT)})
SELECT {assert_leases_sql(1)}
"""


class Ledger:
    """Loads and commits the brackets of the shards we own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._published = Published(pool)
        self._commits = GroupCommit(self._write)

    async def open_brackets(self, shard: int) -> list[Bracket]:
        """All brackets of a shard that are not closed, but those that cannot be read. Raises Unavailable."""
        with typed_errors(shard):
            rows = await self._pool.fetch("SELECT bracket_id, doc FROM brackets WHERE shard = $1 AND is_open", shard)
        return list(_readable(rows, shard))

    async def brackets(self, bracket_ids: Collection[str]) -> list[Bracket]:
        """The named brackets, closed ones too. Raises Unavailable, UnreadableMessage."""
        with typed_errors():
            rows = await self._pool.fetch(_DOCS, list(bracket_ids))
        return [decode(row["doc"].encode(), Bracket) for row in rows]

    async def settled(self, lease: Lease, bracket_ids: Collection[str]) -> list[Bracket]:
        """The named brackets, once no commit under this lease is under way any more. Raises ShardLost, Unavailable."""
        with typed_errors(lease.shard):
            async with self._pool.acquire() as connection, connection.transaction():
                await lock_lease(connection, lease)
                rows = await connection.fetch(_DOCS, list(bracket_ids))
        return [decode(row["doc"].encode(), Bracket) for row in rows]

    async def known_intents(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these (account, intent) have been decided before. Raises Unavailable."""
        with typed_errors():
            rows = await self._pool.fetch(
                "SELECT account_id, intent_id FROM intents "
                "WHERE (account_id, intent_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
                [account_id for account_id, _ in keys],
                [intent_id for _, intent_id in keys],
            )
        return {(row["account_id"], row["intent_id"]) for row in rows}

    async def commit(self, lease: Lease, batch: Sequence[Record], rows: Rows, messages: Sequence[Outgoing]) -> None:
        """Write all of it, or nothing. Raises ShardLost when the lease is gone, Unavailable to try again."""
        await self._commits.commit(Commit(lease, batch, rows, messages))

    def published(self, messages: Sequence[Outgoing]) -> None:
        """The broker has these: they leave the outbox soon."""
        self._published.note(messages)

    async def finish(self) -> None:
        """Return when they have left it."""
        await self._published.finish()

    async def _write(self, group: Sequence[Commit]) -> None:
        with typed_errors(group[0].lease.shard):
            await self._pool.execute(_COMMIT, *_values(group))


def _readable(rows: Iterable[asyncpg.Record], shard: int) -> Iterator[Bracket]:
    """One bracket that cannot be read must not keep the shard's others from being protected."""
    for row in rows:
        try:
            yield decode(row["doc"].encode(), Bracket)
        except UnreadableMessage as error:
            _log.error("bracket_unreadable", shard=shard, bracket_id=row["bracket_id"], error=error.reason)


def _values(group: Sequence[Commit]) -> list[Any]:
    return [
        *assert_leases_args(each.lease for each in group),
        *advance_offsets_args(CONSUMER, [(each.lease, each.batch) for each in group]),
        *insert_outbox_args((each.lease.shard, each.messages) for each in group),
        *columns_of([row for each in group for row in each.rows.brackets], len(BRACKET_COLUMNS)),
        *columns_of([row for each in group for row in each.rows.orders], len(ORDER_COLUMNS)),
        *columns_of([row for each in group for row in each.rows.fills], len(FILL_COLUMNS)),
        *columns_of([row for each in group for row in each.rows.intents], len(INTENT_COLUMNS)),
    ]
