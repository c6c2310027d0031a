"""Faults on demand, over real sockets."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected


class Trader:
    """One account over HTTP and the WebSocket API."""

    def __init__(self, paper: Running, http: aiohttp.ClientSession) -> None:
        self.paper, self.http = paper, http
        opened = paper.control.open_account({"balances": {"USDT": "10000", "BTC": "1"}})
        self.uid, self.api_key, self.secret = opened["uid"], opened["api_key"], opened["secret"]

    def sign(self, payload: str) -> str:
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()

    async def call(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        query = urlencode(params | {"timestamp": int(time.time() * 1000)})
        url = URL(f"{self.paper.binance_rest_url}{path}?{query}&signature={self.sign(query)}", encoded=True)
        async with self.http.request(method, url, headers={"X-MBX-APIKEY": self.api_key}) as response:
            return response.status, await response.json()

    async def buy(self, client_id: str) -> tuple[int, Any]:
        return await self.call("POST", "/api/v3/order", **order(client_id))

    def ws_request(self, request_id: int, method: str, **params: Any) -> dict[str, Any]:
        signed = params | {"apiKey": self.api_key, "timestamp": int(time.time() * 1000)}
        signed["signature"] = self.sign("&".join(f"{name}={signed[name]}" for name in sorted(signed)))
        return {"id": request_id, "method": method, "params": signed}

    async def listen(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.http.ws_connect(self.paper.binance_ws_api_url)
        await socket.send_json(self.ws_request(1, "userDataStream.subscribe.signature"))
        assert (await socket.receive_json())["status"] == 200
        return socket

    def orders(self) -> list[tuple[str, str]]:
        return [(row["clientOrderId"], row["status"]) for row in self.paper.control.state(self.uid)["orders"]]


def order(client_id: str) -> dict[str, str]:
    limit = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    return limit | {"price": "97000", "newClientOrderId": client_id}


async def kinds(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[str]:
    return [(await asyncio.wait_for(socket.receive_json(), 10))["event"]["e"] for _ in range(count)]


@pytest.fixture
async def trader() -> AsyncIterator[Trader]:
    async with serve() as paper, aiohttp.ClientSession() as http:
        yield Trader(paper, http)


async def test_a_lost_response_leaves_one_order(trader: Trader) -> None:
    trader.paper.control.arm({"kind": "lost_response", "count": 1, "client_order_id_prefix": "lost"})
    assert (await trader.buy("kept"))[0] == 200
    with pytest.raises(aiohttp.ClientError):
        await trader.buy("lost-1")
    assert (await trader.buy("lost-2"))[0] == 200
    assert trader.orders() == [("kept", "NEW"), ("lost-1", "NEW"), ("lost-2", "NEW")]


async def test_an_error_after_acceptance_leaves_the_order(trader: Trader) -> None:
    trader.paper.control.arm({"kind": "error_after_accept", "count": 1, "path": "/api/v3/order", "uid": trader.uid})
    status, body = await trader.buy("a")
    assert (status, body["code"]) == (503, -1007)
    assert trader.orders() == [("a", "NEW")]


async def test_an_error_before_acceptance_leaves_nothing(trader: Trader) -> None:
    trader.paper.control.arm({"kind": "error_before", "count": 1, "code": -1008, "status": 503, "msg": "busy"})
    assert await trader.buy("a") == (503, {"code": -1008, "msg": "busy"})
    assert trader.orders() == []


async def test_a_rate_limit_says_how_long_to_wait(trader: Trader) -> None:
    trader.paper.control.arm({"kind": "rate_limited", "count": 1, "retry_after_s": 7})
    async with trader.http.get(f"{trader.paper.binance_rest_url}/api/v3/ping") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "7")
    async with trader.http.get(f"{trader.paper.binance_rest_url}/api/v3/ping") as response:
        assert response.status == 200


async def test_a_skewed_clock_refuses_what_is_on_time(trader: Trader) -> None:
    armed = trader.paper.control.arm({"kind": "clock_skew", "delay_ms": 60_000})
    assert (await trader.buy("a"))[1]["code"] == -1021
    assert trader.paper.control.disarm(armed["id"]) == {"removed": 1}
    assert (await trader.buy("a"))[0] == 200


async def test_events_are_swallowed_doubled_and_delayed(trader: Trader) -> None:
    socket, arm = await trader.listen(), trader.paper.control.arm
    arm({"kind": "swallow_event", "count": 1, "event_type": "outboundAccountPosition"})
    arm({"kind": "delay_event", "count": 1, "event_type": "executionReport", "delay_ms": 50})
    await trader.buy("a")
    arm({"kind": "duplicate_event", "count": 1, "event_type": "outboundAccountPosition"})
    await trader.buy("b")
    heard = [(await asyncio.wait_for(socket.receive_json(), 10))["event"] for _ in range(4)]
    assert [event["e"] for event in heard][:3] == ["executionReport", *["outboundAccountPosition"] * 2]
    assert [event["c"] for event in heard if event["e"] == "executionReport"] == ["b", "a"]


async def test_dropped_sockets_end_and_new_ones_are_refused_for_a_while(trader: Trader) -> None:
    socket = await trader.listen()
    assert trader.paper.control.arm({"kind": "drop_sockets", "sockets": "user"}) == {"dropped": 1}
    message = await asyncio.wait_for(socket.receive(), 10)
    assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}
    trader.paper.control.arm({"kind": "refuse_connections", "delay_ms": 600_000})
    with pytest.raises(aiohttp.ClientError):
        await trader.listen()
    trader.paper.control.arm({"kind": "refuse_connections", "delay_ms": 0})
    assert not (await trader.listen()).closed


async def test_a_lost_answer_on_the_websocket_api_executes_and_cuts(trader: Trader) -> None:
    socket = await trader.http.ws_connect(trader.paper.binance_ws_api_url)
    trader.paper.control.arm({"kind": "lost_response", "count": 1, "ws_method": "order.place"})
    await socket.send_json(trader.ws_request(1, "order.place", **order("a")))
    assert (await asyncio.wait_for(socket.receive(), 10)).type is not aiohttp.WSMsgType.TEXT
    assert trader.orders() == [("a", "NEW")]


async def test_a_slow_answer_comes_after_a_quick_one(trader: Trader) -> None:
    socket = await trader.http.ws_connect(trader.paper.binance_ws_api_url)
    trader.paper.control.arm({"kind": "slow_response", "count": 1, "delay_ms": 100})
    await socket.send_json({"id": 1, "method": "time"})
    await socket.send_json({"id": 2, "method": "time"})
    assert [(await asyncio.wait_for(socket.receive_json(), 10))["id"] for _ in range(2)] == [2, 1]


async def test_timings_say_when_a_fill_was_written_and_its_orders_were_read(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.buy("entry")
    trader.paper.control.reset_timings()
    async with trader.http.post(
        f"{trader.paper.control_url}/control/binance/fills",
        json={"orders": [{"uid": trader.uid, "order_id": 1}], "per_second": 1000},
    ) as response:
        assert await response.json() | {"took_ms": 0} == {"filled": 1, "skipped": 0, "took_ms": 0}
    assert await kinds(socket, 4) == ["executionReport", "outboundAccountPosition"] * 2
    await trader.buy("exit")
    stamps = trader.paper.control.timings()
    (fill,), (request,) = stamps["fills"], stamps["requests"]
    assert (fill["uid"], fill["order_id"], fill["trade_id"]) == (trader.uid, 1, 1)
    assert (request["uid"], request["client_order_ids"]) == (trader.uid, ["exit"])
    assert fill["written_ns"] < request["read_ns"]
