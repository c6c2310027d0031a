"""Orders, plans and strategy orders follow the rules of section 12, in every position of the switches."""

from decimal import Decimal
from typing import Any

import pytest


def sample(desk: Any, frame: Any, name: str) -> Any:
    return frame(f"rest.error.{name}") | {"requestTime": desk.now_ms}


# -- orders -----------------------------------------------------------------------------------------------------------


def test_a_limit_purchase_freezes_money_and_a_sale_coins(desk: Any) -> None:
    desk.buy()
    desk.buy(side="sell", price="99000", size="0.5")
    assert (desk.frozen("USDT"), desk.frozen("BTC")) == (Decimal(485), Decimal("0.5"))


def test_the_size_of_a_market_purchase_is_money_and_the_fee_is_taken_from_the_coins(desk: Any) -> None:
    order_id = desk.buy(orderType="market", size="980")["data"]["orderId"]
    row = desk.ask("orderInfo", orderId=order_id)["data"][0]
    assert (row["status"], row["size"], row["price"]) == ("filled", "980.0000000000000000", "0")
    assert desk.free("BTC") == 1 + Decimal(row["baseVolume"]) * Decimal("0.999")
    assert desk.frozen("USDT") == 0


def test_errors_are_worded_as_documented(desk: Any, frame: Any) -> None:
    assert desk.buy(size="1") == sample(desk, frame, "insufficient_balance")
    assert desk.buy(size="0.00001") == sample(desk, frame, "min_notional")
    assert desk.buy(price="97000.001") == sample(desk, frame, "price_step")
    assert desk.trade("cancel-order", symbol="BTCUSDT", orderId="1") == sample(desk, frame, "order_not_exist")
    assert desk.trade("cancel-plan-order", orderId="1") == sample(desk, frame, "plan_not_exist")
    desk.exchange.markets["BTCUSDT"].is_open = False
    assert desk.buy() == sample(desk, frame, "pair_closed")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"size": "0.0000001"}, "40808"),
        ({"symbol": "NOPEUSDT"}, "40034"),
        ({"symbol": ""}, "40019"),
        ({"side": "up"}, "40020"),
        ({"size": "-1"}, "40020"),
        ({"size": "many"}, "40020"),
        ({"price": "103000"}, "40815"),
        ({"side": "sell", "price": "93000"}, "40816"),
        ({"orderType": "market", "size": "400001"}, "45113"),
        ({"tpslType": "tpsl", "clientOid": "x", "triggerPrice": "96000"}, "40020"),
        ({"executeTakeProfitPrice": "99000"}, "40020"),
    ],
)
def test_bad_parameters_have_codes(desk: Any, fields: dict[str, str], code: str) -> None:
    assert desk.buy(**fields)["code"] == code
    assert desk.account.orders == {}


def test_a_body_that_is_no_object_is_refused(desk: Any) -> None:
    assert desk.post("v2/spot/trade/place-order", [1])["code"] == "40017"


def test_a_post_only_order_that_would_take_is_accepted_and_then_cancelled(desk: Any) -> None:
    assert desk.buy(force="post_only", price="98500")["code"] == "00000"
    assert [row["status"] for row in desk.on("orders")] == ["live", "cancelled"]


@pytest.mark.parametrize(("force", "status"), [("ioc", "cancelled"), ("fok", "cancelled"), ("GTC", "live")])
def test_what_does_not_fill_at_once_is_cancelled_by_ioc_and_fok(desk: Any, force: str, status: str) -> None:
    desk.buy(force=force)
    assert desk.on("orders")[-1]["status"] == status


def test_the_same_order_is_cancelled_once_a_second(desk: Any, frame: Any) -> None:
    order_id = desk.buy()["data"]["orderId"]
    again = {"symbol": "BTCUSDT", "orderId": order_id}
    assert desk.trade("cancel-order", **again)["code"] == "00000"
    assert desk.trade("cancel-order", **again) == sample(desk, frame, "cancel_too_fast")
    desk.now_ms += 1000
    assert desk.trade("cancel-order", **again)["code"] == "43001"


def test_cancelling_a_symbol_answers_before_it_happens_and_leaves_plans_alone(desk: Any) -> None:
    desk.buy()
    desk.plan("96000")
    assert desk.trade("cancel-symbol-order", symbol="BTCUSDT")["data"] == {"symbol": "BTCUSDT"}
    assert len(desk.ask("unfilled-orders")["data"]) == 1
    desk.venue.tick(desk.now_ms + 500)
    assert desk.ask("unfilled-orders")["data"] == []
    assert len(desk.ask("current-plan-order")["data"]["orderList"]) == 1


def test_by_client_id_an_order_is_found_for_two_hours(desk: Any) -> None:
    desk.buy(clientOid="mine")
    assert len(desk.ask("orderInfo", clientOid="mine")["data"]) == 1
    desk.now_ms += 2 * 3_600_000 + 1
    assert desk.ask("orderInfo", clientOid="mine")["data"] == []


def test_an_unfilled_order_shows_its_limit_as_average_and_its_average_as_base_price(desk: Any) -> None:
    desk.fill(desk.buy()["data"]["orderId"], "0.002")
    row = desk.ask("unfilled-orders")["data"][0]
    assert (row["priceAvg"], row["basePrice"], row["baseVolume"]) == ("97000", "97000", "0.002")
    assert "price" not in row


@pytest.mark.parametrize("delay_ms", [0, 2000])
def test_ended_orders_may_be_in_neither_list_for_a_while(desk: Any, delay_ms: int) -> None:
    desk.switches.history_delay_ms = delay_ms
    desk.fill(desk.buy()["data"]["orderId"])
    assert desk.ask("unfilled-orders")["data"] == []
    assert len(desk.ask("history-orders")["data"]) == (0 if delay_ms else 1)
    desk.now_ms += delay_ms
    assert len(desk.ask("history-orders")["data"]) == 1


def test_pages_go_back_by_id(desk: Any) -> None:
    ids = [desk.buy(size="0.001")["data"]["orderId"] for _ in range(3)]
    first = desk.ask("unfilled-orders", limit=2)["data"]
    rest = desk.ask("unfilled-orders", limit=2, idLessThan=first[-1]["orderId"])["data"]
    assert [row["orderId"] for row in [*first, *rest]] == ids[::-1]


# -- plans ------------------------------------------------------------------------------------------------------------


def test_four_plans_for_one_stock_of_coins_freeze_nothing(desk: Any) -> None:
    answers = [desk.plan(px, size="1") for px in ("96000", "96000", "100000", "101000")]
    assert ({answer["code"] for answer in answers}, desk.frozen("BTC")) == ({"00000"}, 0)


def test_with_a_balance_check_a_plan_needs_the_coins_but_does_not_keep_them(desk: Any) -> None:
    desk.switches.plan_balance_check = True
    assert desk.plan("96000", size="2")["code"] == "43012"
    assert [desk.plan("96000", size="1")["code"], desk.frozen("BTC")] == ["00000", 0]


def test_with_a_lock_the_second_plan_finds_nothing_free(desk: Any) -> None:
    desk.switches.plan_locks_balance = True
    assert [desk.plan("96000", size="1")["code"], desk.plan("100000", size="1")["code"]] == ["00000", "43012"]
    desk.move("96000")
    assert (desk.on("orders-algo")[-1]["status"], desk.frozen("BTC"), desk.free("BTC")) == ("executed", 0, 0)


@pytest.mark.parametrize("checks", [False, True])
def test_a_plan_below_the_minimum_is_refused_or_fails_when_it_fires(desk: Any, checks: bool) -> None:
    desk.switches.plan_minimum_check = checks
    assert desk.plan("96000", size="0.00001")["code"] == ("45110" if checks else "00000")
    desk.move("95000")
    assert [row["status"] for row in desk.on("orders-algo")][-1:] == ([] if checks else ["fail_execute"])


@pytest.mark.parametrize("first", [False, True])
def test_executed_is_pushed_before_or_after_the_child(desk: Any, first: bool) -> None:
    desk.switches.executed_before_child = first
    desk.plan("96000")
    desk.pushed.clear()
    desk.move("95000")
    told = [push.row["status"] for push in desk.pushed if push.channel in {"orders", "orders-algo"}]
    assert told == (
        ["executing", "executed", "live", "filled"] if first else ["executing", "live", "filled", "executed"]
    )


@pytest.mark.parametrize("name", ["plan_id", "own"])
def test_the_child_is_called_after_the_plan_or_by_its_own_name(desk: Any, name: str) -> None:
    desk.switches.child_client_oid = name
    plan_id = desk.plan("96000", clientOid="p1-SL")["data"]["orderId"]
    desk.move("95000")
    child = desk.ask("plan-sub-order", planOrderId=plan_id)["data"][0]["orderId"]
    assert desk.ask("orderInfo", orderId=child)["data"][0]["clientOid"] == (plan_id if name == "plan_id" else "p1-SL")
    assert desk.ask("orderInfo", clientOid=plan_id if name == "plan_id" else "p1-SL")["data"] == []
    desk.switches.child_found_by_client_oid = True
    found = desk.ask("orderInfo", clientOid=plan_id if name == "plan_id" else "p1-SL")["data"]
    assert [row["orderId"] for row in found] == [child]


@pytest.mark.parametrize("answers", ["failure", "43026"])
def test_cancelling_a_plan_that_fired_fails_in_one_way_or_the_other(desk: Any, frame: Any, answers: str) -> None:
    desk.switches.cancel_fired_plan = answers
    plan_id = desk.plan("96000")["data"]["orderId"]
    desk.move("95000")
    late = desk.trade("cancel-plan-order", orderId=plan_id)
    assert late == sample(desk, frame, "plan_closed") if answers == "43026" else late["data"] == {"result": "failure"}


@pytest.mark.parametrize("refuses", [False, True])
def test_a_trigger_on_the_last_price_is_refused_or_fires_on_the_next_trade(desk: Any, refuses: bool) -> None:
    desk.switches.reject_wrong_side = refuses
    assert desk.plan("98000")["code"] == ("43035" if refuses else "00000")
    desk.move("98100")
    assert [row["status"] for row in desk.on("orders-algo")][-1:] == ([] if refuses else ["executed"])


@pytest.mark.parametrize("turns", [True, False])
def test_modifying_across_the_price_turns_the_direction_or_not(desk: Any, turns: bool) -> None:
    desk.switches.modify_turns_direction = turns
    plan_id = desk.plan("96000")["data"]["orderId"]
    terms = {"orderType": "market", "triggerPrice": "99000", "size": "0.01"}
    assert desk.trade("modify-plan-order", orderId=plan_id, **terms)["data"]["orderId"] == plan_id
    desk.move("98001")
    assert desk.on("orders-algo")[-1]["status"] == ("live" if turns else "executed")


def test_a_stop_on_the_wrong_side_waits_for_the_other_direction(desk: Any) -> None:
    desk.move("95000")
    desk.plan("96000")
    desk.move("90000")
    assert [row["status"] for row in desk.on("orders-algo")] == ["live"]


def test_a_sub_order_can_be_asked_for_only_after_the_trigger(desk: Any) -> None:
    assert desk.ask("plan-sub-order", planOrderId=desk.plan("96000")["data"]["orderId"])["code"] == "40307"


def test_a_failed_plan_has_no_child(desk: Any) -> None:
    plan_id = desk.plan("96000", size="2")["data"]["orderId"]
    desk.move("95000")
    assert desk.ask("plan-sub-order", planOrderId=plan_id)["data"][0]["status"] == "fail"
    assert desk.ask("history-plan-order")["data"]["orderList"][0]["status"] == "fail_execute"


def test_a_symbol_takes_so_many_plans(desk: Any, frame: Any) -> None:
    for _ in range(50):
        desk.plan("96000")
    assert desk.plan("96000") == sample(desk, frame, "plan_limit")


def test_a_limit_plan_needs_an_execute_price(desk: Any) -> None:
    assert desk.plan("96000", orderType="limit")["code"] == "43011"


def test_a_purchase_by_plan_is_sized_in_money(desk: Any) -> None:
    desk.plan("96000", side="buy", planType="total", size="960")
    desk.move("96000")
    assert Decimal(950) < 10000 - desk.free("USDT") <= Decimal(960)


# -- exits attached to an entry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("linked", [True, False])
def test_preset_exits_are_armed_when_the_entry_ends_with_fills(desk: Any, linked: bool) -> None:
    desk.switches.preset_exits_linked = linked
    order_id = desk.buy(presetTakeProfitPrice="99000", presetStopLossPrice="96000")["data"]["orderId"]
    assert desk.ask("unfilled-orders", tpslType="tpsl")["data"] == []
    desk.fill(order_id)
    rows = desk.ask("unfilled-orders", tpslType="tpsl")["data"]
    assert [(row["triggerPrice"], row["size"]) for row in rows] == [("96000", "0.00499"), ("99000", "0.00499")]
    assert desk.frozen("BTC") == 0
    desk.move("99000")
    assert len(desk.ask("unfilled-orders", tpslType="tpsl")["data"]) == (0 if linked else 1)


def test_preset_exits_may_lock_what_was_bought(desk: Any) -> None:
    desk.switches.tpsl_locks_balance = True
    desk.fill(desk.buy(presetTakeProfitPrice="99000", presetStopLossPrice="96000")["data"]["orderId"])
    assert desk.frozen("BTC") == Decimal("0.00499")


@pytest.mark.parametrize("refuses", [False, True])
def test_preset_exits_on_the_wrong_side_are_refused_or_fire_at_once(desk: Any, refuses: bool) -> None:
    desk.switches.reject_wrong_side = refuses
    assert desk.buy(presetStopLossPrice="99000")["code"] == ("43034" if refuses else "00000")


def test_a_tpsl_order_is_cancelled_by_its_id(desk: Any) -> None:
    placed = desk.trade(
        "place-order", symbol="BTCUSDT", side="sell", orderType="market", size="0.01", tpslType="tpsl",
        triggerPrice="96000",
    )["data"]  # fmt: skip
    assert desk.trade("cancel-order", tpslType="tpsl", orderId=placed["orderId"])["data"] == placed
    assert desk.ask("unfilled-orders", tpslType="tpsl")["data"] == []


# -- unified accounts -------------------------------------------------------------------------------------------------

TPSL = {
    "category": "SPOT", "symbol": "BTCUSDT", "type": "tpsl", "tpslMode": "partial", "qty": "0.5", "side": "sell",
    "takeProfit": "100000", "stopLoss": "96000",
}  # fmt: skip


def test_of_a_strategy_order_the_first_leg_to_fire_ends_the_other(uta: Any) -> None:
    placed = uta.post("v3/trade/place-strategy-order", **TPSL)["data"]
    assert uta.frozen("BTC") == 0
    uta.move("100000")
    row = uta.get("v3/trade/history-strategy-orders", category="SPOT")["data"]["list"][0]
    assert (row["orderId"], row["status"], row["triggerType"]) == (placed["orderId"], "success", "takeProfit")
    uta.move("90000")
    assert uta.free("BTC") == Decimal("0.5")


@pytest.mark.parametrize("locks", [False, True])
def test_a_strategy_order_locks_once_for_both_legs_or_not_at_all(uta: Any, locks: bool) -> None:
    uta.switches.strategy_locks_balance = locks
    uta.post("v3/trade/place-strategy-order", **TPSL)
    assert uta.frozen("BTC") == (Decimal("0.5") if locks else 0)


def test_a_strategy_order_is_modified_and_cancelled_as_a_whole(uta: Any) -> None:
    order_id = uta.post("v3/trade/place-strategy-order", **TPSL)["data"]["orderId"]
    change = {"orderId": order_id, "qty": "0.4", "takeProfit": "101000", "stopLoss": "96000"}
    assert uta.post("v3/trade/modify-strategy-order", **change)["data"]["orderId"] == order_id
    assert uta.get("v3/trade/unfilled-strategy-orders")["data"][0]["takeProfit"] == "101000"
    assert uta.post("v3/trade/cancel-strategy-order", orderId=order_id)["data"] is None
    assert uta.post("v3/trade/cancel-strategy-order", orderId=order_id)["code"] == "25204"
    assert [row["status"] for row in uta.on("strategy-order")] == ["pending", "pending", "cancelled"]


def test_a_strategy_order_that_cannot_sell_fails(uta: Any) -> None:
    uta.post("v3/trade/place-strategy-order", **(TPSL | {"qty": "2"}))
    uta.move("96000")
    assert uta.on("strategy-order")[-1]["status"] == "failed"


def test_an_order_is_modified_under_its_id(uta: Any) -> None:
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "timeInForce": "gtc"}
    order_id = uta.post("v3/trade/place-order", **order, price="97000", qty="0.01")["data"]["orderId"]
    assert uta.post("v3/trade/modify-order", orderId=order_id, qty="0.02", price="96000")["data"]["orderId"] == order_id
    row = uta.get("v3/trade/order-info", orderId=order_id)["data"]
    assert (row["qty"], row["price"], uta.frozen("USDT")) == ("0.02", "96000", Decimal(1920))
    assert uta.post("v3/trade/modify-order", orderId=order_id, qty="1")["code"] == "43012"
    assert uta.frozen("USDT") == Decimal(1920)


def test_exits_attached_to_an_entry_of_v3_become_a_strategy_order(uta: Any) -> None:
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "market", "qty": "980"}
    uta.post("v3/trade/place-order", **order, takeProfit="100000", stopLoss="96000")
    row = uta.get("v3/trade/unfilled-strategy-orders")["data"][0]
    assert (row["side"], row["qty"], row["takeProfit"]) == ("sell", "0.00998", "100000")


def test_batches_of_v3_answer_row_by_row(uta: Any) -> None:
    row = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "97000"}
    placed = uta.post("v3/trade/place-batch", [row | {"qty": "0.01"}, row | {"qty": "1"}])["data"]
    assert [answer["code"] for answer in placed] == ["00000", "43012"]
    canceled = uta.post("v3/trade/cancel-batch", [{"orderId": placed[0]["orderId"]}])["data"]
    assert [answer["code"] for answer in canceled] == ["00000"]
