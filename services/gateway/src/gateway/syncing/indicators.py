"""Macroeconomic indicators, as the sync service publishes them: read from its views, never its tables."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Protocol

import asyncpg
import msgspec

from common.db.errors import typed_errors
from common.errors import Unavailable

_STATUS: Final = "SELECT key_configured, series FROM sync.fred_status_v1"
_SERIES: Final = "SELECT series_id, fetched_at, problem FROM sync.fred_series_v1"
_VALUES: Final = """
SELECT i.series_id, i.date, i.value FROM unnest($1::text[]) AS wanted(series_id)
CROSS JOIN LATERAL (
    SELECT series_id, date, value FROM sync.fred_indicators_v1
    WHERE series_id = wanted.series_id AND ($2::date IS NULL OR date >= $2) AND ($3::date IS NULL OR date <= $3)
    ORDER BY date DESC LIMIT $4
) i ORDER BY i.series_id, i.date
"""


class Observation(msgspec.Struct, frozen=True):
    """One value; None where FRED has the date and no value."""

    day: date
    value: Decimal | None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One series, its newest values, oldest first."""

    series_id: str
    fetched_at: datetime | None = None
    """None if it never was."""
    problem: str | None = None
    """Why the last fetch failed, in FRED's words."""
    observations: tuple[Observation, ...] = ()


class Indicators(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored, and whether it is kept up to date."""

    key_configured: bool
    scheduled: tuple[str, ...]
    """What is fetched on schedule."""
    series: tuple[Series, ...]


class IndicatorViews(Protocol):
    """Where indicators are read."""

    async def read(self, series: Sequence[str] | None, since: date | None, until: date | None, most: int) -> Indicators:
        """The named series, or all that are scheduled or stored. Raises Unavailable."""


class PostgresIndicators:
    """Reads sync's views."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(self, series: Sequence[str] | None, since: date | None, until: date | None, most: int) -> Indicators:
        """The named series, or all that are scheduled or stored, with their newest values. Raises Unavailable."""
        try:
            with typed_errors():
                status = await self._pool.fetchrow(_STATUS)
                known = {row["series_id"]: row for row in await self._pool.fetch(_SERIES)}
                scheduled = tuple(status["series"]) if status is not None else ()
                wanted = list(dict.fromkeys(series if series is not None else (*scheduled, *sorted(known))))
                rows = await self._pool.fetch(_VALUES, wanted, since, until, most)
        except asyncpg.UndefinedTableError as error:  # Sync has not migrated yet.
            raise Unavailable("sync") from error
        values: dict[str, list[Observation]] = {series_id: [] for series_id in wanted}
        for row in rows:
            values[row["series_id"]].append(Observation(row["date"], row["value"]))
        return Indicators(
            key_configured=status is not None and status["key_configured"],
            scheduled=scheduled,
            series=tuple(_series(series_id, known.get(series_id), values[series_id]) for series_id in wanted),
        )


def _series(series_id: str, row: asyncpg.Record | None, observations: list[Observation]) -> Series:
    return Series(
        series_id=series_id,
        fetched_at=None if row is None else row["fetched_at"],
        problem=None if row is None else row["problem"],
        observations=tuple(observations),
    )
