"""What somebody does by hand on the exchange, and what the engine does about it."""

from decimal import Decimal
from typing import Any

import pytest

from common.commands import CancelOrder, SubmitOrder, SubmitOrderList
from common.exchanges import Exchange
from common.orders import (
    HoldingShort,
    OrderAccepted,
    OrderCanceled,
    OrderSnapshot,
    OrderStatus,
    OrderType,
)
from common.protection import BracketState, ProtectionFailed
from common.terms import altered
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.events import Observed
from order_engine.order import Order
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import NOW_MS, a_fact, a_fill, a_plan, an_entry_fill, an_intent, opened, told
from order_engine.turn import Effect

LATER_MS = NOW_MS + 60_000


def bought(qty: str = "0.01", **fields: Any) -> Bracket:
    """A buy filled at once, its exits confirmed."""
    bracket = opened(an_intent(qty, **fields))
    bracket, _ = told(bracket, an_entry_fill(bracket, qty))
    return told(bracket, *(a_fact(OrderAccepted, leg, bracket, status=OrderStatus.NEW) for leg in legs(bracket)))[0]


def resting() -> Bracket:
    """A limit buy that rests."""
    bracket = opened(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)))
    assert bracket.entry is not None
    return told(bracket, a_fact(OrderAccepted, bracket.entry, bracket, status=OrderStatus.NEW))[0]


def legs(bracket: Bracket) -> list[Order]:
    return [leg for exit_ in bracket.exits for leg in exit_.legs]


def shown(bracket: Bracket, order: Order, status: OrderStatus = OrderStatus.NEW, **fields: Any) -> OrderSnapshot:
    """The order as the exchange shows it."""
    terms = {"qty": order.qty, "price": order.price, "trigger_px": order.trigger_px, "order_type": order.order_type}
    about = {"account_id": bracket.account_id, "exchange": bracket.exchange, "symbol": bracket.symbol}
    at = {"ts_event_ms": LATER_MS, "ts_init_ms": LATER_MS}
    return OrderSnapshot(**(about | terms | at | {"client_order_id": order.client_order_id, "status": status} | fields))


def seen(bracket: Bracket, fact: Any) -> tuple[Bracket, tuple[Effect, ...]]:
    return decide(bracket, Observed(cause="sync", now_ms=LATER_MS, fact=fact))


def cancels(effects: tuple[Effect, ...]) -> list[CancelOrder]:
    return [effect for effect in effects if isinstance(effect, CancelOrder)]


def canceled(bracket: Bracket) -> tuple[Bracket, tuple[Effect, ...]]:
    """The exchange confirms every cancel that is wanted, and those of list partners."""
    facts = [
        a_fact(OrderCanceled, leg, bracket, status=OrderStatus.CANCELED, at_ms=LATER_MS)
        for leg in legs(bracket)
        if leg.live and leg.cancel_wanted
    ]
    return told(bracket, *facts, now_ms=LATER_MS)


def test_an_order_shown_as_it_was_placed_calls_for_nothing() -> None:
    bracket = bought()
    for leg in legs(bracket):
        bracket, effects = seen(bracket, shown(bracket, leg))
        assert effects == ()


@pytest.mark.parametrize("change", [{"qty": Decimal("0.002")}, {"qty": Decimal("0.02")}, {"price": Decimal(105_000)}])
def test_an_exit_changed_by_hand_is_placed_anew_as_planned(change: dict[str, Any]) -> None:
    bracket = bought()
    target = bracket.exits[0].legs[0]
    bracket, effects = seen(bracket, shown(bracket, target, **change))
    assert [cancel.list_client_order_id for cancel in cancels(effects)] == [target.list_client_order_id]
    again, repeated = seen(bracket, shown(bracket, target, **change))
    assert cancels(repeated) == []
    after, effects = canceled(again)
    (placed,) = [effect for effect in effects if isinstance(effect, SubmitOrderList)]
    assert (placed.qty, placed.take_profit.price) == (target.qty, target.price)
    assert sum(exit_.claim for exit_ in after.exits) == after.received_qty


def test_an_entry_changed_by_hand_is_taken_over() -> None:
    bracket = resting()
    assert bracket.entry is not None
    changed = shown(bracket, bracket.entry, qty=Decimal("0.02"), price=Decimal(99_000))
    after, effects = seen(bracket, changed)
    assert after.entry is not None
    assert (after.entry.qty, after.entry.price, effects) == (Decimal("0.02"), Decimal(99_000), ())
    assert seen(after, changed)[0] is after


def test_an_entry_enlarged_by_hand_after_it_was_complete_works_on() -> None:
    bracket = bought(order_type=OrderType.LIMIT, price=Decimal(100_000))
    assert bracket.entry is not None
    bigger = shown(bracket, bracket.entry, OrderStatus.PARTIALLY_FILLED, qty=Decimal("0.03"), cum_qty=Decimal("0.01"))
    after, effects = seen(bracket, bigger)
    assert after.entry_live
    assert cancels(effects) == []


def test_an_order_still_open_well_after_its_end_is_canceled() -> None:
    bracket = bought()
    leg = bracket.exits[0].legs[0]
    bracket, _ = told(bracket, a_fact(OrderCanceled, leg, bracket, status=OrderStatus.CANCELED))
    after, effects = seen(bracket, shown(bracket, leg))
    assert [cancel.client_order_id for cancel in cancels(effects)] == [leg.client_order_id]
    assert cancels(seen(after, shown(bracket, leg))[1]) == [], "asked again only after a while"


def test_a_listing_that_lags_behind_an_orders_end_proves_nothing() -> None:
    bracket = bought()
    leg = bracket.exits[0].legs[0]
    bracket, _ = told(bracket, a_fact(OrderCanceled, leg, bracket, status=OrderStatus.CANCELED))
    lagging = shown(bracket, leg, ts_init_ms=NOW_MS + DEFAULT_POLICY.leftover_after_ms - 1)
    assert cancels(seen(bracket, lagging)[1]) == []


def test_an_open_order_that_the_bracket_has_forgotten_is_canceled() -> None:
    bracket = bought()
    forgotten = shown(bracket, bracket.exits[0].legs[0], client_order_id=f"{bracket.bracket_id}-s77")
    _, effects = seen(bracket, forgotten)
    assert [cancel.client_order_id for cancel in cancels(effects)] == [f"{bracket.bracket_id}-s77"]


def short(bracket: Bracket, held: str, version: int | None = None) -> HoldingShort:
    return HoldingShort(
        account_id=bracket.account_id,
        exchange=bracket.exchange,
        symbol=bracket.symbol,
        ts_event_ms=LATER_MS,
        ts_init_ms=LATER_MS,
        bracket_id=bracket.bracket_id,
        bracket_version=bracket.version if version is None else version,
        held_qty=Decimal(held),
    )


def test_coins_sold_by_hand_leave_no_exit_that_nothing_backs() -> None:
    bracket = bought()
    after, effects = seen(bracket, short(bracket, "0.005"))
    assert after.missing_qty == Decimal("0.005")
    assert len(cancels(effects)) == 1
    assert any(isinstance(effect, ProtectionFailed) for effect in effects)
    after, effects = canceled(after)
    assert [e for e in effects if isinstance(e, SubmitOrder | SubmitOrderList)] == []
    assert (after.held_qty, after.protected_qty, after.state) == (
        Decimal("0.005"),
        Decimal("0.005"),
        BracketState.PROTECTED,
    )


def test_a_bracket_whose_coins_are_all_gone_closes() -> None:
    bracket = bought()
    after, _ = seen(bracket, short(bracket, "0"))
    after, _ = canceled(after)
    assert (after.state, after.closed_reason) == (BracketState.CLOSED, "no longer on the account")


def test_a_look_at_another_version_of_the_bracket_proves_nothing() -> None:
    bracket = bought()
    after, effects = seen(bracket, short(bracket, "0", version=bracket.version - 1))
    assert after is bracket
    assert effects == ()


def test_less_than_a_lot_is_not_short() -> None:
    bracket = bought()
    assert seen(bracket, short(bracket, "0.009995"))[0] is bracket


def test_what_was_taken_for_missing_and_turns_out_to_be_sold_is_counted_once() -> None:
    bracket = bought(plan=a_plan(("104000", "95000", "1")))
    target = bracket.exits[0].legs[0]
    bracket, _ = seen(bracket, short(bracket, "0"))
    after, _ = seen(bracket, a_fill(target, bracket, "0.01", "104000", status=OrderStatus.FILLED))
    assert (after.missing_qty, after.sold_qty) == (Decimal(0), Decimal("0.01"))


def test_what_a_trigger_became_and_what_a_market_order_cost_are_no_changes() -> None:
    bracket = bought(exchange=Exchange.BINANCE)
    leg = bracket.exits[0].legs[1]
    child = shown(bracket, leg, order_type=OrderType.MARKET, qty=Decimal("0.001"))
    terms = {"qty": leg.qty, "price": leg.price, "trigger_px": leg.trigger_px}
    assert not altered(child, order_type=leg.order_type, **terms)
    assert not altered(
        shown(bracket, leg, qty=None), order_type=OrderType.MARKET, qty=leg.qty, price=None, trigger_px=None
    )
    assert altered(shown(bracket, leg, trigger_px=Decimal(1)), order_type=leg.order_type, **terms)
