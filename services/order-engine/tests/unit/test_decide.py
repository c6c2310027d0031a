"""What a bracket does, sentence by sentence."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.commands import CancelOrder, QueryOrder, SubmitOrder, SubmitOrderList
from common.errors import ErrorCategory
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderTriggered,
    OrderType,
    OrderUnknown,
    Side,
)
from common.protection import BracketClosed, BracketDenied, BracketState, ProtectionFailed
from order_engine.bracket import Bracket, ExitKind
from order_engine.decide import decide, next_wake_ms
from order_engine.events import AskAll, CancelWanted, Observed, Ticked
from order_engine.opening import open_bracket
from order_engine.order import Order
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import NOW_MS, a_fact, a_fill, a_plan, an_exits_intent, an_intent, opened, told
from order_engine.turn import Effect

A_LIMIT_BUY = {"order_type": OrderType.LIMIT, "price": Decimal(100_000)}


def filled(order: Order, bracket: Bracket, qty: str, cum: str, trade_id: str = "1", px: str = "100000") -> OrderFilled:
    cost = Decimal(qty) if order.side is Side.BUY else Decimal(qty) * Decimal(px)
    return a_fill(
        order,
        bracket,
        qty,
        px,
        status=OrderStatus.PARTIALLY_FILLED,
        cum_qty=Decimal(cum),
        trade_id=trade_id,
        fee=cost / 1000,
        fee_asset="BTC" if order.side is Side.BUY else "USDT",
    )


def entry_of(bracket: Bracket) -> Order:
    assert bracket.entry is not None
    return bracket.entry


def bought(qty: str = "0.01") -> tuple[Bracket, tuple[Effect, ...]]:
    """A market buy, filled at once."""
    bracket = opened(an_intent(qty))
    return told(bracket, filled(entry_of(bracket), bracket, qty, qty))


def accepted(bracket: Bracket) -> Bracket:
    """All exits confirmed by the exchange."""
    facts = [
        a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW, exchange_order_id=f"x{leg.client_order_id}")
        for exit_ in bracket.exits
        for leg in exit_.legs
        if not leg.confirmed
    ]
    return told(bracket, *facts)[0]


def refused(bracket: Bracket, category: ErrorCategory, **fields: Any) -> tuple[Bracket, tuple[Effect, ...]]:
    """The newest exit refused, leg by leg."""
    facts = [a_fact(OrderRejected, leg, bracket, category=category, **fields) for leg in bracket.exits[-1].legs]
    return told(bracket, *facts)


def lists(effects: tuple[Effect, ...]) -> list[SubmitOrderList]:
    return [effect for effect in effects if isinstance(effect, SubmitOrderList)]


def test_a_filled_entry_sends_both_lists_at_once_sized_from_what_arrived() -> None:
    bracket, effects = bought("0.01")
    first, second = lists(effects)
    # 0.01 bought, 0.00001 paid as fee: 0.00999 arrived, and half of it in lots is 0.00499.
    assert (first.qty, second.qty) == (Decimal("0.00499"), Decimal("0.00500"))
    assert first.take_profit.price == Decimal(104_000)
    assert second.take_profit.price == Decimal(106_000)
    assert first.stop_loss.trigger_px == second.stop_loss.trigger_px == Decimal(95_000)
    assert bracket.state is BracketState.UNPROTECTED
    assert accepted(bracket).state is BracketState.PROTECTED


def test_a_fee_in_another_asset_leaves_the_whole_quantity_to_sell() -> None:
    bracket = opened(an_intent("0.01"))
    fill = msgspec.structs.replace(filled(entry_of(bracket), bracket, "0.01", "0.01"), fee_asset="BNB")
    _, effects = told(bracket, fill)
    assert sum(command.qty for command in lists(effects)) == Decimal("0.01")


def test_entry_canceled_after_a_partial_fill_protects_what_is_held() -> None:
    bracket = opened(an_intent("0.01", **A_LIMIT_BUY))
    bracket, effects = told(bracket, filled(entry_of(bracket), bracket, "0.004", "0.004"))
    assert lists(effects) == []
    cancel = a_fact(OrderCanceled, entry_of(bracket), bracket, cum_qty=Decimal("0.004"))
    _, effects = told(bracket, cancel)
    assert sum(command.qty for command in lists(effects)) == Decimal("0.00399")


def test_a_growing_partial_fill_is_gathered_for_a_moment_and_then_protected() -> None:
    bracket = opened(an_intent("0.01", **A_LIMIT_BUY))
    bracket, first = told(bracket, filled(entry_of(bracket), bracket, "0.002", "0.002", "1"))
    bracket, second = told(bracket, filled(entry_of(bracket), bracket, "0.002", "0.004", "2"))
    assert lists(first + second) == []
    due_ms = next_wake_ms(bracket)
    assert due_ms == NOW_MS + DEFAULT_POLICY.debounce_ms
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=due_ms))
    assert sum(command.qty for command in lists(effects)) == Decimal("0.00399")


def test_a_partial_fill_too_small_for_the_exchange_waits_for_more() -> None:
    bracket = opened(an_intent("0.01", **A_LIMIT_BUY))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.00004", "0.00004", "1"))
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=NOW_MS + 200))
    assert lists(effects) == []
    assert bracket.unprotected_qty == 0
    assert bracket.dust_qty > 0
    bracket, effects = told(bracket, filled(entry_of(bracket), bracket, "0.00996", "0.01", "2"), now_ms=NOW_MS + 300)
    assert sum(command.qty for command in lists(effects)) == Decimal("0.00999")


def test_a_slice_below_the_minimum_notional_merges_into_its_neighbour() -> None:
    _, effects = bought("0.00009")  # 9 USDT: two slices of 4.50 would both be refused.
    (only,) = lists(effects)
    assert only.qty == Decimal("0.00008")


def test_a_repeated_fill_changes_nothing() -> None:
    bracket, _ = bought()
    again, effects = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    assert again is bracket
    assert effects == ()


def test_a_fill_learned_from_a_total_alone_is_sized_as_if_its_fee_were_in_base() -> None:
    bracket = opened(an_intent("0.01"))
    snapshot = a_fact(
        OrderSnapshot,
        entry_of(bracket),
        bracket,
        status=OrderStatus.FILLED,
        cum_qty=Decimal("0.01"),
        avg_px=Decimal(99_000),
    )
    bracket, effects = told(bracket, snapshot)
    assert sum(command.qty for command in lists(effects)) == Decimal("0.00999")
    # The single trades, with their fees, are asked for a little later.
    _, later = decide(bracket, Ticked(cause="tick", now_ms=NOW_MS + DEFAULT_POLICY.itemise_after_ms))
    assert any(isinstance(e, QueryOrder) and e.client_order_id == entry_of(bracket).client_order_id for e in later)


def test_a_fill_after_the_cancel_was_reported_is_still_protected() -> None:
    bracket = opened(an_intent("0.01", **A_LIMIT_BUY))
    bracket, _ = told(bracket, a_fact(OrderCanceled, entry_of(bracket), bracket, cum_qty=Decimal(0)))
    assert bracket.state is BracketState.CLOSED
    bracket, effects = told(bracket, filled(entry_of(bracket), bracket, "0.004", "0.004"))
    assert sum(command.qty for command in lists(effects)) == Decimal("0.00399")


def test_an_entry_refused_closes_the_bracket_and_sends_nothing_else() -> None:
    bracket = opened()
    bracket, effects = told(
        bracket, a_fact(OrderRejected, entry_of(bracket), bracket, category=ErrorCategory.INSUFFICIENT_BALANCE)
    )
    assert [type(effect) for effect in effects] == [BracketClosed]
    assert bracket.state is BracketState.CLOSED


def test_an_unknown_outcome_is_asked_about_and_never_sent_twice() -> None:
    bracket = opened()
    bracket, effects = told(bracket, a_fact(OrderUnknown, entry_of(bracket), bracket))
    assert not any(isinstance(effect, SubmitOrder) for effect in effects)
    at_ms = next_wake_ms(bracket)
    assert at_ms is not None
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=at_ms))
    assert [type(effect) for effect in effects] == [QueryOrder]
    later_ms = next_wake_ms(bracket)
    assert later_ms is not None
    assert later_ms - at_ms > DEFAULT_POLICY.ask_after_ms


def test_both_legs_of_a_list_in_flight_are_asked_about_once() -> None:
    bracket, _ = bought()
    _, effects = decide(bracket, AskAll(cause="broker", now_ms=NOW_MS))
    assert len([e for e in effects if isinstance(e, QueryOrder)]) == 2


@pytest.mark.parametrize(("market_px", "why"), [("94000", "below the stop"), ("104500", "above the target")])
def test_a_price_already_past_a_level_is_sold_at_market(market_px: str, why: str) -> None:
    bracket = opened(an_intent("0.01", plan=a_plan(("104000", "95000", "1"))))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    bracket, effects = refused(bracket, ErrorCategory.PRICE_RELATION, market_px=Decimal(market_px))
    sells = [e for e in effects if isinstance(e, SubmitOrder)]
    assert [(e.order_type, e.qty) for e in sells] == [(OrderType.MARKET, Decimal("0.00999"))], why


def test_an_order_that_was_taken_back_at_once_keeps_the_number_it_had() -> None:
    bracket, _ = bought()
    leg = bracket.exits[0].legs[0]
    taken_back = a_fact(
        OrderRejected, leg, bracket, category=ErrorCategory.PRICE_RELATION, exchange_order_id="po-7"
    )  # fmt: skip
    known = told(bracket, taken_back)[0].order(leg.client_order_id)
    assert known is not None
    assert (known.status, known.exchange_order_id) == (OrderStatus.REJECTED, "po-7")


def test_a_refused_list_becomes_a_lone_stop_and_then_a_market_sell() -> None:
    bracket = opened(an_intent("0.01", plan=a_plan(("104000", "95000", "1"))))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    kinds = [bracket.exits[-1].kind]
    for _ in range(3):
        bracket, effects = refused(bracket, ErrorCategory.FILTER)
        assert any(isinstance(effect, ProtectionFailed) for effect in effects)
        kinds.append(bracket.exits[-1].kind)
    assert kinds == [ExitKind.OCO, ExitKind.STOP, ExitKind.STOP, ExitKind.MARKET]


def test_a_refusal_is_never_answered_in_a_loop() -> None:
    bracket = opened(an_intent("0.01", plan=a_plan(("104000", "95000", "1"))))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    effects: tuple[Effect, ...] = ()
    for _ in range(4):
        bracket, effects = refused(bracket, ErrorCategory.FILTER)
    assert not any(isinstance(effect, SubmitOrder | SubmitOrderList) for effect in effects)
    assert bracket.ladder.retry_at_ms is not None
    assert bracket.ladder.retry_at_ms > NOW_MS
    _, later = decide(bracket, Ticked(cause="tick", now_ms=bracket.ladder.retry_at_ms))
    assert any(isinstance(effect, SubmitOrder) for effect in later)


def test_an_exit_canceled_by_hand_is_placed_again() -> None:
    bracket = accepted(bought()[0])
    facts = [a_fact(OrderCanceled, leg, bracket, cum_qty=Decimal(0)) for leg in bracket.exits[0].legs]
    bracket, effects = told(bracket, *facts)
    (again,) = lists(effects)
    assert again.qty == bracket.exits[0].qty
    assert again.list_client_order_id != bracket.exits[0].list_client_order_id


def test_an_exit_the_user_cancels_through_us_stays_canceled() -> None:
    bracket = accepted(bought()[0])
    leg = bracket.exits[0].legs[0]
    bracket, effects = decide(bracket, CancelWanted(cause="user", now_ms=NOW_MS, client_order_id=leg.client_order_id))
    assert [type(effect) for effect in effects] == [CancelOrder]
    facts = [a_fact(OrderCanceled, leg, bracket, cum_qty=Decimal(0)) for leg in bracket.exits[0].legs]
    bracket, effects = told(bracket, *facts)
    assert lists(effects) == []
    assert bracket.released_qty == bracket.exits[0].qty
    assert bracket.unprotected_qty == 0


def test_a_take_profit_that_fills_only_in_part_does_not_leave_its_rest_without_a_stop() -> None:
    bracket = accepted(bought()[0])
    target, stop = bracket.exits[0].legs
    bracket, _ = told(
        bracket,
        filled(target, bracket, "0.001", "0.001", "9", "104000"),
        a_fact(OrderExpired, stop, bracket, cum_qty=Decimal(0)),
    )
    assert bracket.unprotected_qty == Decimal("0.00399")
    at_ms = next_wake_ms(bracket)
    assert at_ms == NOW_MS + DEFAULT_POLICY.take_profit_patience_ms
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=at_ms))
    assert [type(effect) for effect in effects] == [CancelOrder]
    bracket, effects = told(bracket, a_fact(OrderCanceled, target, bracket, cum_qty=Decimal("0.001")), now_ms=at_ms)
    (again,) = lists(effects)
    assert again.qty == Decimal("0.00399")


def test_a_limit_stop_that_rests_after_its_trigger_is_escalated_to_a_market_sell() -> None:
    plan = a_plan(("104000", "95000", "1"), stop_loss_type=OrderType.STOP_LOSS_LIMIT)
    bracket = opened(an_intent("0.01", plan=plan))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    bracket = accepted(bracket)
    target, stop = bracket.exits[0].legs
    bracket, _ = told(
        bracket, a_fact(OrderTriggered, stop, bracket), a_fact(OrderExpired, target, bracket, cum_qty=Decimal(0))
    )
    at_ms = NOW_MS + plan.stop_limit_patience_ms
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=at_ms))
    assert [type(effect) for effect in effects] == [CancelOrder]
    bracket, effects = told(bracket, a_fact(OrderCanceled, stop, bracket, cum_qty=Decimal(0)), now_ms=at_ms)
    sells = [e for e in effects if isinstance(e, SubmitOrder)]
    assert [(e.order_type, e.qty) for e in sells] == [(OrderType.MARKET, Decimal("0.00999"))]


def test_an_order_given_up_for_lost_that_turns_up_is_cancelled_if_it_is_one_too_many() -> None:
    bracket = opened(an_intent("0.01", plan=a_plan(("104000", "95000", "1"))))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    bracket, effects = refused(bracket, ErrorCategory.NOT_FOUND)
    assert len(lists(effects)) == 1
    bracket = accepted(bracket)
    lost = bracket.exits[0].legs
    bracket, effects = told(bracket, *[a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW) for leg in lost])
    assert any(isinstance(effect, CancelOrder) for effect in effects)


def test_more_partial_fills_than_the_exchange_has_room_for_are_merged() -> None:
    bracket = opened(an_intent("0.1", **A_LIMIT_BUY), algo_orders_in_use=3)
    assert bracket.max_pairs == 2
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.02", "0.02", "1"))
    bracket, _ = decide(bracket, Ticked(cause="tick", now_ms=NOW_MS + 200))
    bracket = accepted(bracket)
    assert len(bracket.live_exits) == 2
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.02", "0.04", "2"), now_ms=NOW_MS + 300)
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=NOW_MS + 500))
    assert [type(effect) for effect in effects] == [CancelOrder]
    moving = next(exit_ for exit_ in bracket.exits if exit_.moving)
    facts = [a_fact(OrderCanceled, leg, bracket, cum_qty=Decimal(0)) for leg in moving.legs]
    bracket, effects = told(bracket, *facts, now_ms=NOW_MS + 520)
    (merged,) = lists(effects)
    assert merged.qty == moving.qty + Decimal("0.01998")
    assert len(bracket.live_exits) == 2


def test_exits_on_a_holding_are_placed_without_an_entry() -> None:
    _, effects = open_bracket(an_exits_intent("0.01"), algo_orders_in_use=0, cause="test", now_ms=NOW_MS)
    (command,) = lists(effects)
    assert command.qty == Decimal("0.01")


@pytest.mark.parametrize(
    ("fields", "in_use", "code"),
    [
        ({"valid_until_ms": NOW_MS - 1}, 0, "intent_expired"),
        ({"plan": None}, 0, "no_exit_plan"),
        ({}, 5, "algo_orders_exhausted"),
        ({"qty": Decimal("0.00004")}, 0, "exits_too_small"),
    ],
)
def test_an_intent_that_cannot_be_protected_is_denied_before_anything_is_sent(
    fields: dict[str, Any], in_use: int, code: str
) -> None:
    bracket, effects = open_bracket(an_intent(**fields), algo_orders_in_use=in_use, cause="test", now_ms=NOW_MS)
    assert bracket is None
    (denied,) = effects
    assert isinstance(denied, BracketDenied)
    assert denied.code == code


def test_a_sell_is_placed_without_exits_and_closes_when_it_is_done() -> None:
    bracket = opened(an_intent("0.01", side=Side.SELL, plan=None))
    bracket, effects = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    assert [type(effect) for effect in effects] == [BracketClosed]
    assert bracket.state is BracketState.CLOSED


def test_realised_profit_is_net_of_fees_in_base_and_quote() -> None:
    plan = a_plan(("104000", "95000", "1"))
    bracket = opened(an_intent("0.01", plan=plan))
    bracket, _ = told(bracket, filled(entry_of(bracket), bracket, "0.01", "0.01"))
    bracket = accepted(bracket)
    target, stop = bracket.exits[0].legs
    _, effects = told(
        bracket,
        filled(target, bracket, "0.00999", "0.00999", "2", "104000"),
        a_fact(OrderExpired, stop, bracket, cum_qty=Decimal(0)),
    )
    closed = next(effect for effect in effects if isinstance(effect, BracketClosed))
    # 0.00999 x 104,000 = 1,038.96, less its fee of 1.03896, less the 1,000 paid for the 0.00999 that arrived.
    assert closed.realised_pnl == Decimal("1038.96") - Decimal("1.03896") - Decimal(1000)
    assert closed.fees == {"BTC": Decimal("0.00001"), "USDT": Decimal("1.03896")}


def test_the_same_decision_always_has_the_same_ids() -> None:
    _, first = bought()
    _, second = bought()
    assert first == second


def test_an_event_about_somebody_elses_order_is_nobodys_business() -> None:
    bracket, _ = bought()
    stranger = msgspec.structs.replace(entry_of(bracket), client_order_id="placed-by-hand")
    fact = a_fact(OrderCanceled, stranger, bracket, cum_qty=Decimal(0))
    assert decide(bracket, Observed(cause="f", now_ms=NOW_MS, fact=fact)) == (bracket, ())
