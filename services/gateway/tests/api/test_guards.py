"""What stands around every request: how often, from where, with which id, and no word that nobody knows."""

import asyncio
import dataclasses
from typing import Any

import pytest

from gateway import pacing
from gateway.http.middleware import Guards
from gateway.rates import Rates


@pytest.fixture
def few(house: Any) -> None:
    """Three requests a minute for a user, five for an address."""
    house.guards = Guards(origins=("https://app.example",), rates=Rates(user=3, address=5))


@pytest.mark.usefixtures("few")
async def test_a_user_who_asks_too_often_is_told_when_to_come_back(house: Any, stranger: Any) -> None:
    await stranger.sign_in("user@example.com")
    replies = [await stranger.ask("GET", "/auth/me") for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]
    last = replies[-1]
    assert (last.body["code"], last.body["retryable"]) == ("TOO_MANY_REQUESTS", True)
    assert last.body["rule"] == "A user may ask 3 times a minute."
    assert (last.headers["Retry-After"], last.headers["RateLimit-Limit"]) == ("20", "3")
    house.clock.advance(20_000)
    assert (await stranger.ask("GET", "/auth/me")).status == 200


@pytest.mark.usefixtures("few")
async def test_a_user_without_requests_left_still_cancels_and_stops(stranger: Any) -> None:
    await stranger.sign_in("user@example.com")
    while (await stranger.ask("GET", "/auth/me")).status == 200:
        pass
    stopped = await stranger.ask("POST", "/risk/kill-switch", {})
    assert (stopped.status, stopped.headers["RateLimit-Limit"]) == (200, "6")
    cancel = "/exchanges/cancel-order?exchange=BINANCE&symbol=BTCUSDT&orderId=1"
    assert (await stranger.ask("DELETE", cancel)).body["code"] == "CREDENTIALS_NOT_FOUND"


@pytest.mark.usefixtures("few")
async def test_strangers_share_what_their_address_has_and_users_do_not(stranger: Any) -> None:
    await stranger.sign_in("user@example.com")
    token, stranger.token = stranger.token, "rubbish"
    assert [(await stranger.ask("GET", "/binance/symbols")).status for _ in range(4)] == [200] * 3 + [429]
    stranger.token = token
    assert (await stranger.ask("GET", "/binance/symbols")).status == 200
    assert "ratelimit-limit" not in (await stranger.ask("GET", "/health")).headers


@pytest.mark.usefixtures("few")
async def test_a_browser_may_read_why_it_is_refused(stranger: Any) -> None:
    replies = [await stranger.ask("GET", "/binance/symbols", Origin="https://app.example") for _ in range(6)]
    reply = replies[-1]
    assert reply.status == 429
    assert reply.headers["access-control-allow-origin"] == "https://app.example"
    assert "Retry-After" in reply.headers["access-control-expose-headers"]


async def test_a_browser_asks_first_and_hears_which_methods_and_headers_it_may_use(stranger: Any) -> None:
    asked = {"Origin": "https://app.example", "Access_Control_Request_Method": "DELETE"}
    asked["Access_Control_Request_Headers"] = "authorization,idempotency-key"
    reply = await stranger.ask("OPTIONS", "/exchanges/cancel-order", **asked)
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, "https://app.example")
    foreign = await stranger.ask("OPTIONS", "/exchanges/cancel-order", **(asked | {"Origin": "https://evil.example"}))
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_problem_names_the_request_it_answers(stranger: Any) -> None:
    reply = await stranger.ask("GET", "/auth/me", X_Request_Id="mine-1")
    assert (reply.body["requestId"], reply.headers["X-Request-Id"]) == ("mine-1", "mine-1")
    assert (await stranger.ask("GET", "/nowhere")).body["requestId"]


async def test_a_query_parameter_that_nobody_knows_is_refused_and_not_ignored(trader: Any) -> None:
    reply = await trader.ask("GET", "/exchanges/balance?exchange=BINANCE&credentialID=other")
    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, "UNKNOWN_FIELD", "credentialID")
    assert reply.body["fix"] == "Use exchange, credentialId."


async def test_every_body_refuses_a_field_it_does_not_know(stranger: Any) -> None:
    document = (await stranger.ask("GET", "/openapi.json")).body
    bodies = {
        f"{method} {path}": operation["requestBody"]["content"]["application/json"]["schema"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    }
    assert len(bodies) > 15
    for name, schema in bodies.items():
        model = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert model["additionalProperties"] is False, name


@pytest.fixture
def impatient(house: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two orders a second for a user, and none may wait."""
    monkeypatch.setattr(pacing, "LONGEST_MS", 0)
    house.parts = dataclasses.replace(house.parts, pacer=pacing.Pacer(2))


@pytest.mark.usefixtures("impatient")
async def test_orders_beyond_what_may_wait_are_refused_and_never_stored(house: Any, stranger: Any) -> None:
    await stranger.sign_in("user@example.com")
    await stranger.store_key()
    order = {"exchange": "BINANCE", "symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1}
    replies = await asyncio.gather(*[stranger.ask("POST", "/exchanges/place-order", order) for _ in range(3)])
    assert sorted(reply.status for reply in replies) == [200, 200, 429]
    assert len(house.intents.rows) == 2
    (refused,) = [reply.body for reply in replies if reply.status == 429]
    assert (refused["code"], refused["outcome"], refused["retryable"]) == ("TOO_MANY_REQUESTS", "not_sent", True)
