"""ccxt and ccxt.pro trade on the paper exchange's Bitget face; nothing is changed but their URLs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import pytest
from ccxt.base.errors import AuthenticationError, ExchangeError, InsufficientFunds, InvalidOrder, OrderNotFound

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
BTC = "BTC/USDT"
KINDS = ("classic", "uta")


def pointed_at(exchange: Any, paper: Running) -> Any:
    """The client with its URLs changed."""
    urls = exchange.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            urls[name] = paper.bitget_rest_url
    urls["ws"]["public"], urls["ws"]["private"] = paper.bitget_ws_public_url, paper.bitget_ws_private_url
    urls["ws"]["utaPublic"] = paper.bitget_uta_ws_public_url
    urls["ws"]["utaPrivate"] = paper.bitget_uta_ws_private_url
    return exchange


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


async def opened(paper: Running, kind: str) -> Any:
    account = paper.bitget_control.open_account({"balances": {"USDT": "10000", "BTC": "1"}, "kind": kind})
    credentials = {"apiKey": account["api_key"], "secret": account["secret"], "password": account["passphrase"]}
    client = pointed_at(ccxt.pro.bitget(credentials), paper)
    client.uid = str(account["uid"])
    return client


@pytest.fixture(params=KINDS)
async def client(paper: Running, request: Any) -> AsyncIterator[Any]:
    """One client of a Classic account, one of a unified one."""
    exchange = await opened(paper, request.param)
    yield exchange
    await exchange.close()


@pytest.fixture
async def classic(paper: Running) -> AsyncIterator[Any]:
    exchange = await opened(paper, "classic")
    yield exchange
    await exchange.close()


@pytest.fixture
async def uta(paper: Running) -> AsyncIterator[Any]:
    exchange = await opened(paper, "uta")
    yield exchange
    await exchange.close()


async def test_ccxt_loads_the_markets_with_their_grids_and_limits(client: Any) -> None:
    markets = await client.load_markets()
    assert set(markets) == {BTC, "ETH/USDT", "BNB/USDT", "SOL/USDT", "ZEC/USDT", "ETH/BTC"}
    assert (markets[BTC]["precision"]["amount"], markets[BTC]["precision"]["price"]) == (1e-05, 0.01)
    assert markets[BTC]["limits"]["cost"]["min"] == 1.0


async def test_ccxt_finds_out_which_kind_of_account_it_has(classic: Any, uta: Any) -> None:
    await classic.load_markets()
    await uta.load_markets()
    assert (classic.options["uta"], uta.options["uta"]) == (False, True)


async def test_ccxt_places_fetches_and_cancels_an_order(client: Any) -> None:
    placed = await client.create_order(BTC, "limit", "buy", 0.01, 97000, {"clientOrderId": "my-entry"})
    fetched = await client.fetch_order(placed["id"], BTC)
    assert (fetched["status"], fetched["clientOrderId"], fetched["price"]) == ("open", "my-entry", 97000.0)
    assert [order["id"] for order in await client.fetch_open_orders(BTC)] == [placed["id"]]
    balance = (await client.fetch_balance())["USDT"]
    assert (balance["free"], balance["used"], balance["total"]) == (9030.0, 970.0, 10000.0)
    await client.cancel_order(placed["id"], BTC)
    assert (await client.fetch_order(placed["id"], BTC))["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["free"] == 10000.0


async def test_ccxt_buys_for_money_and_reads_its_fills_and_fees(client: Any) -> None:
    buy = {"createMarketBuyOrderRequiresPrice": False}
    bought = await client.create_order(BTC, "market", "buy", 980, None, buy)
    order = await client.fetch_order(bought["id"], BTC)
    assert order["status"] == "closed"
    trades = await client.fetch_my_trades(BTC)
    assert sum(trade["amount"] for trade in trades) == order["filled"]
    assert {trade["fee"]["currency"] for trade in trades} == {"BTC"}
    held = (await client.fetch_balance())["BTC"]["total"]
    assert held == pytest.approx(1 + order["filled"] * 0.999, abs=1e-8)


async def test_ccxt_places_lists_and_cancels_a_trigger_order(classic: Any, paper: Running) -> None:
    stop = await classic.create_order(BTC, "market", "sell", 0.5, None, {"triggerPrice": 96000})
    target = await classic.create_order(BTC, "limit", "sell", 0.5, 101000, {"triggerPrice": 101000})
    pending = await classic.fetch_open_orders(BTC, params={"trigger": True})
    assert {order["id"]: order["triggerPrice"] for order in pending} == {stop["id"]: 96000.0, target["id"]: 101000.0}
    assert (await classic.fetch_balance())["BTC"]["used"] == 0
    await classic.cancel_order(target["id"], BTC, {"trigger": True})
    paper.bitget_control.move({"symbol": "BTCUSDT", "price": "95000"})
    assert await classic.fetch_open_orders(BTC, params={"trigger": True}) == []
    sold = await classic.fetch_my_trades(BTC)
    assert sum(trade["amount"] for trade in sold) == pytest.approx(0.5)
    child = await classic.fetch_order(sold[0]["order"], BTC)
    assert (child["clientOrderId"], child["status"]) == (stop["id"], "closed")


async def test_ccxt_places_and_cancels_a_strategy_order_of_a_unified_account(uta: Any, paper: Running) -> None:
    stop = await uta.create_order(BTC, "market", "sell", 0.5, None, {"stopLossPrice": 96000})
    target = await uta.create_order(BTC, "market", "sell", 0.5, None, {"takeProfitPrice": 101000})
    pending = await uta.fetch_open_orders(BTC, params={"trigger": True})
    assert {order["id"] for order in pending} == {stop["id"], target["id"]}
    await uta.cancel_order(target["id"], BTC, {"trigger": True})
    paper.bitget_control.move({"symbol": "BTCUSDT", "price": "95000"})
    assert (await uta.fetch_balance())["BTC"]["free"] == 0.5


async def test_ccxt_understands_what_is_refused(classic: Any) -> None:
    with pytest.raises(InsufficientFunds):
        await classic.create_order(BTC, "limit", "buy", 1, 97000)
    with pytest.raises(OrderNotFound):
        await classic.fetch_order("4711", BTC)
    with pytest.raises((OrderNotFound, InvalidOrder, ExchangeError)):
        await classic.cancel_order("4711", BTC)
    with pytest.raises((InvalidOrder, ExchangeError)):
        await classic.create_order(BTC, "limit", "buy", 0.00001, 97000)
    classic.secret = "wrong"
    with pytest.raises(AuthenticationError):
        await classic.fetch_balance()


async def test_ccxt_reads_the_public_market(classic: Any) -> None:
    assert (await classic.fetch_ticker(BTC))["last"] == 98000.0
    book = await classic.fetch_order_book(BTC, 5)
    assert book["bids"][0][0] < 98000 < book["asks"][0][0]
    assert len(await classic.fetch_ohlcv(BTC, "1h", limit=3)) == 3
    assert len(await classic.fetch_tickers()) == 6


async def test_ccxt_pro_watches_orders_and_fills(client: Any, paper: Running) -> None:
    is_uta = await kind_of(client) == "uta"
    params = {"uta": True} if is_uta else {}
    orders = asyncio.ensure_future(client.watch_orders(BTC, params=params))
    fills = asyncio.ensure_future(client.watch_my_trades(BTC, params=params))
    uid = int(client.uid)
    await until(lambda: paper.bitget.listeners(uid, "order" if is_uta else "orders") > 0)
    await until(lambda: paper.bitget.listeners(uid, "fill") > 0)
    placed = await client.create_order(BTC, "limit", "buy", 0.01, 97000)
    assert [(order["id"], order["status"]) for order in await orders] == [(placed["id"], "open")]
    orders = asyncio.ensure_future(client.watch_orders(BTC, params=params))
    await asyncio.sleep(0)
    paper.bitget_control.fill({"uid": uid, "order_id": placed["id"]})
    assert [(order["status"], order["filled"]) for order in await orders] == [("closed", 0.01)]
    assert [(fill["price"], fill["amount"], fill["fee"]["cost"]) for fill in await fills] == [(97000.0, 0.01, 1e-05)]


async def test_ccxt_pro_watches_trigger_orders(classic: Any, paper: Running) -> None:
    watching = asyncio.ensure_future(classic.watch_orders(BTC, params={"trigger": True}))
    await until(lambda: paper.bitget.listeners(int(classic.uid), "orders-algo") > 0)
    placed = await classic.create_order(BTC, "market", "sell", 0.01, None, {"triggerPrice": 96000})
    assert [(order["id"], order["triggerPrice"]) for order in await watching] == [(placed["id"], 96000.0)]


async def test_ccxt_pro_watches_balances(client: Any, paper: Running) -> None:
    params = {"uta": True} if await kind_of(client) == "uta" else {}
    balance = await client.watch_balance(params)
    assert balance["USDT"]["free"] == 10000.0
    watching = asyncio.ensure_future(client.watch_balance(params))
    await asyncio.sleep(0)
    paper.bitget_control.deposit(int(client.uid), {"asset": "USDT", "qty": "5"})
    assert (await watching)["USDT"]["free"] == 10005.0


async def test_ccxt_pro_watches_the_market(client: Any, paper: Running) -> None:
    params = {"uta": True} if await kind_of(client) == "uta" else {}
    assert (await client.watch_ticker(BTC, params))["last"] == 98000.0
    book = await client.watch_order_book(BTC, None, params)
    assert book["bids"][0][0] < 98000 < book["asks"][0][0]
    assert (await client.watch_ohlcv(BTC, "1m", None, None, params))[-1][4] == 98000.0
    trades = asyncio.ensure_future(client.watch_trades(BTC, None, None, params))
    await until(lambda: any(topic.kind == "trade" for topic in paper.bitget.markets.topics()))
    paper.bitget_control.move({"symbol": "BTCUSDT", "price": "98100"})
    assert (await trades)[-1]["price"] == 98100.0


async def kind_of(client: Any) -> str:
    await client.load_markets()
    return "uta" if client.options["uta"] else "classic"


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)
