"""The HTTP face: health, metrics, problems and service authentication, without a socket."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import aiohttp
import jwt
import pytest
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, SecretStr

from common.clock import FixedClock, SystemClock
from common.errors import MissingSetting, Refused, Unavailable
from common.health import Health
from common.metrics import observe_hop
from common.service.auth import CalleeSettings, ServiceAuth, authenticated_service, verified_caller
from common.service.http import CannotListen, HttpServer, HttpSettings, new_app
from common.settings import InvalidSetting

pytestmark = pytest.mark.connected

KEY = "k" * 32
KEYS = {"gateway": SecretStr(KEY), "sync": SecretStr("s" * 32)}


class Order(BaseModel):
    symbol: str
    qty: int


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def app(health: Health) -> FastAPI:
    app = new_app("test", health)
    caller = Annotated[str, Depends(authenticated_service("vault", KEYS))]

    @app.get("/who")
    async def who(name: caller) -> str:
        return name

    @app.post("/orders")
    async def orders(order: Order) -> str:
        if order.qty == 1:
            raise Refused(code="QTY", title="Quantity too small", field="qty", rule="At least 2.", fix="Send 2.")
        if order.qty == 2:
            raise Unavailable("the broker", retry_after_ms=1500)
        raise RuntimeError("secret detail")

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[aiohttp.ClientSession]:

    server = HttpServer(app, HttpSettings())
    serving = asyncio.create_task(server.run())
    async with aiohttp.ClientSession(f"http://127.0.0.1:{await server.listening()}") as session:
        yield session
    await server.stop()
    await serving


async def problem(response: aiohttp.ClientResponse) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    body: dict[str, Any] = await response.json()
    assert body["status"] == response.status
    assert {"type", "title", "detail", "code", "retryable"} <= body.keys()
    return body


async def test_health_names_what_is_missing_until_everything_is_ready(
    client: aiohttp.ClientSession, health: Health
) -> None:
    ready = False

    async def database() -> bool:
        return ready

    async def broken() -> bool:
        if not ready:
            raise ConnectionError
        return True

    health.add("database", database)
    health.add("broker", broken)
    async with client.get("/health") as response:
        assert response.status == 503
        assert (await response.json())["checks"] == {"database": False, "broker": False}
    async with client.get("/health/live") as response:
        assert response.status == 200
    ready = True
    async with client.get("/health") as response:
        assert response.status == 200
        assert (await response.json())["ready"] is True


async def test_metrics_are_those_of_prometheus(client: aiohttp.ClientSession) -> None:
    observe_hop("fill_to_engine", 1_000, 1_004)
    async with client.get("/metrics") as response:
        assert 'cgt_hop_seconds_bucket{hop="fill_to_engine",le="0.005"} 1.0' in await response.text()


async def test_a_refusal_names_field_rule_and_fix(client: aiohttp.ClientSession) -> None:
    async with client.post("/orders", json={"symbol": "BTCUSDT", "qty": 1}) as response:
        body = await problem(response)
    assert (body["status"], body["code"], body["field"]) == (400, "QTY", "qty")
    assert (body["rule"], body["fix"], body["retryable"]) == ("At least 2.", "Send 2.", False)


async def test_an_unavailable_dependency_may_be_tried_again_later(client: aiohttp.ClientSession) -> None:
    async with client.post("/orders", json={"symbol": "BTCUSDT", "qty": 2}) as response:
        assert response.headers["retry-after"] == "2"
        assert (await problem(response))["retryable"] is True


async def test_a_defect_is_a_problem_without_its_detail(client: aiohttp.ClientSession) -> None:
    async with client.post("/orders", json={"symbol": "BTCUSDT", "qty": 3}) as response:
        body = await problem(response)
    assert body["code"] == "INTERNAL_ERROR"
    assert "secret detail" not in str(body)


@pytest.mark.parametrize(
    ("sent", "code", "field"),
    [("{", "MALFORMED_JSON", "1"), ('{"symbol": "B"}', "INVALID_FIELD", "qty"), ("[]", "INVALID_FIELD", "body")],
)
async def test_bad_input_is_named_by_its_field(client: aiohttp.ClientSession, sent: str, code: str, field: str) -> None:
    async with client.post("/orders", data=sent, headers={"content-type": "application/json"}) as response:
        body = await problem(response)
    assert (body["code"], body["field"]) == (code, field)


async def test_an_unknown_path_is_a_problem_too(client: aiohttp.ClientSession) -> None:
    async with client.get("/nowhere") as response:
        assert (await problem(response))["code"] == "NOT_FOUND"


async def test_a_service_is_known_by_its_token(client: aiohttp.ClientSession) -> None:
    async with client.get("/who", headers=ServiceAuth("gateway", KEY).header("vault")) as response:
        assert await response.json() == "gateway"
    async with client.get("/who") as response:
        assert (await problem(response))["code"] == "UNAUTHENTICATED"
        assert response.status == 401


def token(**changes: Any) -> str:
    now_s = SystemClock().now_ms() // 1000
    return jwt.encode({"iss": "gateway", "aud": "vault", "iat": now_s, "exp": now_s + 60} | changes, KEY, "HS256")


@pytest.mark.parametrize(
    "forged",
    [
        ServiceAuth("gateway", KEY).header("gateway")["authorization"].removeprefix("Bearer "),
        ServiceAuth("gateway", "x" * 32).header("vault")["authorization"].removeprefix("Bearer "),
        ServiceAuth("sync", KEY).header("vault")["authorization"].removeprefix("Bearer "),
        ServiceAuth("stranger", KEY).header("vault")["authorization"].removeprefix("Bearer "),
        ServiceAuth("gateway", KEY, FixedClock(0)).header("vault")["authorization"].removeprefix("Bearer "),
        jwt.encode({"iss": "gateway", "aud": "vault"}, KEY, "HS256"),
        token(exp=SystemClock().now_ms() // 1000 + 86_400),
        jwt.encode({"iss": "gateway", "aud": "vault"}, "", "none"),
        "junk",
        "",
    ],
)
def test_a_token_that_is_not_exactly_right_opens_nothing(forged: str) -> None:
    with pytest.raises(Refused) as refusal:
        verified_caller(forged, "vault", KEYS)
    assert refusal.value.status == 401


@pytest.mark.parametrize("value", ["", "not json", "[]", '{"gateway": "short"}'])
def test_bad_service_keys_stop_the_start(value: str) -> None:
    with pytest.raises((MissingSetting, InvalidSetting), match="CGT_SERVICE_KEYS"):
        CalleeSettings.from_env({"CGT_SERVICE_KEYS": value})


@pytest.mark.parametrize(("trusted", "seen"), [("127.0.0.0/8", "203.0.113.7"), ("10.0.0.0/8", "127.0.0.1")])
async def test_a_forwarded_address_is_believed_of_trusted_proxies_alone(app: FastAPI, trusted: str, seen: str) -> None:
    @app.get("/from")
    async def whence(request: Request) -> str:
        return request.client.host if request.client else ""

    server = HttpServer(app, HttpSettings(trusted_proxies=trusted))
    serving = asyncio.create_task(server.run())
    url = f"http://127.0.0.1:{await server.listening()}/from"
    async with aiohttp.ClientSession() as session:
        # The last address is the one the proxy itself saw; those before it are whatever the client claimed.
        forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
        async with session.get(url, headers=forwarded) as answer:
            assert await answer.json() == seen
    await server.stop()
    await serving


async def test_a_taken_port_is_a_clear_error(client: aiohttp.ClientSession, app: FastAPI) -> None:
    port = client._base_url.port if client._base_url else 0
    with pytest.raises(CannotListen, match="CGT_HTTP_PORT"):
        await HttpServer(app, HttpSettings(http_port=port or 0)).run()
