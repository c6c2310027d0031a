"""Books in PostgreSQL: what a batch may change is loaded; what it changed is written with its offsets, or nothing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import asyncpg

from common.accounts import AccountChanged
from common.bus.messages import Record
from common.codec import decode, encode_sorted
from common.db.errors import typed_errors
from common.db.leases import Lease
from common.db.offsets import Offsets
from common.portfolio import FeeValued, SnapshotTaken, SymbolNamed
from portfolio import rows
from portfolio.batch import BEGINNING, END, Change, Gathered, changed, earliest, since
from portfolio.book import Book, BookFact, BookKey
from portfolio.fills import Fill, FillKey
from portfolio.standing import Closing, Standing
from portfolio.tables import FILLS, NUMBERS, PERFORMANCE, POSITIONS, SNAPSHOTS, TRADES, Table

SCHEMA: Final = "portfolio"
CONSUMER: Final = "portfolio"


def _write(table: Table, *, sharded: bool = False) -> str:
    """Rows of a table; those that exist take the new values."""
    columns = (*table.columns, *((("shard", "int"),) if sharded else ()))
    names = ", ".join(name for name, _ in columns)
    arrays = ", ".join(f"${n}::{type_}[]" for n, (_, type_) in enumerate(columns, start=1))
    news = ", ".join(f"{name} = excluded.{name}" for name, _ in columns if name not in table.key)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) "  # noqa: S608 - names from this package
        f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {news}"
    )


_WRITE: Final = {table: _write(table, sharded=table in {POSITIONS, FILLS, SNAPSHOTS}) for table in NUMBERS}
_ACCOUNT: Final = """
INSERT INTO accounts AS a (account_id, shard, user_id, exchange, label, state, told_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (account_id) DO UPDATE SET label = excluded.label, state = excluded.state, told_ms = excluded.told_ms
WHERE a.told_ms <= excluded.told_ms
"""
_VALUE: Final = """
INSERT INTO fee_values (account_id, symbol, trade_id, side, told) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, symbol, trade_id, side) DO UPDATE SET told = excluded.told
"""
_CLOSING: Final = """
INSERT INTO closings (account_id, symbol, bracket_id, told) VALUES ($1, $2, $3, $4)
ON CONFLICT (account_id, symbol, bracket_id) DO UPDATE SET told = excluded.told
"""
_PLACES: Final = """
SELECT ARRAY[trade_id, side] AS key, place FROM fills WHERE account_id = $1 AND symbol = $2 AND trade_id = ANY($3)
UNION ALL
SELECT ARRAY[bracket_id], min(place) FROM fills
WHERE account_id = $1 AND symbol = $2 AND bracket_id = ANY($4) GROUP BY bracket_id
"""
_CHECKPOINT: Final = """
SELECT place, standing FROM fills WHERE account_id = $1 AND symbol = $2 AND place < $3 AND standing IS NOT NULL
ORDER BY place DESC LIMIT 1
"""
_FILLS: Final = "SELECT told FROM fills WHERE account_id = $1 AND symbol = $2 AND place > $3"
_NAMED: Final = "SELECT named FROM positions WHERE account_id = $1 AND symbol = $2"
_VALUES: Final = "SELECT told FROM fee_values WHERE account_id = $1 AND symbol = $2 AND trade_id = ANY($3)"
_CLOSINGS: Final = "SELECT told FROM closings WHERE account_id = $1 AND symbol = $2 AND bracket_id = ANY($3)"
_SNAPSHOTS: Final = """
SELECT told FROM snapshots WHERE (account_id, day) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""
_FORGET_TRADES: Final = """
DELETE FROM trades WHERE account_id = $1 AND symbol = $2 AND touched >= $3 RETURNING trade_id, closed_ms
"""
_CLOSED: Final = """
SELECT account_id, exchange, quote, exit_qty, realised_pnl, fees_unvalued, fees_unknown, opened_ms, closed_ms
FROM trades WHERE account_id = ANY($1) AND closed_ms IS NOT NULL
"""


class Books:
    """Applies batches of facts to the stored books."""

    def __init__(self, pool: asyncpg.Pool, offsets: Offsets) -> None:
        self._pool = pool
        self._offsets = offsets

    async def commit(self, lease: Lease, batch: Sequence[Record], told: Gathered) -> None:
        """Write what the batch says and how far it was read. Raises ShardLost, or Unavailable to try again."""
        with typed_errors(lease.shard):
            async with self._pool.acquire() as connection, connection.transaction():
                for account in told.accounts.values():
                    await connection.execute(_ACCOUNT, *_account(account, lease.shard))
                changes = [await _changed(connection, key, facts) for key, facts in told.books.items()]
                await _write_all(connection, lease.shard, changes)
                results = [await _replace_trades(connection, change) for change in changes]
                await _write_snapshots(connection, lease.shard, told.snapshots)
                await _measure(connection, {c.key[0] for c, closed in zip(changes, results, strict=True) if closed})
                # Last: it locks the lease's row, which must not keep the lease from being renewed. Whoever takes the
                # shard over before this makes it fail; whoever does afterwards waits for the commit, then loads.
                await self._offsets.advance(connection, lease, batch)

    async def forget(self, shard: int) -> None:
        """The broker came back empty: begin at 0, and remember that the topics hold less than is stored."""
        with typed_errors(shard):
            await self._pool.execute("INSERT INTO broker_resets (shard) VALUES ($1)", shard)
        await self._offsets.forget(shard)


async def _changed(connection: asyncpg.Connection, key: BookKey, facts: Sequence[BookFact]) -> Change:
    """Load the part of a book that these facts may change, from the checkpoint before it, and apply them."""
    trade_ids = [fact.trade_id for fact in facts if isinstance(fact, Fill | FeeValued)]
    brackets = [fact.bracket_id for fact in facts if isinstance(fact, Closing)]
    places = {tuple(row["key"]): row["place"] for row in await connection.fetch(_PLACES, *key, trade_ids, brackets)}
    first = since(facts, places)
    checkpoint = await connection.fetchrow(_CHECKPOINT, *key, first)
    place, standing = (BEGINNING, Standing()) if checkpoint is None else _standing(checkpoint)
    fills = _decoded(await connection.fetch(_FILLS, *key, place), Fill)
    trade_ids += [fill.trade_id for fill in fills]
    brackets += [each.bracket_id for each in (*fills, *facts) if isinstance(each, Fill) and each.bracket_id]
    named = await connection.fetchval(_NAMED, *key)
    # Of a trade that is open already, the bracket may have been closed before this part begins.
    brackets += [lot.trade_id for lot in standing.lots]
    values = _decoded(await connection.fetch(_VALUES, *key, trade_ids), FeeValued)
    closings = _decoded(await connection.fetch(_CLOSINGS, *key, brackets), Closing)
    loaded = Book(
        name=None if named is None else decode(named.encode(), SymbolNamed),
        fills={fill.key: fill for fill in fills},
        values={FillKey(value.trade_id, value.side): value for value in values},
        closings={closing.bracket_id: closing for closing in closings},
        before=standing,
    )
    return changed(key, first, loaded, facts)


async def _replace_trades(connection: asyncpg.Connection, change: Change) -> bool:
    """Drop the trades that are computed anew and write them; whether a closed one is or was among them."""
    if change.since == END:
        return False
    dropped = await connection.fetch(_FORGET_TRADES, *change.key, change.since)
    trades = change.trades({row["trade_id"] for row in dropped})
    await _insert(connection, TRADES, trades)
    closed = TRADES.names.index("closed_ms")
    return any(row["closed_ms"] is not None for row in dropped) or any(row[closed] is not None for row in trades)


async def _write_all(connection: asyncpg.Connection, shard: int, changes: Sequence[Change]) -> None:
    await _insert(connection, POSITIONS, [change.position for change in changes], shard)
    await _insert(connection, FILLS, [row for change in changes for row in change.fills], shard)
    for change in changes:
        for fact in change.facts:
            if isinstance(fact, FeeValued):
                kept = change.book.values[FillKey(fact.trade_id, fact.side)]
                await connection.execute(_VALUE, *change.key, kept.trade_id, kept.side.value, _text(kept))
            elif isinstance(fact, Closing):
                closing = change.book.closings[fact.bracket_id]
                await connection.execute(_CLOSING, *change.key, closing.bracket_id, _text(closing))


async def _write_snapshots(
    connection: asyncpg.Connection, shard: int, told: Mapping[tuple[str, str], SnapshotTaken]
) -> None:
    if not told:
        return
    days = [account for account, _ in told], [day for _, day in told]
    stored = _decoded(await connection.fetch(_SNAPSHOTS, *days), SnapshotTaken)
    known = {(each.account_id, each.day): each for each in stored}
    kept = [rows.snapshot_row(earliest(known.get(key), taken)) for key, taken in told.items()]
    await _insert(connection, SNAPSHOTS, kept, shard)


async def _measure(connection: asyncpg.Connection, accounts: Collection[str]) -> None:
    """Measure these accounts anew by all their closed trades."""
    if not accounts:
        return
    trades = await connection.fetch(_CLOSED, list(accounts))
    await connection.execute("DELETE FROM performance WHERE account_id = ANY($1)", list(accounts))
    await _insert(connection, PERFORMANCE, rows.performance_rows(trades))


async def _insert(
    connection: asyncpg.Connection, table: Table, written: Sequence[rows.Row], shard: int | None = None
) -> None:
    if not written:
        return
    columns: list[Any] = [list(column) for column in zip(*written, strict=True)]
    if shard is not None:
        columns.append([shard] * len(written))
    await connection.execute(_WRITE[table], *columns)


def _account(account: AccountChanged, shard: int) -> tuple[Any, ...]:
    return (
        account.account_id,
        shard,
        account.user_id,
        account.exchange.value,
        account.label,
        account.state.value,
        account.ts_init_ms,
    )


def _standing(checkpoint: asyncpg.Record) -> tuple[str, Standing]:
    return checkpoint["place"], decode(checkpoint["standing"].encode(), Standing)


def _decoded(found: Iterable[asyncpg.Record], type_: type[Any]) -> list[Any]:
    return [decode(row[0].encode(), type_) for row in found]


def _text(told: object) -> str:
    return encode_sorted(told).decode()
