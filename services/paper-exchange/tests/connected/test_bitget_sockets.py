"""Bitget's sockets, its faults and its control, as a client meets them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, ClientWebSocketResponse, WSMsgType

from paper_exchange.app import Running
from paper_exchange.bitget import signing
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
BTC = "BTCUSDT"
ALL = [
    {"instType": "SPOT", "channel": "orders", "instId": "default"},
    {"instType": "SPOT", "channel": "fill", "instId": "default"},
    {"instType": "SPOT", "channel": "orders-algo", "instId": "default"},
    {"instType": "SPOT", "channel": "account", "coin": "default"},
]


class Trader:
    """One Classic account with sockets and signed requests."""

    def __init__(self, paper: Running, http: ClientSession) -> None:
        self.paper, self.http = paper, http
        balances = {"USDT": "10000", "BTC": "1"}
        self.account = paper.bitget_control.open_account({"balances": balances, "passphrase": "demo-pass"})
        self.uid = self.account["uid"]

    async def connect(self, side: str = "private", version: int = 2) -> ClientWebSocketResponse:
        url = self.paper.bitget_ws_public_url.replace("/v2/ws/public", f"/v{version}/ws/{side}")
        return await self.http.ws_connect(url)

    def login(self, *, unit: int = 1, **wrong: Any) -> dict[str, Any]:
        timestamp = wrong.get("timestamp", str(int(time.time() * unit)))
        sign = signing.sign(wrong.get("secret") or self.account["secret"], f"{timestamp}GET/user/verify")
        arg = {"apiKey": wrong.get("api_key", self.account["api_key"]), "timestamp": timestamp, "sign": sign}
        return {"op": "login", "args": [arg | {"passphrase": wrong.get("passphrase", "demo-pass")}]}

    async def listen(self, *args: dict[str, str]) -> ClientWebSocketResponse:
        """A socket that is logged in and subscribed; acknowledgements have been read."""
        ws = await self.connect()
        await ws.send_json(self.login())
        assert (await ws.receive_json())["event"] == "login"
        await ws.send_json({"op": "subscribe", "args": list(args)})
        for arg in args:
            assert await ws.receive_json() == {"event": "subscribe", "arg": arg}
            if arg["channel"] == "account":
                assert (await ws.receive_json())["arg"] == arg
        return ws

    async def post(self, call: str, **fields: Any) -> Any:
        path, body, timestamp = f"/api/v2/spot/trade/{call}", json.dumps(fields), str(int(time.time() * 1000))
        headers = {
            "ACCESS-KEY": self.account["api_key"], "ACCESS-TIMESTAMP": timestamp, "ACCESS-PASSPHRASE": "demo-pass",
            "ACCESS-SIGN": signing.sign(self.account["secret"], f"{timestamp}POST{path}{body}"),
            "Content-Type": "application/json", "paptrading": "1",
        }  # fmt: skip
        async with self.http.post(self.paper.bitget_rest_url + path, data=body, headers=headers) as response:
            return await response.json()

    async def buy(self, **fields: Any) -> Any:
        order = {"symbol": BTC, "side": "buy", "orderType": "limit", "force": "gtc", "price": "97000", "size": "0.01"}
        return await self.post("place-order", **(order | fields))

    async def stop(self) -> Any:
        return await self.post(
            "place-plan-order", symbol=BTC, side="sell", orderType="market", size="0.01", triggerPrice="96000",
            triggerType="fill_price", clientOid="p1-SL",
        )  # fmt: skip

    def state(self) -> Any:
        return self.paper.bitget_control.state(self.uid)

    def arm(self, kind: str, **settings: Any) -> Any:
        return self.paper.bitget_control.arm({"kind": kind, **settings})


@pytest.fixture
async def trader() -> AsyncIterator[Trader]:
    async with serve() as paper, ClientSession() as http:
        yield Trader(paper, http)


async def ended(ws: ClientWebSocketResponse) -> bool:
    message = await ws.receive()
    return message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}


async def test_text_ping_is_answered_by_text_pong_even_before_login(trader: Trader) -> None:
    for side in ("public", "private"):
        for version in (2, 3):
            ws = await trader.connect(side, version)
            await ws.send_str("ping")
            assert await ws.receive_str() == "pong"


@pytest.mark.parametrize("unit", [1, 1000])
async def test_login_takes_seconds_and_milliseconds(trader: Trader, unit: int) -> None:
    ws = await trader.connect()
    await ws.send_json(trader.login(unit=unit))
    assert await ws.receive_json() == {"event": "login", "code": "0", "msg": ""}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"api_key": "nobody"}, 30011), ({"passphrase": "guess"}, 30012), ({"timestamp": "soon"}, 30013),
        ({"timestamp": "1600000000"}, 30014), ({"secret": "guess"}, 30015),
    ],
)  # fmt: skip
async def test_a_failed_login_says_why_and_closes(trader: Trader, wrong: dict[str, Any], code: int) -> None:
    ws = await trader.connect()
    await ws.send_json(trader.login(**wrong))
    refused = await ws.receive_json()
    assert (refused["event"], refused["code"]) == ("error", code)
    assert await ended(ws)


async def test_the_sockets_of_the_other_kind_of_account_refuse_the_login(trader: Trader) -> None:
    ws = await trader.connect(version=3)
    await ws.send_json(trader.login())
    assert (await ws.receive_json())["code"] == 30005


async def test_private_channels_need_a_login_and_unknown_ones_do_not_exist(trader: Trader) -> None:
    ws = await trader.connect()
    await ws.send_json({"op": "subscribe", "args": [ALL[0], {"instType": "SPOT", "channel": "x", "instId": BTC}]})
    assert (await ws.receive_json())["code"] == 30004
    assert (await ws.receive_json())["code"] == 30001
    await ws.send_str("{")
    assert (await ws.receive_json())["code"] == 30002
    await ws.send_json({"op": "trade", "args": [{}]})
    assert (await ws.receive_json())["code"] == 30003


async def test_more_than_ten_messages_a_second_end_the_connection(trader: Trader) -> None:
    ws = await trader.connect("public")
    for _ in range(25):  # more than two seconds' worth, wherever the seconds begin
        await ws.send_str("ping")
    said = [message async for message in ws]
    assert json.loads(said[-1].data)["code"] == 30007


async def test_a_plan_fires_before_the_eyes_of_its_owner(trader: Trader) -> None:
    ws = await trader.listen(*ALL)
    plan_id = (await trader.stop())["data"]["orderId"]
    trader.paper.bitget_control.move({"symbol": BTC, "price": "95000"})
    told: list[tuple[str, str]] = []
    while not told or told[-1] != ("orders-algo", "executed"):
        frame = await ws.receive_json()
        row = frame["data"][0]
        told.append((frame["arg"]["channel"], row.get("status", "")))
        if frame["arg"]["channel"] == "orders":
            assert row["clientOid"] == plan_id
    assert told == [
        ("orders-algo", "live"), ("orders-algo", "executing"), ("orders", "live"), ("orders", "filled"), ("fill", ""),
        ("account", ""), ("account", ""), ("orders-algo", "executed"),
    ]  # fmt: skip


@pytest.mark.parametrize("pushes", [False, True])
async def test_freezing_pushes_balances_only_when_a_switch_says_so(trader: Trader, pushes: bool) -> None:
    trader.paper.bitget_control.switch({"account_push_on_freeze": pushes})
    ws = await trader.listen(ALL[3], ALL[0])
    await trader.buy()
    channels = [(await ws.receive_json())["arg"]["channel"]]
    if pushes:
        channels.append((await ws.receive_json())["arg"]["channel"])
    assert channels == (["orders", "account"] if pushes else ["orders"])
    trader.paper.bitget_control.deposit(trader.uid, {"asset": "USDT", "qty": "1"})
    while (frame := await ws.receive_json())["arg"]["channel"] != "account" or frame["data"][0][
        "available"
    ] != "9031.00000000":
        assert pushes


@pytest.mark.parametrize("shows", [False, True])
async def test_pending_plans_are_shown_on_subscribing_only_when_a_switch_says_so(trader: Trader, shows: bool) -> None:
    trader.paper.bitget_control.switch({"algo_snapshot": shows})
    await trader.stop()
    ws = await trader.listen(ALL[2])
    await ws.send_str("ping")
    first = await ws.receive_str()
    assert (first == "pong") != shows


async def test_one_symbol_can_be_followed_and_left(trader: Trader) -> None:
    only = {"instType": "SPOT", "channel": "orders", "instId": "ETHUSDT"}
    ws = await trader.listen(only)
    await trader.buy()
    await trader.buy(symbol="ETHUSDT", price="3400")
    assert (await ws.receive_json())["data"][0]["instId"] == "ETHUSDT"
    await ws.send_json({"op": "unsubscribe", "args": [only]})
    assert await ws.receive_json() == {"event": "unsubscribe", "arg": only}
    assert trader.paper.bitget.listeners(trader.uid, "orders") == 0


async def test_a_lost_answer_was_carried_out_and_45001_may_or_may_not_have_been(trader: Trader) -> None:
    trader.arm("lost_response", count=1, client_order_id_prefix="a")
    with pytest.raises(ClientConnectionError):
        await trader.buy(clientOid="a1")
    trader.arm("error_after_accept", count=1)
    assert (await trader.buy(clientOid="b1"))["code"] == "45001"
    trader.arm("error_before", count=1)
    assert (await trader.buy(clientOid="c1"))["code"] == "45001"
    trader.arm("rate_limited", count=1)
    assert (await trader.buy(clientOid="d1"))["code"] == "429"
    assert [order["clientOid"] for order in trader.state()["orders"]] == ["a1", "b1"]


async def test_a_plan_fires_while_its_owner_is_cut_off_and_the_state_tells_what_became_of_it(trader: Trader) -> None:
    ws = await trader.listen(*ALL)
    plan_id = (await trader.stop())["data"]["orderId"]
    assert trader.arm("drop_sockets", sockets="private") == {"dropped": 1}
    trader.paper.bitget_control.move({"symbol": BTC, "price": "95000"})
    while not await ended(ws):
        pass
    state = trader.state()
    assert [plan["status"] for plan in state["plans"]] == ["executed"]
    assert state["children"] == {plan_id: state["orders"][0]["orderId"]}


async def test_a_fill_can_be_swallowed_on_one_channel_and_doubled_on_the_other(trader: Trader) -> None:
    trader.arm("swallow_event", event_type="orders")
    trader.arm("duplicate_event", event_type="fill")
    ws = await trader.listen(ALL[0], ALL[1])
    await trader.buy(orderType="market", size="100")
    first, second = await ws.receive_json(), await ws.receive_json()
    assert (first["arg"]["channel"], first["data"]) == ("fill", second["data"])


async def test_revoking_the_key_ends_the_connection(trader: Trader) -> None:
    ws = await trader.listen(ALL[0])
    assert trader.paper.bitget_control.revoke_key(trader.uid) == {"revoked": 1}
    assert await ended(ws)
    assert (await trader.buy())["code"] == "40006"


async def test_switches_are_set_and_read_over_http(trader: Trader) -> None:
    url = f"{trader.paper.control_url}/control/bitget/switches"
    async with trader.http.post(url, json={"plan_locks_balance": True, "child_client_oid": "own"}) as response:
        positions = await response.json()
    assert (positions["plan_locks_balance"], positions["child_client_oid"]) == (True, "own")
    async with trader.http.get(url) as response:
        assert await response.json() == positions
    for wrong in ({"child_client_oid": "x"}, {"plan_locks_balance": "yes"}, {"nothing": True}):
        async with trader.http.post(url, json=wrong) as response:
            assert (response.status, (await response.json())["field"]) == (400, next(iter(wrong)))


async def test_a_fill_is_stamped_once_though_two_channels_tell_it(trader: Trader) -> None:
    ws = await trader.listen(ALL[0], ALL[1])
    placed = await trader.buy()
    fill = {"uid": trader.uid, "order_id": placed["data"]["orderId"]}
    assert trader.paper.bitget_control.fill(fill)["status"] == "FILLED"
    for _ in range(3):
        await ws.receive_json()
    timings = trader.paper.bitget_control.timings()
    assert [row["order_id"] for row in timings["fills"]] == [int(placed["data"]["orderId"])]
    assert [row["call"] for row in timings["requests"]] == ["POST /api/v2/spot/trade/place-order"]


async def test_public_channels_begin_with_what_is_and_go_on_with_what_changes(trader: Trader) -> None:
    ws = await trader.connect("public")
    args = [
        {"instType": "SPOT", "channel": channel, "instId": BTC} for channel in ("ticker", "books", "books5", "candle1m")
    ]
    await ws.send_json({"op": "subscribe", "args": args})
    first = {}
    for arg in args:
        assert (await ws.receive_json())["arg"] == arg
        frame = await ws.receive_json()
        first[frame["arg"]["channel"]] = frame
    assert {frame["action"] for frame in first.values()} == {"snapshot"}
    trader.paper.bitget_control.move({"symbol": BTC, "price": "97000"})
    later: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while len(later) < 4:
            frame = await ws.receive_json()
            later[frame["arg"]["channel"]] = frame
    assert later["ticker"]["data"][0]["lastPr"] == "97000.00"
    assert (later["books"]["action"], later["books5"]["action"]) == ("update", "snapshot")
    assert later["books"]["data"][0]["seq"] > first["books"]["data"][0]["seq"]
    assert ["98000.01", "0"] in later["books"]["data"][0]["asks"]
    assert later["candle1m"]["data"][-1][4] == "97000"
