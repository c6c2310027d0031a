"""The ledger held against an exchange: what differs is mended, what agrees is left alone."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.connector.outcomes import FateKind, OrderFate
from common.errors import ErrorCategory
from common.instruments import ZERO
from common.orders import OrderFact, OrderFilled, OrderRejected, OrderSnapshot, OrderStatus, OrderType
from sync.ledger import Drift, LedgerOrder
from sync.reconcile import LISTING_LAG_MS, ExchangeView, Reconciled, ours_by_name, reconcile
from sync.testing.builders import NOW_MS, a_trade, after, an_order, shown

QTY = Decimal("0.01")


def seen(*open_orders: OrderSnapshot, **fields: Any) -> ExchangeView:
    return ExchangeView(open_orders=open_orders, read_ms=NOW_MS, **fields)


def found(order: LedgerOrder, *facts: OrderFact) -> dict[str, OrderFate]:
    return {order.client_order_id: OrderFate(kind=FateKind.FOUND, facts=facts)}


def drifts(result: Reconciled) -> list[Drift]:
    return [finding.drift for finding in result.findings]


def test_an_order_that_is_open_as_the_ledger_has_it_calls_for_nothing() -> None:
    assert reconcile([an_order()], seen(shown(an_order()))) == Reconciled()


def test_an_order_that_is_open_no_more_is_asked_about() -> None:
    order = an_order()
    result = reconcile([order], seen())
    assert (result.questions, result.findings) == ((order,), ())


def test_an_order_that_traded_unheard_is_asked_for_its_trades_and_fees() -> None:
    order = an_order()
    partly = shown(order, OrderStatus.PARTIALLY_FILLED, cum_qty=Decimal("0.004"))
    assert reconcile([order], seen(partly)).questions == (order,)


def test_trades_that_complete_an_order_settle_it_without_another_question() -> None:
    order = an_order()
    trades = (a_trade(order, "0.004", "1"), a_trade(order, "0.006", "2"), a_trade(an_order("t9"), "1", "3"))
    result = reconcile([order], seen(trades=trades))
    assert drifts(result) == [Drift.FILLED]
    assert [(fact.cum_qty, fact.status, fact.client_order_id) for fact in result.facts] == [
        (Decimal("0.004"), OrderStatus.PARTIALLY_FILLED, order.client_order_id),
        (QTY, OrderStatus.FILLED, order.client_order_id),
    ]
    assert result.questions == ()


def test_trades_that_do_not_complete_an_order_leave_the_question_how_it_ended() -> None:
    order = an_order()
    assert reconcile([order], seen(trades=(a_trade(order, "0.004"),))).questions == (order,)


@pytest.mark.parametrize(
    ("status", "drift"),
    [
        (OrderStatus.FILLED, Drift.FILLED),
        (OrderStatus.CANCELED, Drift.CANCELED),
        (OrderStatus.EXPIRED, Drift.EXPIRED),
    ],
)
def test_an_order_that_was_looked_at_is_told_as_it_ended(status: OrderStatus, drift: Drift) -> None:
    order = an_order()
    result = reconcile([order], seen(fates=found(order, shown(order, status))))
    assert drifts(result) == [drift]
    assert [fact.status for fact in result.facts] == [status]


def test_an_order_in_flight_that_is_open_has_arrived_and_gets_its_number() -> None:
    order = an_order(status=None, exchange_order_id=None)
    result = reconcile([order], seen(shown(order, exchange_order_id="77")))
    assert drifts(result) == [Drift.ARRIVED]
    assert result.facts[0].exchange_order_id == "77"


@pytest.mark.parametrize(("status", "drift"), [(None, Drift.NEVER_ARRIVED), (OrderStatus.NEW, Drift.GONE)])
def test_proven_absence_is_told_as_a_refusal(status: OrderStatus | None, drift: Drift) -> None:
    order = an_order(status=status)
    fates = {order.client_order_id: OrderFate(kind=FateKind.NEVER_ARRIVED, code="-2013")}
    result = reconcile([order], seen(fates=fates))
    (fact,) = result.facts
    assert drifts(result) == [drift]
    assert isinstance(fact, OrderRejected)
    assert fact.category is ErrorCategory.NOT_FOUND


@pytest.mark.parametrize("kind", [FateKind.ABSENT, FateKind.UNCLEAR, FateKind.SETTLING])
def test_what_proves_nothing_leaves_the_order_in_flight(kind: FateKind) -> None:
    order = an_order(status=None)
    result = reconcile([order], seen(fates={order.client_order_id: OrderFate(kind=kind)}))
    assert (result.facts, result.questions, result.unsettled) == ((), (), (order,))


@pytest.mark.parametrize("change", [{"qty": Decimal("0.02")}, {"price": Decimal(105_000)}])
def test_an_order_changed_by_hand_is_told_as_it_is_now(change: dict[str, Any]) -> None:
    result = reconcile([an_order()], seen(shown(an_order(), **change)))
    assert drifts(result) == [Drift.CHANGED]


@pytest.mark.parametrize(("ended_ago_ms", "expected"), [(LISTING_LAG_MS, [Drift.LEFT_OVER]), (LISTING_LAG_MS - 1, [])])
def test_an_order_open_well_after_its_end_is_left_over(ended_ago_ms: int, expected: list[Drift]) -> None:
    order = an_order(status=OrderStatus.CANCELED, updated_ms=NOW_MS - ended_ago_ms)
    assert drifts(reconcile([order], seen(shown(order)))) == expected


def test_an_ended_order_with_trades_unknown_is_asked_for_them() -> None:
    order = an_order(status=OrderStatus.FILLED, cum_qty=QTY)
    assert reconcile([order], seen()).questions == (order,)
    facts = (
        msgspec.structs.replace(a_trade(order, "0.01"), client_order_id=order.client_order_id, cum_qty=QTY),
        shown(order, OrderStatus.FILLED, cum_qty=QTY),
    )
    assert drifts(reconcile([order], seen(fates=found(order, *facts)))) == [Drift.TRADES_MISSING]


def test_an_order_without_our_id_is_known_by_its_number() -> None:
    order = an_order(exchange_order_id="po-7", order_type=OrderType.STOP_LOSS_LIMIT)
    result = reconcile([order], seen(shown(order, client_order_id=None)))
    assert result == Reconciled()


def test_an_order_nobody_placed_through_us_is_foreign_and_causes_no_fact() -> None:
    foreign = shown(an_order(), client_order_id="web_1", exchange_order_id="99")
    result = reconcile([an_order()], seen(shown(an_order()), foreign))
    assert (result.foreign, result.facts) == ((foreign,), ())
    assert ours_by_name([foreign, shown(an_order())]) == {an_order().client_order_id}


def test_what_a_trigger_of_ours_became_is_not_foreign() -> None:
    stop = an_order("s1", exchange_order_id="po-7", order_type=OrderType.STOP_LOSS_LIMIT, trigger_px=Decimal(95_000))
    child = shown(stop, client_order_id=None, exchange_order_id="123", order_type=OrderType.LIMIT)
    named = shown(stop, client_order_id="po-7", exchange_order_id="124", order_type=OrderType.LIMIT)
    assert reconcile([stop], seen(child, named)).foreign == ()


def test_an_exit_that_came_along_with_its_entry_is_left_to_the_engine_until_its_number_is_known() -> None:
    terms = {"order_type": OrderType.STOP_LOSS, "trigger_px": Decimal(95_000)}
    stop = an_order("q1", status=None, exchange_order_id=None, **terms)
    placed = shown(stop, client_order_id="1234567", exchange_order_id="99")
    assert reconcile([stop], seen(placed)) == Reconciled()
    assert reconcile([stop], seen()) == Reconciled()
    known = an_order("q1", exchange_order_id="99", **terms)
    larger = shown(known, client_order_id="1234567", qty=Decimal("0.02"))
    assert reconcile([known], seen(larger)) == Reconciled(), "its size is the exchange's choice"


# --- properties: whatever an exchange did unheard, the ledger agrees once the facts are applied -----------------------

STATUSES = [
    OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED,
]  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[LedgerOrder], dict[str, OrderSnapshot], dict[str, list[OrderFilled]]]:
    """Orders as the ledger has them, and the truth: how each stands on the exchange, with its trades."""
    ledger, truth, trades = [], {}, {}
    for n in range(draw(st.integers(1, 4))):
        told = draw(st.sampled_from([None, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED]))
        status = draw(st.sampled_from(STATUSES))
        parts = {OrderStatus.NEW: 0, OrderStatus.FILLED: 3}.get(status, draw(st.integers(0, 2)))
        if status is OrderStatus.PARTIALLY_FILLED:
            parts = max(parts, 1)
        heard = draw(st.integers(0, parts)) if told is OrderStatus.PARTIALLY_FILLED else 0
        if told is OrderStatus.PARTIALLY_FILLED and heard == 0:
            told = OrderStatus.NEW
        order = an_order(f"t{n}", status=told, exchange_order_id=None if told is None else f"x{n}")
        sizes = ["0.003", "0.003", "0.004"][:parts]
        cum = sum(map(Decimal, sizes), ZERO)
        known = sum(map(Decimal, sizes[:heard]), ZERO)
        ledger.append(msgspec.structs.replace(order, cum_qty=known, itemised_qty=known))
        truth[order.client_order_id] = shown(order, status, exchange_order_id=f"x{n}", cum_qty=cum)
        total, mine = ZERO, []
        for k, size in enumerate(sizes):
            total += Decimal(size)
            mine.append(
                a_trade(
                    order,
                    size,
                    f"{n}/{k}",
                    exchange_order_id=f"x{n}",
                    client_order_id=order.client_order_id,
                    cum_qty=total,
                )
            )
        trades[order.client_order_id] = mine
    return ledger, truth, trades


def settle(
    ledger: list[LedgerOrder], truth: dict[str, OrderSnapshot], trades: dict[str, list[OrderFilled]]
) -> Reconciled:
    """One whole check: the listing, then every question answered."""
    view = seen(*(order for order in truth.values() if order.status is not None and not order.status.terminal))
    asked = reconcile(ledger, view).questions
    fates = {
        order.client_order_id: OrderFate(
            kind=FateKind.FOUND, facts=(*trades[order.client_order_id], truth[order.client_order_id])
        )
        for order in asked
    }
    return reconcile(ledger, msgspec.structs.replace(view, fates=fates))


def applied(order: LedgerOrder, result: Reconciled, heard: list[OrderFilled]) -> LedgerOrder:
    """The order after the facts; trades the ledger has are in it already and count once."""
    known, fresh = order.itemised_qty, []
    for fact in result.facts:
        if isinstance(fact, OrderFilled) and fact.client_order_id == order.client_order_id and known > 0:
            known -= fact.last_qty or ZERO
            continue
        fresh.append(fact)
    return after(order, tuple(fresh))


@given(worlds())
def test_whatever_differs_the_ledger_agrees_once_the_facts_are_applied(world: Any) -> None:
    ledger, truth, trades = world
    result = settle(ledger, truth, trades)
    mended = [applied(order, result, trades[order.client_order_id]) for order in ledger]
    for order in mended:
        real = truth[order.client_order_id]
        assert (order.status, order.cum_qty, order.itemised_qty) == (real.status, real.cum_qty, real.cum_qty)
        assert order.exchange_order_id == real.exchange_order_id
    # Nothing is told twice: what agrees calls for neither a fact nor a question.
    again = settle(mended, truth, trades)
    assert (again.facts, again.questions) == ((), ())


@given(worlds())
def test_an_order_that_already_agrees_causes_no_fact_whatever_its_neighbours_do(world: Any) -> None:
    ledger, truth, trades = world
    result = settle(ledger, truth, trades)
    agreeing = {
        order.client_order_id
        for order in ledger
        if order.status is truth[order.client_order_id].status
        and order.itemised_qty == truth[order.client_order_id].cum_qty
    }
    assert agreeing.isdisjoint(finding.client_order_id for finding in result.findings)
