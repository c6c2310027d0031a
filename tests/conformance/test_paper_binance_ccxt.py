"""ccxt and ccxt.pro trade on the paper exchange's Binance face; nothing is changed but their URLs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro
import pytest
from ccxt.base.errors import AuthenticationError, BadRequest, InsufficientFunds, OrderNotFound

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
BTC = "BTC/USDT"


def pointed_at(exchange: Any, paper: Running) -> Any:
    """The client with its spot URLs changed."""
    urls = exchange.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            urls[name] = paper.binance_rest_url + urlsplit(url).path
    urls["ws"]["spot"] = f"{paper.binance_stream_url}/ws"
    urls["ws"]["ws-api"]["spot"] = paper.binance_ws_api_url
    return exchange


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture
async def client(paper: Running) -> AsyncIterator[Any]:
    opened = paper.control.open_account({"balances": {"USDT": "10000", "BTC": "1"}})
    exchange = pointed_at(ccxt.pro.binance({"apiKey": opened["api_key"], "secret": opened["secret"]}), paper)
    yield exchange
    await exchange.close()


async def test_ccxt_loads_the_markets_with_their_grids_and_limits(client: Any) -> None:
    markets = await client.load_markets()
    assert set(markets) == {BTC, "ETH/USDT", "BNB/USDT", "SOL/USDT", "ZEC/USDT", "ETH/BTC"}
    assert markets[BTC]["precision"] == {"amount": 1e-05, "price": 0.01, "base": 1e-08, "quote": 1e-08}
    assert markets[BTC]["limits"]["cost"]["min"] == 5.0
    assert set(await client.fetch_currencies()) >= {"BTC", "USDT", "BNB"}


async def test_ccxt_places_fetches_and_cancels_an_order(client: Any) -> None:
    placed = await client.create_order(BTC, "limit", "buy", 0.01, 97000)
    assert (await client.fetch_order(placed["id"], BTC))["status"] == "open"
    assert [order["id"] for order in await client.fetch_open_orders(BTC)] == [placed["id"]]
    assert (await client.fetch_balance())["USDT"] == {"free": 9030.0, "used": 970.0, "total": 10000.0}
    assert (await client.cancel_order(placed["id"], BTC))["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["free"] == 10000.0


async def test_ccxt_reads_its_fills_and_fees(client: Any) -> None:
    bought = await client.create_order(BTC, "market", "buy", 0.01)
    assert (bought["status"], bought["filled"]) == ("closed", 0.01)
    trades = await client.fetch_my_trades(BTC)
    assert [(trade["order"], trade["amount"], trade["fee"]) for trade in trades] == [
        (bought["id"], 0.01, {"currency": "BTC", "cost": 1e-05})
    ]


async def test_ccxt_protects_a_position_with_an_oco_list(client: Any, paper: Running) -> None:
    placed = await client.privatePostOrderListOco(
        {
            "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.005", "aboveType": "LIMIT_MAKER",
            "abovePrice": "101000", "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "96000", "belowPrice": "95900",
            "belowTimeInForce": "GTC",
        }
    )  # fmt: skip
    paper.control.move({"symbol": "BTCUSDT", "price": "101000"})
    statuses = [(await client.fetch_order(order["orderId"], BTC))["status"] for order in placed["orders"]]
    assert statuses == ["expired", "closed"]


async def test_ccxt_understands_what_is_refused(client: Any) -> None:
    with pytest.raises(InsufficientFunds):
        await client.create_order(BTC, "limit", "buy", 1, 97000)
    with pytest.raises(OrderNotFound):
        await client.fetch_order("4711", BTC)
    with pytest.raises(OrderNotFound):
        await client.cancel_order("4711", BTC)
    with pytest.raises(BadRequest):
        await client.create_order(BTC, "limit", "buy", 0.00001, 97000)
    client.secret = "wrong"
    with pytest.raises(AuthenticationError):
        await client.fetch_balance()


async def test_ccxt_reads_the_public_market(client: Any) -> None:
    assert (await client.fetch_ticker(BTC))["last"] == 98000.0
    book = await client.fetch_order_book(BTC, 5)
    assert book["bids"][0][0] < 98000 < book["asks"][0][0]
    assert len(await client.fetch_ohlcv(BTC, "1h", limit=3)) == 3
    assert len(await client.fetch_tickers()) == 6


async def test_ccxt_pro_watches_orders_and_balances(client: Any, paper: Running) -> None:
    await client.load_markets()
    orders, balance = asyncio.ensure_future(client.watch_orders(BTC)), asyncio.ensure_future(client.watch_balance())
    await until(lambda: listening(paper) > 0)
    placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, 97000)
    assert [(order["id"], order["status"]) for order in await orders] == [(placed["id"], "open")]
    assert (await balance)["USDT"]["used"] == 970.0
    orders = asyncio.ensure_future(client.watch_orders(BTC))
    paper.control.fill({"uid": 700000001, "order_id": int(placed["id"])})
    assert [(order["status"], order["filled"]) for order in await orders] == [("closed", 0.01)]


async def test_ccxt_pro_cancels_over_the_websocket_api(client: Any) -> None:
    placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, 97000)
    assert [order["id"] for order in await client.fetch_open_orders_ws(BTC)] == [placed["id"]]
    assert (await client.cancel_order_ws(placed["id"], BTC))["status"] == "canceled"


async def test_ccxt_pro_watches_the_market(client: Any, paper: Running) -> None:
    assert (await client.watch_ticker(BTC))["last"] == 98000.0
    book = await client.watch_order_book(BTC)
    assert book["bids"][0][0] < 98000 < book["asks"][0][0]
    assert (await client.watch_ohlcv(BTC, "1m"))[-1][4] == 98000.0
    trades = asyncio.ensure_future(client.watch_trades(BTC))
    await until(lambda: heard(paper))
    paper.control.move({"symbol": "BTCUSDT", "price": "98100"})
    assert (await trades)[-1]["price"] == 98100.0


def listening(paper: Running) -> int:
    return len(paper.binance.wsapi.subscribers(700000001))


def heard(paper: Running) -> bool:
    return any(name.endswith("trade") for name in paper.binance.streams.all_names())


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
