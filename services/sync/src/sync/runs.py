"""Runs that somebody asked for: one row an account, worked off by whoever holds its shard, readable by their report."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import msgspec

from common.bus.topics import shard_of
from common.checks import Correction, Report
from common.codec import decode, encode
from common.db.errors import typed_errors
from common.exchanges import Exchange
from sync.check import Checked
from sync.ledger import Account
from sync.report import AccountRun, corrections_of, report_of

KEPT_FOR_DAYS: Final = 7

_ADD_RUN: Final = "INSERT INTO runs (run_id, requested_by, everyone) VALUES ($1, $2, $3)"
_ADD_ACCOUNT: Final = """
INSERT INTO run_accounts (run_id, account_id, user_id, exchange, symbols, shard, state)
VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN cardinality($5::text[]) = 0 THEN 'DONE' ELSE 'WAITING' END)
"""
_RUNNING: Final = """
SELECT r.run_id FROM runs r
WHERE r.requested_by = $1 AND r.everyone = $2 AND r.created_at > clock_timestamp() - interval '5 minutes'
  AND (SELECT array_agg(account_id ORDER BY account_id) FROM run_accounts WHERE run_id = r.run_id) = $3::text[]
  AND EXISTS (SELECT 1 FROM run_accounts WHERE run_id = r.run_id AND state = 'WAITING')
ORDER BY r.created_at DESC LIMIT 1
"""
_WAITING: Final = """
SELECT run_id, account_id, user_id, exchange, symbols FROM run_accounts
WHERE state = 'WAITING' AND shard = ANY($1) ORDER BY updated_at LIMIT 200
"""
_FINISH: Final = """
UPDATE run_accounts SET state = $3, checked = $4, unsettled = $5, corrections = $6::jsonb, foreign_orders = $7,
                        reason = $8, updated_at = clock_timestamp()
WHERE run_id = $1 AND account_id = $2 AND state = 'WAITING'
"""
_REPORT: Final = """
SELECT r.requested_by, r.everyone, r.created_at, a.account_id, a.exchange, a.state, a.checked, a.unsettled,
       a.corrections, a.foreign_orders, a.reason, a.updated_at
FROM runs r LEFT JOIN run_accounts a USING (run_id) WHERE r.run_id = $1 ORDER BY a.account_id
"""
_PRUNE: Final = "DELETE FROM runs WHERE created_at < clock_timestamp() - $1 * interval '1 day'"


class Waiting(msgspec.Struct, frozen=True):
    """One account of a run that is still to be checked."""

    run_id: str
    account: Account
    symbols: tuple[str, ...]


class PostgresRuns:
    """The store of runs. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool, partitions: int) -> None:
        self._pool = pool
        self._partitions = partitions

    async def running(self, requested_by: str, everyone: bool, account_ids: Collection[str]) -> str | None:
        """The run of the same question that is not finished yet: whoever asks twice gets one answer."""
        with typed_errors():
            found: str | None = await self._pool.fetchval(_RUNNING, requested_by, everyone, sorted(account_ids))
        return found

    async def add(
        self, run_id: str, requested_by: str, everyone: bool, scope: Sequence[tuple[Account, Sequence[str]]]
    ) -> None:
        """A run over these accounts; one without symbols has nothing to be checked and is done."""
        rows = [
            (run_id, account.account_id, account.user_id, account.exchange, list(symbols), self._shard(account))
            for account, symbols in scope
        ]
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_ADD_RUN, run_id, requested_by, everyone)
                await connection.executemany(_ADD_ACCOUNT, rows)

    async def waiting(self, shards: Collection[int]) -> list[Waiting]:
        """What is still to be done in these shards, the oldest first."""
        with typed_errors():
            rows = await self._pool.fetch(_WAITING, list(shards))
        return [
            Waiting(
                row["run_id"],
                Account(row["account_id"], row["user_id"], Exchange(row["exchange"])),
                tuple(row["symbols"]),
            )
            for row in rows
        ]

    async def done(self, item: Waiting, checked: Checked) -> None:
        """The account was checked."""
        corrections = encode(corrections_of(item.account.account_id, item.account.exchange, checked)).decode()
        await self._finish(
            item, "DONE", checked.checked, len(checked.unsettled), corrections, len(checked.foreign), None
        )

    async def failed(self, item: Waiting, reason: str) -> None:
        """The account cannot be checked."""
        await self._finish(item, "FAILED", 0, 0, "[]", 0, reason)

    async def report(self, run_id: str) -> Report | None:
        """What the run has come to so far; None for a run that does not exist (any more)."""
        with typed_errors():
            rows = await self._pool.fetch(_REPORT, run_id)
        if not rows:
            return None
        parts = [_part(row) for row in rows if row["account_id"] is not None]
        created_ms = _ms(rows[0]["created_at"])
        updated_ms = max([_ms(row["updated_at"]) for row in rows if row["updated_at"] is not None] or [created_ms])
        return report_of(run_id, rows[0]["requested_by"], rows[0]["everyone"], created_ms, updated_ms, parts)

    async def prune(self) -> None:
        """Forget runs of long ago."""
        with typed_errors():
            await self._pool.execute(_PRUNE, KEPT_FOR_DAYS)

    async def _finish(self, item: Waiting, *values: Any) -> None:
        with typed_errors():
            await self._pool.execute(_FINISH, item.run_id, item.account.account_id, *values)

    def _shard(self, account: Account) -> int:
        return shard_of(account.account_id, self._partitions)


def _part(row: asyncpg.Record) -> AccountRun:
    return AccountRun(
        account_id=row["account_id"],
        exchange=Exchange(row["exchange"]),
        state=row["state"],
        checked=row["checked"],
        unsettled=row["unsettled"],
        corrections=decode(row["corrections"].encode(), tuple[Correction, ...]),
        foreign_orders=row["foreign_orders"],
        reason=row["reason"],
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
