"""Sessions and their refresh tokens in PostgreSQL."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from common.db.errors import typed_errors
from gateway.auth.identity import Caller, Role
from gateway.auth.records import Known, Rotated, Rotation, Session

KEPT_MS: Final = 90 * 24 * 3_600_000
"""A session that has ended is kept this long, for the addresses its user is known by."""
NOTED_EVERY_MS: Final = 60_000
"""The last use of a session or token is written no more often than this."""
MOST_LISTED: Final = 200

_COLUMNS: Final = "session_id, user_id, created_ms, last_used_ms, expires_ms, address, network, agent"
_TAKE: Final = """
UPDATE refresh_tokens t SET used_ms = $2
FROM sessions s
WHERE t.token_hash = $1 AND t.used_ms IS NULL AND t.expires_ms > $2
  AND s.session_id = t.session_id AND s.revoked_ms IS NULL
RETURNING s.user_id, s.session_id
"""
_REUSED: Final = """
UPDATE sessions s SET revoked_ms = coalesce(s.revoked_ms, $2)
FROM refresh_tokens t
WHERE t.token_hash = $1 AND t.used_ms IS NOT NULL AND s.session_id = t.session_id
RETURNING s.user_id, s.session_id
"""
_END: Final = """
UPDATE sessions s SET revoked_ms = coalesce(s.revoked_ms, $2)
FROM refresh_tokens t WHERE t.token_hash = $1 AND s.session_id = t.session_id RETURNING s.session_id
"""
_CALLER: Final = """
SELECT user_id, role, s.expires_ms, s.last_used_ms FROM sessions s JOIN users USING (user_id)
WHERE session_id = $1 AND revoked_ms IS NULL AND s.expires_ms > $2
"""
_SEEN: Final = "SELECT EXISTS (SELECT FROM sessions WHERE user_id = $1 AND network = $2 AND created_ms >= $3)"
_REVOKE: Final = """
UPDATE sessions SET revoked_ms = $2
WHERE user_id = $1 AND revoked_ms IS NULL AND expires_ms > $2
"""


class PostgresSessions:
    """The store of sessions. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def begin(self, session: Session, refresh_hash: str) -> None:
        """A new session with its first refresh token; the user's long ended ones go."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "DELETE FROM sessions WHERE user_id = $1 AND least(revoked_ms, expires_ms) < $2",
                    *(session.user_id, session.created_ms - KEPT_MS),
                )
                await connection.execute(
                    f"INSERT INTO sessions ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",  # noqa: S608
                    *(session.session_id, session.user_id, session.created_ms, session.last_used_ms),
                    *(session.expires_ms, session.address, session.network, session.agent),
                )
                await _give(connection, session.session_id, refresh_hash, session.expires_ms)

    async def rotate(self, old_hash: str, fresh_hash: str, now_ms: int, expires_ms: int) -> Rotated:
        """Use the old token, once, and give its session the fresh one; a used one ends its session."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                taken = await connection.fetchrow(_TAKE, old_hash, now_ms)
                if taken is None:
                    # Of two at once the second waits for the first one's row and finds it used.
                    reused = await connection.fetchrow(_REUSED, old_hash, now_ms)
                    return Rotated(outcome=Rotation.REUSED, **reused) if reused else Rotated(outcome=Rotation.UNKNOWN)
                await _give(connection, taken["session_id"], fresh_hash, expires_ms)
                await connection.execute(
                    "UPDATE sessions SET last_used_ms = $2, expires_ms = $3 WHERE session_id = $1",
                    *(taken["session_id"], now_ms, expires_ms),
                )
                return Rotated(outcome=Rotation.DONE, **taken)

    async def end(self, refresh_hash: str, now_ms: int) -> str | None:
        """End the session of this refresh token; its id, None for a token that is not known."""
        with typed_errors():
            session_id = await self._pool.fetchval(_END, refresh_hash, now_ms)
        return None if session_id is None else str(session_id)

    async def of_user(self, user_id: str, now_ms: int) -> Sequence[Session]:
        """Those that work, the last used first."""
        with typed_errors():
            rows = await self._pool.fetch(
                f"SELECT {_COLUMNS} FROM sessions "  # noqa: S608
                "WHERE user_id = $1 AND revoked_ms IS NULL AND expires_ms > $2 ORDER BY last_used_ms DESC LIMIT $3",
                *(user_id, now_ms, MOST_LISTED),
            )
        return [Session(**row) for row in rows]

    async def revoke(self, user_id: str, session_id: str, now_ms: int) -> bool:
        """False when the user has no such session that works."""
        with typed_errors():
            status = await self._pool.execute(_REVOKE + "AND session_id = $3", user_id, now_ms, session_id)
        return str(status).endswith(" 1")

    async def revoke_others(self, user_id: str, kept: str | None, now_ms: int) -> int:
        """End all of the user's sessions but one; how many there were."""
        with typed_errors():
            status = await self._pool.execute(
                _REVOKE + "AND session_id IS DISTINCT FROM $3::text", user_id, now_ms, kept
            )
        return int(str(status).rsplit(" ", 1)[1])

    async def seen_from(self, user_id: str, network: str, since_ms: int) -> bool:
        """Whether the user has logged in from this network since then."""
        with typed_errors():
            return bool(await self._pool.fetchval(_SEEN, user_id, network, since_ms))

    async def caller(self, session_id: str, now_ms: int) -> Known | None:
        """Who calls in a session that works, noted as its last use."""
        with typed_errors():
            row = await self._pool.fetchrow(_CALLER, session_id, now_ms)
            if row is None:
                return None
            if row["last_used_ms"] + NOTED_EVERY_MS <= now_ms:
                await self._pool.execute(
                    "UPDATE sessions SET last_used_ms = greatest(last_used_ms, $2) WHERE session_id = $1",
                    *(session_id, now_ms),
                )
        caller = Caller(user_id=row["user_id"], role=Role(row["role"]), session_id=session_id)
        return Known(caller=caller, expires_ms=row["expires_ms"])


async def _give(connection: asyncpg.Connection, session_id: str, refresh_hash: str, expires_ms: int) -> None:
    await connection.execute(
        "INSERT INTO refresh_tokens (token_hash, session_id, expires_ms) VALUES ($1, $2, $3)",
        *(refresh_hash, session_id, expires_ms),
    )
