"""The exit plan turned into exits: nothing is sold twice, nothing is too small, nothing is forgotten."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.exchanges import Exchange
from common.exits import ExitLevel, ExitPlan, PriceTarget, exits_for, lowest_exit_px
from common.instruments import Instrument, ceil_to, floor_to
from common.orders import OrderType

BTC = Instrument(
    exchange=Exchange.BINANCE,
    symbol="BTCUSDT",
    exchange_symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_qty=Decimal("0.00001"),
    min_notional=Decimal(5),
)
HALVES = ("0.5", "0.5")


def a_plan(*shares: str, stop: str = "95000", **fields: object) -> ExitPlan:
    """Levels at 104,000, 106,000, … over one stop."""
    levels = tuple(
        ExitLevel(
            take_profit=PriceTarget(px=Decimal(104_000 + 2_000 * n)),
            stop_loss=PriceTarget(px=Decimal(stop)),
            share=Decimal(share),
        )
        for n, share in enumerate(shares)
    )
    return msgspec.structs.replace(ExitPlan(levels=levels), **fields)


def quantities(plan: ExitPlan, received: str, **fields: object) -> list[Decimal]:
    placed = exits_for(plan, BTC, received=Decimal(received), avg_px=Decimal(100_000), **fields)  # type: ignore[arg-type]
    return [slice_.qty for slice_ in placed.slices]


def test_the_last_level_takes_what_rounding_leaves() -> None:
    assert quantities(a_plan(*HALVES), "0.00999") == [Decimal("0.00499"), Decimal("0.00500")]


def test_a_slice_below_the_minimum_merges_into_the_level_before_it() -> None:
    assert quantities(a_plan("0.9", "0.1"), "0.0004") == [Decimal("0.0004")]


def test_what_is_too_small_for_any_exit_is_dust() -> None:
    placed = exits_for(a_plan(*HALVES), BTC, received=Decimal("0.00004"), avg_px=Decimal(100_000))
    assert placed.slices == ()
    assert placed.dust == Decimal("0.00004")


def test_what_a_level_has_already_is_not_given_to_it_again() -> None:
    allocated = (Decimal("0.005"), Decimal(0))
    assert quantities(a_plan(*HALVES), "0.01", allocated=allocated) == [Decimal("0.005")]


def test_a_budget_of_one_pair_merges_all_levels() -> None:
    assert quantities(a_plan("0.2", "0.3", "0.5"), "0.01", max_slices=1) == [Decimal("0.01")]


def test_percentages_are_taken_from_the_average_entry_price_in_ticks() -> None:
    level = ExitLevel(take_profit=PriceTarget(pct=Decimal(4)), stop_loss=PriceTarget(pct=Decimal(-5)), share=Decimal(1))
    plan = ExitPlan(levels=(level,))
    (only,) = exits_for(plan, BTC, received=Decimal("0.01"), avg_px=Decimal("100000.333")).slices
    assert only.take_profit_px == Decimal("104000.34")
    assert only.stop_loss_px == Decimal("95000.32")


def test_a_limit_stop_without_a_price_of_its_own_rests_where_it_triggers() -> None:
    plan = a_plan("1", stop_loss_type=OrderType.STOP_LOSS_LIMIT)
    (only,) = exits_for(plan, BTC, received=Decimal("0.01"), avg_px=Decimal(100_000)).slices
    assert only.stop_limit_px == only.stop_loss_px == Decimal(95_000)


@pytest.mark.parametrize(("value", "step", "down", "up"), [("1.234", "0.01", "1.23", "1.24"), ("7", "0", "7", "7")])
def test_rounding_keeps_to_the_step_and_a_zero_step_is_off(value: str, step: str, down: str, up: str) -> None:
    assert floor_to(Decimal(value), Decimal(step)) == Decimal(down)
    assert ceil_to(Decimal(value), Decimal(step)) == Decimal(up)


@st.composite
def plans(draw: st.DrawFn) -> ExitPlan:
    weights = draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    shares = [Decimal(weight) / sum(weights) for weight in weights]
    shares[-1] = 1 - sum(shares[:-1], Decimal(0))
    return a_plan(*[str(share) for share in shares], stop=draw(st.sampled_from(["95000", "60000", "99999.99"])))


lots = st.integers(0, 500_000).map(lambda n: Decimal(n) / 100_000)


@given(plans(), lots, st.lists(lots, min_size=5, max_size=5), st.one_of(st.none(), st.integers(0, 6)))
def test_no_plan_ever_places_more_than_is_there_or_less_than_the_exchange_takes(
    plan: ExitPlan, received: Decimal, taken: list[Decimal], max_slices: int | None
) -> None:
    allocated = taken[: len(plan.levels)]
    available = max(received - sum(allocated, Decimal(0)), Decimal(0))
    placed = exits_for(
        plan,
        BTC,
        received=received,
        avg_px=Decimal(100_000),
        allocated=allocated,
        available=available,
        max_slices=max_slices,
    )
    assert sum((s.qty for s in placed.slices), Decimal(0)) + placed.dust == available
    assert max_slices is None or len(placed.slices) <= max_slices
    assert len({s.level for s in placed.slices}) == len(placed.slices)
    for slice_ in placed.slices:
        assert slice_.qty % BTC.lot_size == 0
        assert BTC.sellable(slice_.qty, min(slice_.take_profit_px, slice_.stop_loss_px))
    if max_slices is None and placed.dust > 0:
        assert not BTC.sellable(available, lowest_exit_px(plan, BTC, Decimal(100_000)))
