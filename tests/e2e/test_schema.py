"""The API document put to the test on the whole system: a trader and an admin with keys on all four exchanges ask
everything that the running gateway says can be asked, and every answer is as the document promises it.

The stack is this module's own: whatever is placed, deleted, limited or stopped here is nobody else's.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import schemathesis

from common.health import Health
from gateway.http.api import rest_app
from gateway.http.middleware import Guards
from gateway.testing.house import House
from gateway.testing.surface import PROMISED, asked, or_unavailable
from tests.e2e.admins import make_admin
from tests.e2e.conftest import EXCHANGES, Desk, User

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

DOCUMENT = json.dumps(rest_app(House().parts, Health(), Guards()).openapi(), sort_keys=True)
surface = schemathesis.openapi.from_dict(json.loads(DOCUMENT))
# What breaks the document on purpose, a field at a time, is asked of the surface alone (test_document.py).
surface.config.phases.update(phases=["examples", "fuzzing"])


class Asking:
    """Somebody who has logged in, and the gateway that is asked."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url = url
        self.headers = headers


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def calm_market(desk: Desk) -> None:
    """Once is enough: nothing here moves a price, and MEXC's limit of reads would make 503 of half of its answers."""
    await desk.paper.post("/control/mexc/switches", {"account_calls_per_s": 1000})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everybody(desk: Desk, calm_market: None) -> AsyncIterator[dict[str, Asking]]:
    """A trader and an admin, with a key on every exchange each.

    Both are there before anything is asked: whatever fails to log in here makes the next who registers wait.
    """
    async with desk.user() as trader, desk.user() as admin:
        for user in (trader, admin):
            await _hold_all_keys(desk, user)
        await make_admin(desk.stack, (await admin.trader.get("/auth/me"))["email"])
        asking = {"trader": trader.trader.authorization, "admin": admin.trader.authorization}
        yield {who: Asking(desk.stack.gateway_url, headers) for who, headers in asking.items()}


async def _hold_all_keys(desk: Desk, user: User) -> None:
    for exchange in EXCHANGES[1:]:
        account = await desk.paper.post(f"/control/{exchange}/accounts", {"balances": {"USDT": "100000"}})
        key = {"exchange": exchange.upper(), "apiKey": account["api_key"], "secretKey": account["secret"]}
        passphrase = {"passphrase": account["passphrase"]} if account.get("passphrase") else {}
        await user.trader.post("/api-credentials", key | passphrase)


@pytest.fixture(scope="module", params=["trader", "admin"])
def asking(request: pytest.FixtureRequest, everybody: dict[str, Asking]) -> Asking:
    """Who asks."""
    return everybody[request.param]


@pytest.mark.asyncio(loop_scope="module")
async def test_the_running_gateway_serves_the_document_that_it_is_asked_by(desk: Desk) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{desk.stack.gateway_url}/openapi.json") as answer:
        assert await answer.json() == json.loads(DOCUMENT)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("path", "limit", "name"), [("open-orders", 3, "clientOrderId"), ("trades", 1, "orderGroupId")]
)
async def test_a_list_of_the_running_system_is_walked_page_by_page(
    desk: Desk, path: str, limit: int, name: str
) -> None:
    async with desk.user() as user, aiohttp.ClientSession(headers=user.trader.authorization) as http:
        for _ in range(2):
            await user.buy("0.01")
        await desk.until_protected(user)

        async def page(**query: str) -> tuple[list[str], str | None]:
            asked = {"exchange": "BINANCE"} | query
            async with http.get(f"{desk.stack.gateway_url}/exchanges/{path}", params=asked) as answer:
                body = await answer.json()
            return [each[name] for each in body["data"]], body["nextCursor"]

        everything, nothing_more = await page()
        met, cursor = await page(limit=str(limit))
        while cursor is not None:
            more, cursor = await page(limit=str(limit), cursor=cursor)
            met += more
        assert (met, nothing_more) == (everything, None)
        assert len(set(met)) == len(met) > limit


@surface.parametrize()
@asked(2)
def test_every_operation_of_the_running_system_keeps_to_its_document(case: Any, asking: Asking) -> None:
    answer = case.call_and_validate(
        base_url=asking.url, headers=asking.headers, checks=[or_unavailable, still_signed_in, *PROMISED]
    )
    assert answer is not None


def still_signed_in(context: Any, response: Any, case: Any) -> None:
    """Nothing that was asked has ended the caller's own session: all the rest would be asked by nobody."""
    if response.status_code == 401 and signed(response.request):
        assert response.json()["code"] != "UNAUTHENTICATED", response.text


def signed(request: Any) -> bool:
    """Whether the caller's token was sent: some questions leave it out, or put something else in its place."""
    return any(name.lower() == "authorization" and len(value) > 200 for name, value in request.headers.items())
