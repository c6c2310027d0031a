"""What the operators' gauges count."""

from decimal import Decimal

import msgspec
import pytest
from prometheus_client import REGISTRY

from common.db.leases import Lease
from common.orders import OrderAccepted, OrderStatus
from order_engine.bracket import Bracket
from order_engine.gauges import measure, measure_shards
from order_engine.policy import DEFAULT_POLICY
from order_engine.shard import Shard
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, an_entry_fill, an_intent, opened, told

LATER_MS = NOW_MS + DEFAULT_POLICY.ask_after_ms


def filled(bracket: Bracket) -> Bracket:
    """The bracket after its entry bought 0.01 at 100,000, its exits sent and not yet confirmed."""
    return told(bracket, an_entry_fill(bracket, avg_px=Decimal(100_000)))[0]


def confirmed(bracket: Bracket) -> Bracket:
    """The bracket after the exchange has accepted all of its exits."""
    for leg in (leg for exit_ in bracket.exits for leg in exit_.legs):
        bracket, _ = told(bracket, a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW, cum_qty=Decimal(0)))
    return bracket


def read(name: str) -> float | None:
    return REGISTRY.get_sample_value(name)


def test_what_was_bought_counts_in_dollars_until_its_exits_are_confirmed() -> None:
    bare = filled(opened())
    measure([bare, bare], NOW_MS)
    assert read("cgt_unprotected_notional_usd") == 2_000
    measure([confirmed(bare)], NOW_MS)
    assert read("cgt_unprotected_notional_usd") == 0


def test_what_is_not_quoted_in_dollars_is_left_out_of_the_sum() -> None:
    in_euro = msgspec.structs.replace(BTCUSDT, quote="EUR")
    measure([filled(opened(an_intent(instrument=in_euro)))], NOW_MS)
    assert read("cgt_unprotected_notional_usd") == 0


@pytest.mark.parametrize(("now_ms", "count"), [(LATER_MS - 1, 0), (LATER_MS, 1)])
def test_an_order_is_unknown_from_when_the_exchange_is_asked_about_it(now_ms: int, count: int) -> None:
    measure([opened()], now_ms)
    assert read("cgt_orders_unknown") == count


def test_a_confirmed_order_is_known_however_long_it_rests() -> None:
    measure([confirmed(filled(opened()))], LATER_MS)
    assert read("cgt_orders_unknown") == 0


def test_a_bracket_that_cannot_be_measured_does_not_hide_the_others() -> None:
    broken = msgspec.structs.replace(filled(opened()), reference_px=None, entry=7)
    measure([broken, filled(opened())], NOW_MS)
    assert read("cgt_unprotected_notional_usd") == 1_000


def test_a_parked_bracket_is_counted_until_something_changes_it() -> None:
    shard = Shard(Lease("order-engine", 0, "engine", 1, deadline_s=0))
    bracket = opened()
    shard.keep(bracket)
    shard.park(bracket.bracket_id, price=False)
    measure_shards([shard], NOW_MS)
    assert read("cgt_brackets_parked") == 1
    shard.keep(filled(bracket))
    measure_shards([shard], NOW_MS)
    assert read("cgt_brackets_parked") == 0
