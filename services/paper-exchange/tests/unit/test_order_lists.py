"""The life of order lists, as section 6.5 of the Binance reference tells it."""

from decimal import Decimal
from typing import Any

NEW_PAIR = [("STOP_LOSS_LIMIT", "NEW", "NEW"), ("LIMIT_MAKER", "NEW", "NEW")]


def lists_of(desk: Any) -> list[str]:
    return [event["l"] for event in desk.events if event["e"] == "listStatus"]


def test_the_first_partial_fill_of_the_limit_leg_expires_the_stop(desk: Any) -> None:
    desk.oco()
    assert desk.reports() == NEW_PAIR
    limit = desk.account.orders["BTCUSDT", 2]
    desk.exchange.fill(limit, Decimal("0.001"), desk.now_ms)
    assert lists_of(desk) == []
    assert desk.reports() == [
        ("LIMIT_MAKER", "TRADE", "PARTIALLY_FILLED"),
        ("STOP_LOSS_LIMIT", "EXPIRED", "EXPIRED"),
    ]
    assert desk.account.balance("BTC").locked == Decimal("0.004")
    desk.exchange.fill(limit, None, desk.now_ms)
    assert lists_of(desk) == ["ALL_DONE"]
    assert desk.account.balance("BTC").locked == 0


def test_the_trigger_of_the_stop_expires_the_limit_leg_before_any_fill(desk: Any) -> None:
    desk.oco()
    desk.reports()
    desk.move("96000")
    assert lists_of(desk) == ["ALL_DONE"]
    assert desk.reports() == [
        ("STOP_LOSS_LIMIT", "NEW", "NEW"),
        ("LIMIT_MAKER", "EXPIRED", "EXPIRED"),
        ("STOP_LOSS_LIMIT", "TRADE", "FILLED"),
    ]


def test_a_price_that_jumps_over_the_stop_limit_leaves_it_unfilled(desk: Any) -> None:
    desk.oco()
    desk.move("95000", gap=True)
    assert desk.statuses() == ["NEW", "EXPIRED"]
    assert [order["isWorking"] for order in desk.call("GET", "openOrders")[1]] == [True]
    desk.move("95900")
    assert desk.statuses() == ["FILLED", "EXPIRED"]


def test_a_pair_locks_its_quantity_once(desk: Any) -> None:
    desk.oco(quantity="0.6")
    assert desk.account.balance("BTC").locked == Decimal("0.6")


def test_canceling_a_leg_cancels_the_list(desk: Any) -> None:
    desk.oco()
    desk.reports()
    status, body = desk.call("DELETE", "order", symbol="BTCUSDT", orderId=2, newClientOrderId="cxl")
    assert (status, body["listOrderStatus"]) == (200, "ALL_DONE")
    assert {report["clientOrderId"] for report in body["orderReports"]} == {"cxl"}
    assert lists_of(desk) == ["ALL_DONE"]
    assert desk.reports() == [("STOP_LOSS_LIMIT", "CANCELED", "CANCELED"), ("LIMIT_MAKER", "CANCELED", "CANCELED")]


def test_a_filled_entry_releases_its_exits(desk: Any) -> None:
    desk.otoco()
    assert desk.statuses() == ["NEW", "PENDING_NEW", "PENDING_NEW"]
    desk.reports()
    desk.move("97000")
    assert desk.reports() == [("LIMIT", "TRADE", "FILLED"), *NEW_PAIR]
    desk.move("101000")
    assert desk.statuses() == ["FILLED", "EXPIRED", "FILLED"]


def test_the_answer_to_an_entry_that_fills_at_once_still_shows_its_exits_waiting(desk: Any) -> None:
    _, body = desk.otoco(workingPrice="98100")
    assert [report["status"] for report in body["orderReports"]] == ["FILLED", "PENDING_NEW", "PENDING_NEW"]
    assert desk.statuses() == ["FILLED", "NEW", "NEW"]


def test_exits_larger_than_what_the_entry_delivered_die_at_the_release(a_desk: Any) -> None:
    desk = a_desk(USDT="10000")
    desk.otoco(pendingQuantity="0.005")
    desk.reports()
    desk.move("97000")
    assert [e["eR"] for e in desk.events if e.get("eR")] == ["REJECTED", "REJECTED"]
    assert lists_of(desk) == ["ALL_DONE"]
    assert desk.statuses() == ["FILLED", "EXPIRED", "EXPIRED"]


def test_opoco_exits_sell_what_the_entry_delivered_floored_to_the_lot(a_desk: Any) -> None:
    desk = a_desk(USDT="10000")
    _, body = desk.otoco("opoco")
    assert "origQty" not in body["orderReports"][1]
    desk.move("97000")
    assert {order["origQty"] for order in desk.call("GET", "openOrders")[1]} == {"0.00499000"}


def test_an_entry_that_ends_unfilled_ends_its_exits(desk: Any) -> None:
    desk.otoco(workingTimeInForce="IOC")
    assert desk.statuses() == ["EXPIRED", "EXPIRED", "EXPIRED"]
    assert [e["eR"] for e in desk.events if e.get("eR")] == [
        "UNFILLED_IOC_QUANTITY_EXPIRED",
        "OTO_PHASE_ONE_EXPIRED",
        "OTO_PHASE_ONE_EXPIRED",
    ]


def test_canceling_a_partly_filled_entry_never_starts_its_exits(desk: Any) -> None:
    desk.otoco()
    desk.exchange.fill(desk.account.orders["BTCUSDT", 1], Decimal("0.002"), desk.now_ms)
    desk.call("DELETE", "order", symbol="BTCUSDT", orderId=1)
    assert desk.statuses() == ["CANCELED", "CANCELED", "CANCELED"]


def test_a_buy_pair_locks_the_dearer_leg(desk: Any) -> None:
    status, body = desk.call(
        "POST", "orderList/oco", symbol="BTCUSDT", side="BUY", quantity="0.01", aboveType="STOP_LOSS_LIMIT",
        aboveStopPrice="99000", abovePrice="99500", aboveTimeInForce="GTC", belowType="LIMIT_MAKER", belowPrice="97000",
    )  # fmt: skip
    assert status == 200, body
    assert desk.account.balance("USDT").locked == Decimal("995")
    desk.move("97000")
    assert desk.account.balance("USDT").locked == 0
    assert desk.statuses() == ["EXPIRED", "FILLED"]


def test_two_contingent_legs_expire_each_other(desk: Any) -> None:
    status, _ = desk.call(
        "POST", "orderList/oco", symbol="BTCUSDT", side="SELL", quantity="0.005", aboveType="TAKE_PROFIT",
        aboveStopPrice="101000", belowType="STOP_LOSS", belowStopPrice="96000",
    )  # fmt: skip
    assert status == 200
    desk.move("101000")
    assert desk.statuses() == ["EXPIRED", "FILLED"]


def test_a_finished_list_is_found_by_its_client_id(desk: Any) -> None:
    desk.oco(listClientOrderId="mine")
    desk.move("101000")
    status, body = desk.call("GET", "orderList", origClientOrderId="mine")
    assert (status, body["listStatusType"], body["orders"][0]["orderId"]) == (200, "ALL_DONE", 1)
