"""The scheduled fetch: every series in turn, every so often, by one instance of all."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final, Protocol

import structlog

from common.errors import CgtError, Unavailable
from sync.fred.observations import Observation

REVISED_FOR: Final = timedelta(days=2 * 365)
"""Agencies revise their figures: so much of the past is fetched again each time."""
_LOOK_EVERY_S: Final = 1.0
_AGAIN_S: Final = 300.0

_log = structlog.get_logger(__name__)


class Source(Protocol):
    """FRED."""

    async def observations(self, series_id: str, since: date | None) -> list[Observation]: ...


class Indicators(Protocol):
    """Where values are kept."""

    async def configured(self, key: bool, series: Sequence[str]) -> None: ...

    async def newest(self, series_id: str) -> date | None: ...

    async def keep(self, series_id: str, observations: Sequence[Observation]) -> None: ...

    async def failed(self, series_id: str, problem: str) -> None: ...


class FredJob:
    """Fetches the series while it is our turn (`ours`); without a source it says so and does nothing more."""

    def __init__(
        self,
        source: Source | None,
        kept: Indicators,
        series: Sequence[str],
        ours: Callable[[], bool],
        *,
        every_s: float,
    ) -> None:
        self._source = source
        self._kept = kept
        self._series = tuple(series)
        self._ours = ours
        self._every_s = every_s

    async def run(self) -> None:
        """Fetch for ever."""
        while True:
            while not self._ours():  # noqa: ASYNC110 - leases tell nobody when they are gained.
                await asyncio.sleep(_LOOK_EVERY_S)
            try:
                complete = await self.fetch()
            except Unavailable as error:
                _log.warning("indicators_not_kept", error=str(error))
                complete = False
            await asyncio.sleep(self._every_s if complete else min(_AGAIN_S, self._every_s))

    async def fetch(self) -> bool:
        """Every series once; whether all of it was fetched. Raises Unavailable when nothing can be kept."""
        await self._kept.configured(self._source is not None, self._series)
        if self._source is None:
            _log.info("fred_without_key", fix="set CGT_FRED_API_KEY to have indicators fetched")
            return True
        complete = True
        for series_id in self._series:
            newest = await self._kept.newest(series_id)
            since = None if newest is None else newest - REVISED_FOR
            try:
                observations = await self._source.observations(series_id, since)
            except CgtError as error:
                complete = False
                _log.warning("series_not_fetched", series_id=series_id, error=str(error))
                await self._kept.failed(series_id, str(error))
            else:
                await self._kept.keep(series_id, observations)
        return complete
