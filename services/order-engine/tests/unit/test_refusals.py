"""What follows a refused exit: nothing is written off in haste, and patience never becomes a sale."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.commands import CancelOrder, SubmitOrder, SubmitOrderList
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.exits import ExitLevel, ExitPlan, PriceTarget
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
    OrderType,
)
from common.protection import BracketState, ProtectionFailed
from order_engine.bracket import Bracket
from order_engine.decide import decide, next_wake_ms
from order_engine.events import AskAll, CancelWanted, PriceSeen, Ticked
from order_engine.ladder import Ladder, after_refusal
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, a_fill, a_plan, an_intent, opened, told
from order_engine.turn import Effect

ONE_LEVEL = a_plan(("104000", "95000", "1"))


def filled(bracket: Bracket, cum: str = "0.01", last: str = "0.01", **fields: Any) -> OrderFilled:
    """A fill of the entry at 100,000, its fee in quote."""
    assert bracket.entry is not None
    defaults: dict[str, Any] = {"cum_qty": Decimal(cum), "avg_px": Decimal(100_000), "trade_id": f"{cum}/{last}"}
    return a_fill(bracket.entry, bracket, last, **(defaults | {"fee_asset": "USDT"} | fields))


def bought(**fields: Any) -> Bracket:
    bracket = opened(an_intent(**({"plan": ONE_LEVEL} | fields)))
    return told(bracket, filled(bracket))[0]


def refused(bracket: Bracket, category: ErrorCategory, at_ms: int = NOW_MS, **fields: Any) -> tuple[Bracket, Any]:
    """Every exit order in flight refused."""
    legs = [leg for exit_ in bracket.live_exits for leg in exit_.legs if not leg.confirmed]
    facts = [a_fact(OrderRejected, leg, bracket, category=category, **fields) for leg in legs]
    return told(bracket, *facts, now_ms=at_ms)


def accepted(bracket: Bracket) -> Bracket:
    legs = [leg for exit_ in bracket.live_exits for leg in exit_.legs if not leg.confirmed]
    return told(bracket, *[a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW) for leg in legs])[0]


def retried(bracket: Bracket) -> tuple[Bracket, tuple[Effect, ...], int]:
    """The bracket when its pause is over."""
    at_ms = bracket.ladder.retry_at_ms
    assert at_ms is not None, "nothing is waited for"
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=at_ms))
    return bracket, effects, at_ms


def submits(effects: tuple[Effect, ...]) -> list[SubmitOrder | SubmitOrderList]:
    return [effect for effect in effects if isinstance(effect, SubmitOrder | SubmitOrderList)]


def test_what_is_too_little_to_be_sold_at_the_market_is_dust_and_tried_no_more() -> None:
    bracket = opened(an_intent("0.00007", plan=ONE_LEVEL))
    bracket, effects = told(bracket, filled(bracket, "0.00007", "0.00007"))
    assert len(submits(effects)) == 1
    bracket, effects = refused(bracket, ErrorCategory.PRICE_RELATION, market_px=Decimal(70_000))
    assert submits(effects) == []
    assert (bracket.dust_qty, bracket.unprotected_qty) == (Decimal("0.00007"), Decimal(0))
    assert bracket.state is BracketState.CLOSED
    assert next_wake_ms(bracket) is None


@pytest.mark.parametrize("category", [ErrorCategory.FILTER, ErrorCategory.BAD_REQUEST])
def test_a_market_sell_refused_for_being_too_small_is_dust_at_that_price(category: ErrorCategory) -> None:
    bracket = opened(an_intent("0.00007", plan=ONE_LEVEL))
    bracket, _ = told(bracket, filled(bracket, "0.00007", "0.00007"))
    effects: tuple[Effect, ...] = ()
    for _ in range(DEFAULT_POLICY.attempts_before_market):
        bracket, effects = refused(bracket, ErrorCategory.UNCLASSIFIED)
    assert [order.order_type for order in submits(effects) if isinstance(order, SubmitOrder)] == [OrderType.MARKET]
    bracket, _ = refused(bracket, category, market_px=Decimal(70_000))
    assert (bracket.unprotected_qty, bracket.state, next_wake_ms(bracket)) == (Decimal(0), BracketState.CLOSED, None)


def on_mexc() -> Bracket:
    """Two held stops on MEXC, their targets resting, the price at the stop, and both targets cancelled."""
    instrument = msgspec.structs.replace(BTCUSDT, exchange=Exchange.MEXC, max_algo_orders=0)
    plan = a_plan(take_profit_type=OrderType.LIMIT)
    bracket = accepted(bought(exchange=Exchange.MEXC, instrument=instrument, plan=plan))
    targets = [exit_.legs[0] for exit_ in bracket.exits]
    bracket, _ = decide(bracket, PriceSeen(cause="p", now_ms=NOW_MS + 1_000, px=Decimal(94_000)))
    ended = [a_fact(OrderCanceled, target, bracket, cum_qty=Decimal(0)) for target in targets]
    return told(bracket, *ended, now_ms=NOW_MS + 1_010)[0]


def test_two_slices_short_at_the_same_moment_write_nothing_off() -> None:
    bracket, _ = refused(bought(plan=a_plan()), ErrorCategory.INSUFFICIENT_BALANCE, available_qty=Decimal(0))
    assert bracket.missing_qty == 0
    assert bracket.ladder.looks == 1


def test_a_short_balance_is_believed_after_ten_seconds_of_looking() -> None:
    bracket, at_ms = bought(), NOW_MS
    effects: tuple[Effect, ...] = ()
    while bracket.missing_qty == 0:
        bracket, effects = refused(bracket, ErrorCategory.INSUFFICIENT_BALANCE, at_ms, available_qty=Decimal("0.004"))
        if bracket.missing_qty == 0:
            bracket, effects, at_ms = retried(bracket)
            assert [command.qty for command in submits(effects)] == [Decimal("0.01")]
    assert DEFAULT_POLICY.short_belief_ms <= at_ms - NOW_MS < 20_000
    assert bracket.missing_qty == Decimal("0.006")
    assert [command.qty for command in submits(effects)] == [Decimal("0.004")]


def test_a_balance_not_freed_yet_delays_a_stop_by_a_moment_only() -> None:
    bracket, _ = refused(on_mexc(), ErrorCategory.INSUFFICIENT_BALANCE, NOW_MS + 1_020, available_qty=Decimal(0))
    assert bracket.missing_qty == 0
    bracket, effects, at_ms = retried(bracket)
    assert at_ms - (NOW_MS + 1_020) <= DEFAULT_POLICY.release_lag_ms
    assert sum((command.qty or Decimal(0) for command in submits(effects)), Decimal(0)) == Decimal("0.01")


@pytest.mark.parametrize(
    "category", [ErrorCategory.EXCHANGE_DOWN, ErrorCategory.RATE_LIMITED, ErrorCategory.AUTH, ErrorCategory.CLOCK]
)
def test_a_refusal_that_asks_for_patience_never_sells_the_position(category: ErrorCategory) -> None:
    bracket, pauses = bought(), []
    for _ in range(6):
        before_ms = bracket.now_ms
        bracket, _ = refused(bracket, category, before_ms)
        bracket, effects, at_ms = retried(bracket)
        pauses.append(at_ms - before_ms)
        assert [type(command) for command in submits(effects)] == [SubmitOrderList]
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]


def test_an_exit_that_never_arrived_is_sent_again_at_once_but_not_in_a_loop() -> None:
    bracket, effects = refused(bought(), ErrorCategory.EXPIRED)
    assert len(submits(effects)) == 1
    bracket, effects = refused(bracket, ErrorCategory.EXPIRED)
    assert submits(effects) == []
    assert bracket.ladder.retry_at_ms is not None


def test_a_confirmed_exit_that_the_exchange_proves_absent_is_placed_again() -> None:
    bracket = accepted(bought())
    assert bracket.state is BracketState.PROTECTED
    bracket, _ = decide(bracket, AskAll(cause="broker", now_ms=NOW_MS + 10))
    absent = [a_fact(OrderRejected, leg, bracket, category=ErrorCategory.NOT_FOUND) for leg in bracket.exits[0].legs]
    bracket, effects = told(bracket, *absent, now_ms=NOW_MS + 20_000)
    assert [command.qty for command in submits(effects)] == [Decimal("0.01")]


def test_the_price_of_an_old_refusal_does_not_sell_a_later_fill() -> None:
    limit: dict[str, Any] = {"order_type": OrderType.LIMIT, "price": Decimal(100_000), "qty": Decimal("0.02")}
    bracket = opened(an_intent(plan=ONE_LEVEL, **limit))
    bracket, _ = told(bracket, filled(bracket, "0.005", "0.005"))
    bracket, _ = decide(bracket, Ticked(cause="tick", now_ms=NOW_MS + 201))
    bracket, effects = refused(bracket, ErrorCategory.PRICE_RELATION, NOW_MS + 220, market_px=Decimal(105_000))
    (sale,) = submits(effects)
    assert isinstance(sale, SubmitOrder)
    order = bracket.order(sale.client_order_id)
    assert order is not None
    sold = a_fact(
        OrderFilled, order, bracket, cum_qty=sale.qty, last_qty=sale.qty, last_px=Decimal(105_000), trade_id="s"
    )
    bracket, _ = told(bracket, sold, now_ms=NOW_MS + 230)
    bracket, effects = told(bracket, filled(bracket, "0.02", "0.015"), now_ms=NOW_MS + 3_600_000)
    assert [type(command) for command in submits(effects)] == [SubmitOrderList]


def test_a_market_sale_above_the_exchanges_maximum_is_split() -> None:
    instrument = msgspec.structs.replace(BTCUSDT, market_max_qty=Decimal("0.004"))
    bracket = bought(instrument=instrument)
    _, effects = refused(bracket, ErrorCategory.PRICE_RELATION, market_px=Decimal(94_000))
    assert [command.qty for command in submits(effects)] == [Decimal("0.004"), Decimal("0.004"), Decimal("0.002")]


def test_a_total_without_a_price_does_not_halve_the_entry_price() -> None:
    level = ExitLevel(take_profit=PriceTarget(pct=Decimal(4)), stop_loss=PriceTarget(pct=Decimal(-5)), share=Decimal(1))
    bracket = opened(an_intent(plan=ExitPlan(levels=(level,))))
    _, effects = told(bracket, filled(bracket, "0.01", "0.005", avg_px=None))
    (command,) = submits(effects)
    assert isinstance(command, SubmitOrderList)
    assert command.take_profit.price == Decimal(104_000)


def test_released_quantity_is_not_counted_twice_when_its_fill_arrives_late() -> None:
    bracket = accepted(bought(plan=a_plan()))
    given_up, kept = bracket.exits
    bracket, _ = decide(
        bracket, CancelWanted(cause="user", now_ms=NOW_MS, client_order_id=given_up.legs[0].client_order_id)
    )
    bracket, _ = told(bracket, *[a_fact(OrderCanceled, leg, bracket) for leg in given_up.legs])
    half = given_up.qty / 2
    late = a_fact(
        OrderFilled, given_up.legs[0], bracket, cum_qty=half, last_qty=half, last_px=Decimal(104_000), trade_id="z"
    )
    bracket, effects = told(bracket, late)
    assert bracket.held_qty == kept.qty
    assert not any(isinstance(effect, CancelOrder) for effect in effects)


def test_an_exit_the_user_gave_up_is_not_placed_again_when_it_is_refused() -> None:
    bracket = bought()
    leg = bracket.exits[0].legs[0]
    bracket, _ = decide(bracket, CancelWanted(cause="user", now_ms=NOW_MS, client_order_id=leg.client_order_id))
    bracket, effects = refused(bracket, ErrorCategory.FILTER)
    assert submits(effects) == []
    assert bracket.released_qty == Decimal("0.01")


def test_a_slow_limit_stop_beside_a_refused_target_is_escalated_in_its_own_time() -> None:
    plan = a_plan(
        ("104000", "95000", "1"),
        take_profit_type=OrderType.TAKE_PROFIT_LIMIT,
        stop_loss_type=OrderType.STOP_LOSS_LIMIT,
    )
    instrument = msgspec.structs.replace(BTCUSDT, exchange=Exchange.GATEIO, max_algo_orders=0)
    bracket = bought(exchange=Exchange.GATEIO, instrument=instrument, plan=plan)
    target, stop = bracket.exits[0].legs
    bracket, _ = told(
        bracket,
        a_fact(OrderAccepted, stop, bracket, status=OrderStatus.NEW),
        a_fact(OrderRejected, target, bracket, category=ErrorCategory.FILTER),
    )
    bracket, _ = told(bracket, a_fact(OrderTriggered, stop, bracket), now_ms=NOW_MS + 100)
    assert bracket.exits[0].act_at_ms == NOW_MS + 100 + plan.stop_limit_patience_ms


def test_a_refusal_is_told_with_the_exchanges_own_code() -> None:
    _, effects = refused(bought(), ErrorCategory.FILTER, code="-1013", reason="Filter failure: LOT_SIZE")
    (told_,) = [effect for effect in effects if isinstance(effect, ProtectionFailed)]
    assert (told_.code, told_.reason) == ("-1013", "Filter failure: LOT_SIZE")


def test_a_bracket_does_not_grow_with_every_refusal() -> None:
    bracket = bought()
    for _ in range(200):
        bracket, _ = refused(bracket, ErrorCategory.AUTH, bracket.now_ms)
        bracket, _, _ = retried(bracket)
    assert len(bracket.exits) <= DEFAULT_POLICY.kept_exits + 1


def test_only_refusals_lead_down_the_ladder() -> None:
    ladder = Ladder()
    for category in (ErrorCategory.AUTH, ErrorCategory.EXPIRED, ErrorCategory.INSUFFICIENT_BALANCE):
        ladder = after_refusal(ladder, category, NOW_MS, DEFAULT_POLICY, pause=False)
    assert ladder.refusals == 0
    assert after_refusal(ladder, ErrorCategory.FILTER, NOW_MS, DEFAULT_POLICY, pause=False).refusals == 1


def test_what_is_too_little_by_the_slice_is_sold_together() -> None:
    levels = (("104000", "95000", "0.34"), ("105000", "95000", "0.33"), ("106000", "95000", "0.33"))
    bracket = opened(an_intent("0.00019", plan=a_plan(*levels)))
    bracket, _ = told(bracket, filled(bracket, "0.00019", "0.00019"))
    assert len(bracket.exits) == 3
    bracket, effects = refused(bracket, ErrorCategory.PRICE_RELATION, market_px=Decimal(80_000))
    sold = sum((order.qty or Decimal(0) for order in submits(effects) if isinstance(order, SubmitOrder)), Decimal(0))
    assert sold == Decimal("0.00019"), "0.00006 are worth 4.80, and the least that is taken is 5"
