"""The WebSocket API's sessions and subscriptions, and the control API, over real sockets."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
Sign = Callable[[str], str]


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


class Caller:
    """One connection; any number of accounts."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.last_id = socket, 0
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self.last_id += 1
        await self.socket.send_json({"id": self.last_id, "method": method, "params": params})
        while True:
            message: dict[str, Any] = await asyncio.wait_for(self.socket.receive_json(), 10)
            if "event" not in message:
                return message
            self.events.append(message)


def signed(api_key: str, sign: Sign, **params: Any) -> dict[str, Any]:
    full = params | {"apiKey": api_key, "timestamp": int(time.time() * 1000)}
    return full | {"signature": sign("&".join(f"{name}={full[name]}" for name in sorted(full)))}


def with_hmac(secret: str) -> Sign:
    return lambda payload: hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


def with_ed25519() -> tuple[str, Sign]:
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return pem, lambda payload: base64.b64encode(key.sign(payload.encode())).decode()


ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": "97000",
}


async def test_many_accounts_listen_on_one_connection(paper: Running, http: aiohttp.ClientSession) -> None:
    caller = Caller(await http.ws_connect(paper.binance_ws_api_url))
    for number in range(3):
        opened = paper.control.open_account({"balances": {"USDT": "10000"}})
        sign = with_hmac(opened["secret"])
        answer = await caller.call("userDataStream.subscribe.signature", **signed(opened["api_key"], sign))
        assert answer["result"] == {"subscriptionId": number}
        again = await caller.call("userDataStream.subscribe.signature", **signed(opened["api_key"], sign))
        assert again["error"]["code"] == -2035
        await caller.call("order.place", **signed(opened["api_key"], sign, **ORDER))
    assert [event["subscriptionId"] for event in caller.events] == [0, 0, 1, 1, 2, 2]
    assert (await caller.call("session.subscriptions"))["result"] == [{"subscriptionId": n} for n in range(3)]
    assert (await caller.call("userDataStream.unsubscribe", subscriptionId=1))["result"] == {}
    assert caller.events[-1]["event"]["e"] == "eventStreamTerminated"
    assert (await caller.call("userDataStream.unsubscribe", subscriptionId=1))["error"]["code"] == -2036


async def test_a_session_signs_once_with_ed25519(paper: Running, http: aiohttp.ClientSession) -> None:
    pem, sign = with_ed25519()
    opened = paper.control.open_account({"balances": {"USDT": "10000"}, "public_key": pem})
    assert opened["secret"] is None
    caller = Caller(await http.ws_connect(f"{paper.binance_ws_api_url}?returnRateLimits=false"))
    assert (await caller.call("session.status"))["result"]["apiKey"] is None
    logon = await caller.call("session.logon", **signed(opened["api_key"], sign))
    assert logon["result"]["apiKey"] == opened["api_key"]
    assert "rateLimits" not in logon
    assert (await caller.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    placed = await caller.call("order.place", timestamp=int(time.time() * 1000), **ORDER)
    assert placed["status"] == 200
    assert (await caller.call("order.place", **ORDER))["error"]["code"] == -1102
    paper.control.revoke_key(opened["uid"])
    died = await caller.call("account.status", timestamp=int(time.time() * 1000))
    assert (died["id"], died["status"], died["error"]["code"]) == (None, 401, -2015)
    assert caller.events[-1]["event"]["e"] == "eventStreamTerminated"


async def test_hmac_keys_cannot_log_on(paper: Running, http: aiohttp.ClientSession) -> None:
    opened = paper.control.open_account({})
    caller = Caller(await http.ws_connect(paper.binance_ws_api_url))
    refused = await caller.call("session.logon", **signed(opened["api_key"], with_hmac(opened["secret"])))
    assert refused["status"] == 400


async def test_rate_limits_ride_on_answers(paper: Running, http: aiohttp.ClientSession) -> None:
    opened = paper.control.open_account({"balances": {"USDT": "10000"}})
    caller = Caller(await http.ws_connect(paper.binance_ws_api_url))
    placed = await caller.call("order.place", **signed(opened["api_key"], with_hmac(opened["secret"]), **ORDER))
    assert [(row["rateLimitType"], row["count"]) for row in placed["rateLimits"]] == [
        ("ORDERS", 1),
        ("ORDERS", 1),
        ("REQUEST_WEIGHT", 2),
    ]


async def test_frames_that_are_no_requests_are_answered(paper: Running, http: aiohttp.ClientSession) -> None:
    caller = Caller(await http.ws_connect(paper.binance_ws_api_url))
    for text in ("{", "[]", "1", '{"id":1}', '{"id":1,"method":"time","params":[1]}'):
        await caller.socket.send_str(text)
        assert (await caller.socket.receive_json())["status"] == 400
    assert (await caller.call("no.such"))["error"]["code"] == -1020


async def test_streams_are_subscribed_listed_and_left(paper: Running, http: aiohttp.ClientSession) -> None:
    socket = await http.ws_connect(f"{paper.binance_stream_url}/ws")
    await socket.send_json({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
    assert await socket.receive_json() == {"result": None, "id": 1}
    await socket.send_json({"method": "LIST_SUBSCRIPTIONS", "id": 3})
    assert await socket.receive_json() == {"result": ["btcusdt@trade"], "id": 3}
    paper.control.move({"symbol": "BTCUSDT", "price": "98100"})
    assert (await socket.receive_json())["e"] == "trade"
    await socket.send_json({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 2})
    assert await socket.receive_json() == {"result": None, "id": 2}
    await socket.send_json({"method": "NONSENSE", "id": 4})
    assert (await socket.receive_json())["code"] == 2


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("accounts", {"balances": {"USDT": 1.5}}, "USDT"),
        ("accounts", {"key_type": "rsa"}, "key_type"),
        ("accounts", {"key_type": "ed25519", "public_key": "x"}, "public_key"),
        ("accounts", {"colour": "red"}, "colour"),
        ("price", {"symbol": "NOPE", "price": "1"}, "symbol"),
        ("price", {"symbol": "BTCUSDT"}, "price"),
        ("price", {"symbol": "BTCUSDT", "price": "98000.005"}, "price"),
        ("fill", {"uid": 1, "order_id": 1}, "uid"),
        ("faults", {"kind": "earthquake"}, "kind"),
        ("faults", {"kind": "swallow_event", "probability": 2}, "probability"),
    ],
)
async def test_the_control_api_names_what_is_wrong(
    paper: Running, http: aiohttp.ClientSession, path: str, body: Any, field: str
) -> None:
    async with http.post(f"{paper.control_url}/control/binance/{path}", json=body) as response:
        assert 400 <= response.status < 500
        answer = await response.json()
    assert answer["field"] == field
    assert answer["rule"]
    assert answer["fix"]
