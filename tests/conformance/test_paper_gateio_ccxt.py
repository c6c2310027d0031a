"""ccxt and ccxt.pro trade on the paper exchange's Gate.io face; nothing is changed but their URLs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest
from ccxt.base.errors import AuthenticationError, BadSymbol, InsufficientFunds, InvalidOrder, OrderNotFound

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
BTC = "BTC/USDT"


def pointed_at(exchange: Any, paper: Running) -> Any:
    """The client with its URLs changed."""
    urls = exchange.urls["api"]
    for access in ("public", "private"):
        urls[access] = dict.fromkeys(urls[access], paper.gateio_rest_url)
    urls["spot"] = paper.gateio_ws_url
    return exchange


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture
async def client(paper: Running) -> AsyncIterator[Any]:
    opened = paper.gateio_control.open_account({"balances": {"USDT": "10000", "BTC": "1"}})
    exchange = pointed_at(ccxt.pro.gate({"apiKey": opened["api_key"], "secret": opened["secret"]}), paper)
    yield exchange
    await exchange.close()


async def test_ccxt_loads_the_markets_with_their_grids_and_limits(client: Any) -> None:
    markets = await client.load_markets()
    assert set(markets) == {BTC, "ETH/USDT", "BNB/USDT", "SOL/USDT", "ZEC/USDT", "GT/USDT", "ETH/BTC"}
    assert markets[BTC]["precision"] == {"amount": 1e-06, "price": 0.1}
    assert markets[BTC]["limits"]["cost"]["min"] == 3.0
    assert set(await client.fetch_currencies()) >= {"BTC", "USDT", "GT"}


async def test_ccxt_places_fetches_amends_and_cancels_an_order(client: Any) -> None:
    placed = await client.create_order(BTC, "limit", "buy", 0.01, 97000, {"clientOrderId": "t-mine"})
    found = await client.fetch_order(placed["id"], BTC)
    assert (found["status"], found["clientOrderId"]) == ("open", "t-mine")
    assert [order["id"] for order in await client.fetch_open_orders(BTC)] == [placed["id"]]
    assert (await client.fetch_balance())["USDT"] == {"free": 9030.0, "used": 970.0, "total": 10000.0}
    edited = await client.edit_order(placed["id"], BTC, "limit", "buy", 0.02, 96000)
    assert (edited["id"], edited["amount"]) == (placed["id"], 0.02)
    assert (await client.cancel_order(placed["id"], BTC))["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["free"] == 10000.0


async def test_ccxt_reads_its_fills_and_fees(client: Any) -> None:
    bought = await client.create_order(BTC, "limit", "buy", 0.01, 98100)
    assert (bought["status"], bought["filled"]) == ("closed", 0.01)
    trades = await client.fetch_my_trades(BTC)
    assert [(trade["order"], trade["amount"]) for trade in trades] == [(bought["id"], 0.01)]
    assert (trades[0]["fee"]["currency"], trades[0]["fee"]["cost"]) == ("BTC", 2e-05)
    assert (await client.fetch_trading_fee(BTC))["taker"] == 0.002


async def test_ccxt_spends_a_sum_at_the_market(client: Any) -> None:
    bought = await client.create_market_buy_order_with_cost(BTC, 980)
    assert (bought["status"], bought["filled"]) == ("closed", 0.009999)


async def test_ccxt_protects_a_position_with_a_pair_of_trigger_orders(client: Any, paper: Running) -> None:
    stop = await client.create_order(BTC, "limit", "sell", 0.005, 95000, {"stopLossPrice": 96000})
    profit = await client.create_order(BTC, "limit", "sell", 0.005, 98900, {"takeProfitPrice": 99000})
    assert len(await client.fetch_open_orders(BTC, params={"trigger": True})) == 2
    paper.gateio_control.move({"symbol": "BTCUSDT", "price": "99000"})
    fired = await client.fetch_order(profit["id"], BTC, {"trigger": True})
    assert fired["status"] == "closed"
    child = await client.fetch_order(str(fired["info"]["fired_order_id"]), BTC)
    assert (child["status"], child["filled"]) == ("closed", 0.005)
    canceled = await client.cancel_order(stop["id"], BTC, {"trigger": True})
    assert canceled["status"] == "canceled"


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
async def test_ccxt_understands_either_spelling(client: Any, paper: Running, word: str) -> None:
    paper.gateio_control.switch({"cancelled_word": word})
    stop = await client.create_order(BTC, "limit", "sell", 0.005, 95000, {"stopLossPrice": 96000})
    assert (await client.cancel_order(stop["id"], BTC, {"trigger": True}))["status"] == "canceled"


async def test_ccxt_understands_what_is_refused(client: Any) -> None:
    with pytest.raises(InsufficientFunds):
        await client.create_order(BTC, "limit", "buy", 1, 97000)
    with pytest.raises(OrderNotFound):
        await client.fetch_order("4711", BTC)
    with pytest.raises(InvalidOrder):
        await client.create_order(BTC, "limit", "sell", 0.005, 95000, {"stopLossPrice": 99000})
    with pytest.raises(BadSymbol):
        await client.publicSpotGetOrderBook({"currency_pair": "FOO_USDT"})
    client.secret = "wrong"
    with pytest.raises(AuthenticationError):
        await client.fetch_balance()


async def test_ccxt_reads_the_public_market(client: Any) -> None:
    assert (await client.fetch_ticker(BTC))["last"] == 98000.0
    book = await client.fetch_order_book(BTC, 5)
    assert book["bids"][0][0] < 98000 < book["asks"][0][0]
    assert len(await client.fetch_ohlcv(BTC, "1h", limit=3)) == 3
    assert len(await client.fetch_tickers()) == 7


async def test_ccxt_pro_watches_orders_trades_and_balances(client: Any, paper: Running) -> None:
    await client.load_markets()
    watching = [
        asyncio.ensure_future(work)
        for work in (client.watch_orders(BTC), client.watch_my_trades(BTC), client.watch_balance())
    ]
    await until(lambda: following(paper) == 3)
    placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, 97000)
    orders, trades, balance = watching
    assert [(order["id"], order["status"]) for order in await orders] == [(placed["id"], "open")]
    assert (await balance)["USDT"]["used"] == 970.0
    orders = asyncio.ensure_future(client.watch_orders(BTC))
    paper.gateio_control.fill({"uid": 110000001, "order_id": int(placed["id"])})
    assert [(order["status"], order["filled"]) for order in await orders] == [("closed", 0.01)]
    assert [(trade["order"], trade["amount"]) for trade in await trades] == [(placed["id"], 0.01)]


async def test_ccxt_pro_watches_a_trigger_order_told_in_a_list(client: Any, paper: Running) -> None:
    paper.gateio_control.switch({"price_order_result": "array"})
    await client.load_markets()
    orders = asyncio.ensure_future(client.watch_orders(BTC, params={"trigger": True}))
    await until(lambda: following(paper) == 1)
    placed = await client.create_order(BTC, "limit", "sell", 0.005, 95000, {"stopLossPrice": 96000})
    assert [order["id"] for order in await orders] == [placed["id"]]


async def test_ccxt_pro_cancels_over_the_order_api(client: Any) -> None:
    placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, 97000)
    assert (await client.fetch_order_ws(placed["id"], BTC))["status"] == "open"
    assert (await client.cancel_order_ws(placed["id"], BTC))["status"] == "canceled"
    with pytest.raises(InsufficientFunds):
        await client.create_order_ws(BTC, "limit", "buy", 1, 97000)


async def test_ccxt_pro_watches_the_market(client: Any, paper: Running) -> None:
    assert (await client.watch_ticker(BTC))["last"] == 98000.0
    book = await client.watch_order_book(BTC)
    assert book["bids"][0][0] < 98000 < book["asks"][0][0]
    assert (await client.watch_ohlcv(BTC, "1m"))[-1][4] == 98000.0
    assert (await client.watch_bids_asks([BTC]))[BTC]["bid"] == 97999.9
    trades = asyncio.ensure_future(client.watch_trades(BTC))
    await until(lambda: ("spot.trades", "BTC_USDT") in paper.gateio.streams.topics())
    paper.gateio_control.move({"symbol": "BTCUSDT", "price": "98100"})
    assert (await trades)[-1]["price"] == 98100.0


def following(paper: Running) -> int:
    channels = ("spot.orders", "spot.usertrades", "spot.balances", "spot.priceorders")
    return sum(len(paper.gateio.private.followers(channel, 110000001, "BTC_USDT")) for channel in channels)


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
