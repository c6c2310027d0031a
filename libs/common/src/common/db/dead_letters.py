"""Dead letters filed in a table, where an operator finds them when the topic has long moved on."""

from typing import Final

import asyncpg
import orjson

from common.bus.dead_letters import DeadLetter
from common.db.errors import typed_errors

_FILE: Final = """
INSERT INTO dead_letters (topic, part, source_offset, ce_id, key, value, headers, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""


async def file_dead_letter(pool: asyncpg.Pool, letter: DeadLetter, ce_id: str) -> None:
    """Keep a letter in the service's own schema; the same one twice is kept once. Raises Unavailable."""
    with typed_errors():
        await pool.execute(
            _FILE,
            letter.topic,
            letter.partition,
            letter.offset,
            ce_id,
            letter.key,
            letter.value,
            orjson.dumps(letter.headers).decode(),
            f"{letter.service}: {letter.reason}",
        )
