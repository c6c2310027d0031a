"""API tokens in PostgreSQL, by the hashes of their secrets."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from common.db.errors import typed_errors
from gateway.auth.identity import Caller, Role, Scope
from gateway.auth.records import Added, ApiToken, Known
from gateway.store.sessions import NOTED_EVERY_MS

_COLUMNS: Final = "token_id, user_id, name, scopes, token_hash, hint, created_ms, expires_ms, last_used_ms"
_CALLER: Final = """
SELECT token_id, user_id, role, scopes, expires_ms, last_used_ms FROM api_tokens JOIN users USING (user_id)
WHERE token_hash = $1 AND expires_ms > $2
"""


class PostgresApiTokens:
    """The store of API tokens. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, token: ApiToken, most: int) -> Added:
        """A user has at most `most`, each with its own name."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                # The user's row is the lock: of two tokens at once the second one sees the first.
                await connection.execute("SELECT FROM users WHERE user_id = $1 FOR UPDATE", token.user_id)
                names = await connection.fetch("SELECT name FROM api_tokens WHERE user_id = $1", token.user_id)
                if any(row["name"] == token.name for row in names):
                    return Added.NAME_TAKEN
                if len(names) >= most:
                    return Added.TOO_MANY
                await connection.execute(
                    f"INSERT INTO api_tokens ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",  # noqa: S608
                    *(token.token_id, token.user_id, token.name, sorted(scope.value for scope in token.scopes)),
                    *(token.token_hash, token.hint, token.created_ms, token.expires_ms, token.last_used_ms),
                )
        return Added.DONE

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        """The newest first, expired ones too."""
        with typed_errors():
            rows = await self._pool.fetch(
                f"SELECT {_COLUMNS} FROM api_tokens WHERE user_id = $1 ORDER BY created_ms DESC, name",  # noqa: S608
                user_id,
            )
        return [ApiToken(**(dict(row) | {"scopes": _scopes(row)})) for row in rows]

    async def remove(self, user_id: str, token_id: str) -> bool:
        """False when the user has no such token."""
        with typed_errors():
            status = await self._pool.execute(
                "DELETE FROM api_tokens WHERE user_id = $1 AND token_id = $2", user_id, token_id
            )
        return str(status).endswith(" 1")

    async def caller(self, token_hash: str, now_ms: int) -> Known | None:
        """Who calls with a token that works, noted as its last use."""
        with typed_errors():
            row = await self._pool.fetchrow(_CALLER, token_hash, now_ms)
            if row is None:
                return None
            if (row["last_used_ms"] or 0) + NOTED_EVERY_MS <= now_ms:
                await self._pool.execute(
                    "UPDATE api_tokens SET last_used_ms = $2 WHERE token_id = $1", row["token_id"], now_ms
                )
        caller = Caller(user_id=row["user_id"], role=Role(row["role"]), scopes=_scopes(row))
        return Known(caller=caller, expires_ms=row["expires_ms"])


def _scopes(row: asyncpg.Record) -> frozenset[Scope]:
    return frozenset(Scope(name) for name in row["scopes"])
