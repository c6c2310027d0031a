"""One stop for several targets: placed anew for less once a target has fired, never beside the one it replaces."""

from decimal import Decimal
from typing import Any

import msgspec

from common.commands import CancelOrder, SubmitOrder
from common.errors import ErrorCategory
from common.exchanges import Exchange, ExitStyle
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
    OrderType,
)
from common.protection import BracketState, ProtectionPlaced
from order_engine.bracket import Bracket, ExitKind
from order_engine.decide import decide, next_wake_ms
from order_engine.events import Ticked
from order_engine.order import Order
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, a_fill, a_plan, an_intent, opened, told
from order_engine.turn import Effect

HALF, REST, HELD = Decimal("0.00499"), Decimal("0.00500"), Decimal("0.00999")


def bought(exchange: Exchange = Exchange.BITGET, style: ExitStyle | None = ExitStyle.SHARED_STOP) -> Bracket:
    """A filled market buy with two targets, whose exits were placed a moment ago."""
    plan = a_plan(take_profit_type=OrderType.TAKE_PROFIT, style=style)
    instrument = msgspec.structs.replace(BTCUSDT, exchange=exchange, max_algo_orders=0)
    bracket = opened(an_intent("0.01", exchange=exchange, instrument=instrument, plan=plan))
    assert bracket.entry is not None
    return told(bracket, fill(bracket.entry, bracket, Decimal("0.01")))[0]


def fill(order: Order, bracket: Bracket, qty: Decimal, **fields: Any) -> OrderFilled:
    return a_fill(order, bracket, qty, fee=qty / 1000, fee_asset="BTC" if order.side == "BUY" else "USDT", **fields)


def armed(bracket: Bracket) -> tuple[Bracket, tuple[Effect, ...]]:
    """Every order in flight confirmed."""
    waiting = [order for order in bracket.orders if not order.confirmed]
    return told(bracket, *[a_fact(OrderAccepted, order, bracket, status=OrderStatus.NEW) for order in waiting])


def sent(effects: tuple[Effect, ...]) -> list[tuple[OrderType, Decimal | None]]:
    return [(effect.order_type, effect.qty) for effect in effects if isinstance(effect, SubmitOrder)]


def cancels(effects: tuple[Effect, ...]) -> list[str | None]:
    return [effect.client_order_id for effect in effects if isinstance(effect, CancelOrder)]


def gone(order: Order, bracket: Bracket) -> OrderCanceled:
    return a_fact(OrderCanceled, order, bracket, cum_qty=Decimal(0))


def test_two_targets_share_one_stop_for_all_that_is_held() -> None:
    (exit_,) = bought().exits
    assert [(leg.order_type, leg.qty) for leg in exit_.legs] == [
        (OrderType.TAKE_PROFIT, HALF),
        (OrderType.TAKE_PROFIT, REST),
        (OrderType.STOP_LOSS, HELD),
    ]
    bracket, effects = armed(bought())
    assert bracket.state is BracketState.PROTECTED
    (placed,) = [effect for effect in effects if isinstance(effect, ProtectionPlaced)]
    assert (placed.qty, [leg.role for leg in placed.legs]) == (HELD, ["TP1", "TP2", "SL"])


def test_a_target_that_fires_ends_the_stop_and_the_rest_gets_one_of_its_own_only_then() -> None:
    bracket, _ = armed(bought())
    first, second, stop = bracket.exits[0].legs
    bracket, effects = told(bracket, a_fact(OrderTriggered, first, bracket))
    assert (cancels(effects), sent(effects)) == ([stop.client_order_id], [])
    bracket, effects = told(bracket, fill(first, bracket, HALF))
    assert (cancels(effects), sent(effects)) == ([], [])
    assert bracket.unprotected_qty == REST, "the stop that stands is too large to work"
    bracket, effects = told(bracket, gone(stop, bracket))
    assert sent(effects) == [(OrderType.STOP_LOSS, REST)]
    bracket, effects = armed(bracket)
    (placed,) = [effect for effect in effects if isinstance(effect, ProtectionPlaced)]
    assert (placed.level, placed.qty, [leg.role for leg in placed.legs]) == (1, REST, ["TP2", "SL"])
    assert (bracket.state, bracket.protected_qty) == (BracketState.PROTECTED, REST)
    again = bracket.exits[0].stop
    assert again is not None
    bracket, effects = told(bracket, fill(second, bracket, REST))
    assert cancels(effects) == [again.client_order_id]
    bracket, _ = told(bracket, gone(again, bracket))
    assert bracket.state is BracketState.CLOSED


def test_the_stop_firing_ends_all_targets() -> None:
    bracket, _ = armed(bought())
    first, second, stop = bracket.exits[0].legs
    bracket, effects = told(bracket, a_fact(OrderTriggered, stop, bracket))
    assert cancels(effects) == [first.client_order_id, second.client_order_id]
    bracket, _ = told(bracket, fill(stop, bracket, HELD), gone(first, bracket), gone(second, bracket))
    assert bracket.state is BracketState.CLOSED


def test_a_stop_too_large_that_fires_before_its_cancel_leaves_the_rest_to_be_sold_at_market() -> None:
    bracket, _ = armed(bought())
    first, second, stop = bracket.exits[0].legs
    bracket, _ = told(bracket, fill(first, bracket, HALF), a_fact(OrderTriggered, stop, bracket))
    failed = a_fact(OrderExpired, stop, bracket, cum_qty=Decimal(0))
    bracket, effects = told(bracket, failed, gone(second, bracket))
    assert sent(effects) == [(OrderType.MARKET, REST)]


def test_a_target_that_fires_and_sells_nothing_is_sold_at_market_while_the_other_waits_on() -> None:
    bracket, _ = armed(bought())
    first, second, stop = bracket.exits[0].legs
    bracket, effects = told(bracket, a_fact(OrderExpired, msgspec.structs.replace(first), bracket, cum_qty=Decimal(0)))
    assert cancels(effects) == [stop.client_order_id]
    bracket, effects = told(bracket, a_fact(OrderTriggered, first, bracket), gone(stop, bracket))
    assert sent(effects) == [(OrderType.STOP_LOSS, REST), (OrderType.MARKET, HALF)]
    assert [(exit_.kind, exit_.qty) for exit_ in bracket.live_exits] == [
        (ExitKind.PAIR, REST),
        (ExitKind.MARKET, HALF),
    ]
    assert second.client_order_id in {leg.client_order_id for leg in bracket.live_exits[0].legs if leg.live}


def test_a_target_cancelled_by_hand_is_placed_anew_with_a_stop_of_its_own_when_the_shared_one_has_ended() -> None:
    bracket, _ = armed(bought())
    first, _, stop = bracket.exits[0].legs
    bracket, effects = told(bracket, gone(first, bracket))
    assert (cancels(effects), sent(effects)) == ([stop.client_order_id], [])
    bracket, effects = told(bracket, gone(stop, bracket))
    assert sent(effects) == [
        (OrderType.STOP_LOSS, REST),
        (OrderType.STOP_LOSS, HALF),
        (OrderType.TAKE_PROFIT, HALF),
    ]
    assert armed(bracket)[0].protected_qty == HELD


def test_a_refused_successor_is_tried_again_as_its_refusal_asks_and_nothing_is_sold_for_it() -> None:
    bracket, _ = armed(bought())
    first, second, stop = bracket.exits[0].legs
    bracket, _ = told(bracket, fill(first, bracket, HALF), gone(stop, bracket))
    again = bracket.exits[0].stop
    assert again is not None
    limited = a_fact(OrderRejected, again, bracket, category=ErrorCategory.RATE_LIMITED)
    bracket, effects = told(bracket, limited, gone(second, bracket))
    assert sent(effects) == []
    assert bracket.ladder.retry_at_ms is not None
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=bracket.ladder.retry_at_ms))
    assert sent(effects) == [(OrderType.STOP_LOSS, REST), (OrderType.TAKE_PROFIT, REST)]


def test_a_target_that_has_sold_all_it_was_for_leaves_the_others_alone_when_patience_ends() -> None:
    bracket, _ = armed(bought())
    first, _, stop = bracket.exits[0].legs
    part = msgspec.structs.replace(fill(first, bracket, Decimal("0.002")))
    bracket, _ = told(bracket, part)
    assert bracket.exits[0].act_at_ms is not None
    bracket, _ = told(bracket, a_fact(OrderCanceled, stop, bracket, cum_qty=Decimal(0)))
    rest = msgspec.structs.replace(fill(first, bracket, Decimal("0.00299")), cum_qty=HALF)
    bracket, _ = told(bracket, rest)
    assert bracket.exits[0].act_at_ms is None


def test_where_waiting_orders_lock_the_coins_the_targets_make_room_for_the_stops() -> None:
    bracket = bought(style=None)
    (target_a, stop_a), (target_b, stop_b) = (exit_.legs for exit_ in bracket.exits)
    short: dict[str, Any] = {"category": ErrorCategory.INSUFFICIENT_BALANCE, "available_qty": Decimal("0.00001")}
    bracket, effects = told(
        bracket,
        a_fact(OrderAccepted, target_a, bracket, status=OrderStatus.NEW),
        a_fact(OrderAccepted, stop_a, bracket, status=OrderStatus.NEW),
        a_fact(OrderRejected, stop_b, bracket, **short),
        a_fact(OrderRejected, target_b, bracket, **short),
    )
    assert cancels(effects) == [target_b.client_order_id, target_a.client_order_id]
    bracket, effects = told(bracket, gone(target_a, bracket))
    assert cancels(effects) == [], "its stop stays for all that it covers"
    assert bracket.ladder.retry_at_ms is not None
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=bracket.ladder.retry_at_ms))
    assert sent(effects) == [(OrderType.STOP_LOSS, REST)]
    assert armed(bracket)[0].state is BracketState.PROTECTED


def test_coins_that_are_gone_are_not_taken_for_locked() -> None:
    bracket = bought(style=None)
    nothing: dict[str, Any] = {"category": ErrorCategory.INSUFFICIENT_BALANCE, "available_qty": Decimal(0)}
    legs = [leg for exit_ in bracket.exits for leg in exit_.legs]
    bracket, _ = told(bracket, *[a_fact(OrderRejected, leg, bracket, **nothing) for leg in legs])
    assert not bracket.triggers_lock
    assert bracket.ladder.looks == 1


def test_an_exit_is_placed_anew_before_the_exchange_ends_its_triggers_one_at_a_time() -> None:
    bracket, effects = armed(bought(Exchange.GATEIO, None))
    assert len(bracket.exits) == 2
    lifetime_ms = DEFAULT_POLICY.lifetime_ms(Exchange.GATEIO)
    assert lifetime_ms is not None
    due_ms = next_wake_ms(bracket)
    assert due_ms is not None
    assert NOW_MS < due_ms < NOW_MS + lifetime_ms
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=due_ms))
    renewed, other = bracket.exits
    assert sorted(map(str, cancels(effects))) == sorted(leg.client_order_id for leg in renewed.legs)
    assert sent(effects) == [], "two stops for the same coins could sell twice as many"
    assert not any(leg.cancel_wanted for leg in other.legs)
    bracket, effects = told(bracket, *[gone(leg, bracket) for leg in renewed.legs], now_ms=due_ms)
    assert [qty for _, qty in sent(effects)] == [renewed.qty, renewed.qty]
    assert {effect.lifetime_ms for effect in effects if isinstance(effect, SubmitOrder)} == {lifetime_ms}
    bracket, _ = armed(bracket)
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=due_ms + DEFAULT_POLICY.renewal_pause_ms))
    assert sorted(map(str, cancels(effects))) == sorted(leg.client_order_id for leg in other.legs)


def test_where_triggers_wait_for_ever_nothing_is_renewed() -> None:
    bracket, _ = armed(bought())
    assert next_wake_ms(bracket) is None
    assert all(order.confirmed for order in bracket.orders)
