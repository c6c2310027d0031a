"""Something unprotected for too long is told once, and told again when it is over; dust never is."""

from decimal import Decimal

import msgspec
from prometheus_client import REGISTRY

from common.orders import OrderAccepted, OrderStatus
from common.protection import ProtectionBase, ProtectionOverdue, ProtectionRestored
from order_engine.bracket import Bracket
from order_engine.decide import decide, next_wake_ms
from order_engine.events import Observed, Ticked
from order_engine.gauges import measure, observe_protection
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import NOW_MS, a_fact, an_entry_fill, an_intent, opened, told
from order_engine.turn import Effect
from order_engine.watch import protected_after_ms

BOUND_MS = DEFAULT_POLICY.overdue_after_ms


def bought(qty: str = "0.01") -> Bracket:
    bracket = opened(an_intent(qty))
    return told(bracket, an_entry_fill(bracket, qty))[0]


def covered(bracket: Bracket, at_ms: int) -> tuple[Bracket, tuple[Effect, ...]]:
    """All exits confirmed at that time."""
    effects: tuple[Effect, ...] = ()
    for leg in (leg for exit_ in bracket.exits for leg in exit_.legs):
        fact = a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW, at_ms=at_ms)
        bracket, more = decide(bracket, Observed(cause="accepted", now_ms=at_ms, fact=fact))
        effects += more
    return bracket, effects


def alarms(effects: tuple[Effect, ...]) -> list[ProtectionBase]:
    return [e for e in effects if isinstance(e, ProtectionOverdue | ProtectionRestored)]


def tick(bracket: Bracket, at_ms: int) -> tuple[Bracket, list[ProtectionBase]]:
    after, effects = decide(bracket, Ticked(cause="timer", now_ms=at_ms))
    return after, alarms(effects)


def test_what_is_bare_wants_to_be_looked_at_when_the_bound_is_over() -> None:
    bracket = bought()
    assert (bracket.bare_since_ms, bracket.alarm_at_ms) == (NOW_MS, NOW_MS + BOUND_MS)
    woken = next_wake_ms(msgspec.structs.replace(bracket, exits=()))
    assert woken is not None
    assert woken <= NOW_MS + BOUND_MS


def test_nothing_is_told_before_the_bound_and_one_alarm_after_it() -> None:
    bracket, told = tick(bought(), NOW_MS + BOUND_MS - 1)
    assert told == []
    bracket, (alarm,) = tick(bracket, NOW_MS + BOUND_MS)
    assert isinstance(alarm, ProtectionOverdue)
    assert (alarm.unprotected_qty, alarm.notional, alarm.quote_asset) == (Decimal("0.01"), Decimal(1_000), "USDT")
    assert alarm.bare_since_ms == NOW_MS
    assert tick(bracket, NOW_MS + 5 * BOUND_MS)[1] == []


def test_the_alarm_ends_with_a_word_once_everything_is_covered() -> None:
    bracket, _ = tick(bought(), NOW_MS + BOUND_MS)
    after, effects = covered(bracket, NOW_MS + BOUND_MS + 70)
    (over,) = alarms(effects)
    assert isinstance(over, ProtectionRestored)
    assert over.bare_since_ms == NOW_MS
    assert (after.overdue, after.bare_since_ms, after.alarm_at_ms) == (False, None, None)


def test_what_is_covered_in_time_alarms_nobody_and_says_how_long_it_took() -> None:
    before = bought()
    after, effects = covered(before, NOW_MS + 40)
    assert alarms(effects) == []
    assert protected_after_ms(before, after) == 40
    assert protected_after_ms(after, after) is None


def test_dust_never_alarms() -> None:
    whole = bought()
    dust = msgspec.structs.replace(whole, missing_qty=Decimal("0.00999"), exits=(), bare_since_ms=None)
    assert dust.dust_qty == Decimal("0.00001")
    after, told = tick(dust, NOW_MS + 10 * BOUND_MS)
    assert told == []
    assert after.bare_since_ms is None


def test_operators_see_how_many_brackets_are_overdue_and_how_long_protection_takes() -> None:
    late, _ = tick(bought(), NOW_MS + BOUND_MS)
    count = REGISTRY.get_sample_value("cgt_fill_to_protection_seconds_count") or 0
    observe_protection([40], [late])
    measure([late, bought()], NOW_MS)
    assert REGISTRY.get_sample_value("cgt_brackets_overdue") == 1
    assert REGISTRY.get_sample_value("cgt_fill_to_protection_seconds_count") == count + 1
