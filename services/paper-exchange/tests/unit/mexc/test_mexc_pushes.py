"""What is pushed to an account, in which order, and by how much balances are said to have changed."""

from decimal import Decimal
from typing import Any


def changes(desk: Any) -> list[tuple[str, str, str, str]]:
    """(type, asset, change of free, change of locked) of every account push so far."""
    bodies = [push.body for push in desk.pushes if push.kind == "account"]
    return [(b["type"], b["vcoinName"], b["balanceAmountChange"], b["frozenAmountChange"]) for b in bodies]


def test_placing_tells_the_account_first(desk: Any) -> None:
    desk.order()
    assert desk.told() == [("account", "ENTRUST_PLACE"), ("orders", 1)]


def test_a_fill_tells_the_order_first_and_the_deal_later(desk: Any) -> None:
    placed = desk.order()[1]
    desk.told()
    desk.fill(placed["orderId"])
    assert desk.told() == [("orders", 2)]
    desk.wait(2)
    assert desk.told() == [("account", "ENTRUST"), ("account", "ENTRUST")]
    desk.wait(28)
    assert [kind for kind, _ in desk.told()] == ["deals"]


def test_deals_may_come_first(desk: Any) -> None:
    desk.venue.switches.push_order = "deals_first"
    placed = desk.order()[1]
    desk.told()
    desk.fill(placed["orderId"])
    assert [kind for kind, _ in desk.told()] == ["deals"]
    desk.wait()
    assert ("orders", 2) in desk.told()


def test_shuffled_pushes_are_all_there_in_some_other_order(desk: Any) -> None:
    def story() -> list[tuple[str, Any]]:
        placed = desk.order()[1]
        desk.fill(placed["orderId"], "8")
        desk.fill(placed["orderId"])
        desk.wait()
        return [(kind, None if kind == "deals" else what) for kind, what in desk.told()]

    straight = story()
    desk.venue.switches.push_order = "shuffled"
    shuffled = story()
    assert shuffled != straight
    assert sorted(map(str, shuffled)) == sorted(map(str, straight))


def test_a_cancel_tells_the_order_before_the_money_is_free(desk: Any) -> None:
    placed = desk.order()[1]
    desk.told()
    desk.call("DELETE", "order", symbol="MXUSDT", orderId=placed["orderId"])
    assert desk.told() == []
    desk.wait(5)
    assert desk.told() == [("orders", 4)]
    desk.wait(5)
    assert changes(desk) == [("ENTRUST_CANCEL", "MX", "20", "-20")]


def test_without_lags_everything_comes_at_once(desk: Any) -> None:
    switches = desk.venue.switches
    switches.cancel_lag_ms = switches.unfreeze_lag_ms = switches.deals_lag_ms = switches.account_lag_ms = 0
    placed = desk.order()[1]
    desk.fill(placed["orderId"], "8")
    desk.call("DELETE", "order", symbol="MXUSDT", orderId=placed["orderId"])
    kinds = [kind for kind, _ in desk.told()]
    assert kinds == ["account", "orders", "orders", "account", "account", "deals", "orders", "account"]


def test_a_sale_books_the_deal_and_its_fee(desk: Any) -> None:
    desk.market()
    desk.wait()
    rows = changes(desk)
    assert rows[:2] == [("ENTRUST_PLACE", "MX", "-20", "20"), ("ENTRUST", "MX", "0", "-20")]
    assert [(row[0], row[1]) for row in rows[2:]] == [("ENTRUST", "USDT"), ("TRADE_FEE", "USDT")]
    assert Decimal(rows[3][2]) == -Decimal(rows[2][2]) * Decimal("0.0005")


def test_a_buy_gets_back_what_it_froze_too_much(desk: Any) -> None:
    desk.market(side="BUY", quantity="10")
    desk.wait()
    kinds = [(kind, asset) for kind, asset, _, _ in changes(desk)]
    assert kinds == [
        ("ENTRUST_PLACE", "USDT"), ("ENTRUST", "USDT"), ("ENTRUST", "MX"), ("TRADE_FEE", "USDT"),
        ("ENTRUST_UNFROZEN", "USDT"),
    ]  # fmt: skip


def test_the_last_push_of_each_asset_is_its_balance(desk: Any) -> None:
    placed = desk.order(side="BUY", price="3.69", quantity="100")[1]
    desk.fill(placed["orderId"], "30")
    desk.market(quantity="7")
    desk.call("DELETE", "order", symbol="MXUSDT", orderId=placed["orderId"])
    desk.wait()
    last = {push.body["vcoinName"]: push.body for push in desk.pushes if push.kind == "account"}
    for asset, body in last.items():
        balance = desk.account.balance(asset)
        assert (Decimal(body["balanceAmount"]), Decimal(body["frozenAmount"])) == (balance.free, balance.locked)
    assert set(last) == {"USDT", "MX"}


def test_order_pushes_count_up_and_average(a_desk: Any) -> None:
    desk = a_desk(MX="100000")
    desk.market(quantity="50000")
    bodies = [push.body for push in desk.pushes if push.kind == "orders"]
    filled = [Decimal(body["cumulativeQuantity"]) for body in bodies]
    assert filled == sorted(filled)
    last = bodies[-1]
    assert (last["status"], last["orderType"], last["tradeType"], last["isMaker"]) == (2, 5, 2, False)
    average = Decimal(last["cumulativeAmount"]) / Decimal(last["cumulativeQuantity"])
    assert abs(Decimal(last["avgPrice"]) - average) < Decimal("0.00000001")


def test_trades_are_called_the_same_in_rest_and_in_pushes(desk: Any) -> None:
    placed = desk.market()[1]
    desk.wait()
    deal = next(push.body for push in desk.pushes if push.kind == "deals")
    trade = desk.call("GET", "myTrades", symbol="MXUSDT")[1][0]
    assert (deal["tradeId"], deal["orderId"]) == (trade["id"], placed["orderId"])
