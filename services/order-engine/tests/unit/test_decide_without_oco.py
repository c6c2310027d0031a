"""Protection where the exchange does not link two legs, and where it has no stops at all."""

from decimal import Decimal

import msgspec
import pytest

from common.commands import CancelOrder, QueryOrder, SubmitOrder
from common.errors import ErrorCategory
from common.exchanges import Exchange, Residency
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
from common.protection import BracketState, ProtectionFailed, ProtectionPlaced, StopLatched
from order_engine.bracket import Bracket, ExitKind
from order_engine.decide import decide, held_stop_px
from order_engine.events import AskAll, CancelAllWanted, PriceSeen
from order_engine.order import Order
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, a_fill, a_plan, an_intent, opened, told
from order_engine.turn import Effect

HELD = Decimal("0.00999")


ONE_LEVEL = ("104000", "95000", "1")


def bought_on(
    exchange: Exchange, target: OrderType, *levels: tuple[str, str, str]
) -> tuple[Bracket, tuple[Effect, ...]]:
    """A filled market buy with an exit pair for each level, by default one."""
    intent = an_intent(
        "0.01",
        exchange=exchange,
        instrument=msgspec.structs.replace(BTCUSDT, exchange=exchange, max_algo_orders=0),
        plan=a_plan(*(levels or (ONE_LEVEL,)), take_profit_type=target),
    )
    bracket = opened(intent)
    assert bracket.entry is not None
    return told(bracket, fill(bracket.entry, bracket, "0.01", "100000"))


def fill(order: Order, bracket: Bracket, qty: str, px: str) -> OrderFilled:
    bought = order.side == "BUY"
    fee, fee_asset = (Decimal(qty) / 1000, "BTC") if bought else (Decimal(1), "USDT")
    return a_fill(order, bracket, qty, px, fee=fee, fee_asset=fee_asset)


def armed(bracket: Bracket) -> Bracket:
    """Every exit order in flight confirmed."""
    waiting = [leg for leg in bracket.exits[-1].legs if not leg.confirmed]
    return told(bracket, *[a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW) for leg in waiting])[0]


def cancels(effects: tuple[Effect, ...]) -> list[str | None]:
    return [effect.client_order_id for effect in effects if isinstance(effect, CancelOrder)]


def sells(effects: tuple[Effect, ...]) -> list[SubmitOrder]:
    return [effect for effect in effects if isinstance(effect, SubmitOrder)]


def test_a_pair_is_two_trigger_orders_of_the_same_quantity_the_stop_first() -> None:
    bracket, effects = bought_on(Exchange.BITGET, OrderType.TAKE_PROFIT)
    assert [(s.order_type, s.qty, s.trigger_px) for s in sells(effects)] == [
        (OrderType.STOP_LOSS, HELD, Decimal(95_000)),
        (OrderType.TAKE_PROFIT, HELD, Decimal(104_000)),
    ]
    assert bracket.max_pairs > 100
    assert armed(bracket).state is BracketState.PROTECTED


@pytest.mark.parametrize("winner", [0, 1])
def test_when_one_leg_of_a_pair_fires_its_partner_is_cancelled_without_waiting_for_the_fill(winner: int) -> None:
    bracket = armed(bought_on(Exchange.BITGET, OrderType.TAKE_PROFIT)[0])
    legs = bracket.exits[0].legs
    bracket, effects = told(bracket, a_fact(OrderTriggered, legs[winner], bracket))
    assert cancels(effects) == [legs[1 - winner].client_order_id]
    bracket, effects = told(
        bracket,
        fill(legs[winner], bracket, str(HELD), "104000"),
        a_fact(OrderCanceled, legs[1 - winner], bracket, cum_qty=Decimal(0)),
    )
    assert bracket.state is BracketState.CLOSED
    assert cancels(effects) == []


def test_one_order_on_the_exchange_is_never_counted_as_two_of_ours() -> None:
    halves = (("104000", "95000", "0.5"), ("106000", "95000", "0.5"))
    bracket, _ = bought_on(Exchange.GATEIO, OrderType.TAKE_PROFIT_LIMIT, *halves)
    stops = [exit_.stop for exit_ in bracket.exits if exit_.stop is not None]
    same = [a_fact(OrderAccepted, stop, bracket, status=OrderStatus.NEW, exchange_order_id="po-1") for stop in stops]
    bracket, effects = told(bracket, *same)
    assert [stop.confirmed for exit_ in bracket.exits if (stop := exit_.stop)] == [True, False]
    assert [effect.code for effect in effects if isinstance(effect, ProtectionFailed)] == ["MIXED_UP"]


def test_a_partner_that_fires_before_its_cancel_is_counted() -> None:
    bracket = armed(bought_on(Exchange.BITGET, OrderType.TAKE_PROFIT)[0])
    target, stop = bracket.exits[0].legs
    bracket, _ = told(
        bracket,
        a_fact(OrderTriggered, target, bracket),
        fill(target, bracket, "0.004", "104000"),
        fill(stop, bracket, "0.00599", "95000"),
        a_fact(OrderExpired, target, bracket, cum_qty=Decimal("0.004")),
        a_fact(OrderExpired, stop, bracket, cum_qty=Decimal("0.00599")),
    )
    assert bracket.sold_qty == HELD
    assert bracket.state is BracketState.CLOSED


def test_a_trigger_that_fired_and_placed_nothing_is_sold_at_market() -> None:
    bracket = armed(bought_on(Exchange.BITGET, OrderType.TAKE_PROFIT)[0])
    target, stop = bracket.exits[0].legs
    bracket, _ = told(
        bracket, a_fact(OrderTriggered, stop, bracket), a_fact(OrderExpired, stop, bracket, cum_qty=Decimal(0))
    )
    bracket, _ = told(bracket, a_fact(OrderCanceled, target, bracket, cum_qty=Decimal(0)))
    assert bracket.ladder.retry_at_ms is None or bracket.ladder.retry_at_ms > NOW_MS
    assert bracket.exits[-1].kind is ExitKind.MARKET
    assert bracket.exits[-1].qty == HELD


def test_a_refused_target_leaves_the_stop_where_it_is() -> None:
    bracket, _ = bought_on(Exchange.BITGET, OrderType.TAKE_PROFIT)
    target, stop = bracket.exits[0].legs
    bracket, effects = told(
        bracket,
        a_fact(OrderAccepted, stop, bracket, status=OrderStatus.NEW),
        a_fact(OrderRejected, target, bracket, category=ErrorCategory.FILTER),
    )
    assert cancels(effects) == []
    assert bracket.state is BracketState.PROTECTED
    assert bracket.exits[0].act_at_ms is not None


def test_a_target_refused_because_the_price_is_past_it_is_taken_now() -> None:
    bracket, _ = bought_on(Exchange.BITGET, OrderType.TAKE_PROFIT)
    target, stop = bracket.exits[0].legs
    refused = a_fact(OrderRejected, target, bracket, category=ErrorCategory.PRICE_RELATION, market_px=Decimal(104_100))
    bracket, effects = told(bracket, a_fact(OrderAccepted, stop, bracket, status=OrderStatus.NEW), refused)
    assert cancels(effects) == [stop.client_order_id]
    bracket, effects = told(bracket, a_fact(OrderCanceled, stop, bracket, cum_qty=Decimal(0)))
    assert [(s.order_type, s.qty) for s in sells(effects)] == [(OrderType.MARKET, HELD)]


def test_where_there_are_no_stops_the_target_rests_and_the_engine_holds_the_stop() -> None:
    bracket, effects = bought_on(Exchange.MEXC, OrderType.LIMIT)
    assert [(s.order_type, s.qty) for s in sells(effects)] == [(OrderType.LIMIT, HELD)]
    bracket, effects = told(bracket, a_fact(OrderAccepted, bracket.exits[0].legs[0], bracket, status=OrderStatus.NEW))
    (placed,) = [effect for effect in effects if isinstance(effect, ProtectionPlaced)]
    assert [leg.residency for leg in placed.legs] == [Residency.EXCHANGE, Residency.ENGINE]
    assert "no stop" in placed.legs[1].residency_reason
    assert (placed.protected_qty, placed.guarded_qty, placed.unprotected_qty) == (Decimal(0), HELD, Decimal(0))
    assert held_stop_px(bracket) == Decimal(95_000)


def test_a_price_at_the_stop_latches_cancels_the_target_and_sells_what_remains() -> None:
    bracket = armed(bought_on(Exchange.MEXC, OrderType.LIMIT)[0])
    target = bracket.exits[0].legs[0]
    unmoved, effects = decide(bracket, PriceSeen(cause="tick", now_ms=NOW_MS, px=Decimal(95_001)))
    assert (unmoved, effects) == (bracket, ())
    bracket, effects = decide(bracket, PriceSeen(cause="tick", now_ms=NOW_MS, px=Decimal(95_000)))
    assert cancels(effects) == [target.client_order_id]
    assert any(isinstance(effect, StopLatched) for effect in effects)
    # The price recovering un-latches nothing; a fill that won the race against the cancel is counted.
    bracket, effects = decide(bracket, PriceSeen(cause="tick", now_ms=NOW_MS, px=Decimal(99_000)))
    assert effects == ()
    bracket, effects = told(
        bracket,
        fill(target, bracket, "0.004", "104000"),
        a_fact(OrderCanceled, target, bracket, cum_qty=Decimal("0.004")),
    )
    assert [(s.order_type, s.qty) for s in sells(effects)] == [(OrderType.MARKET, Decimal("0.00599"))]


def test_a_held_stop_guards_what_has_no_target_yet() -> None:
    bracket, _ = bought_on(Exchange.MEXC, OrderType.LIMIT)
    target = bracket.exits[0].legs[0]
    bracket, _ = told(bracket, a_fact(OrderRejected, target, bracket, category=ErrorCategory.FILTER))
    assert bracket.guarded_qty == HELD
    assert bracket.ladder.retry_at_ms is not None
    bracket, effects = decide(bracket, PriceSeen(cause="tick", now_ms=NOW_MS + 1, px=Decimal(94_000)))
    assert [(s.order_type, s.qty) for s in sells(effects)] == [(OrderType.MARKET, HELD)]


def test_a_resting_target_refused_because_the_price_is_past_it_is_taken_now() -> None:
    bracket, _ = bought_on(Exchange.MEXC, OrderType.LIMIT)
    refused = a_fact(
        OrderRejected,
        bracket.exits[0].legs[0],
        bracket,
        category=ErrorCategory.PRICE_RELATION,
        market_px=Decimal(105_000),
    )
    bracket, effects = told(bracket, refused)
    assert [(s.order_type, s.qty) for s in sells(effects)] == [(OrderType.MARKET, HELD)]


def test_a_stop_the_engine_holds_is_never_asked_about_on_the_exchange() -> None:
    bracket = armed(bought_on(Exchange.MEXC, OrderType.LIMIT)[0])
    target = bracket.exits[0].legs[0]
    _, effects = decide(bracket, AskAll(cause="broker", now_ms=NOW_MS + 1))
    assert [e.client_order_id for e in effects if isinstance(e, QueryOrder)] == [target.client_order_id]
    bracket, effects = decide(bracket, CancelAllWanted(cause="user", now_ms=NOW_MS + 2))
    bracket, _ = told(bracket, a_fact(OrderCanceled, target, bracket, cum_qty=Decimal(0)))
    assert bracket.state is BracketState.CLOSED
    assert bracket.released_qty == HELD
