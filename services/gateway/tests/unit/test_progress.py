"""Facts fold into an answer, whatever is repeated or comes late."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.bus.brokers import Pace
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.intents import CancelAllOrdersIntent, PlaceOrder
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderType,
    OrderUnknown,
    Side,
)
from common.protection import ProtectionFailed, ProtectionPlaced, ProtectionReduced
from gateway.testing.builders import an_instrument, order_fact, protection_fact
from gateway.trading.errands import ManyProgress, cancel_all_errand
from gateway.trading.progress import (
    Progress,
    Step,
    cancel_progress,
    entry_progress,
    exits_progress,
    held_cancel_progress,
)
from gateway.waiting import Waiting, entry_keys

ABOUT: dict[str, Any] = {
    "intent_id": "i",
    "user_id": "u",
    "account_id": "a",
    "exchange": Exchange.BINANCE,
    "symbol": "BTCUSDT",
    "ts_init_ms": 1,
    "valid_until_ms": 2,
}
INTENT = PlaceOrder(
    **ABOUT,
    side=Side.BUY,
    order_type=OrderType.MARKET,
    qty=Decimal(2),
    instrument=an_instrument(),
    reference_px=Decimal(100),
)
ACCEPTED = order_fact(OrderAccepted, INTENT, status=OrderStatus.NEW)
PART = order_fact(OrderFilled, INTENT, status=OrderStatus.PARTIALLY_FILLED, cum_qty=Decimal(1), avg_px=Decimal(100))
FILLED = order_fact(OrderFilled, INTENT, status=OrderStatus.FILLED, cum_qty=Decimal(2), avg_px=Decimal(101))
UNKNOWN = order_fact(OrderUnknown, INTENT)
REJECTED = order_fact(OrderRejected, INTENT, category=ErrorCategory.FILTER, code="-1013", reason="LOT_SIZE")


def after(*facts: Any) -> Progress:
    progress = Progress()
    for fact in facts:
        progress = entry_progress(progress, fact)
    return progress


@given(st.permutations([ACCEPTED, PART, FILLED]), st.lists(st.sampled_from([ACCEPTED, PART, FILLED, UNKNOWN])))
def test_a_filled_order_is_filled_in_whatever_order_its_facts_come(first: list[Any], more: list[Any]) -> None:
    progress = after(*first, *more)
    assert (progress.step, progress.status, progress.executed_qty) == (Step.DONE, OrderStatus.FILLED, Decimal(2))


def test_a_lost_answer_is_unknown_until_a_fact_settles_it() -> None:
    assert after(UNKNOWN).step is Step.UNKNOWN
    assert after(UNKNOWN, PART).step is Step.WORKING


def test_a_refusal_says_why_and_a_late_one_does_not_undo_an_order() -> None:
    refused = after(REJECTED)
    assert refused.refusal is not None
    assert (refused.step, refused.refusal.code) == (Step.REFUSED, "-1013")
    assert after(ACCEPTED, REJECTED).step is Step.WORKING


@pytest.mark.parametrize(
    ("fact", "step"),
    [
        (ACCEPTED, Step.PENDING),
        (order_fact(OrderCanceled, INTENT, status=OrderStatus.CANCELED), Step.DONE),
        (order_fact(OrderSnapshot, INTENT, status=OrderStatus.CANCELED), Step.DONE),
        (order_fact(OrderUnknown, INTENT, operation="cancel"), Step.UNKNOWN),
        (FILLED, Step.REFUSED),
    ],
)
def test_a_cancel_is_done_when_the_order_has_ended_and_too_late_when_it_filled(fact: Any, step: Step) -> None:
    assert cancel_progress(Progress(), fact).step is step


def test_exits_are_done_when_they_are_confirmed_and_refused_when_they_fail() -> None:
    placed = protection_fact(ProtectionPlaced, INTENT, list_client_order_id="l", level=0, qty=Decimal(1), legs=())
    failed: dict[str, Any] = {"client_order_id": None, "code": None, "reason": None, "next_step": "ask"}
    assert exits_progress(Progress(), placed).step is Step.DONE
    for category, step in (("filter", Step.REFUSED), ("unknown", Step.UNKNOWN)):
        fact = protection_fact(ProtectionFailed, INTENT, category=category, **failed)
        assert exits_progress(Progress(), fact).step is step


def test_cancelling_all_is_done_when_the_last_of_them_has_ended() -> None:
    errand = cancel_all_errand(CancelAllOrdersIntent(**ABOUT), frozenset({"one", "two"}))
    progress: Progress = errand.start
    for name, step in (("one", Step.PENDING), ("one", Step.PENDING), ("other", Step.PENDING), ("two", Step.DONE)):
        canceled = order_fact(OrderCanceled, INTENT, client_order_id=name, status=OrderStatus.CANCELED)
        progress = errand.fold(progress, canceled)
        assert progress.step is step
    assert isinstance(progress, ManyProgress)
    assert progress.ended == (("one", "CANCELED"), ("two", "CANCELED"))


def test_there_is_nothing_to_wait_for_when_nothing_rests() -> None:
    assert cancel_all_errand(CancelAllOrdersIntent(**ABOUT), frozenset()).start.step is Step.DONE


async def test_a_fact_wakes_who_waits_for_it_once_and_nobody_else() -> None:
    waiting = Waiting()
    with (
        waiting.for_facts([*entry_keys("a", "i"), ("a", "4711")]) as ours,
        waiting.for_facts([("b", "4711")]) as others,
    ):
        waiting.tell(ACCEPTED)
        assert await ours.next(float("inf")) is ACCEPTED
        assert await ours.next(0) is None
        assert await others.next(0) is None
    waiting.tell(ACCEPTED)
    assert not waiting._queues


@pytest.mark.parametrize(
    ("level", "sold", "step"),
    [(1, "0", Step.DONE), (0, "0", Step.PENDING), (1, "0.5", Step.REFUSED)],
)
def test_a_cancel_of_a_held_stop_is_answered_by_the_end_of_its_exit(level: int, sold: str, step: Step) -> None:
    fact = protection_fact(
        ProtectionReduced,
        INTENT,
        list_client_order_id=None,
        level=level,
        sold_qty=Decimal(sold),
        returned_qty=Decimal(1),
        reason="",
    )
    assert held_cancel_progress(Progress(), fact, 1).step is step


def test_readers_hurry_only_while_a_request_is_being_answered() -> None:
    waiting, paces = Waiting(), list[Pace]()
    keys = entry_keys("account", "intent")

    def note() -> None:
        paces.append(waiting.tempo.pace)

    note()
    with waiting.tempo.nudging(note):
        with waiting.for_facts(keys, hurried=False):
            with waiting.for_facts(keys):
                pass
            note()
        note()
    assert paces == [Pace.COLD, Pace.LIVE, Pace.HOT, Pace.LIVE, Pace.COLD]
