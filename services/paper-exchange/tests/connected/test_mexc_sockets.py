"""The MEXC face over real sockets: binary pushes, faults, lost listen keys, and stamps for benchmarks."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from yarl import URL

from common.mexc_proto import body_name, decode
from paper_exchange.app import Running
from paper_exchange.mexc.signing import signature_of
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
PRIVATE = [f"spot@private.{kind}.v3.api.pb" for kind in ("orders", "deals", "account")]
BOOK = "spot@public.aggre.bookTicker.v3.api.pb@10ms@MXUSDT"
LIMIT = {"symbol": "MXUSDT", "side": "SELL", "type": "LIMIT", "quantity": "20", "price": "3.9"}


class Trader:
    """One account over HTTP and the WebSocket."""

    def __init__(self, paper: Running, http: aiohttp.ClientSession) -> None:
        self.paper, self.http, self.control = paper, http, paper.mexc_control
        opened = self.control.open_account({"balances": {"USDT": "10000", "MX": "1000"}})
        self.uid, self.api_key, self.secret = opened["uid"], opened["api_key"], opened["secret"]

    async def call(self, method: str, path: str, **params: Any) -> tuple[int, Any]:
        query = urlencode(params | {"timestamp": int(time.time() * 1000)})
        signed = f"{self.paper.mexc_rest_url}/api/v3/{path}?{query}&signature={signature_of(self.secret, query)}"
        headers = {"X-MEXC-APIKEY": self.api_key, "Content-Type": "application/json"}
        async with self.http.request(method, URL(signed, encoded=True), headers=headers) as response:
            return response.status, await response.json()

    async def sell(self, client_id: str = "a") -> tuple[int, Any]:
        return await self.call("POST", "order", **LIMIT, newClientOrderId=client_id)

    async def listen(self, *channels: str) -> aiohttp.ClientWebSocketResponse:
        key = (await self.call("POST", "userDataStream"))[1]["listenKey"]
        socket = await self.http.ws_connect(f"{self.paper.mexc_ws_url}?listenKey={key}")
        wanted = list(channels) or PRIVATE
        await socket.send_json({"method": "SUBSCRIPTION", "params": wanted, "id": 1})
        assert await socket.receive_json() == {"id": 1, "code": 0, "msg": ",".join(wanted)}
        return socket

    def orders(self) -> list[tuple[str, str]]:
        return [(row["clientOrderId"], row["status"]) for row in self.control.state(self.uid)["orders"]]


async def pushed(socket: aiohttp.ClientWebSocketResponse, body: str) -> Any:
    """The next push that carries `body`."""
    while True:
        push = decode(await socket.receive_bytes(timeout=5))
        if body_name(push) == body:
            return getattr(push, body)


async def ended(socket: aiohttp.ClientWebSocketResponse) -> bool:
    """Waits until the connection is gone."""
    while (await socket.receive(timeout=5)).type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}:
        pass
    return socket.closed


@pytest.fixture
async def trader() -> AsyncIterator[Trader]:
    async with serve() as paper, aiohttp.ClientSession() as http:
        yield Trader(paper, http)


async def test_a_sale_is_pushed_from_its_place_to_its_deal(trader: Trader) -> None:
    socket = await trader.listen()
    placed = (await trader.sell())[1]
    assert (await pushed(socket, "privateOrders")).status == 1
    trader.control.fill({"uid": trader.uid, "order_id": placed["orderId"], "qty": "8"})
    order = await pushed(socket, "privateOrders")
    assert (order.status, order.cumulativeQuantity, order.lastDealQuantity) == (3, "8", "8")
    deal = await pushed(socket, "privateDeals")
    assert (deal.orderId, deal.clientOrderId, deal.isMaker) == (placed["orderId"], "a", True)


async def test_only_the_subscribed_channels_are_pushed(trader: Trader) -> None:
    socket = await trader.listen(PRIVATE[2])
    await trader.sell()
    push = decode(await socket.receive_bytes(timeout=5))
    assert (push.channel, push.HasField("symbol")) == (PRIVATE[2], False)


async def test_control_frames_are_text_and_data_frames_binary(trader: Trader) -> None:
    socket = await trader.listen(BOOK)
    await socket.send_str('{"method": "PING"}')
    kinds = {(await socket.receive(timeout=5)).type for _ in range(2)}
    assert kinds == {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}


async def test_an_unknown_listen_key_is_answered_with_bare_text(trader: Trader) -> None:
    socket = await trader.http.ws_connect(f"{trader.paper.mexc_ws_url}?listenKey=nobody")
    assert await socket.receive_str(timeout=5) == "Invalid listen key"
    assert await ended(socket)


async def test_a_lost_listen_key_is_silence(trader: Trader) -> None:
    socket = await trader.listen(*PRIVATE, BOOK)
    await pushed(socket, "publicAggreBookTicker")
    assert trader.control.expire_listen_keys({"uid": trader.uid}) == {"expired": 1}
    await trader.sell()
    trader.control.move({"symbol": "MXUSDT", "price": "3.8"})
    push = decode(await socket.receive_bytes(timeout=5))
    assert body_name(push) == "publicAggreBookTicker"


async def test_a_lost_listen_key_may_cut_the_connection(trader: Trader) -> None:
    trader.control.switch({"listen_key_expiry": "drop"})
    socket = await trader.listen()
    trader.control.expire_listen_keys({"uid": trader.uid})
    assert await ended(socket)


@pytest.mark.parametrize("switch", ["no_subscription_drop_ms", "longest_connection_ms", "idle_drop_ms"])
async def test_connections_that_are_mute_idle_or_old_are_cut(trader: Trader, switch: str) -> None:
    socket = await trader.http.ws_connect(trader.paper.mexc_ws_url)
    trader.control.switch({switch: 1})
    assert await ended(socket)


async def test_a_revoked_key_ends_what_it_opened(trader: Trader) -> None:
    trader.control.switch({"listen_key_expiry": "drop"})
    socket = await trader.listen()
    assert trader.control.revoke_key(trader.uid) == {"revoked": 1}
    assert await ended(socket)
    assert (await trader.sell())[1]["code"] == 10072


@pytest.mark.parametrize(
    ("kind", "status", "placed"), [("error_after_accept", 503, 1), ("error_before", 500, 0), ("rate_limited", 429, 0)]
)
async def test_errors_with_and_without_effect(trader: Trader, kind: str, status: int, placed: int) -> None:
    trader.control.arm({"kind": kind, "count": 1, "path": "/api/v3/order", "client_order_id_prefix": "b"})
    assert (await trader.sell("a"))[0] == 200
    assert (await trader.sell("b"))[0] == status
    assert len(trader.orders()) == 1 + placed


async def test_a_lost_response_was_executed(trader: Trader) -> None:
    trader.control.arm({"kind": "lost_response", "count": 1, "method": "POST"})
    with pytest.raises(aiohttp.ClientError):
        await trader.sell("a")
    assert trader.orders() == [("a", "NEW")]


async def test_pushes_are_swallowed_doubled_and_delayed(trader: Trader) -> None:
    socket = await trader.listen(PRIVATE[0])
    trader.control.arm({"kind": "swallow_event", "event_type": "orders", "count": 1})
    await trader.sell("lost")
    trader.control.arm({"kind": "duplicate_event", "event_type": "orders", "count": 1})
    await trader.sell("twice")
    trader.control.arm({"kind": "delay_event", "event_type": "orders", "count": 1, "delay_ms": 50})
    await trader.sell("late")
    await trader.sell("last")
    assert [(await pushed(socket, "privateOrders")).clientId for _ in range(4)] == ["twice", "twice", "last", "late"]


async def test_sockets_are_dropped_by_kind(trader: Trader) -> None:
    private = await trader.listen()
    public = await trader.http.ws_connect(trader.paper.mexc_ws_url)
    assert trader.control.arm({"kind": "drop_sockets", "sockets": "user"}) == {"dropped": 1}
    assert await ended(private)
    await public.send_str('{"method": "PING"}')
    assert (await public.receive_json(timeout=5))["msg"] == "PONG"


async def test_a_book_ticker_and_the_sale_that_answers_it_are_both_stamped(trader: Trader) -> None:
    socket = await trader.listen(BOOK)
    await pushed(socket, "publicAggreBookTicker")
    trader.control.reset_timings()
    trader.control.move({"symbol": "MXUSDT", "price": "3.5"})
    while (await pushed(socket, "publicAggreBookTicker")).bidPrice != "3.4999":
        pass
    await trader.call(
        "POST", "order", symbol="MXUSDT", side="SELL", type="MARKET", quantity="20", newClientOrderId="sl"
    )
    timings = trader.control.timings()
    book = next(row for row in timings["books"] if row["bid_px"] == "3.4999")
    sale = next(row for row in timings["requests"] if row["client_order_ids"] == ["sl"])
    assert (book["symbol"], sale["call"]) == ("MXUSDT", "POST /api/v3/order")
    assert book["written_ns"] < sale["read_ns"]


async def test_fills_are_stamped_when_the_order_push_is_written(trader: Trader) -> None:
    socket = await trader.listen()
    await trader.sell()
    trader.control.fill({"uid": trader.uid, "client_order_id": "a"})
    await pushed(socket, "privateDeals")
    assert [(row["uid"], row["symbol"]) for row in trader.control.timings()["fills"]] == [(trader.uid, "MXUSDT")]


async def test_the_control_api_switches_and_suspends(trader: Trader) -> None:
    root = f"{trader.paper.control_url}/control/mexc"
    async with trader.http.post(f"{root}/switches", json={"push_order": "shuffled", "cancel_lag_ms": 50}) as answer:
        assert (await answer.json())["cancel_lag_ms"] == 50
    for wrong in ({"push_order": "wild"}, {"cancel_lag_ms": -1}, {"weight_per_10s": 0}, {"nothing": 1}):
        async with trader.http.post(f"{root}/switches", json=wrong) as answer:
            assert (answer.status, (await answer.json())["field"]) == (400, next(iter(wrong)))
    async with trader.http.post(f"{root}/symbols", json={"symbol": "MXUSDT", "state": "suspended"}) as answer:
        assert (await answer.json())["MXUSDT"] == "suspended"
    assert (await trader.sell())[1]["code"] == 30016
    async with trader.http.get(f"{root}/switches") as answer:
        assert (await answer.json())["push_order"] == "shuffled"


async def test_many_traders_share_the_market(trader: Trader) -> None:
    other = Trader(trader.paper, trader.http)
    await trader.sell("maker")
    order = {"symbol": "MXUSDT", "side": "BUY", "type": "LIMIT", "quantity": "20", "price": "3.88"}
    trader.control.move({"symbol": "MXUSDT", "price": "3.8999"})
    await asyncio.gather(other.call("POST", "order", **(order | {"price": "3.9"})))
    assert trader.orders() == [("maker", "FILLED")]
