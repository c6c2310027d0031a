"""ccxt and ccxt.pro trade on the paper exchange's MEXC face; nothing is changed but their URLs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro
import pytest
from ccxt.base.errors import BadRequest, ExchangeError, InsufficientFunds

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
MX, BTC = "MX/USDT", "BTC/USDT"


def pointed_at(exchange: Any, paper: Running) -> Any:
    """The client with its URLs changed."""
    urls = exchange.urls["api"]
    for names in (urls["spot"], urls["contract"], urls["spot2"], urls["broker"]):
        for name, url in names.items():
            names[name] = paper.mexc_rest_url + urlsplit(url).path
    urls["ws"]["spot"] = paper.mexc_ws_url
    return exchange


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture
async def client(paper: Running) -> AsyncIterator[Any]:
    opened = paper.mexc_control.open_account({"balances": {"USDT": "10000", "MX": "1000"}})
    exchange = pointed_at(ccxt.pro.mexc({"apiKey": opened["api_key"], "secret": opened["secret"]}), paper)
    exchange.opened_uid = opened["uid"]
    yield exchange
    await exchange.close()


async def until(read: Any, wanted: Any) -> None:
    """Asks until the answer is `wanted`: MEXC is always a moment behind."""
    async with asyncio.timeout(20):
        while await read() != wanted:
            await asyncio.sleep(0.02)


async def soon(waiting: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(waiting, 20)


async def test_ccxt_loads_the_markets_with_their_grids_and_limits(client: Any) -> None:
    markets = await client.load_markets()
    assert {BTC, MX, "METAL/USDT", "ETH/BTC"} <= set(markets)
    assert markets[MX]["precision"]["amount"] == 0.01
    assert markets[MX]["precision"]["price"] == 0.0001
    assert markets[MX]["limits"]["cost"]["min"] == 1.0
    assert (markets[BTC]["active"], markets[BTC]["maker"], markets[BTC]["taker"]) == (True, 0.0, 0.0005)
    assert set(await client.fetch_currencies()) >= {"BTC", "USDT", "MX"}


async def test_ccxt_reads_the_market(client: Any) -> None:
    book = await client.fetch_order_book(BTC)
    assert (book["bids"][0][0], book["asks"][0][0]) == (97999.99, 98000.01)
    assert (await client.fetch_ticker(BTC))["last"] == 98000.0
    assert len(await client.fetch_ohlcv(BTC, "1h", limit=5)) == 5
    assert abs(await client.fetch_time() - client.milliseconds()) < 60_000


async def test_ccxt_places_fetches_and_cancels_an_order(client: Any) -> None:
    placed = await client.create_order(MX, "limit", "buy", 10, 3.6, {"clientOrderId": "mine"})
    fetched = await client.fetch_order(placed["id"], MX)
    assert (fetched["status"], fetched["clientOrderId"], fetched["amount"]) == ("open", "mine", 10.0)
    assert [order["id"] for order in await client.fetch_open_orders(MX)] == [placed["id"]]
    # The fee of a purchase is in quote, and is kept back with it.
    assert (await client.fetch_balance())["USDT"] == {"free": 9963.982, "used": 36.018, "total": 10000.0}
    await client.cancel_order(placed["id"], MX)

    async def status() -> Any:
        return (await client.fetch_order(placed["id"], MX))["status"]

    await until(status, "canceled")
    with pytest.raises(BadRequest, match="-2011"):
        await client.cancel_order(placed["id"], MX)


async def test_ccxt_sells_at_market_and_reads_its_fills_and_fees(client: Any) -> None:
    sold = await client.create_order(MX, "market", "sell", 20)

    async def count() -> int:
        return len(await client.fetch_my_trades(MX))

    await until(count, 1)
    trade = (await client.fetch_my_trades(MX))[0]
    assert (trade["order"], trade["amount"], trade["takerOrMaker"]) == (sold["id"], 20.0, "taker")
    assert trade["fee"] == {"currency": "USDT", "cost": pytest.approx(trade["cost"] * 0.0005)}
    order = await client.fetch_order(sold["id"], MX)
    assert (order["status"], order["filled"]) == ("closed", 20.0)


async def test_ccxt_buys_for_an_amount_of_quote(client: Any) -> None:
    bought = await client.create_market_buy_order_with_cost(MX, 37)
    order = await client.fetch_order(bought["id"], MX)
    assert order["status"] == "closed"
    assert 36.9 < order["cost"] <= 37


async def test_ccxt_understands_refusals(client: Any, paper: Running) -> None:
    with pytest.raises(InsufficientFunds):
        await client.create_order(MX, "limit", "sell", 2000, 3.9)
    with pytest.raises(ExchangeError, match="30087"):
        await client.create_order(MX, "limit", "sell", 100, 3.0)
    stranger = pointed_at(ccxt.pro.mexc({"apiKey": "mx0vnobody", "secret": "x"}), paper)
    try:
        with pytest.raises(BadRequest, match="10072"):
            await stranger.fetch_balance()
    finally:
        await stranger.close()


async def test_ccxt_pro_watches_orders_trades_and_balance(client: Any, paper: Running) -> None:
    await client.load_markets()
    watching = [
        asyncio.ensure_future(w) for w in (client.watch_orders(MX), client.watch_my_trades(MX), client.watch_balance())
    ]
    sessions = paper.mexc._sessions
    async with asyncio.timeout(20):
        while sum(len(session.channels) for session in sessions) < 3:
            await asyncio.sleep(0.01)
    placed = await client.create_order(MX, "limit", "sell", 20, 3.9, {"clientOrderId": "tp"})
    orders, balance = await soon(watching[0]), await soon(watching[2])
    assert (orders[-1]["id"], orders[-1]["status"], orders[-1]["clientOrderId"]) == (placed["id"], "open", "tp")
    assert balance["MX"] == {"free": 980.0, "used": 20.0, "total": 1000.0}
    ending = asyncio.ensure_future(client.watch_orders(MX))
    await asyncio.sleep(0)
    paper.mexc_control.fill({"uid": client.opened_uid, "client_order_id": "tp"})
    trades = await soon(watching[1])
    assert (trades[-1]["order"], trades[-1]["amount"], trades[-1]["price"]) == (placed["id"], 20.0, 3.9)
    assert (await soon(ending))[-1]["status"] == "closed"


async def test_ccxt_pro_watches_the_market(client: Any, paper: Running) -> None:
    first = await soon(client.watch_ticker(BTC))
    assert (first["bid"], first["ask"]) == (97999.99, 98000.01)
    paper.mexc_control.move({"symbol": "BTCUSDT", "price": "97000"})
    assert (await soon(client.watch_ticker(BTC)))["bid"] == 96999.99
    candles = await soon(client.watch_ohlcv(BTC, "1m"))
    assert candles[-1][4] == 97000.0
    watching = asyncio.ensure_future(client.watch_trades(BTC))
    async with asyncio.timeout(20):
        while not watching.done():
            paper.mexc_control.move({"symbol": "BTCUSDT", "price": "97001"})
            await asyncio.sleep(0.05)
    assert (await watching)[-1]["price"] == 97001.0


async def test_ccxt_pro_keeps_a_book(client: Any, paper: Running) -> None:
    watching = asyncio.ensure_future(client.watch_order_book(BTC))
    px = 97000
    async with asyncio.timeout(20):
        while not watching.done():
            px += 1
            paper.mexc_control.move({"symbol": "BTCUSDT", "price": str(px)})
            await asyncio.sleep(0.05)
    book = await watching
    assert 96999 < book["bids"][0][0] < book["asks"][0][0] < px + 1
