"""A request that only asks: answered as it would be carried out, and neither sent nor kept."""

from typing import Any

import pytest

from common.exchanges import Exchange


@pytest.mark.parametrize("exchange", Exchange)
async def test_a_dry_run_sends_and_keeps_nothing_on_any_exchange(house: Any, user: Any, exchange: Exchange) -> None:
    await user.trades_on(house, exchange)
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "dryRun": True, "exchange": exchange.value.upper()}
    reply = await user.ask("POST", "/exchanges/place-order", order, Idempotency_Key="k")
    assert reply.status == 200, reply
    data = reply.body["data"]
    assert data["dryRun"] is True
    legs = data["protection"]["exits"]
    assert {leg["orderRole"] for leg in legs} == {"TP1", "TP2", "SL"}
    assert {"price", "quantity", "notional", "residency", "residencyReason"} <= set(legs[0])
    assert (house.bus.published, house.intents.rows) == ([], {})


async def test_a_dry_run_is_refused_as_the_order_would_be(trader: Any) -> None:
    await trader.ask("PUT", "/risk/limits", {"maxOrderValue": 50})
    limited = await trader.buy(dryRun=True)
    assert (limited.status, limited.body["code"]) == (403, "MAX_ORDER_VALUE")
    too_much = await trader.buy(dryRun=True, sizePct=None, quantity="5")
    assert too_much.body["code"] == "INSUFFICIENT_BALANCE"


async def test_an_oco_can_be_tried_dry_as_well(house: Any, trader: Any) -> None:
    oco = {
        "symbol": "BTCUSDT",
        "sizePct": 1,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "105000",
        "belowType": "STOP_LOSS_LIMIT",
        "belowPrice": "94900",
        "belowStopPrice": "95000",
        "dryRun": True,
    }
    reply = await trader.ask("POST", "/exchanges/place-oco-order?exchange=BINANCE", oco)
    target, stop = reply.body["data"]["exits"]
    assert (reply.body["data"]["quantity"], target["price"]) == ("0.4975", "105000")
    assert (stop["stopPrice"], stop["price"], stop["notional"]) == ("95000", "94900", "47212.75")
    assert house.bus.published == []
