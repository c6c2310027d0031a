"""Gate.io's own Python client trades on the paper exchange; nothing is changed but its host, key and secret."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import gate_api
import pytest
from gate_api.exceptions import GateApiException

from paper_exchange.app import Running
from paper_exchange.testing import serve

pytestmark = pytest.mark.connected
BTC = "BTC_USDT"


@pytest.fixture
async def paper() -> AsyncIterator[Running]:
    async with serve() as running:
        yield running


@pytest.fixture
async def client(paper: Running) -> Any:
    opened = paper.gateio_control.open_account({"balances": {"USDT": "10000", "BTC": "1"}})
    return gate_api.ApiClient(
        gate_api.Configuration(host=paper.gateio_rest_url, key=opened["api_key"], secret=opened["secret"])
    )


@pytest.fixture
async def spot(client: Any) -> Any:
    return gate_api.SpotApi(client)


def limit(**fields: Any) -> Any:
    body = {"currency_pair": BTC, "side": "buy", "amount": "0.01", "price": "97000", "text": "t-mine"}
    return gate_api.Order(**(body | fields))


async def test_it_reads_the_market(spot: Any) -> None:
    assert len(await asyncio.to_thread(spot.list_currency_pairs)) == 7
    (ticker,) = await asyncio.to_thread(spot.list_tickers, currency_pair=BTC)
    assert ticker.last == "98000"
    book = await asyncio.to_thread(spot.list_order_book, BTC, with_id=True)
    assert book.bids[0][0] == "97999.9"
    assert len(await asyncio.to_thread(spot.list_candlesticks, BTC, interval="1h", limit=3)) == 3
    assert (await asyncio.to_thread(spot.get_system_time)).server_time > 0


async def test_it_places_amends_and_cancels_an_order(spot: Any) -> None:
    placed = await asyncio.to_thread(spot.create_order, limit())
    assert (placed.status, placed.text, placed.left) == ("open", "t-mine", "0.01")
    patch = gate_api.OrderPatch(currency_pair=BTC, amount="0.02")
    assert (await asyncio.to_thread(spot.amend_order, placed.id, patch)).amount == "0.02"
    assert (await asyncio.to_thread(spot.get_order, placed.id, BTC)).amount == "0.02"
    (by_pair,) = await asyncio.to_thread(spot.list_all_open_orders)
    assert [order.id for order in by_pair.orders] == [placed.id]
    assert (await asyncio.to_thread(spot.cancel_order, placed.id, BTC)).status == "cancelled"


async def test_it_places_and_cancels_batches(spot: Any) -> None:
    orders = [limit(text=f"t-{number}") for number in range(3)]
    placed = await asyncio.to_thread(spot.create_batch_orders, orders)
    assert [order.succeeded for order in placed] == [True] * 3
    named = [gate_api.CancelBatchOrder(currency_pair=BTC, id=order.id) for order in placed]
    assert [row.succeeded for row in await asyncio.to_thread(spot.cancel_batch_orders, named)] == [True] * 3


async def test_it_reads_its_fills_fees_and_balances(spot: Any) -> None:
    await asyncio.to_thread(spot.create_order, limit(price="98100"))
    (fill,) = await asyncio.to_thread(spot.list_my_trades, currency_pair=BTC)
    assert (fill.amount, fill.fee, fill.fee_currency) == ("0.01", "0.00002", "BTC")
    accounts = {row.currency: row.available for row in await asyncio.to_thread(spot.list_spot_accounts)}
    assert accounts["BTC"] == "1.00998"
    fees = await asyncio.to_thread(spot.get_batch_spot_fee, "BTC_USDT,ETH_USDT")
    assert fees["ETH_USDT"].taker_fee == "0.002"


async def test_it_arms_lists_and_cancels_a_price_order(spot: Any, paper: Running) -> None:
    def order(price: str, rule: str) -> Any:
        trigger = gate_api.SpotPriceTrigger(price=price, rule=rule, expiration=3600)
        put = gate_api.SpotPricePutOrder(
            side="sell", price="95000", amount="0.01", account="normal", time_in_force="gtc", type="limit"
        )
        return gate_api.SpotPriceTriggeredOrder(trigger=trigger, put=put, market=BTC)

    stop = await asyncio.to_thread(spot.create_spot_price_triggered_order, order("96000", "<="))
    profit = await asyncio.to_thread(spot.create_spot_price_triggered_order, order("99000", ">="))
    assert len(await asyncio.to_thread(spot.list_spot_price_triggered_orders, "open", market=BTC)) == 2
    paper.gateio_control.move({"symbol": "BTCUSDT", "price": "96000"})
    fired = await asyncio.to_thread(spot.get_spot_price_triggered_order, str(stop.id))
    assert fired.status == "finish"
    child = await asyncio.to_thread(spot.get_order, str(fired.fired_order_id), BTC)
    assert (child.status, child.filled_amount) == ("closed", "0.01")
    canceled = await asyncio.to_thread(spot.cancel_spot_price_triggered_order, str(profit.id))
    assert canceled.status == "cancelled"


async def test_it_understands_what_is_refused(spot: Any) -> None:
    with pytest.raises(GateApiException) as refused:
        await asyncio.to_thread(spot.create_order, limit(amount="1"))
    assert refused.value.label == "BALANCE_NOT_ENOUGH"


async def test_it_reads_the_account_and_transfers(client: Any) -> None:
    detail = await asyncio.to_thread(gate_api.AccountApi(client).get_account_detail)
    assert detail.user_id == 110000001
    transfer = gate_api.Transfer(currency="USDT", _from="spot", to="futures", amount="5", settle="usdt")
    assert (await asyncio.to_thread(gate_api.WalletApi(client).transfer, transfer)).tx_id
