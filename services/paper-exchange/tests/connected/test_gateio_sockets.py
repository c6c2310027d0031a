"""Gate.io's WebSocket over real sockets: subscriptions, pushes, the order API, faults."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
BTC = "BTC_USDT"


class Trader:
    """One account over HTTP and the WebSocket."""

    def __init__(self, paper: Running, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.paper, self.http, self.socket, self.control = paper, http, socket, paper.gateio_control
        opened = self.control.open_account({"balances": {"USDT": "10000", "BTC": "1"}})
        self.uid, self.api_key, self.secret = opened["uid"], opened["api_key"], opened["secret"]

    def sign(self, payload: str) -> str:
        return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha512).hexdigest()

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw, timestamp = b"" if body is None else json.dumps(body).encode(), str(int(time.time()))
        parts = (method, f"/api/v4{path}", "", hashlib.sha512(raw).hexdigest(), timestamp)
        headers = {"KEY": self.api_key, "Timestamp": timestamp, "SIGN": self.sign("\n".join(parts))}
        url = f"{self.paper.gateio_rest_url}{path}"
        async with self.http.request(method, url, data=raw, headers=headers) as response:
            return response.status, await response.json()

    async def buy(self, text: str) -> tuple[int, Any]:
        return await self.call("POST", "/spot/orders", order(text))

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        await self.socket.send_json({"time": int(time.time())} | frame)
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        answer: dict[str, Any] = await asyncio.wait_for(self.socket.receive_json(), 10)
        return answer

    async def subscribe(self, channel: str, *payload: str, event: str = "subscribe") -> dict[str, Any]:
        return await self.ask({"channel": channel, "event": event, "payload": list(payload)})

    async def follow(self, channel: str, *payload: str, **wrong: Any) -> dict[str, Any]:
        now_s = wrong.get("time", int(time.time()))
        sign = self.sign(f"channel={channel}&event=subscribe&time={now_s}")
        auth = {"method": "api_key", "KEY": self.api_key, "SIGN": wrong.get("SIGN", sign)}
        frame = {"time": now_s, "id": 7, "channel": channel, "event": "subscribe", "payload": list(payload)}
        return await self.ask(frame | {"auth": auth})

    async def api(self, channel: str, parameters: Any) -> dict[str, Any]:
        payload = {"req_id": "r1", "req_param": parameters}
        return await self.ask({"channel": channel, "event": "api", "payload": payload})

    async def log_in(self) -> dict[str, Any]:
        timestamp = str(int(time.time()))
        sign = self.sign(f"api\nspot.login\n\n{timestamp}")
        payload = {"req_id": "l1", "api_key": self.api_key, "timestamp": timestamp, "signature": sign}
        return await self.ask({"channel": "spot.login", "event": "api", "payload": payload})

    def texts(self) -> list[tuple[str, str]]:
        return [(row["text"], row["status"]) for row in self.control.state(self.uid)["orders"]]


def order(text: str) -> dict[str, str]:
    return {"currency_pair": BTC, "side": "buy", "amount": "0.01", "price": "97000", "text": text}


@pytest.fixture
async def trader() -> AsyncIterator[Trader]:
    async with (
        serve() as paper,
        aiohttp.ClientSession() as http,
        http.ws_connect(paper.gateio_ws_url) as socket,
    ):
        yield Trader(paper, http, socket)


async def test_a_ping_is_answered(trader: Trader) -> None:
    pong = await trader.ask({"channel": "spot.ping"})
    assert (pong["channel"], pong["event"], pong["error"], pong["result"]) == ("spot.pong", "", None, None)


async def test_a_subscription_is_confirmed_with_its_id(trader: Trader) -> None:
    answer = await trader.follow("spot.orders", BTC)
    assert (answer["id"], answer["channel"], answer["event"], answer["result"]) == (
        7, "spot.orders", "subscribe", {"status": "success"},
    )  # fmt: skip
    assert "error" not in answer


@pytest.mark.parametrize(
    ("wrong", "label"), [({"SIGN": "0" * 128}, "INVALID_SIGNATURE"), ({"time": 1_600_000_000}, "REQUEST_EXPIRED")]
)
async def test_a_private_channel_is_for_those_who_sign(trader: Trader, wrong: Any, label: str) -> None:
    answer = await trader.follow("spot.orders", BTC, **wrong)
    assert (answer["error"]["code"], answer["result"]) == (4, None)
    assert json.loads(answer["error"]["message"])["label"] == label


async def test_what_names_nothing_is_refused_whole(trader: Trader) -> None:
    answer = await trader.subscribe("spot.tickers", BTC, "FOO_USDT")
    assert (answer["error"]["code"], answer["result"]) == (2, {"status": "fail"})
    assert (await trader.subscribe("spot.nothing", BTC))["error"]["code"] == 2
    assert (await trader.follow("spot.orders", "FOO_USDT"))["error"]["code"] == 2
    assert trader.paper.gateio.streams.topics() == []
    await trader.socket.send_str("{")
    assert (await trader.hear())["error"]["code"] == 1


async def test_the_second_subscription_to_a_whole_book_is_refused(trader: Trader) -> None:
    assert "error" not in await trader.subscribe("spot.obu", f"ob.{BTC}.50")
    while (answer := await trader.subscribe("spot.obu", f"ob.{BTC}.50")).get("event") != "subscribe":
        pass
    assert answer["error"] == {"code": 2, "message": f"Alert sub ob.{BTC}.50"}


@pytest.mark.parametrize(
    ("channel", "payload", "fields"),
    [
        ("spot.tickers", [BTC], {"currency_pair": BTC, "last": "98000"}),
        ("spot.book_ticker", [BTC], {"s": BTC, "b": "97999.9", "a": "98000.1"}),
        ("spot.candlesticks", ["1m", BTC], {"n": f"1m_{BTC}", "c": "98000", "w": False}),
        ("spot.order_book", [BTC, "5", "100ms"], {"s": BTC, "l": "5"}),
        ("spot.order_book_update", [BTC, "100ms"], {"s": BTC, "l": "100", "full": True}),
        ("spot.obu", [f"ob.{BTC}.50"], {"s": f"ob.{BTC}.50", "full": True}),
    ],
)
async def test_public_channels_begin_with_how_things_stand(
    trader: Trader, channel: str, payload: list[str], fields: Any
) -> None:
    await trader.subscribe(channel, *payload)
    frame = await trader.hear()
    assert frame["channel"] == channel
    assert {name: frame["result"][name] for name in fields} == fields


async def test_book_changes_join_what_was_told_before(trader: Trader) -> None:
    await trader.subscribe("spot.order_book_update", BTC, "100ms")
    whole = (await trader.hear())["result"]
    trader.control.move({"symbol": "BTCUSDT", "price": "98000.2"})
    change = (await trader.hear())["result"]
    assert change["U"] == whole["u"] + 1 <= change["u"]
    assert "full" not in change
    assert ["98000.1", "0"] in change["a"]
    async with trader.http.get(
        f"{trader.paper.gateio_rest_url}/spot/order_book", params={"currency_pair": BTC, "with_id": "true"}
    ) as response:
        assert (await response.json())["id"] == change["u"]


async def test_trades_are_told_until_unsubscribed(trader: Trader) -> None:
    await trader.subscribe("spot.trades", BTC)
    trader.control.move({"symbol": "BTCUSDT", "price": "98100"})
    assert (await trader.hear())["result"]["price"] == "98100"
    await trader.subscribe("spot.trades", BTC, event="unsubscribe")
    trader.control.move({"symbol": "BTCUSDT", "price": "98200"})
    assert (await trader.ask({"channel": "spot.ping"}))["channel"] == "spot.pong"


async def test_a_price_order_is_told_from_placing_to_the_fill_of_its_child(trader: Trader) -> None:
    for channel in ("spot.orders", "spot.usertrades", "spot.priceorders"):
        await trader.follow(channel, "!all")
    body = {
        "market": BTC,
        "trigger": {"price": "96000", "rule": "<=", "expiration": 3600},
        "put": {
            "side": "sell", "price": "95000", "amount": "0.01", "account": "normal", "time_in_force": "gtc",
        },
    }  # fmt: skip
    status, placed = await trader.call("POST", "/spot/price_orders", body)
    assert status == 201
    assert (await trader.hear())["result"]["id"] == placed["id_string"]
    trader.control.move({"symbol": "BTCUSDT", "price": "96000"})
    frames = [await trader.hear() for _ in range(4)]
    assert [frame["channel"] for frame in frames] == [
        "spot.orders", "spot.orders", "spot.usertrades", "spot.priceorders",
    ]  # fmt: skip
    put, finish, fill, fired = (frame["result"] for frame in frames)
    assert str(fired["fired_order_id"]) == put[0]["id"] == finish[0]["id"] == fill[0]["order_id"]


async def test_a_price_order_expires_by_the_clock(trader: Trader) -> None:
    await trader.follow("spot.priceorders", BTC)
    body = {
        "market": BTC,
        "trigger": {"price": "96000", "rule": "<=", "expiration": 60},
        "put": {
            "side": "sell", "price": "95000", "amount": "0.01", "account": "normal", "time_in_force": "gtc",
        },
    }  # fmt: skip
    await trader.call("POST", "/spot/price_orders", body)
    await trader.hear()
    trader.control.arm({"kind": "clock_skew", "delay_ms": 60_000})
    ended = (await trader.hear())["result"]
    assert (ended["fired_order_id"], ended["err_msg"]) == (0, "")
    assert ended["ftime"] != "-62135596800000"


async def test_the_order_api_wants_a_login_first(trader: Trader) -> None:
    refused = await trader.api("spot.order_place", order("t-a"))
    assert (refused["header"]["status"], refused["data"]["errs"]["label"]) == ("400", "AUTHENTICATION_FAILED")
    assert (await trader.log_in())["data"]["result"] == {"api_key": trader.api_key, "uid": str(trader.uid)}


async def test_orders_are_placed_amended_asked_for_and_cancelled_over_the_order_api(trader: Trader) -> None:
    await trader.log_in()
    ack = await trader.api("spot.order_place", order("t-a"))
    assert (ack["ack"], ack["data"]["result"]["req_param"]["text"]) == (True, "t-a")
    placed = await trader.hear()
    assert "ack" not in placed
    assert placed["header"]["x_gate_ratelimit_requests_remain"] == 9
    name = {"order_id": placed["data"]["result"]["id"], "currency_pair": BTC}
    amended = await trader.api("spot.order_amend", name | {"amount": "0.02"})
    assert amended["data"]["result"]["amount"] == "0.02"
    assert (await trader.api("spot.order_status", name))["data"]["result"]["status"] == "open"
    listed = await trader.api("spot.order_list", {"currency_pair": BTC, "status": "open"})
    assert [row["text"] for row in listed["data"]["result"]] == ["t-a"]
    assert (await trader.api("spot.order_cancel", name))["data"]["result"]["status"] == "cancelled"
    again = await trader.api("spot.order_cancel", name)
    assert (again["header"]["status"], again["data"]["errs"]["label"]) == ("400", "ORDER_CANCELLED")


async def test_a_lost_response_leaves_one_order(trader: Trader) -> None:
    trader.control.arm({"kind": "lost_response", "count": 1, "client_order_id_prefix": "t-lost"})
    assert (await trader.buy("t-kept"))[0] == 201
    with pytest.raises(aiohttp.ClientError):
        await trader.buy("t-lost")
    assert trader.texts() == [("t-kept", "open"), ("t-lost", "open")]


async def test_faults_say_what_they_are_told_to(trader: Trader) -> None:
    arm = trader.control.arm
    arm({"kind": "error_before", "count": 1, "label": "TOO_BUSY", "status": 503, "msg": "busy"})
    assert await trader.buy("t-a") == (503, {"label": "TOO_BUSY", "message": "busy"})
    arm({"kind": "error_after_accept", "count": 1})
    assert await trader.buy("t-b") == (500, {"label": "INTERNAL", "message": "internal server error"})
    arm({"kind": "rate_limited", "count": 1})
    assert (await trader.buy("t-c"))[1]["label"] == "TOO_MANY_REQUESTS"
    arm({"kind": "clock_skew", "count": 1, "delay_ms": 120_000})
    assert (await trader.buy("t-d"))[1]["label"] == "REQUEST_EXPIRED"
    assert trader.texts() == [("t-b", "open")]


async def test_a_lost_answer_on_the_order_api_executes_and_cuts(trader: Trader) -> None:
    await trader.log_in()
    trader.control.arm({"kind": "lost_response", "count": 1, "ws_method": "spot.order_place"})
    payload = {"req_id": "r1", "req_param": order("t-a")}
    await trader.socket.send_json({"time": 1, "channel": "spot.order_place", "event": "api", "payload": payload})
    assert (await asyncio.wait_for(trader.socket.receive(), 10)).type is not aiohttp.WSMsgType.TEXT
    assert trader.texts() == [("t-a", "open")]


async def test_events_are_swallowed_and_doubled(trader: Trader) -> None:
    await trader.follow("spot.orders", BTC)
    trader.control.arm({"kind": "swallow_event", "count": 1, "event_type": "spot.orders"})
    await trader.buy("t-a")
    trader.control.arm({"kind": "duplicate_event", "count": 1, "event_type": "spot.orders"})
    await trader.buy("t-b")
    assert [(await trader.hear())["result"][0]["text"] for _ in range(2)] == ["t-b", "t-b"]


@pytest.mark.parametrize("says_so", [True, False])
async def test_dropped_sockets_are_told_so_or_not(trader: Trader, says_so: bool) -> None:
    await trader.follow("spot.balances")
    trader.control.switch({"upgrade_notice": says_so})
    assert trader.control.arm({"kind": "drop_sockets", "sockets": "user"}) == {"dropped": 1}
    if says_so:
        notice = await trader.hear()
        assert (notice["channel"], notice["result"]["type"]) == ("spot.system", "upgrade")
    message = await asyncio.wait_for(trader.socket.receive(), 10)
    assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}


async def test_a_revoked_key_hears_nothing_more(trader: Trader) -> None:
    await trader.follow("spot.orders", BTC)
    assert trader.control.revoke_key(trader.uid) == {"revoked": 1}
    assert (await trader.buy("t-a"))[1]["label"] == "INVALID_KEY"
    assert trader.paper.gateio.private.all() == set()


async def test_switches_are_read_and_set_over_the_control_api(trader: Trader) -> None:
    url = f"{trader.paper.control_url}/control/gateio/switches"
    async with trader.http.post(url, json={"trigger_balance": "lock", "repeat_request": False}) as response:
        assert (await response.json())["trigger_balance"] == "lock"
    async with trader.http.get(url) as response:
        assert (await response.json())["repeat_request"] is False
    async with trader.http.post(url, json={"trigger_balance": "maybe"}) as response:
        assert (response.status, (await response.json())["field"]) == (400, "trigger_balance")


async def test_timings_say_when_a_fill_was_written(trader: Trader) -> None:
    await trader.follow("spot.usertrades", BTC)
    placed = (await trader.buy("t-a"))[1]
    trader.control.fill({"uid": trader.uid, "client_order_id": "t-a", "qty": "0.004"})
    fill = (await trader.hear())["result"][0]
    (stamp,) = trader.control.timings()["fills"]
    assert (str(stamp["order_id"]), stamp["trade_id"]) == (placed["id"], fill["id"])
    assert trader.control.timings()["requests"][0]["client_order_ids"] == ["t-a"]
