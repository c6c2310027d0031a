"""`python -m order_engine audit` and `explain`: reads the topics from their beginning, and the ledger beside them."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg
import orjson

from common.bus.brokers import BusSettings
from common.bus.history import read_history
from common.db.errors import typed_errors
from common.db.pool import DatabaseSettings, plain_url
from common.errors import CgtError
from order_engine.audit.explain import explained
from order_engine.audit.page import page
from order_engine.audit.report import Json, Stored, Window, as_bytes, audited, is_clean
from order_engine.audit.told import TOPICS
from order_engine.settings import PolicySettings
from order_engine.store import SCHEMA

CLEAN: Final = 0
FOUND: Final = 1
FAILED: Final = 2
STRANGE: Final = 3
"""Exit statuses: nothing found, something found, could not be done, an order that no topic knows."""


def audit(options: Sequence[str]) -> int:
    """The `audit` command; its exit status."""
    parser = argparse.ArgumentParser("order_engine audit", description=__doc__)
    parser.add_argument("--from", dest="from_", type=_moment, default=0, help="RFC 3339; the beginning by default")
    parser.add_argument("--to", type=_moment, default=2**62, help="RFC 3339; the end by default")
    parser.add_argument(
        "--bound-ms", type=int, help="how long something may be unprotected; the engine's own by default"
    )
    parser.add_argument("--json", type=Path, help="write the report to this file")
    parser.add_argument("--html", type=Path, help="write a page with charts to this file")
    parser.add_argument("--no-ledger", action="store_true", help="do not compare with the stored brackets")
    asked = parser.parse_args(options)
    try:
        report = asyncio.run(_audit(Window(asked.from_, asked.to), asked.bound_ms, with_ledger=not asked.no_ledger))
    except CgtError as error:
        print(error, file=sys.stderr)
        return FAILED
    if asked.json is not None:
        asked.json.write_bytes(as_bytes(report))
    if asked.html is not None:
        asked.html.write_bytes(page(report))
    print("\n".join(_said(report)))
    return CLEAN if is_clean(report) else FOUND


def explain(options: Sequence[str]) -> int:
    """The `explain` command; its exit status."""
    parser = argparse.ArgumentParser("order_engine explain", description="Print the chain of causes of one order.")
    parser.add_argument("order_id", help="its client order id, or the exchange's")
    asked = parser.parse_args(options)
    try:
        records = asyncio.run(read_history(BusSettings.from_env(os.environ), TOPICS, "explain"))
    except CgtError as error:
        print(error, file=sys.stderr)
        return FAILED
    lines = explained(records, asked.order_id)
    if not lines:
        print(f"No topic knows the order {asked.order_id}.", file=sys.stderr)
        return STRANGE
    print("\n".join(lines))
    return CLEAN


async def _audit(window: Window, bound_ms: int | None, *, with_ledger: bool) -> Json:
    # The ledger first: what it holds has been decided from what the topics hold by now.
    stored = await _stored(DatabaseSettings.from_env(os.environ)) if with_ledger else None
    records = await read_history(BusSettings.from_env(os.environ), TOPICS, "audit")
    return audited(records, PolicySettings.from_env(os.environ).policy(), window, stored, bound_ms)


async def _stored(settings: DatabaseSettings) -> list[Stored]:
    with typed_errors():
        connection = await asyncpg.connect(plain_url(settings.database_url))
        try:
            rows = await connection.fetch(f"SELECT bracket_id, version, doc FROM {SCHEMA}.brackets")  # noqa: S608
        finally:
            await connection.close()
    return [Stored(row["bracket_id"], row["version"], orjson.loads(row["doc"])) for row in rows]


def _said(report: Json) -> list[str]:
    units, bare = report["units"], report["units"]["bare_ms"]
    lines = [
        f"read       {sum(each['records'] for each in report['inputs'].values())} records of {len(TOPICS)} topics",
        f"brackets   {report['brackets']}",
        f"units      {units['filled']} filled, {units['never_protected']} never protected",
        f"bare       p50 {_ms(bare['p50'])}, p99 {_ms(bare['p99'])}, max {_ms(bare['max'])}",
    ]
    lines += [f"VIOLATED   {each['invariant']}: {each['bracket_id']} {each['detail']}" for each in report["violations"]]
    if report["ledger"] is None:
        lines.append("ledger     not compared")
    else:
        lines += [f"DIFFERENT  {each['bracket_id']}: {each['difference']}" for each in report["ledger"]]
        lines += ["ledger     equal"] if not report["ledger"] else []
    return [*lines, f"digest     {report['digest']}"]


def _ms(value: int | None) -> str:
    return "-" if value is None else f"{value} ms"


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no RFC 3339 time, such as 2026-11-22T09:00:00Z") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)
