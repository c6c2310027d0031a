"""Covers what is held and free with exits: the one place that decides which exit to place next."""

from decimal import Decimal

import msgspec

from common import ids
from common.commands import SubmitOrder, SubmitOrderList
from common.errors import ErrorCategory
from common.exchanges import ExitStyle, Residency
from common.exits import ExitPlan, ExitSlice, exits_for
from common.instruments import ZERO
from common.orders import OrderStatus, OrderType, Side
from common.protection import StopLatched
from order_engine.bracket import Bracket, Exit, ExitKind
from order_engine.legs import exit_order, list_leg, stop_leg, take_profit_leg
from order_engine.order import Order, Role
from order_engine.policy import Policy
from order_engine.turn import Turn


def protect(turn: Turn, policy: Policy) -> None:
    """Place exits for all that is held and free, unless it is worth waiting for more of it."""
    bracket = turn.bracket
    if bracket.plan is None or bracket.free_qty <= 0 or _waiting(turn, policy):
        return
    if bracket.sell_now > 0:
        _sell(turn, min(bracket.sell_now, bracket.free_qty), "a stop or target was reached", level=0, policy=policy)
    if turn.bracket.free_qty > 0:
        _place_pairs(turn, bracket.plan, policy)


def _waiting(turn: Turn, policy: Policy) -> bool:
    bracket = turn.bracket
    if bracket.ladder.retry_at_ms is not None and turn.now_ms < bracket.ladder.retry_at_ms:
        return True
    if not bracket.entry_live or turn.debounced:
        turn.change(protect_at_ms=None)
        return False
    if bracket.protect_at_ms is None:
        turn.change(protect_at_ms=turn.now_ms + policy.debounce_ms)
    return True


def _place_pairs(turn: Turn, plan: ExitPlan, policy: Policy) -> None:
    bracket = turn.bracket
    room = bracket.max_pairs - sum(exit_.kind.waits for exit_ in bracket.live_exits)
    if room <= 0:
        _gather(turn, policy)
        return
    wanted = exits_for(
        plan,
        bracket.instrument,
        received=bracket.received_qty - bracket.released_qty - bracket.missing_qty,
        avg_px=bracket.avg_px or bracket.reference_px,
        allocated=_allocated(bracket, plan),
        available=bracket.free_qty,
        max_slices=room,
    )
    for slice_ in wanted.slices:
        kind = _kind(turn, slice_, policy)
        if kind is ExitKind.MARKET:
            why = f"exit refused: {bracket.ladder.last_refusal or 'it ended unfilled'}"
            _sell(turn, slice_.qty, why, level=slice_.level, policy=policy)
        else:
            _PLACE[kind](turn, slice_, plan, policy)
    if not wanted.slices and bracket.ladder.refusals > 0 and not bracket.entry_live:
        # What a refusal left over may be sellable even where it is too small for a pair.
        _sell(turn, bracket.free_qty, "too little for a pair", level=0, policy=policy)


def _allocated(bracket: Bracket, plan: ExitPlan) -> tuple[Decimal, ...]:
    return tuple(
        sum((exit_.claim for exit_ in bracket.exits if exit_.level == level), ZERO) for level in range(len(plan.levels))
    )


def _kind(turn: Turn, slice_: ExitSlice, policy: Policy) -> ExitKind:
    """The kind of exit to try: what refusals taught us outweighs what we would like best."""
    bracket, ladder = turn.bracket, turn.bracket.ladder
    px = ladder.price(turn.now_ms, policy)
    target_px = slice_.take_profit_trigger_px or slice_.take_profit_px
    if px is not None and (px <= slice_.stop_loss_px or px >= target_px):
        return ExitKind.MARKET  # Below the stop: sell now. Above the target: take it now.
    if bracket.exit_style is ExitStyle.HELD_STOP:
        return ExitKind.HELD  # A refused target leaves the position guarded: there is nothing to escalate.
    if ladder.refusals >= policy.attempts_before_market:
        return ExitKind.MARKET
    if ladder.refusals == policy.attempts_before_market - 1:
        return ExitKind.STOP
    if ladder.refusals > 0 and ladder.last_refusal not in _WORTH_A_SECOND_PAIR:
        return ExitKind.STOP
    return ExitKind.OCO if bracket.exit_style is ExitStyle.OCO else ExitKind.PAIR


_WORTH_A_SECOND_PAIR = frozenset(
    {ErrorCategory.PRICE_RELATION, ErrorCategory.INSUFFICIENT_BALANCE, ErrorCategory.TOO_MANY_ORDERS}
)


def _gather(turn: Turn, policy: Policy) -> None:
    """No budget for another pair: cancel the smallest one, so that its quantity is placed anew with what is free."""
    if any(exit_.moving for exit_ in turn.bracket.live_exits):
        return
    idle = [exit_ for exit_ in turn.bracket.live_exits if exit_.placed and exit_.sold_qty == 0 and not exit_.released]
    if not idle:
        return
    smallest = min(idle, key=lambda exit_: (exit_.qty, exit_.generation))
    cancel_exit(turn, msgspec.structs.replace(smallest, moving=True), policy)


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


def _sell(turn: Turn, qty: Decimal, why: str, *, level: int, policy: Policy) -> None:
    """Sell at market now, in as many orders as the exchange's maximum asks for, if it would take so little."""
    instrument = turn.bracket.instrument
    px = turn.bracket.ladder.price(turn.now_ms, policy) or turn.bracket.avg_px or turn.bracket.reference_px
    left, most = instrument.floor_qty(qty), instrument.market_max_qty or instrument.max_qty
    while instrument.sellable(left, px):
        part = min(left, instrument.floor_qty(most)) if most > 0 else left
        _sell_part(turn, part, why, level=level, policy=policy)
        left -= part


def _sell_part(turn: Turn, qty: Decimal, why: str, *, level: int, policy: Policy) -> None:
    generation = turn.bracket.next_generation
    order = exit_order(turn, Role.EXIT, ids.Leg.MARKET_EXIT, level, qty, OrderType.MARKET, policy=policy)
    turn.change(sell_now=max(turn.bracket.sell_now - qty, ZERO))
    _add(turn, Exit(generation=generation, level=level, kind=ExitKind.MARKET, qty=qty, legs=(order,)))
    _submit(turn, order)
    turn.note(StopLatched, qty=qty, reason=why)


def _place_stop(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    generation = turn.bracket.next_generation
    stop_loss = stop_leg(turn, slice_, plan, policy)
    _add(turn, Exit(generation=generation, level=slice_.level, kind=ExitKind.STOP, qty=slice_.qty, legs=(stop_loss,)))
    _submit(turn, stop_loss)


def _place_pair(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    """The stop first: should only one of the two arrive, it is the one that matters."""
    generation = turn.bracket.next_generation
    take_profit = take_profit_leg(turn, slice_, plan, policy)
    stop_loss = stop_leg(turn, slice_, plan, policy)
    legs = (take_profit, stop_loss)
    _add(turn, Exit(generation=generation, level=slice_.level, kind=ExitKind.PAIR, qty=slice_.qty, legs=legs))
    _submit(turn, stop_loss)
    _submit(turn, take_profit)


def _place_held(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    """Only the target is sent; the stop is an order the engine keeps for itself until its price is reached."""
    generation = turn.bracket.next_generation
    take_profit = take_profit_leg(turn, slice_, plan, policy)
    stop_loss = msgspec.structs.replace(
        stop_leg(turn, slice_, plan, policy), residency=Residency.ENGINE, status=OrderStatus.NEW, ask_at_ms=None
    )
    legs = (take_profit, stop_loss)
    _add(turn, Exit(generation=generation, level=slice_.level, kind=ExitKind.HELD, qty=slice_.qty, legs=legs))
    _submit(turn, take_profit)


def _submit(turn: Turn, order: Order) -> None:
    turn.send(
        SubmitOrder,
        client_order_id=order.client_order_id,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        price=order.price,
        trigger_px=order.trigger_px,
        time_in_force=order.time_in_force,
        valid_until_ms=order.valid_until_ms,
    )


def _place_oco(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy) -> None:
    bracket = turn.bracket
    generation = bracket.next_generation
    list_id = ids.client_order_id(bracket.bracket_id, ids.Leg.LIST, generation)
    take_profit = msgspec.structs.replace(take_profit_leg(turn, slice_, plan, policy), list_client_order_id=list_id)
    stop_loss = msgspec.structs.replace(stop_leg(turn, slice_, plan, policy), list_client_order_id=list_id)
    _add(
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


_PLACE = {
    ExitKind.OCO: _place_oco,
    ExitKind.PAIR: _place_pair,
    ExitKind.HELD: _place_held,
    ExitKind.STOP: _place_stop,
}


def _add(turn: Turn, exit_: Exit) -> None:
    turn.put_exit(exit_)
    turn.change(next_generation=exit_.generation + 1)
