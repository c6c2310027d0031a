"""Exits that an entry brought along: the exchange places them, we look for them, and place ours if there are none."""

from decimal import Decimal

import msgspec
import pytest

from common.commands import AdoptOrder, Preset, SubmitOrder
from common.errors import ErrorCategory
from common.exchanges import Exchange, ExitStyle
from common.orders import OrderAccepted, OrderRejected, OrderSnapshot, OrderStatus, OrderType, TimeInForce
from common.protection import BracketState
from order_engine.bracket import Bracket
from order_engine.decide import decide, next_wake_ms
from order_engine.events import Ticked
from order_engine.opening import open_bracket
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, a_plan, an_entry_fill, an_intent, opened, told
from order_engine.turn import Effect

HELD = Decimal("0.00999")
INTENT = an_intent(
    "0.01",
    exchange=Exchange.BITGET,
    instrument=msgspec.structs.replace(BTCUSDT, exchange=Exchange.BITGET, max_algo_orders=0),
    plan=a_plan(("104000", "95000", "1"), take_profit_type=OrderType.TAKE_PROFIT, style=ExitStyle.PRESET),
)


def bought() -> tuple[Bracket, tuple[Effect, ...]]:
    bracket = opened(INTENT)
    return told(bracket, an_entry_fill(bracket, last_px=Decimal(100_100), fee=Decimal("0.00001"), fee_asset="BTC"))


def looked_for(effects: tuple[Effect, ...]) -> list[tuple[OrderType, Decimal | None]]:
    return [(effect.order_type, effect.trigger_px) for effect in effects if isinstance(effect, AdoptOrder)]


def sent(effects: tuple[Effect, ...]) -> list[tuple[OrderType, Decimal | None]]:
    return [(effect.order_type, effect.qty) for effect in effects if type(effect) is SubmitOrder]


def missing(bracket: Bracket) -> list[OrderRejected]:
    """That neither leg is there so far."""
    legs = bracket.exits[0].legs
    return [a_fact(OrderRejected, leg, bracket, category=ErrorCategory.NOT_FOUND) for leg in legs]


def found(bracket: Bracket, qty: Decimal = HELD) -> list[OrderSnapshot]:
    """Both legs, as the exchange shows them."""
    return [
        msgspec.structs.replace(
            a_fact(
                OrderSnapshot,
                leg,
                bracket,
                status=OrderStatus.NEW,
                trigger_px=leg.trigger_px,
                exchange_order_id=f"x{leg.client_order_id}",
            ),
            qty=qty,
        )
        for leg in bracket.exits[0].legs
    ]


def test_a_market_order_brings_its_exits_along() -> None:
    _, effects = open_bracket(INTENT, algo_orders_in_use=0, cause="test", now_ms=NOW_MS)
    entry = next(effect for effect in effects if isinstance(effect, SubmitOrder))
    assert entry.preset == Preset(take_profit_px=Decimal(104_000), stop_loss_px=Decimal(95_000))


@pytest.mark.parametrize(
    "changes",
    [
        {"order_type": OrderType.LIMIT, "price": Decimal(100_000), "time_in_force": TimeInForce.GTC},
        {"plan": a_plan(take_profit_type=OrderType.TAKE_PROFIT, style=ExitStyle.PRESET)},
    ],
)
def test_an_order_that_may_rest_and_one_with_two_targets_get_pairs(changes: dict[str, object]) -> None:
    intent = msgspec.structs.replace(INTENT, **changes)
    bracket, effects = open_bracket(intent, algo_orders_in_use=0, cause="test", now_ms=NOW_MS)
    assert bracket is not None
    assert bracket.exit_style is ExitStyle.TRIGGER_PAIR
    assert next(effect.preset for effect in effects if isinstance(effect, SubmitOrder)) is None


def test_what_the_exchange_placed_is_followed_as_if_it_were_ours() -> None:
    bracket, effects = bought()
    assert looked_for(effects) == [(OrderType.STOP_LOSS, Decimal(95_000)), (OrderType.TAKE_PROFIT, Decimal(104_000))]
    assert sent(effects) == []
    bracket, _ = told(bracket, *found(bracket))
    assert (bracket.state, bracket.protected_qty) == (BracketState.PROTECTED, HELD)
    asked_ms = next_wake_ms(bracket)
    assert asked_ms is not None, "nothing promises that the exchange tells of them"
    assert asked_ms - NOW_MS <= DEFAULT_POLICY.adopted_ask_ms


def test_they_may_appear_a_moment_later() -> None:
    bracket, _ = bought()
    bracket, effects = told(bracket, *missing(bracket))
    assert effects == ()
    assert all(leg.live for leg in bracket.exits[0].legs)
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=NOW_MS + DEFAULT_POLICY.preset_look_ms))
    assert sorted(looked_for(effects)) == [
        (OrderType.STOP_LOSS, Decimal(95_000)),
        (OrderType.TAKE_PROFIT, Decimal(104_000)),
    ]
    assert told(bracket, *found(bracket))[0].state is BracketState.PROTECTED


def test_where_they_do_not_appear_a_pair_is_placed_and_one_that_comes_late_takes_its_place() -> None:
    bracket, _ = bought()
    late_ms = NOW_MS + DEFAULT_POLICY.preset_patience_ms
    bracket, effects = told(bracket, *missing(bracket), now_ms=late_ms)
    assert sent(effects) == [(OrderType.STOP_LOSS, HELD), (OrderType.TAKE_PROFIT, HELD)]
    ours = bracket.exits[1].legs
    bracket, _ = told(bracket, *[a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW) for leg in ours])
    asked_ms = next_wake_ms(bracket)
    assert asked_ms is not None
    bracket, effects = decide(bracket, Ticked(cause="tick", now_ms=asked_ms))
    assert len(looked_for(effects)) == 2
    bracket, effects = told(bracket, *found(bracket), now_ms=asked_ms)
    cancelled = {getattr(effect, "client_order_id", None) for effect in effects}
    assert {leg.client_order_id for leg in ours} <= cancelled, "two stops must not stand for the same coins"


def test_exits_of_another_size_than_what_is_held_are_placed_anew() -> None:
    bracket, _ = bought()
    bracket, effects = told(bracket, *found(bracket, qty=Decimal("0.005")))
    assert {getattr(effect, "client_order_id", None) for effect in effects} >= {
        leg.client_order_id for leg in bracket.exits[0].legs
    }
    assert bracket.exits[0].moving
