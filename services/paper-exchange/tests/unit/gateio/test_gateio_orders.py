"""Orders: what they lock, what they cost, how they end, and how they are found."""

from decimal import Decimal
from typing import Any

import pytest

BTC = "BTC_USDT"


def test_a_limit_order_locks_its_price_times_its_amount(desk: Any) -> None:
    order = desk.place(text="t-a")
    assert (order["text"], order["status"], order["left"], order["finish_as"]) == ("t-a", "open", "0.01", "open")
    assert (desk.free("USDT"), desk.locked("USDT")) == (9030, 970)
    rows = desk.call("GET", "spot/accounts", currency="USDT")[1]
    assert rows == [{"currency": "USDT", "available": "9030", "locked": "970", "update_id": 2}]


def test_a_purchase_pays_its_fee_in_what_it_bought(desk: Any) -> None:
    order = desk.place(price="98100", amount="0.01")
    assert (order["status"], order["finish_as"], order["fee"], order["fee_currency"]) == (
        "closed", "filled", "0.00002", "BTC",
    )  # fmt: skip
    assert desk.free("BTC") == Decimal("1.00998")
    assert order["fill_price"] == order["filled_total"]


def test_a_sale_pays_its_fee_in_what_it_was_paid(desk: Any) -> None:
    order = desk.market("sell", "0.01")
    assert order["fee_currency"] == "USDT"
    assert desk.free("USDT") == 10000 + Decimal(order["filled_total"]) - Decimal(order["fee"])


def test_fees_may_be_taken_in_gt(a_desk: Any) -> None:
    desk = a_desk(discount=True, USDT="10000", GT="100")
    order = desk.place(price="98100", amount="0.01")
    assert (order["fee"], order["gt_discount"], order["gt_taker_fee"]) == ("0", True, "0.0016")
    assert Decimal(order["gt_fee"]) == 100 - desk.free("GT") > 0
    assert desk.free("BTC") == Decimal("0.01")
    row = desk.call("GET", "spot/my_trades", currency_pair=BTC)[1][0]
    assert (row["fee"], row["fee_currency"], row["gt_fee"]) == ("0", "BTC", order["gt_fee"])
    rows = [(row["currency"], row["change_type"]) for row in desk.heard("spot.balances")]
    assert rows[-1] == ("GT", "trade-fee-deduct")


def test_a_market_purchase_counts_in_quote_and_leaves_a_rest(desk: Any) -> None:
    order = desk.market("buy", "100")
    assert (order["amount"], order["price"], order["status"], order["finish_as"]) == ("100", "0", "closed", "filled")
    assert Decimal(order["left"]) == 100 - Decimal(order["filled_total"]) > 0
    assert Decimal(order["filled_amount"]) == Decimal("0.00102")


def test_a_market_order_bounded_by_slippage_ends_at_its_bound(a_desk: Any) -> None:
    desk = a_desk(BTC="10")
    order = desk.market("sell", "10", slippage="0.0001")
    assert (order["status"], order["finish_as"], order["price"]) == ("cancelled", "ioc", "0")
    assert 0 < Decimal(order["filled_amount"]) < 10
    assert desk.locked("BTC") == 0


def test_what_an_immediate_order_does_not_fill_is_cancelled(desk: Any) -> None:
    order = desk.place(time_in_force="ioc")
    assert (order["status"], order["finish_as"], order["left"]) == ("cancelled", "ioc", "0.01")
    assert [row["event"] for row in desk.heard("spot.orders")] == ["put", "finish"]


def test_a_cancelled_order_keeps_its_fills(desk: Any) -> None:
    order = desk.place()
    desk.exchange.fill(desk.account.orders["BTCUSDT", int(order["id"])], Decimal("0.004"), desk.now_ms)
    canceled = desk.call("DELETE", f"spot/orders/{order['id']}", currency_pair=BTC)[1]
    assert (canceled["status"], canceled["filled_amount"], canceled["left"]) == ("cancelled", "0.004", "0.006")
    assert (canceled["fee"], canceled["avg_deal_price"]) == ("0.000008", "97000")
    assert [row["event"] for row in desk.heard("spot.orders")] == ["put", "update", "finish"]


def test_an_order_is_found_by_its_text_while_it_is_open(desk: Any) -> None:
    order = desk.place(text="t-mine")
    assert desk.get("t-mine")["id"] == order["id"]
    assert desk.call("DELETE", "spot/orders/t-mine", currency_pair=BTC)[0] == 200
    assert desk.label("GET", "spot/orders/t-mine", currency_pair=BTC) == (404, "ORDER_NOT_FOUND")
    desk.switches.found_by_text_after_end = "always"
    assert desk.get("t-mine")["status"] == "cancelled"


def test_an_order_is_asked_for_with_its_pair(desk: Any) -> None:
    order = desk.place()
    assert desk.label("GET", f"spot/orders/{order['id']}") == (400, "MISSING_REQUIRED_PARAM")
    assert desk.label("GET", f"spot/orders/{order['id']}", currency_pair="ETH_USDT") == (404, "ORDER_NOT_FOUND")
    assert desk.label("GET", "spot/orders", status="open") == (400, "MISSING_REQUIRED_PARAM")


def test_an_order_without_a_text_is_called_after_its_way_here(desk: Any) -> None:
    assert desk.place()["text"] == "apiv4"


def test_an_amended_order_keeps_its_id_and_moves_its_lock(desk: Any) -> None:
    order = desk.place()
    body = {"currency_pair": BTC, "amount": "0.02", "price": "96000", "amend_text": "more"}
    amended = desk.call("PATCH", f"spot/orders/{order['id']}", body)[1]
    assert (amended["id"], amended["amount"], amended["amend_text"]) == (order["id"], "0.02", "more")
    assert desk.locked("USDT") == 1920
    assert [row["event"] for row in desk.heard("spot.orders")] == ["put", "update"]


def test_the_pair_of_an_amend_may_stand_in_the_query(desk: Any) -> None:
    order = desk.place()
    assert desk.call("PATCH", f"spot/orders/{order['id']}", {"amount": "0.008"}, currency_pair=BTC)[0] == 200


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ({"amount": "0.01"}, "NO_CHANGE"),
        ({}, "MISSING_REQUIRED_PARAM"),
        ({"amount": "0.5"}, "BALANCE_NOT_ENOUGH"),
        ({"price": "97000.05"}, "INVALID_PRECISION"),
    ],
)
def test_an_amend_that_is_refused_changes_nothing(desk: Any, body: Any, label: str) -> None:
    order = desk.place()
    path = f"spot/orders/{order['id']}"
    assert desk.label("PATCH", path, body | {"currency_pair": BTC}) == (400, label)
    assert desk.get(order["id"]) == order
    assert desk.locked("USDT") == 970


def test_amending_to_less_than_is_filled_ends_the_order(desk: Any) -> None:
    order = desk.place()
    desk.exchange.fill(desk.account.orders["BTCUSDT", int(order["id"])], Decimal("0.004"), desk.now_ms)
    body = {"currency_pair": BTC, "amount": "0.004"}
    assert desk.call("PATCH", f"spot/orders/{order['id']}", body)[1]["status"] == "cancelled"


def test_post_only_may_be_amended_but_not_into_the_book(desk: Any) -> None:
    order = desk.place(time_in_force="poc")
    path = f"spot/orders/{order['id']}"
    assert order["time_in_force"] == "poc"
    assert desk.label("PATCH", path, {"currency_pair": BTC, "price": "98100"}) == (400, "POC_FILL_IMMEDIATELY")
    assert desk.call("PATCH", path, {"currency_pair": BTC, "price": "97500"})[1]["price"] == "97500"


def test_cancelling_all_of_a_side_leaves_the_other(desk: Any) -> None:
    bid, ask = desk.place()["id"], desk.place(side="sell", price="99000")["id"]
    rows = desk.call("DELETE", "spot/orders", currency_pair=BTC, side="buy")[1]
    assert [(row["id"], row["succeeded"]) for row in rows] == [(bid, True)]
    assert [row["id"] for row in desk.call("DELETE", "spot/orders")[1]] == [ask]


@pytest.mark.parametrize(
    ("count", "fields", "label"),
    [
        (11, {"text": "t-a"}, "TOO_MANY_ORDERS"),
        (1, {}, "MISSING_REQUIRED_PARAM"),
        (0, {}, "INVALID_REQUEST_BODY"),
    ],
)
def test_a_batch_outside_the_rules_is_refused_whole(desk: Any, count: int, fields: Any, label: str) -> None:
    assert desk.label("POST", "spot/batch_orders", [desk.order(**fields)] * count) == (400, label)
    assert desk.account.orders == {}


def test_a_batch_goes_on_after_an_order_that_is_refused(desk: Any) -> None:
    bodies = [desk.order(text=f"t-{i}", amount=qty) for i, qty in enumerate(("1", "0.01", "0.01"))]
    rows = desk.call("POST", "spot/batch_orders", bodies)[1]
    assert [(row["succeeded"], row["label"]) for row in rows] == [
        (False, "BALANCE_NOT_ENOUGH"), (True, ""), (True, ""),
    ]  # fmt: skip


def test_finished_orders_are_chosen_by_the_time_of_their_end(desk: Any) -> None:
    order = desk.place()
    desk.now_ms += 60_000
    desk.call("DELETE", f"spot/orders/{order['id']}", currency_pair=BTC)
    end_s = desk.now_ms // 1000

    def found(**span: int) -> list[str]:
        return [row["id"] for row in desk.call("GET", "spot/orders", status="finished", currency_pair=BTC, **span)[1]]

    assert found(**{"from": end_s}) == [order["id"]]
    assert found(to=end_s - 1) == []


def test_trades_are_those_of_the_last_week_unless_asked_otherwise(desk: Any) -> None:
    desk.market("buy", "100")
    sold_ms = desk.now_ms
    desk.now_ms += 8 * 86_400_000
    assert desk.call("GET", "spot/my_trades", currency_pair=BTC)[1] == []
    rows = desk.call("GET", "spot/my_trades", **{"currency_pair": BTC, "from": sold_ms // 1000})[1]
    assert len(rows) == 1


def test_balances_say_what_changed_and_why(desk: Any) -> None:
    desk.place(price="98100", amount="0.01")
    rows = [(r["currency"], r["change_type"], r["change"], r["freeze_change"]) for r in desk.heard("spot.balances")]
    spent = Decimal("98000.1") * Decimal("0.01")
    assert rows == [
        ("USDT", "order-create", "0", "981"),
        ("BTC", "order-match", "0.01", "0"),
        ("BTC", "trade-fee-deduct", "-0.00002", "0"),
        ("USDT", "order-match", f"{-spent.normalize():f}", "-981"),
    ]


def test_a_unified_account_says_so(a_desk: Any) -> None:
    desk = a_desk(unified=True, USDT="10000")
    assert desk.place(account="spot")["account"] == "unified"
    assert desk.call("GET", "account/detail")[1]["key"] == {"mode": 2}
    assert desk.call("GET", "unified/accounts")[1]["mode"] == "multi_currency"
    assert desk.label("POST", "spot/price_orders", desk.price_order()) == (400, "INVALID_PARAM_VALUE")
    assert desk.arm(account="unified")


def test_money_that_is_transferred_away_can_come_back(desk: Any) -> None:
    body = {"currency": "USDT", "from": "spot", "to": "futures", "amount": "5", "settle": "usdt"}
    assert desk.call("POST", "wallet/transfers", body)[0] == 200
    assert desk.free("USDT") == 9995
    back = body | {"from": "futures", "to": "spot"}
    assert desk.call("POST", "wallet/transfers", back)[0] == 200
    assert desk.label("POST", "wallet/transfers", back) == (400, "BALANCE_NOT_ENOUGH")
    assert desk.call("GET", "wallet/total_balance")[1]["total"] == {"amount": "108000", "currency": "USDT"}
