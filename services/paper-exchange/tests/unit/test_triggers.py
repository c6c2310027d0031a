"""Triggers: they lock nothing unless asked to, fire once, and either become an order or say why not."""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper_exchange.core.events import Event, OrderAccepted, OrderTraded, TriggerChanged
from paper_exchange.core.habits import Habits
from paper_exchange.core.instruments import DEFAULT_INSTRUMENTS
from paper_exchange.core.orders import OrderRequest
from paper_exchange.core.refusals import Reason, Refused
from paper_exchange.core.trigger import Trigger, TriggerRequest
from paper_exchange.core.triggers import TriggerExchange

BTC, NOW_MS, UID = "BTCUSDT", 1_795_341_600_000, 7


class Pit:
    """One account and what was told."""

    def __init__(self, **balances: str) -> None:
        self.events: list[Event] = []
        habits = Habits(shared_ids_after=1000, accepts_takers_as_makers=True)
        self.exchange = TriggerExchange(DEFAULT_INSTRUMENTS, random.Random(1), self.events.append, NOW_MS, habits)
        given_balances = balances or {"USDT": "10000", "BTC": "1"}
        self.exchange.open_account(UID, {k: Decimal(v) for k, v in given_balances.items()}, NOW_MS)

    def arm(self, px: str, qty: str = "0.01", side: Any = "SELL", limit: str = "0", **more: Any) -> Trigger:
        return self.exchange.arm(UID, BTC, request(px, qty, side, limit, **more), NOW_MS)

    def move(self, px: str, *, gap: bool = False) -> None:
        self.exchange.move(BTC, Decimal(px), NOW_MS, gap=gap)

    def told(self) -> list[str]:
        return [event.status for event in self.events if isinstance(event, TriggerChanged)]

    def free(self, asset: str) -> Decimal:
        return self.exchange.ledger.accounts[UID].balance(asset).free

    def locked(self, asset: str) -> Decimal:
        return self.exchange.ledger.accounts[UID].balance(asset).locked


def request(px: str, qty: str = "0.01", side: Any = "SELL", limit: str = "0", **more: Any) -> TriggerRequest:
    kind: Any = "LIMIT" if Decimal(limit) else "MARKET"
    child = OrderRequest("", side, kind, Decimal(qty), Decimal(limit))
    return TriggerRequest("mine", Decimal(px), child, **more)


@pytest.fixture
def pit() -> Pit:
    return Pit()


def test_four_exits_may_be_armed_for_one_stock_of_coins_and_lock_nothing(pit: Pit) -> None:
    for px in ("96000", "96000", "100000", "101000"):
        pit.arm(px, "1")
    assert pit.free("BTC") == 1
    assert pit.locked("BTC") == 0
    assert [trigger.rises for trigger in pit.exchange.armed(UID)] == [False, False, True, True]


def test_a_stop_fires_on_the_way_down_and_its_child_is_filled(pit: Pit) -> None:
    trigger = pit.arm("96000")
    pit.move("96001")
    assert trigger.status == "ARMED"
    pit.move("95000")
    assert (trigger.status, trigger.order and trigger.order.status) == ("FIRED", "FILLED")
    assert pit.told() == ["ARMED", "FIRING", "FIRED"]
    assert trigger.order is not None
    assert trigger.order.fills[0].px < 96000


def test_a_gap_fires_at_the_price_behind_it(pit: Pit) -> None:
    trigger = pit.arm("96000")
    pit.move("90000", gap=True)
    assert trigger.order is not None
    assert trigger.order.fills[0].px < 90000


def test_a_trigger_with_nothing_free_behind_it_fails_and_says_why(pit: Pit) -> None:
    first, second = pit.arm("96000", "0.7"), pit.arm("96000", "0.7")
    pit.move("95000")
    assert (first.status, second.status, second.reason) == ("FIRED", "FAILED", Reason.INSUFFICIENT_BALANCE)


def test_a_child_below_the_minimum_value_fails(pit: Pit) -> None:
    trigger = pit.arm("96000", "0.00001")
    pit.move("95000")
    assert trigger.reason == Reason.NOTIONAL


def test_a_trigger_of_a_closed_pair_fails(pit: Pit) -> None:
    trigger = pit.arm("96000")
    pit.exchange.markets[BTC].is_open = False
    pit.move("95000")
    assert trigger.reason == Reason.MARKET_CLOSED


def test_a_limit_child_rests_and_locks(pit: Pit) -> None:
    trigger = pit.arm("96000", "0.5", limit="97000")
    pit.move("96000")
    assert trigger.order is not None
    assert (trigger.order.status, pit.locked("BTC")) == ("NEW", Decimal("0.5"))


def test_a_market_purchase_spends_its_quote(pit: Pit) -> None:
    child = OrderRequest("", "BUY", "MARKET", quote_qty=Decimal(960))
    trigger = pit.exchange.arm(UID, BTC, TriggerRequest("b", Decimal(96000), child), NOW_MS)
    pit.move("96000")
    assert trigger.order is not None
    assert Decimal(950) < trigger.order.cum_quote <= Decimal(960)


def test_at_equality_the_next_trade_fires_it_whatever_its_price(pit: Pit) -> None:
    trigger = pit.arm("98000")
    pit.exchange.settle(NOW_MS)
    before = trigger.status
    pit.move("98100")
    assert (before, trigger.status) == ("ARMED", "FIRED")


def test_an_explicit_rule_overrides_where_the_price_stands(pit: Pit) -> None:
    trigger = pit.arm("96000", rises=True)
    before = trigger.status
    pit.move("98010")
    assert (before, trigger.status) == ("ARMED", "FIRED")


def test_a_trigger_armed_on_the_wrong_side_waits_for_the_other_direction(pit: Pit) -> None:
    pit.move("95000")
    trigger = pit.arm("96000")
    pit.move("90000")
    before = trigger.status
    pit.move("96000")
    assert (before, trigger.status) == ("ARMED", "FIRED")


def test_an_expired_trigger_does_not_fire(pit: Pit) -> None:
    trigger = pit.arm("96000", expires_ms=NOW_MS + 1000)
    pit.exchange.settle(NOW_MS + 1000)
    pit.move("95000")
    assert (trigger.status, pit.told()) == ("EXPIRED", ["ARMED", "EXPIRED"])


def test_a_canceled_trigger_does_not_fire_and_is_not_canceled_twice(pit: Pit) -> None:
    trigger = pit.arm("96000")
    pit.exchange.cancel_trigger(trigger, NOW_MS)
    with pytest.raises(Refused, match="NOT_OPEN"):
        pit.exchange.cancel_trigger(trigger, NOW_MS)
    pit.move("95000")
    assert trigger.status == "CANCELED"


def test_modifying_keeps_the_id_and_decides_the_direction_anew(pit: Pit) -> None:
    trigger = pit.arm("96000")
    order_id = trigger.order_id
    pit.exchange.modify(trigger, request("99000", "0.02"), NOW_MS)
    assert (trigger.order_id, trigger.rises) == (order_id, True)
    pit.move("95000")
    assert trigger.status == "ARMED"
    pit.move("99000")
    assert trigger.order is not None
    assert trigger.order.cum_qty == Decimal("0.02")


def test_a_fired_trigger_cannot_be_modified(pit: Pit) -> None:
    trigger = pit.arm("96000")
    pit.move("95000")
    with pytest.raises(Refused, match="NOT_OPEN"):
        pit.exchange.modify(trigger, request("94000"), NOW_MS)


def test_with_a_check_more_than_is_free_is_refused_but_nothing_is_locked(pit: Pit) -> None:
    with pytest.raises(Refused, match="INSUFFICIENT_BALANCE"):
        pit.arm("96000", "2", balance="CHECK")
    pit.arm("96000", "1", balance="CHECK")
    assert pit.locked("BTC") == 0


def test_with_a_lock_the_coins_are_held_until_it_fires_or_ends(pit: Pit) -> None:
    trigger = pit.arm("96000", "0.8", balance="LOCK")
    assert pit.locked("BTC") == Decimal("0.8")
    with pytest.raises(Refused, match="INSUFFICIENT_BALANCE"):
        pit.arm("100000", "0.8", balance="LOCK")
    pit.exchange.modify(trigger, request("96000", "0.5", balance="LOCK"), NOW_MS)
    assert pit.locked("BTC") == Decimal("0.5")
    with pytest.raises(Refused, match="INSUFFICIENT_BALANCE"):
        pit.exchange.modify(trigger, request("96000", "2", balance="LOCK"), NOW_MS)
    pit.move("95000")
    assert trigger.status == "FIRED"
    assert (pit.locked("BTC"), pit.free("BTC")) == (Decimal(0), Decimal("0.5"))


def test_of_a_group_the_first_to_fire_cancels_the_other_and_one_lock_serves_both(pit: Pit) -> None:
    stop, target = pit.exchange.arm_group(
        UID, BTC, [request("96000", "1", balance="LOCK"), request("100000", "1", balance="LOCK")], NOW_MS
    )
    assert pit.locked("BTC") == 1
    pit.move("100000")
    assert (stop.status, target.status) == ("CANCELED", "FIRED")
    assert pit.locked("BTC") == 0


def test_no_more_triggers_than_the_symbol_allows(pit: Pit) -> None:
    for _ in range(5):
        pit.arm("96000")
    with pytest.raises(Refused, match="MAX_NUM_ALGO_ORDERS"):
        pit.arm("96000")


def test_trigger_price_and_child_must_be_on_the_grid(pit: Pit) -> None:
    for wrong in ({"px": "96000.001"}, {"px": "96000", "limit": "0.001"}, {"px": "96000", "qty": "0.000001"}):
        with pytest.raises(Refused):
            pit.arm(**wrong)


@pytest.mark.parametrize("first", [True, False])
def test_fired_is_told_before_or_after_the_child(pit: Pit, first: bool) -> None:
    pit.exchange.tells_fired_first = first
    trigger = pit.arm("96000")
    pit.events.clear()
    pit.move("95000")
    mine = [e for e in pit.events if isinstance(e, TriggerChanged | OrderAccepted | OrderTraded)]
    kinds = [e.status for e in mine]
    child = ["NEW", "FILLED"]
    assert kinds == (["FIRING", "FIRED", *child] if first else ["FIRING", *child, "FIRED"])
    assert trigger.order is not None


@pytest.mark.parametrize(("canceled", "sold"), [(False, "0.00999"), (True, "0.00399")])
def test_attached_exits_are_armed_for_what_the_entry_delivered(pit: Pit, canceled: bool, sold: str) -> None:
    entry = pit.exchange.place(UID, BTC, OrderRequest("e", "BUY", "LIMIT", Decimal("0.01"), Decimal(97000)), NOW_MS)
    pit.exchange.attach(entry, [request("100000", "0"), request("96000", "0")])
    pit.exchange.settle(NOW_MS)
    assert pit.exchange.armed(UID) == []
    pit.exchange.fill(entry, Decimal("0.004") if canceled else None, NOW_MS)
    if canceled:
        pit.exchange.cancel(entry, "", NOW_MS)
    pit.exchange.settle(NOW_MS)
    assert [trigger.request.child.qty for trigger in pit.exchange.armed(UID)] == [Decimal(sold)] * 2
    pit.move("96000")
    assert [trigger.status for trigger in pit.exchange.triggers[UID].values()] == ["CANCELED", "FIRED"]


def test_exits_attached_to_an_order_that_filled_at_once_are_armed_by_settling(pit: Pit) -> None:
    entry = pit.exchange.place(UID, BTC, OrderRequest("e", "BUY", "MARKET", Decimal("0.01")), NOW_MS)
    pit.exchange.attach(entry, [request("96000", "0")])
    pit.exchange.settle(NOW_MS)
    assert len(pit.exchange.armed(UID)) == 1


def test_exits_of_an_entry_without_fills_are_forgotten(pit: Pit) -> None:
    entry = pit.exchange.place(UID, BTC, OrderRequest("e", "BUY", "LIMIT", Decimal("0.01"), Decimal(97000)), NOW_MS)
    pit.exchange.attach(entry, [request("96000", "0")])
    pit.exchange.cancel(entry, "", NOW_MS)
    pit.exchange.settle(NOW_MS)
    assert (pit.exchange.armed(UID), pit.exchange.attached_to(entry)) == ([], ())


def test_ids_of_orders_and_triggers_never_repeat_between_symbols(pit: Pit) -> None:
    ids = [pit.arm("96000").order_id]
    ids += [pit.exchange.arm(UID, "ETHUSDT", request("3000", "1"), NOW_MS).order_id]
    ids += [pit.exchange.place(UID, BTC, OrderRequest("e", "BUY", "MARKET", Decimal("0.01")), NOW_MS).order_id]
    assert ids == [1001, 1002, 1003]


def test_a_post_only_order_that_would_take_is_accepted_and_ends(pit: Pit) -> None:
    order = pit.exchange.place(UID, BTC, OrderRequest("p", "BUY", "LIMIT_MAKER", Decimal("0.01"), Decimal(99000)), 0)
    assert (order.status, order.expiry_reason) == ("EXPIRED", "WOULD_TAKE")
    assert order.cum_qty == 0


plans = st.tuples(
    st.integers(9_700_000, 9_900_000), st.integers(100, 60_000), st.sampled_from(("SELL", "BUY")),
    st.sampled_from(("IGNORE", "CHECK", "LOCK")), st.booleans(),
)  # fmt: skip
steps = st.lists(st.one_of(plans, st.integers(9_650_000, 9_950_000), st.just("cancel")), max_size=25)


def _run(step: Any, pit: Pit) -> None:
    if isinstance(step, int):
        pit.move(str(Decimal(step) / 100))
    elif step == "cancel":
        armed = pit.exchange.armed(UID)
        if armed:
            pit.exchange.cancel_trigger(armed[0], NOW_MS)
    else:
        cents, lots, side, balance, priced = step
        px = Decimal(cents) / 100
        asked = request(str(px), str(Decimal(lots) / 100_000), side, str(px) if priced else "0", balance=balance)
        pit.exchange.arm(UID, BTC, asked, NOW_MS)


def _attempt(step: Any, pit: Pit, on_refused: Callable[[], None]) -> None:
    try:
        _run(step, pit)
    except Refused:
        on_refused()


@settings(max_examples=60, deadline=None)
@given(steps)
def test_whatever_happens_money_is_conserved_and_each_trigger_ends_once(history: list[Any]) -> None:
    pit = Pit(USDT="40000", BTC="0.4")
    for step in history:
        _attempt(step, pit, lambda: None)
        account, house = pit.exchange.ledger.accounts[UID], pit.exchange.ledger.house
        for asset, total in (("USDT", 40_000), ("BTC", Decimal("0.4"))):
            balance = account.balance(asset)
            assert balance.free >= 0
            assert balance.free + balance.locked + house.get(asset, Decimal(0)) == total
        groups = [trigger.group for trigger in pit.exchange.armed(UID) if trigger.request.child.side == "SELL"]
        resting = sum(order.locked for order in account.open_orders.values() if order.side == "SELL")
        assert account.balance("BTC").locked == resting + sum(group.locked for group in groups)
    ends: dict[int, list[str]] = {}
    for event in pit.events:
        if isinstance(event, TriggerChanged):
            ends.setdefault(event.trigger.order_id, []).append(event.status)
    allowed = [["ARMED"], ["ARMED", "CANCELED"], ["ARMED", "FIRING", "FIRED"], ["ARMED", "FIRING", "FAILED"]]
    assert all(told in allowed for told in ends.values())
