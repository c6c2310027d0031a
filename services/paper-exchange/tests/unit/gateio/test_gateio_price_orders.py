"""Price orders: when they are taken, when they fire, what becomes of them, and every doubt in both positions."""

from decimal import Decimal
from typing import Any

import pytest

BTC = "BTC_USDT"


def test_a_price_order_locks_nothing_and_becomes_an_order_when_it_fires(desk: Any) -> None:
    name = desk.arm()
    assert desk.locked("BTC") == 0
    desk.move("96000")
    fired = desk.armed(name)
    assert (fired["status"], fired["reason"]) == ("finish", "")
    child = desk.get(str(fired["fired_order_id"]))
    assert (child["text"], child["side"], child["amount"], child["status"]) == ("apiv4", "sell", "0.01", "closed")
    assert str(fired["fired_order_id"]) != name


def test_four_exits_may_wait_for_one_stock_and_the_last_to_fire_fails(desk: Any) -> None:
    names = [
        desk.arm("96000", "<=", amount="0.5", price="90000"),
        desk.arm("99000", ">=", amount="0.5", price="97000"),
        desk.arm("96000", "<=", amount="0.5", price="90000"),
    ]
    desk.move("99000")
    desk.move("96000")
    assert [desk.armed(name)["status"] for name in names] == ["finish", "finish", "failed"]
    failed = desk.armed(names[2])
    assert (failed["reason"], failed["fired_order_id"]) == ("BALANCE_NOT_ENOUGH", 0)


def test_a_limit_child_that_the_price_jumped_over_rests(desk: Any) -> None:
    name = desk.arm(price="95900")
    desk.move("95000", gap=True)
    assert desk.get(str(desk.armed(name)["fired_order_id"]))["status"] == "open"


def test_a_price_order_expires(desk: Any) -> None:
    name = desk.arm(expiration=60)
    desk.now_ms += 60_000
    desk.venue.settle(desk.now_ms)
    assert (desk.armed(name)["status"], desk.armed(name)["fired_order_id"]) == ("expired", 0)
    desk.move("95000")
    assert desk.account.orders == {}


def test_a_price_order_without_expiration_waits_until_it_is_cancelled(desk: Any) -> None:
    name = desk.arm(expiration=None)
    assert "expiration" not in desk.armed(name)["trigger"]


@pytest.mark.parametrize("expiration", [0, 2_592_001, "soon"])
def test_an_expiration_out_of_range_is_refused(desk: Any, expiration: Any) -> None:
    body = desk.price_order()
    body["trigger"]["expiration"] = expiration
    assert desk.label("POST", "spot/price_orders", body) == (400, "INVALID_PARAM_VALUE")


@pytest.mark.parametrize(
    ("trigger", "rule", "label"),
    [
        ("98000", ">=", "AUTO_TRIGGER_PRICE_GREATE_LAST"),
        ("97000", ">=", "AUTO_TRIGGER_PRICE_GREATE_LAST"),
        ("98000", "<=", "AUTO_TRIGGER_PRICE_LESS_LAST"),
        ("99000", "<=", "AUTO_TRIGGER_PRICE_LESS_LAST"),
    ],
)
def test_a_trigger_on_the_wrong_side_of_the_last_price_is_refused(
    desk: Any, trigger: str, rule: str, label: str
) -> None:
    assert desk.label("POST", "spot/price_orders", desk.price_order(trigger, rule)) == (400, label)


def test_without_the_direction_check_the_next_trade_fires_it(desk: Any) -> None:
    desk.switches.trigger_direction_check = False
    name = desk.arm("99000", "<=")
    assert desk.armed(name)["status"] == "open"
    desk.move("98000.1")
    assert desk.armed(name)["status"] == "finish"


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": "hold"},
        {"account": "spot"},
        {"time_in_force": "poc"},
        {"time_in_force": "fok"},
        {"type": "stop"},
        {"type": "market", "time_in_force": "gtc"},
        {"amount": "0"},
        {"price": "0"},
    ],
)
def test_what_put_may_not_say_is_refused(desk: Any, wrong: Any) -> None:
    assert desk.label("POST", "spot/price_orders", desk.price_order(**wrong)) == (400, "INVALID_PARAM_VALUE")


@pytest.mark.parametrize("name", ["side", "price", "amount", "account", "time_in_force"])
def test_what_put_must_say_is_missed(desk: Any, name: str) -> None:
    body = desk.price_order()
    del body["put"][name]
    assert desk.label("POST", "spot/price_orders", body) == (400, "MISSING_REQUIRED_PARAM")


@pytest.mark.parametrize(("part", "name"), [(None, "status"), ("trigger", "text"), ("put", "user")])
def test_other_keys_are_refused_even_as_null_unless_switched(desk: Any, part: Any, name: str) -> None:
    body = desk.price_order()
    (body if part is None else body[part])[name] = None
    assert desk.label("POST", "spot/price_orders", body) == (400, "INVALID_PARAM_VALUE")
    desk.switches.extra_trigger_keys = "ignore"
    assert desk.call("POST", "spot/price_orders", body)[0] == 201


def test_the_same_rule_too_soon_is_a_repeat_request_unless_switched(desk: Any) -> None:
    place = desk.price_order()
    assert desk.call("POST", "spot/price_orders", place)[0] == 201
    desk.now_ms += 1499
    assert desk.label("POST", "spot/price_orders", place) == (400, "REPEAT_REQUEST")
    assert desk.call("POST", "spot/price_orders", desk.price_order("99000", ">="))[0] == 201
    desk.switches.repeat_request = False
    assert desk.call("POST", "spot/price_orders", place)[0] == 201
    desk.switches.repeat_request = True
    desk.now_ms += 1500
    assert desk.call("POST", "spot/price_orders", place)[0] == 201


def test_balances_may_be_checked_or_locked(desk: Any) -> None:
    desk.switches.trigger_balance = "check"
    assert desk.label("POST", "spot/price_orders", desk.price_order(amount="2")) == (400, "BALANCE_NOT_ENOUGH")
    desk.arm(amount="1")
    assert desk.locked("BTC") == 0
    desk.switches.trigger_balance = "lock"
    name = desk.arm(amount="0.6")
    assert desk.locked("BTC") == Decimal("0.6")
    assert desk.label("POST", "spot/price_orders", desk.price_order("99000", ">=", amount="0.6"))[1] == (
        "BALANCE_NOT_ENOUGH"
    )  # fmt: skip
    desk.call("DELETE", f"spot/price_orders/{name}")
    assert desk.locked("BTC") == 0


def test_market_children_are_taken_or_refused(desk: Any) -> None:
    market = {"type": "market", "price": "0", "time_in_force": "ioc"}
    name = desk.arm(**market)
    assert desk.armed(name)["put"]["type"] == "market"
    desk.switches.market_triggers = "refuse"
    answer = desk.call("POST", "spot/price_orders", desk.price_order(**market))
    assert answer == (400, {"label": "INVALID_PARAM_VALUE", "message": "invalid argument: put.type"})
    desk.move("95000", gap=True)
    assert desk.get(str(desk.armed(name)["fired_order_id"]))["type"] == "market"


@pytest.mark.parametrize(("counts", "amount"), [("base", "0.01"), ("quote", "500")])
def test_a_market_purchase_counts_base_or_quote(desk: Any, counts: Any, amount: str) -> None:
    desk.switches.market_buy_trigger_amount = counts
    name = desk.arm("99000", ">=", type="market", side="buy", price="0", amount=amount, time_in_force="ioc")
    desk.move("99000")
    child = desk.get(str(desk.armed(name)["fired_order_id"]))
    spent = Decimal(child["filled_total"])
    assert (spent <= 500 and child["amount"] == "500") if counts == "quote" else child["filled_amount"] == "0.01"


def test_what_is_too_small_is_refused_when_placed_or_fails_when_fired(desk: Any) -> None:
    tiny = {"amount": "0.00001"}
    assert desk.label("POST", "spot/price_orders", desk.price_order(**tiny)) == (400, "INVALID_PARAM_VALUE")
    desk.switches.trigger_minimum_check = False
    name = desk.arm(**tiny)
    desk.move("96000")
    assert (desk.armed(name)["status"], desk.armed(name)["reason"]) == ("failed", "INVALID_PARAM_VALUE")


def test_a_trigger_larger_than_what_is_free_fails_or_shrinks(desk: Any) -> None:
    name = desk.arm(amount="1.5", price="90000")
    desk.switches.oversize_triggers = "shrink"
    desk.move("96000")
    fired = desk.armed(name)
    assert fired["put"]["amount"].startswith("1.5")
    assert desk.get(str(fired["fired_order_id"]))["amount"] == "1"


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
def test_cancelling_answers_the_order_in_either_spelling(desk: Any, word: Any) -> None:
    desk.switches.cancelled_word = word
    name = desk.arm()
    status, answer = desk.call("DELETE", f"spot/price_orders/{name}")
    assert (status, answer["status"], str(answer["id"])) == (200, word, name)


@pytest.mark.parametrize(("label", "status"), [("ORDER_CLOSED", 400), ("CANCEL_FAIL", 400), ("ORDER_NOT_FOUND", 404)])
def test_what_has_ended_cannot_be_cancelled(desk: Any, label: Any, status: int) -> None:
    desk.switches.ended_trigger_label = label
    name = desk.arm()
    desk.move("96000")
    assert desk.label("DELETE", f"spot/price_orders/{name}") == (status, label)
    assert desk.label("DELETE", "spot/price_orders/4711") == (404, "ORDER_NOT_FOUND")


def test_lists_tell_open_from_finished_and_cancel_all_keeps_to_its_market(desk: Any) -> None:
    first, second = desk.arm(), desk.arm("99000", ">=")
    desk.move("96000")

    def listed(**query: Any) -> list[str]:
        return [str(row["id"]) for row in desk.call("GET", "spot/price_orders", **query)[1]]

    assert (listed(status="open"), listed(status="finished", market=BTC)) == ([second], [first])
    assert desk.label("GET", "spot/price_orders") == (400, "MISSING_REQUIRED_PARAM")
    assert desk.call("DELETE", "spot/price_orders", market="ETH_USDT")[1] == []
    assert [row["status"] for row in desk.call("DELETE", "spot/price_orders")[1]] == ["cancelled"]


@pytest.mark.parametrize("text", ["apiv4", "api", "auto", ""])
def test_the_child_is_called_as_switched_and_never_as_a_client_would(desk: Any, text: Any) -> None:
    desk.switches.fired_text = text
    name = desk.arm()
    desk.move("96000")
    assert desk.get(str(desk.armed(name)["fired_order_id"]))["text"] == text


@pytest.mark.parametrize(("told", "first"), [("after_order", "spot.orders"), ("before_order", "spot.priceorders")])
def test_firing_is_told_after_or_before_the_order(desk: Any, told: Any, first: str) -> None:
    desk.switches.fired_told = told
    desk.arm()
    desk.told.clear()
    desk.move("96000")
    assert desk.told[0][0] == first


@pytest.mark.parametrize(("result", "kind"), [("object", dict), ("array", list)])
def test_price_orders_are_pushed_as_an_object_or_a_list(desk: Any, result: Any, kind: type) -> None:
    desk.switches.price_order_result = result
    desk.arm()
    assert [type(body) for channel, body in desk.told if channel == "spot.priceorders"] == [kind]


def test_too_many_price_orders_are_refused(desk: Any) -> None:
    for _ in range(50):
        desk.arm()
    desk.now_ms += 2000
    assert desk.label("POST", "spot/price_orders", desk.price_order()) == (400, "TOO_MANY_ORDERS")
