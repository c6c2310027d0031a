"""The gateway's intents in PostgreSQL: written before they are published, the stored answers of idempotent requests."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from common.codec import decode_union, encode
from common.db.errors import typed_errors
from common.intents import OrderIntent
from common.orders import type_of
from gateway.ports import Answer, StoredIntent

_COLUMNS: Final = "idempotency_key, request_hash, intent, answer_status, answer"
_INSERT: Final = """
INSERT INTO intents (intent_id, user_id, idempotency_key, request_hash, account_id, ce_type, intent, valid_until_ms,
                     created_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (user_id, idempotency_key) DO NOTHING
"""
_ANSWERED: Final = """
UPDATE intents SET answer_status = $2, answer = $3
WHERE intent_id = $1 AND (answer_status IS NULL OR answer_status = 202)
"""


class PostgresIntents:
    """The store of intents. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add(self, stored: StoredIntent) -> bool:
        """False when the user has used this Idempotency-Key before; then nothing is written."""
        intent = stored.intent
        with typed_errors():
            status = await self._pool.execute(
                _INSERT,
                *(intent.intent_id, intent.user_id, stored.idempotency_key, stored.request_hash, intent.account_id),
                *(type_of(intent), encode(intent), intent.valid_until_ms, intent.ts_init_ms),
            )
        return str(status).endswith(" 1")

    async def by_key(self, user_id: str, idempotency_key: str) -> StoredIntent | None:
        """The intent of the request that used this Idempotency-Key first."""
        return await self._one("user_id = $1 AND idempotency_key = $2", user_id, idempotency_key)

    async def by_id(self, user_id: str, intent_id: str) -> StoredIntent | None:
        """The user's intent with this id."""
        return await self._one("user_id = $1 AND intent_id = $2", user_id, intent_id)

    async def answered(self, intent_id: str, answer: Answer) -> None:
        """Keep the answer, unless a final one is kept already."""
        with typed_errors():
            await self._pool.execute(_ANSWERED, intent_id, answer.status, answer.body)

    async def unknown_to_the_ledger(self, before_ms: int, limit: int) -> Sequence[StoredIntent]:
        """Intents older than this that nobody is known to have read, oldest first."""
        with typed_errors():
            rows = await self._pool.fetch(
                f"SELECT {_COLUMNS} FROM intents WHERE NOT handed_over AND created_ms < $1 "  # noqa: S608
                "ORDER BY created_ms LIMIT $2",
                *(before_ms, limit),
            )
        return [_stored(row) for row in rows]

    async def handed_over(self, intent_ids: Sequence[str]) -> None:
        """The ledger has these, or they are past their validity: they need no more publishing."""
        with typed_errors():
            await self._pool.execute(
                "UPDATE intents SET handed_over = true WHERE intent_id = ANY($1)", list(intent_ids)
            )

    async def _one(self, where: str, *values: Any) -> StoredIntent | None:
        with typed_errors():
            row = await self._pool.fetchrow(f"SELECT {_COLUMNS} FROM intents WHERE {where}", *values)  # noqa: S608
        return None if row is None else _stored(row)


def _stored(row: asyncpg.Record) -> StoredIntent:
    return StoredIntent(
        intent=decode_union(row["intent"], OrderIntent),
        idempotency_key=row["idempotency_key"],
        request_hash=row["request_hash"],
        answer=None if row["answer"] is None else Answer(status=row["answer_status"], body=bytes(row["answer"])),
    )
