"""`python -m order_engine letters`: what could not be handled, for an operator to look at, try again or let go."""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import asyncpg
import orjson

from common.bus.brokers import BusSettings
from common.bus.messages import Record, again, rfc3339
from common.bus.publisher import Publisher
from common.bus.topics import all_topics
from common.db.errors import typed_errors
from common.db.pool import DatabaseSettings, plain_url
from common.errors import CgtError
from common.exchanges import CAPABILITIES
from order_engine.store import SCHEMA

DONE: Final = 0
STRANGE: Final = 1
FAILED: Final = 2

_LIST: Final = f"""
SELECT number, at, topic, part, source_offset, key, reason, settled_by FROM {SCHEMA}.dead_letters
WHERE $1 OR settled_at IS NULL ORDER BY number DESC LIMIT $2
"""  # noqa: S608 - our own name
_ONE: Final = f"SELECT * FROM {SCHEMA}.dead_letters WHERE number = $1"  # noqa: S608 - our own name
_SETTLE: Final = f"""
UPDATE {SCHEMA}.dead_letters SET settled_at = clock_timestamp(), settled_by = $2
WHERE number = $1 AND settled_at IS NULL RETURNING number
"""  # noqa: S608 - our own name


class NoSuchLetter(CgtError):
    """No dead letter has this number, or it has been settled before."""


def main(options: Sequence[str]) -> int:
    """The `letters` command; its exit status."""
    asked = _asked(options)
    try:
        asyncio.run(_act(asked))
    except NoSuchLetter as strange:
        print(strange, file=sys.stderr)
        return STRANGE
    except CgtError as error:
        print(error, file=sys.stderr)
        return FAILED
    return DONE


def _asked(options: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("order_engine letters", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    listed = actions.add_parser("list", help="the letters that nobody has settled, newest first")
    listed.add_argument("--all", action="store_true", help="settled ones too")
    listed.add_argument("--limit", type=int, default=50)
    for name, what in (
        ("show", "everything about one letter, with the message as it was"),
        ("retry", "publish the message again on its own topic, marked as a redelivery, and settle the letter"),
        ("drop", "settle the letter without doing anything"),
    ):
        actions.add_parser(name, help=what).add_argument("number", type=int)
    return parser.parse_args(options)


async def _act(asked: argparse.Namespace) -> None:
    async with _connection() as connection:
        match asked.action:
            case "list":
                rows = await connection.fetch(_LIST, asked.all, asked.limit)
                print("\n".join(map(_line, rows)) or "No dead letters.")
            case "show":
                print(_shown(await _letter(connection, asked.number)))
            case "retry":
                letter = await _letter(connection, asked.number)
                # Settled only once it is published: a crash in between leaves it to be retried, which is harmless.
                await _publish(letter)
                await _settle(connection, asked.number, "retried")
                print(f"Letter {asked.number} is published again on {letter['topic']}.")
            case "drop":
                await _settle(connection, asked.number, "dropped")
                print(f"Letter {asked.number} is dropped.")


@asynccontextmanager
async def _connection() -> AsyncIterator[asyncpg.Connection]:
    settings = DatabaseSettings.from_env(os.environ)
    with typed_errors():
        connection = await asyncpg.connect(plain_url(settings.database_url))
        try:
            yield connection
        finally:
            await connection.close()


async def _letter(connection: asyncpg.Connection, number: int) -> asyncpg.Record:
    letter = await connection.fetchrow(_ONE, number)
    if letter is None:
        raise NoSuchLetter(f"No dead letter has the number {number}; `list` shows those there are.")
    return letter


async def _settle(connection: asyncpg.Connection, number: int, how: str) -> None:
    if await connection.fetchval(_SETTLE, number, how) is None:
        letter = await _letter(connection, number)
        raise NoSuchLetter(f"Letter {number} was {letter['settled_by']} at {letter['settled_at']:%Y-%m-%d %H:%M:%S}.")


async def _publish(letter: asyncpg.Record) -> None:
    message = again(_record(letter), redelivery=True)
    async with Publisher(
        BusSettings.from_env(os.environ), all_topics(CAPABILITIES), "order-engine-letters"
    ) as publisher:
        await publisher.publish((message,))


def _record(letter: asyncpg.Record) -> Record:
    """The record that could not be handled, as it lay on its topic, but for the broker's time of it."""
    return Record(
        topic=letter["topic"],
        partition=letter["part"],
        offset=letter["source_offset"],
        timestamp_ms=_ms(letter["at"]),
        key=letter["key"],
        value=letter["value"],
        headers=orjson.loads(letter["headers"]),
    )


def _line(row: asyncpg.Record) -> str:
    settled = f"  [{row['settled_by']}]" if row["settled_by"] else ""
    where = f"{row['topic']}/{row['part']}/{row['source_offset']}"
    return f"{row['number']:>6}  {_moment(row['at'])}  {where}  key {row['key'] or '-'}  {row['reason']}{settled}"


def _shown(letter: asyncpg.Record) -> str:
    said: dict[str, Any] = {
        "number": letter["number"],
        "filed at": _moment(letter["at"]),
        "topic": f"{letter['topic']}, partition {letter['part']}, offset {letter['source_offset']}",
        "key": letter["key"] or "-",
        "reason": letter["reason"],
        "settled": f"{letter['settled_by']} at {_moment(letter['settled_at'])}" if letter["settled_at"] else "no",
    }
    said |= {f"header {name}": value for name, value in sorted(orjson.loads(letter["headers"]).items())}
    said["value"] = "-" if letter["value"] is None else letter["value"].decode("utf-8", "backslashreplace")
    return "\n".join(f"{name:<20} {value}" for name, value in said.items())


def _moment(at: datetime) -> str:
    return rfc3339(_ms(at))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
