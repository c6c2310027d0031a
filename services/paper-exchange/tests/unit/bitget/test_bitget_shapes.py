"""Answers and pushes have the fields of the documented ones, in kind and in spelling."""

import json
from decimal import Decimal
from typing import Any

import pytest


def kinds(value: Any) -> Any:
    """The shape of a payload: names and kinds, lists by their first item."""
    if isinstance(value, dict):
        return {name: kinds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    return type(value).__name__


def shape(answer: Any) -> Any:
    return kinds(answer["data"])


def test_public_answers(desk: Any, frame: Any) -> None:
    desk.move("98010")
    pairs: dict[str, tuple[str, dict[str, Any]]] = {
        "v2/public/time": ("rest.time", {}),
        "v2/spot/public/symbols": ("rest.symbols", {"symbol": "BTCUSDT"}),
        "v2/spot/public/coins": ("rest.coins", {"coin": "BTC"}),
        "v2/spot/market/tickers": ("rest.tickers", {"symbol": "BTCUSDT"}),
        "v2/spot/market/orderbook": ("rest.orderbook", {"symbol": "BTCUSDT", "limit": 2}),
        "v2/spot/market/candles": ("rest.candles", {"symbol": "BTCUSDT", "granularity": "1min", "limit": 2}),
        "v2/spot/market/fills": ("rest.market_fills", {"symbol": "BTCUSDT"}),
    }
    for path, (sample, params) in pairs.items():
        assert shape(desk.get(path, **params)) == shape(frame(sample)), path


def test_account_answers(desk: Any, frame: Any) -> None:
    assert shape(desk.get("v2/spot/account/assets")) == shape(frame("rest.assets"))
    assert shape(desk.get("v2/spot/account/info")) == shape(frame("rest.account_info"))
    rate = desk.get("v2/common/trade-rate", symbol="BTCUSDT", businessType="spot")
    assert shape(rate) == shape(frame("rest.trade_rate"))


def test_order_answers(desk: Any, frame: Any) -> None:
    placed = desk.buy(presetTakeProfitPrice="99000", presetStopLossPrice="96000")
    assert shape(placed) == shape(frame("rest.place_order"))
    order_id = placed["data"]["orderId"]
    assert shape(desk.ask("unfilled-orders")) == shape(frame("rest.unfilled_orders"))
    desk.fill(order_id, "0.002")
    assert shape(desk.ask("orderInfo", orderId=order_id)) == shape(frame("rest.order_info.limit_partial"))
    assert shape(desk.ask("fills")) == shape(frame("rest.fills"))
    assert shape(desk.trade("cancel-order", symbol="BTCUSDT", orderId=order_id)) == shape(frame("rest.cancel_order"))
    assert shape(desk.ask("history-orders")) == shape(frame("rest.history_orders"))
    assert shape(desk.ask("unfilled-orders", tpslType="tpsl")) == shape(frame("rest.unfilled_orders.tpsl"))
    assert desk.ask("orderInfo", orderId="1")["data"] == frame("rest.order_info.not_found")["data"]


def test_batch_answers(desk: Any, frame: Any) -> None:
    row = {"side": "buy", "orderType": "limit", "force": "gtc", "price": "97000", "size": "0.001", "clientOid": "leg-1"}
    batch = desk.trade("batch-orders", symbol="BTCUSDT", orderList=[row, row])
    assert shape(batch) == shape(frame("rest.batch_orders"))
    assert batch["data"]["failureList"][0]["errorCode"] == "43118"
    named = [{"orderId": batch["data"]["successList"][0]["orderId"]}, {"orderId": "1"}]
    canceled = desk.trade("batch-cancel-order", symbol="BTCUSDT", orderList=named)
    assert shape(canceled) == shape(frame("rest.batch_cancel_order"))
    assert canceled["data"]["failureList"][0]["errorMsg"] == "The order does not exist"


def test_replacing_answers(desk: Any, frame: Any) -> None:
    first = desk.buy()["data"]["orderId"]
    terms = {"symbol": "BTCUSDT", "price": "96500", "size": "0.005"}
    replaced = desk.trade("cancel-replace-order", orderId=first, **terms)
    assert shape(replaced) == shape(frame("rest.cancel_replace_order"))
    desk.buy(clientOid="taken")
    second = replaced["data"]["orderId"]
    failed = desk.trade("cancel-replace-order", orderId=second, newClientOid="taken", **terms)
    assert shape(failed) == shape(frame("rest.cancel_replace_order.failure"))
    assert desk.ask("orderInfo", orderId=second)["data"][0]["status"] == "cancelled"


def test_plan_answers(desk: Any, frame: Any) -> None:
    placed = desk.plan("96000", orderType="limit", executePrice="95900", clientOid="p1-SL")
    assert shape(placed) == shape(frame("rest.place_plan_order"))
    order_id = placed["data"]["orderId"]
    assert shape(desk.ask("current-plan-order")) == shape(frame("rest.current_plan_order"))
    terms = {"orderType": "market", "triggerPrice": "96500", "size": "0.02"}
    modified = desk.trade("modify-plan-order", orderId=order_id, **terms)
    assert (shape(modified), modified["data"]["orderId"]) == (shape(frame("rest.modify_plan_order")), order_id)
    desk.move("96500")
    assert shape(desk.ask("plan-sub-order", planOrderId=order_id)) == shape(frame("rest.plan_sub_order"))
    assert shape(desk.ask("history-plan-order")) == shape(frame("rest.history_plan_order"))
    late = desk.trade("cancel-plan-order", orderId=order_id)
    assert late["data"] == frame("rest.cancel_plan_order.failure")["data"]
    other = desk.plan("95000")["data"]["orderId"]
    assert desk.trade("cancel-plan-order", orderId=other)["data"] == frame("rest.cancel_plan_order")["data"]
    desk.plan("95000")
    everything = desk.trade("batch-cancel-plan-order")["data"]
    assert len(everything["successList"]) == 1
    assert everything["failureList"] == []


def test_pushes_of_a_limit_purchase(desk: Any, frame: Any) -> None:
    order_id = desk.buy()["data"]["orderId"]
    desk.fill(order_id, "0.002")
    desk.fill(order_id)
    live, part, whole = desk.on("orders")
    assert kinds(live) == kinds(frame("ws.orders.live")["data"][0])
    assert kinds(part) == kinds(frame("ws.orders.partially_filled.limit_buy")["data"][0])
    assert kinds(whole) == kinds(frame("ws.orders.filled.limit_buy")["data"][0])
    assert kinds(desk.on("fill")[0]) == kinds(frame("ws.fill")["data"][0])
    assert kinds(desk.on("account")[0]) == kinds(frame("ws.account")["data"][0])
    assert [row["accBaseVolume"] for row in (live, part, whole)] == ["0.00000", "0.00200", "0.00500"]
    assert (live["newSize"], live["size"]) == ("0.00500", "485.0000")


def test_the_filled_push_may_come_without_the_fill(desk: Any, frame: Any) -> None:
    desk.switches.filled_push_has_fill = False
    desk.fill(desk.buy()["data"]["orderId"])
    assert kinds(desk.on("orders")[-1]) == kinds(frame("ws.orders.filled.no_fill_keys")["data"][0])


@pytest.mark.parametrize("status", ["live", "executing", "executed", "cancelled", "fail_execute"])
def test_pushes_of_plans(desk: Any, frame: Any, status: str) -> None:
    order_id = desk.plan("96000", clientOid="p1-SL", size="2" if status == "fail_execute" else "1")["data"]["orderId"]
    if status == "cancelled":
        desk.trade("cancel-plan-order", orderId=order_id)
    desk.move("95000")
    rows = {row["status"]: row for row in desk.on("orders-algo")}
    sample = frame(f"ws.orders_algo.{status}")["data"][0]
    assert kinds(rows[status]) == kinds(sample)
    assert {name: rows[status][name] for name in ("planType", "triggerType", "price")} == {
        "planType": "amount", "triggerType": "fill_price", "price": "96000.000000000",
    }  # fmt: skip


def test_fees_have_the_sign_and_shape_of_their_channel(desk: Any, uta: Any) -> None:
    order_id = desk.buy()["data"]["orderId"]
    desk.fill(order_id)
    detail = json.loads(desk.ask("orderInfo", orderId=order_id)["data"][0]["feeDetail"], parse_float=Decimal)
    assert (detail["BTC"]["totalFee"], detail["newFees"]["t"]) == (Decimal("-0.000005"), Decimal("-0.000005"))
    assert "E-6" in desk.ask("orderInfo", orderId=order_id)["data"][0]["feeDetail"]
    assert desk.ask("fills")["data"][0]["feeDetail"]["totalFee"] == "-0.000005"
    pushed = desk.on("orders")[-1]
    assert (pushed["fillFee"], pushed["feeDetail"]) == ("-0.000005", [{"feeCoin": "BTC", "fee": "-0.000005"}])
    assert desk.on("fill")[0]["feeDetail"][0]["totalFee"] == "0.000005"
    uta.post("v3/trade/place-order", category="SPOT", symbol="BTCUSDT", side="buy", orderType="market", qty="100")
    row = uta.get("v3/trade/history-orders", category="SPOT")["data"]["list"][0]
    assert Decimal(row["feeDetail"][0]["fee"]) > 0
    assert Decimal(uta.on("fill")[0]["feeDetail"][0]["fee"]) > 0


def test_uta_answers(uta: Any, frame: Any) -> None:
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "market", "qty": "100"}
    order_id = uta.post("v3/trade/place-order", **order)["data"]["orderId"]
    assert shape(uta.get("v3/trade/order-info", orderId=order_id)) == shape(frame("uta.order_info.spot_market_buy"))
    asked = frame("uta.place_strategy_order.request.tpsl") | {"takeProfit": "101000", "tpLimitPrice": "100900"}
    asked |= {"stopLoss": "96000", "qty": "0.01"}
    placed = uta.post("v3/trade/place-strategy-order", asked)
    assert shape(placed) == shape(frame("uta.place_strategy_order"))
    pending = uta.get("v3/trade/unfilled-strategy-orders", category="SPOT")["data"][0]
    assert kinds(pending) == kinds(frame("uta.unfilled_strategy_orders")["data"][0]) | {"triggerType": "str"}
    uta.move("96000")
    pushed = uta.on("strategy-order")
    assert kinds(pushed[-1]) == kinds(frame("uta.ws.strategy_order")["data"][0])
    assert [row["status"] for row in pushed] == ["pending", "submitting", "success"]
    assert pushed[-1]["triggerType"] == "stopLoss"
