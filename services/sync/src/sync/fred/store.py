"""Where indicators are kept: the spec's table `fredindicators`, and how each series was last fetched."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import asyncpg

from common.db.errors import typed_errors
from sync.fred.observations import Observation

_KEEP: Final = """
INSERT INTO fredindicators (series_id, date, value) SELECT $1, * FROM unnest($2::date[], $3::numeric[])
ON CONFLICT (series_id, date) DO UPDATE SET value = excluded.value, fetched_at = clock_timestamp()
"""
_FETCHED: Final = """
INSERT INTO fred_series (series_id, fetched_at, problem) VALUES ($1, clock_timestamp(), NULL)
ON CONFLICT (series_id) DO UPDATE SET fetched_at = excluded.fetched_at, problem = NULL
"""
_FAILED: Final = """
INSERT INTO fred_series (series_id, problem) VALUES ($1, $2) ON CONFLICT (series_id) DO UPDATE SET problem = $2
"""
_CONFIGURED: Final = """
INSERT INTO fred_status (only_row, key_configured, series) VALUES (true, $1, $2)
ON CONFLICT (only_row) DO UPDATE SET key_configured = $1, series = $2, updated_at = clock_timestamp()
"""


class PostgresIndicators:
    """Keeps values. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def configured(self, key: bool, series: Sequence[str]) -> None:
        """What is going to be fetched, for whoever asks why something is not there."""
        with typed_errors():
            await self._pool.execute(_CONFIGURED, key, list(series))

    async def newest(self, series_id: str) -> date | None:
        """The latest day we have a row of."""
        with typed_errors():
            found: date | None = await self._pool.fetchval(
                "SELECT max(date) FROM fredindicators WHERE series_id = $1", series_id
            )
        return found

    async def keep(self, series_id: str, observations: Sequence[Observation]) -> None:
        """Add new values and take over revised ones; the series counts as fetched now."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    _KEEP, series_id, [each.day for each in observations], [each.value for each in observations]
                )
                await connection.execute(_FETCHED, series_id)

    async def failed(self, series_id: str, problem: str) -> None:
        """The series could not be fetched; what is stored of it stays."""
        with typed_errors():
            await self._pool.execute(_FAILED, series_id, problem)
