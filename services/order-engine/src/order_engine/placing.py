"""Places exits and takes them back: a slice of the plan in, commands out, and the bracket with its new exit."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from common import ids
from common.commands import AdoptOrder, SubmitOrder, SubmitOrderList
from common.exchanges import Residency
from common.exits import ExitPlan, ExitSlice
from common.instruments import ZERO
from common.orders import OrderStatus, Side
from order_engine.bracket import Exit, ExitKind
from order_engine.legs import exit_order, list_leg, preset_legs, stop_leg, take_profit_leg
from order_engine.order import Order
from order_engine.policy import Policy
from order_engine.turn import Turn


def cancel_exit(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """Cancel what still lives of an exit; one request where the exchange links its legs."""
    turn.put_exit(exit_)
    live = [leg for leg in exit_.legs if leg.live and leg.sent]
    for leg in live:
        turn.put_order(cancelling(leg, turn, policy))
    for leg in live[:1] if exit_.list_client_order_id is not None else live:
        turn.cancel(leg, valid_for_ms=policy.cancel_validity_ms)


def cancel_leg(turn: Turn, leg: Order, policy: Policy) -> None:
    """Cancel one leg that the exchange does not link to its partner."""
    turn.put_order(cancelling(leg, turn, policy))
    turn.cancel(leg, valid_for_ms=policy.cancel_validity_ms)


def cancelling(order: Order, turn: Turn, policy: Policy) -> Order:
    """The order once its cancel is on its way: should it still live after a while, it is asked about."""
    ask_at_ms = turn.now_ms + policy.ask_after_ms
    return msgspec.structs.replace(order, cancel_wanted=True, cancel_sent_ms=turn.now_ms, ask_at_ms=ask_at_ms)


def place_stop(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    """A stop without a target."""
    generation = turn.bracket.next_generation
    stop_loss = stop_leg(turn, slice_, plan, policy, generation=generation)
    add(turn, Exit(generation=generation, level=slice_.level, kind=ExitKind.STOP, qty=slice_.qty, legs=(stop_loss,)))
    submit(turn, stop_loss, policy)


def place_pair(turn: Turn, slices: Sequence[ExitSlice], plan: ExitPlan, policy: Policy) -> None:
    """A target for each slice and one stop for them all, which stop at the same price.

    The stop goes first: should only some of them arrive, it is the one that matters.
    """
    generation = turn.bracket.next_generation
    whole = msgspec.structs.replace(slices[0], qty=sum((slice_.qty for slice_ in slices), ZERO))
    targets = [
        take_profit_leg(turn, slice_, plan, policy, generation=generation + n) for n, slice_ in enumerate(slices)
    ]
    stop = stop_leg(turn, whole, plan, policy, generation=generation)
    exit_ = Exit(generation=generation, level=whole.level, kind=ExitKind.PAIR, qty=whole.qty, legs=(*targets, stop))
    add(turn, exit_, generations=len(slices))
    for order in (stop, *targets):
        submit(turn, order, policy)


def place_preset(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    """Nothing is placed: the exchange has been told with the entry. What it places is looked for, the stop first."""
    generation = turn.bracket.next_generation
    legs = preset_legs(turn, slice_, plan, policy, generation=generation)
    add(turn, Exit(generation=generation, level=slice_.level, kind=ExitKind.PAIR, qty=slice_.qty, legs=legs))
    for order in reversed(legs):
        adopt(turn, order, policy)


def adopt(turn: Turn, order: Order, policy: Policy) -> None:
    """Look for an order that the exchange placed by itself."""
    entry = turn.bracket.entry
    assert entry is not None, "only an entry brings exits along"
    turn.send(
        AdoptOrder,
        **_terms(order),
        since_ms=entry.submitted_ms,
        valid_until_ms=turn.now_ms + policy.query_validity_ms,
    )


def _terms(order: Order) -> dict[str, Any]:
    return {
        "client_order_id": order.client_order_id,
        "side": order.side,
        "order_type": order.order_type,
        "qty": order.qty,
        "price": order.price,
        "trigger_px": order.trigger_px,
    }


def place_stop_again(turn: Turn, exit_: Exit, qty: Decimal, policy: Policy) -> None:
    """A new stop for `qty`, for targets that wait while the stop they shared is gone."""
    assert exit_.stop is not None, "a pair has a stop"
    generation = turn.bracket.next_generation
    before = exit_.stop
    stop = exit_order(
        turn,
        before.role,
        ids.Leg.STOP_LOSS,
        exit_.level,
        qty,
        before.order_type,
        price=before.price,
        trigger_px=before.trigger_px,
        time_in_force=before.time_in_force,
        policy=policy,
        generation=generation,
    )
    turn.put_exit(msgspec.structs.replace(exit_, legs=(*exit_.legs, stop), placed=False))
    turn.change(next_generation=generation + 1)
    submit(turn, stop, policy)


def place_held(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    """Only the target is sent; the stop is an order the engine keeps for itself until its price is reached."""
    generation = turn.bracket.next_generation
    take_profit = take_profit_leg(turn, slice_, plan, policy, generation=generation)
    stop_loss = msgspec.structs.replace(
        stop_leg(turn, slice_, plan, policy, generation=generation),
        residency=Residency.ENGINE,
        status=OrderStatus.NEW,
        ask_at_ms=None,
    )
    legs = (take_profit, stop_loss)
    add(turn, Exit(generation=generation, level=slice_.level, kind=ExitKind.HELD, qty=slice_.qty, legs=legs))
    submit(turn, take_profit, policy)


def submit(turn: Turn, order: Order, policy: Policy) -> None:
    """Send an order; one that waits for its price says for how long, where the exchange asks for that."""
    turn.send(
        SubmitOrder,
        **_terms(order),
        time_in_force=order.time_in_force,
        lifetime_ms=policy.lifetime_ms(turn.bracket.exchange) if order.order_type.waits_for_trigger else None,
        valid_until_ms=order.valid_until_ms,
    )


def place_oco(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    """A native list of a target and a stop."""
    bracket = turn.bracket
    generation = bracket.next_generation
    list_id = ids.client_order_id(bracket.bracket_id, ids.Leg.LIST, generation)
    take_profit = msgspec.structs.replace(
        take_profit_leg(turn, slice_, plan, policy, generation=generation), list_client_order_id=list_id
    )
    stop_loss = msgspec.structs.replace(
        stop_leg(turn, slice_, plan, policy, generation=generation), list_client_order_id=list_id
    )
    add(
        turn,
        Exit(
            generation=generation,
            level=slice_.level,
            kind=ExitKind.OCO,
            qty=slice_.qty,
            legs=(take_profit, stop_loss),
            list_client_order_id=list_id,
        ),
    )
    turn.send(
        SubmitOrderList,
        list_client_order_id=list_id,
        side=Side.SELL,
        qty=slice_.qty,
        take_profit=list_leg(take_profit),
        stop_loss=list_leg(stop_loss),
        valid_until_ms=stop_loss.valid_until_ms,
    )


PLACE: dict[ExitKind, Callable[[Turn, ExitSlice, ExitPlan, Policy], None]] = {
    ExitKind.OCO: place_oco,
    ExitKind.HELD: place_held,
    ExitKind.STOP: place_stop,
}
"""How a slice is placed on its own; those of pairs may share a stop, see `place_pair`."""


def add(turn: Turn, exit_: Exit, *, generations: int = 1) -> None:
    """Add an exit whose legs use up so many generations: every leg of a kind has one of its own in its client id."""
    turn.put_exit(exit_)
    turn.change(next_generation=exit_.generation + generations)
