"""Indicators from a server that answers as FRED documents, through its job, into the table and the views."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Unavailable, UnreadableMessage
from sync.fred.client import Fred, FredRefused
from sync.fred.job import REVISED_FOR, FredJob
from sync.fred.observations import read_page
from sync.fred.store import PostgresIndicators
from sync.settings import Settings
from sync.store import SCHEMA

pytestmark = pytest.mark.connected

KEY = "abcdefghijklmnopqrstuvwxyz123456"


class FakeFred:
    """`series/observations` as documented: text values, "." for a missing one, error_message for a refusal."""

    def __init__(self) -> None:
        self.series = {"UNRATE": {"2026-01-01": "4.1", "2026-02-01": ".", "2026-03-01": "4.25"}}
        self.asked: list[dict[str, str]] = []
        self.busy = 0
        self.most = 100_000

    async def answer(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        if self.busy:
            self.busy -= 1
            return web.json_response({"error_code": 429, "error_message": "Too Many Requests."}, status=429)
        if query["api_key"] != KEY:
            return _refusal("Bad Request. The value for variable api_key is not registered.")
        if query["series_id"] not in self.series:
            return _refusal("Bad Request. The series does not exist.")
        since, offset = query.get("observation_start", ""), int(query["offset"])
        rows = [(day, value) for day, value in self.series[query["series_id"]].items() if day >= since]
        shown = rows[offset : offset + min(self.most, int(query["limit"]))]
        about = {"realtime_start": "2026-11-22", "realtime_end": "2026-11-22"}
        observations = [about | {"date": day, "value": value} for day, value in shown]
        body = about | {"units": "lin", "output_type": 1, "file_type": "json", "order_by": "observation_date"}
        return web.json_response(
            body | {"sort_order": "asc", "count": len(rows), "offset": offset, "observations": observations}
        )


def _refusal(message: str) -> web.Response:
    return web.json_response({"error_code": 400, "error_message": message}, status=400)


@pytest.fixture
def fred() -> FakeFred:
    return FakeFred()


@pytest.fixture
async def base_url(fred: FakeFred) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/fred/series/observations", fred.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/fred"
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("sync", SCHEMA, database_url)
    pool = await create_pool(database_url, SCHEMA, application_name="test", size=1)
    await pool.execute("TRUNCATE fredindicators, fred_series, fred_status")
    yield pool
    await pool.close()


def a_client(http: aiohttp.ClientSession, url: str, key: str = KEY) -> Fred:
    return Fred(http, url, SecretStr(key), retries_s=(0.0, 0.0))


async def test_series_are_kept_with_their_gaps_and_fetched_again_as_far_as_they_are_revised(
    fred: FakeFred, http: Any, base_url: str, pool: Any
) -> None:
    job = FredJob(a_client(http, base_url), PostgresIndicators(pool), ["UNRATE"], lambda: True, every_s=60)
    assert await job.fetch()
    rows = await pool.fetch("SELECT date, value FROM sync.fred_indicators_v1 ORDER BY date")
    assert [tuple(row.values()) for row in rows] == [
        (date(2026, 1, 1), Decimal("4.1")),
        (date(2026, 2, 1), None),
        (date(2026, 3, 1), Decimal("4.25")),
    ]
    fred.series["UNRATE"] |= {"2026-03-01": "4.3", "2026-04-01": "4.4"}
    await job.fetch()
    assert fred.asked[1]["observation_start"] == (date(2026, 3, 1) - REVISED_FOR).isoformat()
    values = await pool.fetch("SELECT value FROM sync.fred_indicators_v1 WHERE date >= '2026-03-01' ORDER BY date")
    assert [row["value"] for row in values] == [Decimal("4.3"), Decimal("4.4")]


async def test_a_series_that_does_not_exist_is_told_and_does_not_hold_up_the_others(
    fred: FakeFred, http: Any, base_url: str, pool: Any
) -> None:
    job = FredJob(a_client(http, base_url), PostgresIndicators(pool), ["NONE", "UNRATE"], lambda: True, every_s=60)
    assert not await job.fetch()
    rows = await pool.fetch("SELECT series_id, problem FROM sync.fred_series_v1 ORDER BY series_id")
    assert [tuple(row.values()) for row in rows] == [
        ("NONE", "Bad Request. The series does not exist."),
        ("UNRATE", None),
    ]


async def test_without_a_key_nothing_is_asked_and_the_status_says_so(fred: FakeFred, pool: Any) -> None:
    assert await FredJob(None, PostgresIndicators(pool), ["UNRATE"], lambda: True, every_s=60).fetch()
    status = await pool.fetchrow("SELECT key_configured, series FROM sync.fred_status_v1")
    assert tuple(status.values()) == (False, ["UNRATE"])
    assert fred.asked == []


async def test_a_busy_server_is_asked_again_and_then_given_up_for_now(fred: FakeFred, http: Any, base_url: str) -> None:
    fred.busy = 2
    assert len(await a_client(http, base_url).observations("UNRATE", None)) == 3
    fred.busy = 3
    with pytest.raises(Unavailable):
        await a_client(http, base_url).observations("UNRATE", None)


async def test_a_long_series_is_read_page_by_page(fred: FakeFred, http: Any, base_url: str) -> None:
    fred.most = 2
    assert [each.day.month for each in await a_client(http, base_url).observations("UNRATE", None)] == [1, 2, 3]


async def test_a_key_that_is_refused_is_told_in_freds_words_and_never_shown(http: Any, base_url: str) -> None:
    with pytest.raises(FredRefused) as refused:
        await a_client(http, base_url, "wrong-key").observations("UNRATE", None)
    assert "api_key is not registered" in str(refused.value)
    with pytest.raises(Unavailable) as silent:
        await a_client(http, "http://127.0.0.1:9/fred", "the-secret-key").observations("UNRATE", None)
    assert "the-secret-key" not in repr(silent.value)
    assert silent.value.__cause__ is None


async def test_only_the_instance_whose_turn_it_is_fetches(fred: FakeFred, http: Any, base_url: str, pool: Any) -> None:
    ours = False
    job = FredJob(a_client(http, base_url), PostgresIndicators(pool), ["UNRATE"], lambda: ours, every_s=60)
    running = asyncio.create_task(job.run())
    await asyncio.sleep(0)
    assert fred.asked == []
    ours = True
    async with asyncio.timeout(10):
        while not fred.asked:
            await asyncio.sleep(0.01)
    running.cancel()


@pytest.mark.parametrize("value", ["much", "NaN", "Infinity", ""])
def test_a_value_that_is_no_number_is_not_taken_for_one(value: str) -> None:
    body = {"count": 1, "offset": 0, "observations": [{"date": "2026-01-01", "value": value}]}
    with pytest.raises(UnreadableMessage):
        read_page(orjson.dumps(body))


def test_series_are_named_by_a_list() -> None:
    environment = {
        "CGT_DATABASE_URL": "postgresql://x",
        "CGT_SERVICE_KEY": "k" * 32,
        "CGT_SERVICE_KEYS": "{}",
        "CGT_FRED_SERIES": "unrate, dgs10",
    }
    assert Settings.from_env(environment).fred_series == ("UNRATE", "DGS10")
