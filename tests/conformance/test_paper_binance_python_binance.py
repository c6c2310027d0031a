"""python-binance trades on the paper exchange's Binance face; nothing is changed but its URLs."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture
async def client(paper: Running) -> AsyncIterator[Any]:
    class PaperClient(AsyncClient):  # type: ignore[misc]
        API_URL = f"{paper.binance_rest_url}/api"
        MARGIN_API_URL = f"{paper.binance_rest_url}/sapi"
        WS_API_URL = paper.binance_ws_api_url

    opened = paper.control.open_account({"balances": {"USDT": "10000", "BTC": "1"}})
    client = await PaperClient.create(opened["api_key"], opened["secret"])
    client.ws_api.TIMEOUT = 1  # its reader looks only this often whether it has been closed
    yield client
    await client.close_connection()


def sockets(client: Any, paper: Running) -> BinanceSocketManager:
    class PaperSockets(BinanceSocketManager):  # type: ignore[misc]
        STREAM_URL = f"{paper.binance_stream_url}/"

    return PaperSockets(client)


async def test_python_binance_places_queries_and_cancels(client: Any) -> None:
    placed = await client.create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="97000"
    )
    asked = await client.get_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert asked["status"] == "NEW"
    assert len(await client.get_open_orders(symbol="BTCUSDT")) == 1
    canceled = await client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert (canceled["status"], canceled["origClientOrderId"]) == ("CANCELED", placed["clientOrderId"])


async def test_python_binance_reads_account_fees_and_trades(client: Any) -> None:
    await client.order_market_buy(symbol="BTCUSDT", quoteOrderQty="100")
    trades = await client.get_my_trades(symbol="BTCUSDT")
    assert [trade["commissionAsset"] for trade in trades] == ["BTC"]
    assert float((await client.get_asset_balance("USDT"))["free"]) < 9901
    assert (await client.get_symbol_info("BTCUSDT"))["ocoAllowed"]
    assert (await client.get_trade_fee(symbol="BTCUSDT"))[0]["takerCommission"] == "0.00100000"
    assert not (await client.get_account_api_permissions())["enableWithdrawals"]


async def test_python_binance_places_an_oco_list(client: Any) -> None:
    placed = await client.create_oco_order(
        symbol="BTCUSDT", side="SELL", quantity="0.005", aboveType="LIMIT_MAKER", abovePrice="101000",
        belowType="STOP_LOSS_LIMIT", belowStopPrice="96000", belowPrice="95900", belowTimeInForce="GTC",
    )  # fmt: skip
    assert placed["contingencyType"] == "OCO"
    assert len(placed["orders"]) == 2
    assert len(await client.get_open_orders(symbol="BTCUSDT")) == 2


async def test_python_binance_places_over_the_websocket_api(client: Any) -> None:
    placed = await client.ws_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="97000"
    )
    canceled = await client.ws_cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert canceled["status"] == "CANCELED"


async def test_python_binance_gets_codes_of_refusals(client: Any) -> None:
    with pytest.raises(BinanceAPIException) as refused:
        await client.order_limit_buy(symbol="BTCUSDT", quantity="1", price="97000")
    assert (refused.value.code, refused.value.status_code) == (-2010, 400)


async def test_python_binance_hears_its_user_data(client: Any, paper: Running) -> None:
    async with sockets(client, paper).user_socket() as stream:
        await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="97000")
        paper.control.move({"symbol": "BTCUSDT", "price": "97000"})
        events = [await asyncio.wait_for(stream.recv(), 10) for _ in range(4)]
    assert [(event["e"], event.get("X")) for event in events] == [
        ("executionReport", "NEW"),
        ("outboundAccountPosition", None),
        ("executionReport", "FILLED"),
        ("outboundAccountPosition", None),
    ]


async def test_python_binance_hears_the_market(client: Any, paper: Running) -> None:
    async with sockets(client, paper).multiplex_socket(["btcusdt@trade", "btcusdt@kline_1m"]) as stream:
        paper.control.move({"symbol": "BTCUSDT", "price": "98100"})
        heard = [await asyncio.wait_for(stream.recv(), 10) for _ in range(2)]
    assert {message["stream"] for message in heard} == {"btcusdt@trade", "btcusdt@kline_1m"}
