"""`python -m sync check`: have every account checked by the instances that run, and print what was found.

It needs the database alone: the run is written there, and worked off by whoever holds its shards.
"""

import asyncio
import os
import sys
from typing import Final

import asyncpg

from common.bus.brokers import BusSettings
from common.checks import Report
from common.codec import encode_sorted
from common.db.pool import DatabaseSettings, create_pool
from common.errors import CgtError
from common.ids import new_id
from sync.runs import PostgresRuns
from sync.store import SCHEMA, PostgresLedger

OPERATOR: Final = "operator"
DONE: Final = 0
INCOMPLETE: Final = 1
BAD_SETTINGS: Final = 2
NOT_FINISHED: Final = 3
_WINDOW_MS: Final = 7 * 86_400_000
_LOOK_EVERY_S: Final = 0.2
_LONGEST_S: Final = 600.0


def run() -> int:
    """Check and print the report as JSON; 0 done, 1 some accounts failed, 2 bad settings, 3 nobody finished it."""
    try:
        report = asyncio.run(_checked())
    except CgtError as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    print(encode_sorted(report).decode())
    if report.finished_ms is None:
        print("The run is not finished: is a sync service running?", file=sys.stderr)
        return NOT_FINISHED
    return INCOMPLETE if report.failures else DONE


async def _checked() -> Report:
    partitions = BusSettings.from_env(os.environ).partitions
    url = DatabaseSettings.from_env(os.environ).database_url
    pool = await create_pool(url, SCHEMA, application_name="sync-check", size=1)
    try:
        return await check_everyone(pool, partitions, longest_s=_LONGEST_S)
    finally:
        await pool.close()


async def check_everyone(pool: asyncpg.Pool, partitions: int, *, longest_s: float) -> Report:
    """A run over every account of the ledger, as it stands when done or after so long. Raises Unavailable."""
    runs = PostgresRuns(pool, partitions)
    run_id = new_id()
    await runs.add(run_id, OPERATOR, True, await PostgresLedger(pool).scope(_WINDOW_MS))
    deadline = asyncio.get_running_loop().time() + longest_s
    while True:
        report = await runs.report(run_id)
        assert report is not None, "it was just added"
        if report.finished_ms is not None or asyncio.get_running_loop().time() > deadline:
            return report
        await asyncio.sleep(_LOOK_EVERY_S)
