"""Levels as traders write them become a plan that sums to one, or a refusal that says what is wrong."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Refused
from common.exits import ExitPlan, PriceTarget
from common.orders import OrderType
from gateway.testing.builders import a_market, an_instrument
from gateway.trading.levels import stop_loss, take_profit
from gateway.trading.oco import OcoLeg, check_both_legs, oco_plan
from gateway.trading.plans import Wanted, even_shares, plan_for, preview

D = Decimal
ENTRY = D(100000)


def planned(**wanted: Any) -> ExitPlan:
    return plan_for(Wanted(**wanted), an_instrument(), entry_px=ENTRY, market=a_market(spread="0"))


def tps(*levels: Any) -> tuple[PriceTarget, ...]:
    return tuple(take_profit(level, "tpLevels") for level in levels)


@pytest.mark.parametrize("raw", [D(105000), 105000, "105000", {"price": "105000"}, {"price": D(105000)}])
def test_a_price_is_read_in_each_of_its_forms(raw: Any) -> None:
    assert take_profit(raw, "tp") == PriceTarget(px=D(105000))


@pytest.mark.parametrize("raw", ["5%", " 5 %", {"pct": 5}, {"pct": "5"}])
def test_a_percentage_is_read_in_each_of_its_forms(raw: Any) -> None:
    assert take_profit(raw, "tp") == PriceTarget(pct=D(5))


@pytest.mark.parametrize("raw", ["5%", "-5%", {"pct": -5}])
def test_a_stop_percentage_counts_down_with_or_without_its_sign(raw: Any) -> None:
    assert stop_loss(raw, "sl") == PriceTarget(pct=D(-5))


@pytest.mark.parametrize(
    "raw",
    [None, True, "", "abc", "%", "NaN", "1e999", [], {}, {"price": 1, "pct": 2}, {"pct": None}, 0, -5, "-5%", "0%"],
)
def test_what_is_no_take_profit_is_refused(raw: Any) -> None:
    with pytest.raises(Refused) as refused:
        take_profit(raw, "tpLevels.0")
    assert (refused.value.field or "").startswith("tpLevels.0")


def test_without_levels_the_defaults_of_the_exchange_are_used() -> None:
    plan = planned()
    assert [(lv.take_profit.pct, lv.share, lv.stop_loss.pct) for lv in plan.levels] == [
        (D(4), D("0.5"), D(-5)),
        (D(6), D("0.5"), D(-5)),
    ]


def test_levels_share_evenly_unless_told_otherwise() -> None:
    plan = planned(take_profits=tps(105000, 110000, "15%"), stop_loss=stop_loss(95000, "sl"))
    assert [lv.share for lv in plan.levels] == [D("0.33333333"), D("0.33333333"), D("0.33333334")]
    plan = planned(take_profits=tps(105000, 110000), shares=(D("0.3"), D("0.7")))
    assert [lv.share for lv in plan.levels] == [D("0.3"), D("0.7")]


@given(st.integers(1, 50))
def test_even_shares_always_sum_to_one(count: int) -> None:
    assert sum(even_shares(count)) == 1


@pytest.mark.parametrize(
    ("wanted", "code", "field"),
    [
        ({"take_profits": ()}, "INVALID_FIELD", "tpLevels"),
        ({"take_profits": tps(99000)}, "LEVEL_WRONG_SIDE", "tpLevels.0"),
        ({"take_profits": tps(100000)}, "LEVEL_WRONG_SIDE", "tpLevels.0"),
        ({"take_profits": tps(110000, 105000)}, "LEVELS_UNSORTED", "tpLevels.1"),
        ({"take_profits": tps("5%", 105000)}, "LEVELS_UNSORTED", "tpLevels.1"),
        ({"stop_loss": stop_loss(100000, "sl")}, "LEVEL_WRONG_SIDE", "sl"),
        ({"stop_loss": stop_loss(101000, "sl")}, "LEVEL_WRONG_SIDE", "sl"),
        ({"shares": (D(1),)}, "INVALID_FIELD", "tpShares"),
        ({"take_profits": tps(105000, 110000), "shares": (D(1),)}, "INVALID_FIELD", "tpShares"),
        ({"take_profits": tps(105000, 110000), "shares": (D("0.5"), D("0.4"))}, "INVALID_FIELD", "tpShares"),
        ({"take_profits": tps(105000, 110000), "shares": (D("1.5"), D("-0.5"))}, "INVALID_FIELD", "tpShares.0"),
        ({"stop_limit_offset_pct": D(1)}, "INVALID_FIELD", "stopLimitOffsetPct"),
    ],
)
def test_levels_that_make_no_plan_are_refused_by_field(wanted: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        planned(**wanted)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_limit_stop_lies_its_offset_beneath_the_trigger() -> None:
    style = {"stop_type": OrderType.STOP_LOSS_LIMIT, "stop_limit_offset_pct": D(1)}
    assert planned(stop_loss=stop_loss(90000, "sl"), **style).levels[0].stop_limit == PriceTarget(px=D(89100))
    relative = planned(stop_loss=stop_loss("10%", "sl"), **style).levels[0].stop_limit
    assert relative is not None
    assert relative.at(ENTRY) == D(89100)


def test_a_symbol_without_market_stops_gets_limit_stops_or_a_refusal() -> None:
    instrument = an_instrument(order_types=(OrderType.MARKET, OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT))
    market = a_market(spread="0")
    plan = plan_for(Wanted(), instrument, entry_px=ENTRY, market=market)
    assert plan.stop_loss_type is OrderType.STOP_LOSS_LIMIT
    with pytest.raises(Refused):
        plan_for(Wanted(stop_type=OrderType.STOP_LOSS), instrument, entry_px=ENTRY, market=market)


def test_slices_below_the_minimum_show_merged_and_a_plan_that_cannot_exist_is_refused() -> None:
    plan = planned()
    assert len(preview(plan, an_instrument(), qty=D("0.0002"), entry_px=ENTRY, field="quantity").slices) == 2
    merged = preview(plan, an_instrument(), qty=D("0.00008"), entry_px=ENTRY, field="quantity")
    assert [s.level for s in merged.slices] == [0] or [s.level for s in merged.slices] == [1]
    with pytest.raises(Refused) as refused:
        preview(plan, an_instrument(), qty=D("0.00005"), entry_px=ENTRY, field="quantity")
    assert refused.value.title == "Order value too low"


@given(st.integers(6, 10**7), st.integers(1, 6))
def test_a_preview_never_sells_more_than_is_received(lots: int, count: int) -> None:
    qty = D(lots) * D("0.00001")
    plan = planned(take_profits=tps(*(f"{n + 1}%" for n in range(count))))
    try:
        exits = preview(plan, an_instrument(), qty=qty, entry_px=ENTRY, field="quantity")
    except Refused:
        return
    assert sum(s.qty for s in exits.slices) + exits.dust <= qty
    assert all(s.qty * s.stop_loss_px >= 5 for s in exits.slices)


def spec_oco(**changes: Any) -> ExitPlan:
    above = OcoLeg(order_type=OrderType.TAKE_PROFIT_LIMIT, price=D(395), stop_price=D(395))
    below: dict[str, Any] = {"order_type": OrderType.STOP_LOSS_LIMIT, "price": D("369.90"), "stop_price": D(370)}
    return oco_plan(above, OcoLeg(**(below | changes)), an_instrument(base="ZEC"), a_market("380", spread="0"))


def test_the_specs_oco_becomes_one_exit_pair() -> None:
    plan = spec_oco()
    level = plan.levels[0]
    assert (plan.take_profit_type, plan.stop_loss_type) == (OrderType.TAKE_PROFIT_LIMIT, OrderType.STOP_LOSS_LIMIT)
    assert (level.take_profit.px, level.stop_loss.px, level.share) == (D(395), D(370), D(1))
    assert level.stop_limit == PriceTarget(px=D("369.90"))


@pytest.mark.parametrize(
    "changes",
    [
        {"stop_price": None},
        {"stop_price": D(381)},
        {"order_type": OrderType.STOP_LOSS},
        {"order_type": OrderType.LIMIT},
    ],
)
def test_an_oco_whose_legs_do_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        spec_oco(**changes)


@pytest.mark.parametrize(("qty", "fits"), [("0.02786", True), ("0.00995", False), ("0.0135", False)])
def test_both_legs_of_an_oco_meet_the_minimum_at_their_own_price(qty: str, fits: bool) -> None:
    if fits:
        check_both_legs(spec_oco(), D(qty), an_instrument(), "sizePct")
    else:
        with pytest.raises(Refused) as refused:
            check_both_legs(spec_oco(), D(qty), an_instrument(), "sizePct")
        assert refused.value.code == "ORDER_VALUE_TOO_LOW"
