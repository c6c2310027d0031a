"""Covers what is held and free with exits: the one place that decides which exit to place next."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

import msgspec

from common import ids
from common.errors import ErrorCategory
from common.exchanges import ExitStyle
from common.exits import ExitPlan, ExitSlice, exits_for
from common.instruments import ZERO
from common.orders import OrderType
from common.protection import StopLatched
from order_engine.bracket import Bracket, Exit, ExitKind
from order_engine.legs import exit_order
from order_engine.order import Role
from order_engine.placing import PLACE, add, cancel_exit, place_pair, place_preset, submit
from order_engine.policy import Policy
from order_engine.turn import Turn


def protect(turn: Turn, policy: Policy) -> None:
    """Place exits for all that is held and free, unless it is worth waiting for more of it."""
    bracket = turn.bracket
    if bracket.plan is None or bracket.free_qty <= 0:
        return
    if bracket.awaits_presets:
        _look_for_presets(turn, bracket.plan, policy)
        return
    if _waiting(turn, policy):
        return
    if bracket.sell_now > 0:
        _sell(turn, min(bracket.sell_now, bracket.free_qty), "a stop or target was reached", level=0, policy=policy)
    if turn.bracket.free_qty > 0:
        _place_pairs(turn, bracket.plan, policy)


def _look_for_presets(turn: Turn, plan: ExitPlan, policy: Policy) -> None:
    """The exchange places them when the entry has ended; such an entry ends at once."""
    bracket = turn.bracket
    if bracket.entry_live:
        return
    wanted = exits_for(
        plan, bracket.instrument, received=bracket.free_qty, avg_px=bracket.preset_basis_px, max_slices=1
    )
    for slice_ in wanted.slices:
        place_preset(turn, slice_, plan, policy)


def _waiting(turn: Turn, policy: Policy) -> bool:
    bracket = turn.bracket
    if bracket.dust_px is not None and not bracket.instrument.sellable(bracket.free_qty, bracket.dust_px):
        return True  # For more of it: the exchange takes no order for so little.
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
    pairs = []
    for slice_, kind in _with_kinds(turn, wanted.slices, policy):
        if kind is ExitKind.MARKET:
            why = f"exit refused: {bracket.ladder.last_refusal or 'it ended unfilled'}"
            _sell(turn, slice_.qty, why, level=slice_.level, policy=policy)
        elif kind is ExitKind.PAIR:
            pairs.append(slice_)
        else:
            PLACE[kind](turn, slice_, plan, policy)
    for together in _sharing(pairs, bracket.exit_style):
        place_pair(turn, together, plan, policy)
    if not wanted.slices and bracket.ladder.refusals > 0 and not bracket.entry_live:
        # What a refusal left over may be sellable even where it is too small for a pair.
        _sell(turn, bracket.free_qty, "too little for a pair", level=0, policy=policy)


def _sharing(slices: Sequence[ExitSlice], style: ExitStyle) -> Iterator[tuple[ExitSlice, ...]]:
    """Which slices have one stop between them: where it is to be shared those that stop at the same price."""
    if style is ExitStyle.SHARED_STOP:
        for _, sharing in groupby(slices, key=lambda slice_: (slice_.stop_loss_px, slice_.stop_limit_px)):
            yield tuple(sharing)
    else:
        yield from ((slice_,) for slice_ in slices)


def _allocated(bracket: Bracket, plan: ExitPlan) -> tuple[Decimal, ...]:
    return tuple(sum((exit_.claim_at(level) for exit_ in bracket.exits), ZERO) for level in range(len(plan.levels)))


def _with_kinds(turn: Turn, slices: Sequence[ExitSlice], policy: Policy) -> list[tuple[ExitSlice, ExitKind]]:
    """Every slice with its kind; what must be sold at once and is too little by itself is sold in one."""
    kinds = [(slice_, _kind(turn, slice_, policy)) for slice_ in slices]
    beyond = [slice_ for slice_, kind in kinds if kind is ExitKind.MARKET]
    px = _market_px(turn, policy)
    if all(turn.bracket.instrument.sellable(slice_.qty, px) for slice_ in beyond):
        return kinds
    whole = msgspec.structs.replace(beyond[0], qty=sum((slice_.qty for slice_ in beyond), ZERO))
    return [(whole, ExitKind.MARKET), *(each for each in kinds if each[1] is not ExitKind.MARKET)]


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
    if bracket.triggers_lock or ladder.refusals == policy.attempts_before_market - 1:
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


def _sell(turn: Turn, qty: Decimal, why: str, *, level: int, policy: Policy) -> None:
    """Sell at market now, in as many orders as the exchange's maximum asks for, if it would take so little."""
    instrument, market_px = turn.bracket.instrument, turn.bracket.ladder.price(turn.now_ms, policy)
    px = _market_px(turn, policy)
    left, most = instrument.floor_qty(qty), instrument.market_max_qty or instrument.max_qty
    while instrument.sellable(left, px):
        part = min(left, instrument.floor_qty(most)) if most > 0 else left
        _sell_part(turn, part, why, level=level, policy=policy)
        left -= part
    if left > 0 and market_px is not None:
        turn.change(dust_px=market_px)


def _market_px(turn: Turn, policy: Policy) -> Decimal:
    """The market's price as a refusal told it, else what was paid."""
    bracket = turn.bracket
    return bracket.ladder.price(turn.now_ms, policy) or bracket.avg_px or bracket.reference_px


def _sell_part(turn: Turn, qty: Decimal, why: str, *, level: int, policy: Policy) -> None:
    generation = turn.bracket.next_generation
    order = exit_order(
        turn, Role.EXIT, ids.Leg.MARKET_EXIT, level, qty, OrderType.MARKET, policy=policy, generation=generation
    )
    turn.change(sell_now=max(turn.bracket.sell_now - qty, ZERO))
    add(turn, Exit(generation=generation, level=level, kind=ExitKind.MARKET, qty=qty, legs=(order,)))
    submit(turn, order, policy)
    turn.note(StopLatched, qty=qty, reason=why)
