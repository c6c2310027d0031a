"""Messages stored with the decision that causes them: published at once by whoever committed, or by the relay.

The fast path inserts in its transaction, publishes after the commit, and deletes when the broker has acknowledged. What
a crash or a broken connection left behind is published by the relay, marked `redelivery`, because it may have been
published before.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

import asyncpg
import structlog

from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.db.errors import typed_errors
from common.errors import Unavailable
from common.metrics import RELAYED

OUTBOX_VALUES: Final = 11
"""How many placeholders `insert_outbox_sql` takes."""

_BATCH: Final = 200

_log = structlog.get_logger(__name__)


def insert_outbox_sql(first: int) -> str:
    """An INSERT for the hot statement; a message whose ce_id is stored already is left as it is. 11 values."""
    types = ("int", "text", "text", "text", "text", "text", "bigint", "text", "text", "text", "bytea")
    arrays = ", ".join(f"${first + n}::{type_}[]" for n, type_ in enumerate(types))
    return f"""
    INSERT INTO outbox (shard, topic, key, ce_id, ce_type, ce_source, ce_time_ms,
                        correlation_id, causation_id, traceparent, value)
    SELECT * FROM unnest({arrays}) ON CONFLICT (ce_id) DO NOTHING"""  # noqa: S608 - placeholders, no values


def insert_outbox_args(queued: Iterable[tuple[int, Sequence[Outgoing]]]) -> tuple[list[Any], ...]:
    """The values of `insert_outbox_sql`, of messages by shard: one list per column, rows as they must be published."""
    by_shard = tuple(queued)
    messages = [message for _, each in by_shard for message in each]
    return (
        [shard for shard, each in by_shard for _ in each],
        [message.topic for message in messages],
        [message.key for message in messages],
        [message.ce_id for message in messages],
        [message.ce_type for message in messages],
        [message.ce_source for message in messages],
        [message.ce_time_ms for message in messages],
        [message.correlation_id for message in messages],
        [message.causation_id for message in messages],
        [message.traceparent for message in messages],
        [message.value for message in messages],
    )


async def insert_outbox(connection: asyncpg.Connection, shard: int, messages: Sequence[Outgoing]) -> None:
    """Store messages inside the caller's transaction."""
    if messages:
        await connection.execute(insert_outbox_sql(1), *insert_outbox_args([(shard, messages)]))


async def delete_published(executor: asyncpg.Pool | asyncpg.Connection, messages: Sequence[Outgoing]) -> None:
    """Delete what the broker has acknowledged. A failure is harmless: the relay publishes and deletes it again."""
    try:
        with typed_errors():
            await executor.execute("DELETE FROM outbox WHERE ce_id = ANY($1)", [message.ce_id for message in messages])
    except Unavailable as error:
        _log.warning("outbox_rows_left_to_the_relay", count=len(messages), error=repr(error))


class Published:
    """Deletes rows that the broker has acknowledged, those of a moment in one statement: each costs a commit."""

    def __init__(self, pool: asyncpg.Pool, *, after_ms: int = 50) -> None:
        self._pool = pool
        self._after_ms = after_ms
        self._messages: list[Outgoing] = []
        self._deleting: asyncio.Task[None] | None = None

    def note(self, messages: Sequence[Outgoing]) -> None:
        """The broker has these. A crash before they are deleted has the relay publish them again."""
        self._messages += messages
        if self._deleting is None:
            self._deleting = asyncio.create_task(self._delete_soon())

    async def finish(self) -> None:
        """Return when everything noted is deleted."""
        if self._deleting is not None:
            await asyncio.wait([self._deleting])

    async def _delete_soon(self) -> None:
        while self._messages:
            await asyncio.sleep(self._after_ms / 1000)
            messages, self._messages = self._messages, []
            await delete_published(self._pool, messages)
        self._deleting = None


class OutboxRelay:
    """Publishes the rows of our shards that the fast path left behind."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        publisher: Publisher,
        shards: Callable[[], Collection[int]],
        *,
        every_ms: int = 500,
        older_than_ms: int = 1_000,
    ) -> None:
        self._pool = pool
        self._publisher = publisher
        self._shards = shards
        self._every_ms = every_ms
        self._older_than_ms = older_than_ms

    async def run(self) -> None:
        """Sweep now and then every `every_ms`, for ever."""
        while True:
            try:
                while await self.sweep() == _BATCH:
                    pass
            except Unavailable as error:
                _log.warning("outbox_relay_waits", error=repr(error))
            await asyncio.sleep(self._every_ms / 1000)

    async def sweep(self) -> int:
        """Publish one batch of old rows and delete them; how many. Raises Unavailable: they stay."""
        shards = list(self._shards())
        if not shards:
            return 0
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                return await self._relay(connection, shards)

    async def _relay(self, connection: asyncpg.Connection, shards: Sequence[int]) -> int:
        rows = await connection.fetch(_SELECT_OLD, shards, self._older_than_ms, _BATCH)
        if not rows:
            return 0
        # The transaction waits for the broker below, longer than a session may usually idle.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '30s'")
        await self._publisher.publish([_message(row) for row in rows])
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1)", [row["id"] for row in rows])
        RELAYED.inc(len(rows))
        _log.info("outbox_relayed", count=len(rows))
        return len(rows)


_SELECT_OLD: Final = """
SELECT id, topic, key, ce_id, ce_type, ce_source, ce_time_ms, correlation_id, causation_id, traceparent, value
FROM outbox
WHERE shard = ANY($1) AND created_at < clock_timestamp() - $2 * interval '1 millisecond'
ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED
"""


def _message(row: asyncpg.Record) -> Outgoing:
    return Outgoing(**{name: value for name, value in row.items() if name != "id"}, redelivery=True)
