"""GET /fred/indicators: what is stored, and whether it is kept up to date."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from gateway.http.fred import NO_KEY
from gateway.syncing.indicators import Indicators, Observation, Series

FETCHED = datetime(2026, 11, 22, 9, tzinfo=UTC)
UNRATE = Series(
    series_id="UNRATE",
    fetched_at=FETCHED,
    observations=(Observation(date(2026, 9, 1), Decimal("4.30")), Observation(date(2026, 10, 1), None)),
)


async def test_values_are_strings_with_their_dates_and_when_they_were_fetched(house: Any, user: Any) -> None:
    house.indicators.found = Indicators(key_configured=True, scheduled=("UNRATE",), series=(UNRATE,))
    reply = await user.ask("GET", "/fred/indicators?series=unrate&from=2026-09-01&to=2026-12-31&limit=5")
    assert reply.body["data"] == {
        "keyConfigured": True,
        "note": None,
        "series": [
            {
                "seriesId": "UNRATE",
                "fetchedAt": 1_795_338_000_000,
                "problem": None,
                "observations": [{"date": "2026-09-01", "value": "4.3"}, {"date": "2026-10-01", "value": None}],
            }
        ],
    }
    assert house.indicators.asked == [(["UNRATE"], date(2026, 9, 1), date(2026, 12, 31), 5)]


async def test_without_a_key_what_is_stored_is_shown_and_the_answer_says_so(house: Any, user: Any) -> None:
    house.indicators.found = Indicators(key_configured=False, scheduled=("UNRATE",), series=(UNRATE,))
    data = (await user.ask("GET", "/fred/indicators")).body["data"]
    assert (data["keyConfigured"], data["note"], len(data["series"])) == (False, NO_KEY, 1)


async def test_a_series_that_is_not_fetched_says_who_can_change_that(house: Any, user: Any) -> None:
    found = Indicators(key_configured=True, scheduled=("UNRATE",), series=(Series(series_id="NONE"),))
    house.indicators.found = found
    (series,) = (await user.ask("GET", "/fred/indicators?series=NONE")).body["data"]["series"]
    assert "CGT_FRED_SERIES" in series["problem"]


async def test_bad_input_names_field_and_rule(house: Any, user: Any) -> None:
    for query, field in (
        ("series=,", "series"),
        ("series=a%27b", "series"),
        ("from=yesterday", "from"),
        ("limit=0", "limit"),
    ):
        reply = await user.ask("GET", f"/fred/indicators?{query}")
        assert (reply.status, reply.body["field"]) == (400, field), reply


async def test_indicators_are_for_those_who_have_logged_in(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/fred/indicators")).status == 401
