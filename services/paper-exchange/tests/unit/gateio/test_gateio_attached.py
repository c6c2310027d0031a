"""Take-profit and stop-loss attached to an entry, and the doubts about orders and pushes in both positions."""

from decimal import Decimal
from typing import Any

import pytest

BTC = "BTC_USDT"
EXITS = {
    "stop_profit": {"trigger_price": "99000", "order_price": "98900"},
    "stop_loss": {"trigger_price": "96000", "order_price": "0"},
}


def armed(desk: Any) -> list[Any]:
    return sorted(
        desk.call("GET", "spot/price_orders", status="open")[1], key=lambda row: str(row["trigger"]["rule"])
    )  # fmt: skip


def test_exits_are_armed_when_the_entry_is_filled_net_of_its_fee(desk: Any) -> None:
    order = desk.place(**EXITS)
    assert {name: order[name] for name in EXITS} == EXITS
    assert armed(desk) == []
    desk.move("97000")
    loss, profit = armed(desk)
    assert [Decimal(row["put"]["amount"]) for row in (loss, profit)] == [Decimal("0.00998")] * 2
    assert [row["put"]["type"] for row in (loss, profit)] == ["market", "limit"]
    desk.move("99000")
    finished = desk.call("GET", "spot/price_orders", status="finished")[1]
    assert sorted(row["status"] for row in finished) == ["cancelled", "finish"]


def test_a_cancelled_entry_is_protected_as_far_as_it_was_filled(desk: Any) -> None:
    order = desk.place(**EXITS)
    desk.exchange.fill(desk.account.orders["BTCUSDT", int(order["id"])], Decimal("0.004"), desk.now_ms)
    desk.call("DELETE", f"spot/orders/{order['id']}", currency_pair=BTC)
    assert [row["put"]["amount"][:8] for row in armed(desk)] == ["0.003992", "0.003992"]


def test_exits_may_be_replaced_and_removed_while_the_entry_is_open(desk: Any) -> None:
    order = desk.place(**EXITS)
    body = {"currency_pair": BTC, "stop_profit": {}, "stop_loss": {"trigger_price": "95000", "order_price": "0"}}
    amended = desk.call("PATCH", f"spot/orders/{order['id']}", body)[1]
    assert "stop_profit" not in amended
    assert amended["stop_loss"]["trigger_price"] == "95000"
    desk.move("97000")
    assert [row["trigger"]["price"] for row in armed(desk)] == ["95000"]


def test_an_entry_whose_exits_were_all_removed_is_filled_without_any(desk: Any) -> None:
    order = desk.place(**EXITS)
    desk.call("PATCH", f"spot/orders/{order['id']}", {"currency_pair": BTC, "stop_profit": {}, "stop_loss": {}})
    desk.move("97000")
    assert (desk.get(order["id"])["status"], armed(desk)) == ("closed", [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"stop_profit": {"trigger_price": "96000", "order_price": "95000"}},
        {"stop_loss": {"trigger_price": "98000", "order_price": "0"}},
        {"stop_loss": {"trigger_price": "96000", "size": "1"}},
        {"stop_loss": "96000"},
        {"type": "market", "amount": "100", "price": None, "time_in_force": "ioc", **EXITS},
    ],
)
def test_exits_on_the_wrong_side_or_of_a_market_order_are_refused(desk: Any, wrong: Any) -> None:
    assert desk.refused(**wrong) == (400, "INVALID_PARAM_VALUE")
    assert desk.account.orders == {}


def test_exits_off_the_grid_are_refused_with_their_entry(desk: Any) -> None:
    off = {"stop_loss": {"trigger_price": "96000.01", "order_price": "0"}}
    assert desk.refused(**off) == (400, "INVALID_PRECISION")
    assert desk.account.orders == {}


def test_exits_may_be_shown_and_never_armed_or_refused_outright(desk: Any) -> None:
    desk.switches.attached_exits = "echo"
    assert desk.place(**EXITS)["stop_loss"] == EXITS["stop_loss"]
    desk.move("97000")
    assert armed(desk) == []
    desk.switches.attached_exits = "refuse"
    assert desk.refused(price="96000", **EXITS) == (400, "INVALID_PARAM_VALUE")


def test_a_text_may_be_used_twice_or_not(desk: Any) -> None:
    desk.place(text="t-a")
    desk.place(text="t-a")
    desk.switches.duplicate_texts = "refuse"
    assert desk.refused(text="t-a") == (400, "REPEATED_CREATION")


def test_post_only_that_would_take_is_refused_or_ends(desk: Any) -> None:
    desk.switches.post_only_crossing = "cancel"
    order = desk.place(price="98100", time_in_force="poc")
    assert (order["status"], order["finish_as"], order["filled_amount"]) == ("cancelled", "poc", "0")


def test_extra_decimals_are_refused_or_cut(desk: Any) -> None:
    desk.switches.extra_decimals = "truncate"
    order = desk.place(amount="0.0100009", price="97000.09")
    assert (order["amount"], order["price"]) == ("0.01", "97000")


def test_an_order_that_ended_unfilled_is_cancelled_or_closed(desk: Any) -> None:
    desk.switches.ended_status = "closed"
    order = desk.place(time_in_force="ioc")
    assert (order["status"], order["finish_as"]) == ("closed", "ioc")


def test_cancelling_what_has_ended_may_find_nothing(desk: Any) -> None:
    desk.switches.ended_order_label = "ORDER_NOT_FOUND"
    order = desk.market("buy", "100")
    assert desk.label("DELETE", f"spot/orders/{order['id']}", currency_pair=BTC) == (404, "ORDER_NOT_FOUND")


@pytest.mark.parametrize(("pushes", "events"), [(True, ["update"]), (False, [])])
def test_amends_are_pushed_or_not(desk: Any, pushes: bool, events: list[str]) -> None:
    desk.switches.amend_pushes = pushes
    order = desk.place()
    desk.told.clear()
    desk.call("PATCH", f"spot/orders/{order['id']}", {"currency_pair": BTC, "amount": "0.008"})
    assert [row["event"] for row in desk.heard("spot.orders")] == events


@pytest.mark.parametrize(
    ("order", "firsts"),
    [
        ("orders_first", {"spot.orders"}),
        ("trades_first", {"spot.usertrades"}),
        ("shuffled", {"spot.orders", "spot.usertrades"}),
    ],
)
def test_fills_are_told_in_the_order_that_is_switched(desk: Any, order: Any, firsts: set[str]) -> None:
    desk.switches.push_order = order
    heard = set()
    for _ in range(8):
        placed = desk.place(amount="0.001")
        desk.told.clear()
        desk.exchange.fill(desk.account.orders["BTCUSDT", int(placed["id"])], None, desk.now_ms)
        heard.add(desk.told[0][0])
        desk.now_ms += 1000
    assert heard == firsts
