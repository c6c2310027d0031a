"""Whatever traders do, and however late things happen, no money is lost and what is pushed is true."""

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import Desk

PRICES = ("3.6", "3.65", "3.69", "3.7", "3.71", "3.75", "3.9")
SIDES = st.sampled_from(["BUY", "SELL"])
QTYS = st.sampled_from(["1", "20", "333.33", "900"])
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("limit"), SIDES, QTYS, st.sampled_from(PRICES)),
        st.tuples(st.just("market"), SIDES, QTYS),
        st.tuples(st.just("quote"), st.sampled_from(["5", "100", "9000"])),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("move"), st.sampled_from(PRICES)),
        st.tuples(st.just("deduct"), st.sampled_from(["true", "false"])),
        st.tuples(st.just("wait"), st.integers(1, 50)),
    ),
    max_size=30,
)


def act(desk: Desk, action: tuple[Any, ...]) -> None:
    match action:
        case ("limit", side, qty, px):
            desk.order(side=side, quantity=qty, price=px)
        case ("market", side, qty):
            desk.market(side=side, quantity=qty)
        case ("quote", amount):
            desk.market(side="BUY", quantity=None, quoteOrderQty=amount)
        case ("cancel", index):
            mine = list(desk.account.orders.values())
            if mine:
                name = f"C02__{mine[index % len(mine)].order_id}115"
                desk.call("DELETE", "order", symbol="MXUSDT", orderId=name)
        case ("move", px):
            desk.move(px)
        case ("deduct", wanted):
            desk.call("POST", "mxDeduct/enable", mxDeductEnable=wanted)
        case ("wait", ms):
            desk.wait(ms)


def totals(desk: Desk) -> dict[str, Decimal]:
    house = desk.exchange.ledger.house
    return {
        asset: balance.free + balance.locked + house.get(asset, Decimal(0))
        for asset, balance in desk.account.balances.items()
    }


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_money_is_neither_made_nor_lost_nor_left_locked(actions: list[tuple[Any, ...]]) -> None:
    desk = Desk(USDT="5000", MX="1000")
    before = totals(desk)
    for action in actions:
        act(desk, action)
        assert all(balance.free >= 0 and balance.locked >= 0 for balance in desk.account.balances.values()), action
        assert totals(desk) == before
    desk.call("DELETE", "order/all")
    desk.wait()
    assert not desk.account.open_orders
    assert all(balance.locked == 0 for balance in desk.account.balances.values())
    pushed = {p.body["vcoinName"]: p.body for p in desk.pushes if p.kind == "account"}
    for asset, body in pushed.items():
        assert Decimal(body["balanceAmount"]) == desk.free(asset)


@settings(max_examples=30, deadline=None)
@given(ACTIONS, st.sampled_from(["documented", "deals_first", "shuffled"]))
def test_deals_add_up_to_what_orders_say(actions: list[tuple[Any, ...]], push_order: Any) -> None:
    desk = Desk(USDT="5000", MX="1000")
    desk.venue.switches.push_order = push_order
    for action in actions:
        act(desk, action)
    desk.wait()
    for order in desk.account.orders.values():
        name = f"C02__{order.order_id}115"
        deals = [p.body for p in desk.pushes if p.kind == "deals" and p.body["orderId"] == name]
        assert sum((Decimal(deal["quantity"]) for deal in deals), Decimal(0)) == order.cum_qty
        counted = [Decimal(p.body["cumulativeQuantity"]) for p in desk.pushes if p.body.get("id") == name]
        assert max(counted) == order.cum_qty
