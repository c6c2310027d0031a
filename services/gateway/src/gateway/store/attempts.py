"""The counts of attempts at passwords in PostgreSQL, where every gateway sees them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg

from common.db.errors import typed_errors
from gateway.auth.lockout import FORGET_MS, Count, Door, attempted, forgiven

_PRUNED_AT_ONCE: Final = 100
_LOCK: Final = """
SELECT door, failures, last_ms, closed_until_ms FROM login_attempts WHERE door = ANY($1) ORDER BY door FOR UPDATE
"""
_BEGIN: Final = """
INSERT INTO login_attempts (door, failures, last_ms, closed_until_ms)
SELECT door, 0, $2, 0 FROM unnest($1::text[]) AS door ORDER BY door ON CONFLICT (door) DO NOTHING
"""
_WRITE: Final = """
UPDATE login_attempts SET failures = $2, last_ms = $3, closed_until_ms = $4 WHERE door = $1
"""
_PRUNE: Final = """
DELETE FROM login_attempts WHERE door IN (
    SELECT door FROM login_attempts WHERE last_ms < $1 ORDER BY last_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class PostgresAttempts:
    """The store of counts. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def attempt(self, doors: Sequence[Door], now_ms: int) -> int:
        """Count an attempt in advance; how many milliseconds to wait before it may be made, 0 for none."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                counts = await self._locked(connection, doors, now_ms)
                tried = attempted(doors, counts, now_ms)
                await self._write(connection, tried.counts)
                await connection.execute(_PRUNE, now_ms - 2 * FORGET_MS, _PRUNED_AT_ONCE)
        return tried.wait_ms

    async def succeeded(self, doors: Sequence[Door], now_ms: int) -> None:
        """The attempt was no failure."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                counts = await self._locked(connection, doors, now_ms)
                await self._write(connection, {door.key: forgiven(door, counts[door.key]) for door in doors})

    async def _locked(self, connection: Any, doors: Sequence[Door], now_ms: int) -> dict[str, Count]:
        """The counts, their rows locked in one order, so that two attempts wait for each other and never deadlock."""
        keys = [door.key for door in doors]
        await connection.execute(_BEGIN, keys, now_ms)
        rows = await connection.fetch(_LOCK, keys)
        return {row["door"]: Count(**{name: row[name] for name in Count.__struct_fields__}) for row in rows}

    async def _write(self, connection: Any, counts: Mapping[str, Count]) -> None:
        written = [(key, count.failures, count.last_ms, count.closed_until_ms) for key, count in counts.items()]
        await connection.executemany(_WRITE, written)
