"""Computes all numbers from the topics alone, and holds the stored ones against them, byte for byte.

The stored numbers and the positions they were made at are read in one transaction, and the topics up to just these
positions: people go on trading meanwhile, and the comparison is exact nevertheless.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from common.bus.brokers import BusSettings
from common.bus.reader import Place
from common.db.errors import typed_errors
from common.db.pool import DatabaseSettings, plain_url
from common.errors import CgtError
from portfolio.batch import gathered
from portfolio.compare import Lines, differences, digest, lines_of, rebuilt
from portfolio.history import HISTORY, HistoryTooShort, read
from portfolio.store import CONSUMER, SCHEMA
from portfolio.tables import NUMBERS

EQUAL: Final = 0
DIFFERENT: Final = 1
FAILED: Final = 2
CANNOT_TELL: Final = 3
"""Exit statuses: the last one when the topics hold less than what is stored, so that nothing can be compared."""


@dataclass(frozen=True)
class Stored:
    """What is stored, and how far the topics had been read for it."""

    lines: Lines
    positions: Mapping[Place, int]
    brokers: frozenset[str]
    resets: int
    """How often the broker came back without its history."""


def main(options: Sequence[str]) -> int:
    """The `rebuild` command; its exit status."""
    parser = argparse.ArgumentParser("portfolio rebuild", description=__doc__)
    parser.add_argument("--check", action="store_true", help="hold the stored numbers against the rebuilt ones")
    parser.add_argument("--into", type=Path, help="write the rebuilt numbers to this file, as JSON lines by table")
    asked = parser.parse_args(options)
    try:
        bus, database = BusSettings.from_env(os.environ), DatabaseSettings.from_env(os.environ)
        return asyncio.run(_rebuild(bus, database, check=asked.check or asked.into is None, into=asked.into))
    except HistoryTooShort as short:
        print(f"Nothing can be compared: {short}.")
        print("The stored numbers were made of facts that the topics no longer hold; this says nothing against them.")
        return CANNOT_TELL
    except CgtError as error:
        print(error, file=sys.stderr)
        return FAILED


async def _rebuild(bus: BusSettings, database: DatabaseSettings, *, check: bool, into: Path | None) -> int:
    stored = await _stored(database)
    if stored.resets:
        raise HistoryTooShort(f"the broker came back without its history, for {stored.resets} shard(s) so far")
    history = await read(bus, stored.positions, stored.brokers)
    told = rebuilt(gathered(history.facts))
    print(f"read     {history.records} records, {len(history.facts)} facts, {history.unreadable} unreadable")
    print(f"rebuilt  {digest(told)}  {_counts(told)}")
    if into is not None:
        await asyncio.to_thread(_write, into, told)
    if not check:
        return EQUAL
    print(f"stored   {digest(stored.lines)}  {_counts(stored.lines)}")
    found = differences(stored.lines, told)
    for each in found:
        print(
            f"{each.table}: {each.only_stored} rows only stored, {each.only_rebuilt} only rebuilt",
            *each.shown,
            sep="\n  ",
        )
    print("DIFFERENT" if found else "EQUAL, byte for byte")
    return DIFFERENT if found else EQUAL


async def _stored(database: DatabaseSettings) -> Stored:
    """Everything at one moment. Raises Unavailable."""
    with typed_errors():
        # Not from a pool: its sessions give a statement five seconds, and this one reads everything.
        told = {"search_path": SCHEMA, "application_name": "portfolio-rebuild"}
        connection = await asyncpg.connect(plain_url(database.database_url), server_settings=told)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _read_stored(connection)
        finally:
            await connection.close()


async def _read_stored(connection: asyncpg.Connection) -> Stored:
    rows: dict[str, list[Sequence[Any]]] = {}
    for table in NUMBERS:
        names = ", ".join(table.names)
        found = await connection.fetch(f"SELECT {names} FROM {table.name}")  # noqa: S608 - names from this package
        rows[table.name] = [tuple(row.values()) for row in found]
    places = await connection.fetch(
        "SELECT topic, part, next_offset FROM consumer_offsets WHERE consumer = $1", CONSUMER
    )
    brokers = await connection.fetch("SELECT cluster_id FROM consumer_brokers WHERE consumer = $1", CONSUMER)
    history = {topic.name for topic in HISTORY}
    return Stored(
        lines=lines_of(rows),
        positions={(row["topic"], row["part"]): row["next_offset"] for row in places if row["topic"] in history},
        brokers=frozenset(row["cluster_id"] for row in brokers),
        resets=await connection.fetchval("SELECT count(*) FROM broker_resets"),
    )


def _counts(lines: Lines) -> str:
    return ", ".join(f"{len(rows)} {table}" for table, rows in lines.items())


def _write(path: Path, lines: Lines) -> None:
    with path.open("wb") as file:
        for table, rows in lines.items():
            for row in rows:
                file.write(b'{"table":"' + table.encode() + b'","row":' + row + b"}\n")
