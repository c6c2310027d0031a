"""The gateway's intents in PostgreSQL: written before they are published, the stored answers of idempotent requests."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg

from common.codec import decode_union
from common.db.errors import typed_errors
from common.intents import OrderIntent
from gateway.ports import Answer, StoredIntent
from gateway.risk.rules import Stake
from gateway.store.admission import admit
from gateway.store.errors import ledger_errors

_COLUMNS: Final = "idempotency_key, request_hash, intent, answer_status, answer"
_ANSWERED: Final = """
UPDATE intents SET answer_status = $2, answer = $3
WHERE intent_id = $1 AND (answer_status IS NULL OR answer_status = 202)
"""
_ON_ITS_WAY: Final = """
SELECT count(*) FROM intents
WHERE account_id = $1 AND NOT handed_over AND valid_until_ms > $2 AND (answer_status IS NULL OR answer_status = 202)
"""


class PostgresIntents:
    """The store of intents. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool, most_open: int) -> None:
        self._pool = pool
        self._most_open = most_open

    async def add(self, stored: StoredIntent, stake: Stake | None = None) -> bool:
        """False when the user has used this Idempotency-Key before; then nothing is written. Raises Refused."""
        with ledger_errors():
            async with self._pool.acquire() as connection:
                return await admit(connection, stored, stake, self._most_open)

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

    async def on_its_way(self, account_id: str, now_ms: int) -> int:
        """How many of the account's intents count still, have no final answer, and may not have reached the ledger."""
        with typed_errors():
            return int(await self._pool.fetchval(_ON_ITS_WAY, account_id, now_ms))

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
        """The ledger has these, or no order can come of them any more: they need no more publishing."""
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
