"""Transfers in PostgreSQL: that one leaves, and what was answered."""

from typing import Final

import asyncpg

from common.db.errors import typed_errors
from gateway.ports import Answer
from gateway.trading.moving import Moved

_FIND: Final = "SELECT request_hash, answer_status, answer FROM transfers WHERE user_id = $1 AND idempotency_key = $2"
_BEGIN: Final = """
INSERT INTO transfers (user_id, idempotency_key, request_hash, created_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
"""
_FINISH: Final = "UPDATE transfers SET answer_status = $3, answer = $4 WHERE user_id = $1 AND idempotency_key = $2"
_FORGET: Final = "DELETE FROM transfers WHERE user_id = $1 AND idempotency_key = $2"


class PostgresTransfers:
    """The store of transfers. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def find(self, user_id: str, key: str) -> Moved | None:
        """The transfer that was begun under this key."""
        with typed_errors():
            row = await self._pool.fetchrow(_FIND, user_id, key)
        if row is None:
            return None
        answer = None if row["answer"] is None else Answer(status=row["answer_status"], body=bytes(row["answer"]))
        return Moved(request_hash=row["request_hash"], answer=answer)

    async def begin(self, user_id: str, key: str, request_hash: str, now_ms: int) -> bool:
        """Write down that it leaves; False when one with this key was begun before."""
        with typed_errors():
            status = await self._pool.execute(_BEGIN, user_id, key, request_hash, now_ms)
        return str(status).endswith(" 1")

    async def finish(self, user_id: str, key: str, answer: Answer) -> None:
        """Keep the answer."""
        with typed_errors():
            await self._pool.execute(_FINISH, user_id, key, answer.status, answer.body)

    async def forget(self, user_id: str, key: str) -> None:
        """It provably did not happen."""
        with typed_errors():
            await self._pool.execute(_FORGET, user_id, key)
