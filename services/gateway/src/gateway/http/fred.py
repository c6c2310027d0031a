"""/fred: macroeconomic indicators, as they were last fetched."""

from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from common.errors import Refused
from gateway import answers
from gateway.http.examples import example
from gateway.http.parts import Parts, caller_of
from gateway.syncing.indicators import Indicators, Series
from gateway.trading.refusals import invalid

NO_KEY: Final = "No FRED key is configured: nothing is fetched, and what is shown was stored before."
_MOST_SERIES: Final = 50
_EXAMPLE: Final[dict[str, Any]] = {
    "status": "Success",
    "data": {
        "keyConfigured": True,
        "note": None,
        "series": [
            {
                "seriesId": "UNRATE",
                "fetchedAt": 1795341600000,
                "problem": None,
                "observations": [{"date": "2026-09-01", "value": "4.3"}, {"date": "2026-10-01", "value": "4.2"}],
            }
        ],
    },
}
SeriesIds = Annotated[
    str | None,
    Query(
        description="Ids of FRED, separated by commas; without it all that are fetched.",
        pattern=r"^[A-Za-z0-9_,. -]{1,1000}$",
        examples=["UNRATE,DGS10"],
    ),
]
FromDay = Annotated[date | None, Query(alias="from", description="The first day.", examples=["2026-01-01"])]
ToDay = Annotated[date | None, Query(alias="to", description="The last day.", examples=["2026-12-31"])]
Limit = Annotated[int, Query(ge=1, le=10_000, description="At most so many values a series, the newest.")]


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/fred", tags=["indicators"], dependencies=[Depends(caller_of(parts))])

    @routes.get("/indicators", responses=example(200, _EXAMPLE), summary="Macroeconomic indicators of FRED")
    async def indicators(
        series: SeriesIds = None, since: FromDay = None, until: ToDay = None, limit: Limit = 100
    ) -> Response:
        """Values are decimal strings, oldest first; null where FRED has the date and no value."""
        if parts.indicators is None:
            raise Refused(
                code="SYNC_NOT_SERVED",
                title="Indicators are not served",
                field=None,
                rule="No sync service is known to this gateway.",
                fix="Ask the operator to set CGT_SYNC_URL.",
                status=503,
            )
        found = await parts.indicators.read(_named(series), since, until, limit)
        return answers.json_response(answers.success(_shown(found)))

    return routes


def _named(series: str | None) -> list[str] | None:
    if series is None:
        return None
    named = [part.strip().upper() for part in series.split(",") if part.strip()]
    if not 1 <= len(named) <= _MOST_SERIES:
        raise invalid("series", f"Between 1 and {_MOST_SERIES} series can be named.", "Write series=UNRATE,DGS10.")
    return named


def _shown(found: Indicators) -> dict[str, Any]:
    return {
        "keyConfigured": found.key_configured,
        "note": None if found.key_configured else NO_KEY,
        "series": [_series_shown(each, found) for each in found.series],
    }


def _series_shown(series: Series, found: Indicators) -> dict[str, Any]:
    problem = series.problem
    if problem is None and series.fetched_at is None and series.series_id not in found.scheduled:
        problem = "This series is not fetched; the operator names those that are in CGT_FRED_SERIES."
    return {
        "seriesId": series.series_id,
        "fetchedAt": None if series.fetched_at is None else round(series.fetched_at.timestamp() * 1000),
        "problem": problem,
        "observations": [{"date": each.day.isoformat(), "value": each.value} for each in series.observations],
    }
