"""Does for legs the exchange does not link what a native list does: when one executes or ends, it ends the others.

Targets that share a stop make it too large as soon as one of them fires. It is cancelled at once, and placed anew for
the targets that still wait when the exchange has confirmed its end, never before: two stops for the same coins could
sell twice as many, one too large sells nothing where nothing else is held.
"""

from decimal import Decimal

import msgspec

from common.errors import ErrorCategory
from common.instruments import ZERO
from common.orders import OrderStatus
from order_engine.bracket import Exit, ExitKind
from order_engine.order import Order
from order_engine.placing import cancel_exit, cancel_leg, place_stop_again
from order_engine.policy import Policy
from order_engine.turn import Turn


def link_legs(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """End what must not go on beside the leg that executes, and place a shared stop anew."""
    stop = exit_.stop
    if stop is None:
        return
    if exit_.kind is ExitKind.HELD:
        if not any(target.live for target in exit_.targets) and stop.live:
            turn.put_order(msgspec.structs.replace(stop, status=OrderStatus.EXPIRED, updated_ms=turn.now_ms))
    elif exit_.kind is ExitKind.PAIR:
        _link_pair(turn, exit_, stop, policy)


def heed_locks(turn: Turn, policy: Policy) -> None:
    """Notice, by a refusal, that waiting orders lock coins: targets make room, because the stops go first.

    It is so when what is free and what our own orders may have locked make up what is held; when they do not, coins
    are missing, which is another matter (`ladder.py`). While some are in flight it cannot be told.
    """
    bracket = turn.bracket
    pairs = [exit_ for exit_ in bracket.exits if exit_.kind is ExitKind.PAIR and not exit_.settled]
    legs = [leg for exit_ in pairs for leg in exit_.legs]
    if bracket.triggers_lock or not all(leg.confirmed for leg in legs):
        return
    if not any(_locked_out(turn, leg) for leg in legs):
        return
    turn.change(triggers_lock=True)
    for target in (target for exit_ in pairs for target in exit_.targets):
        if target.live and not target.fired and not target.cancel_wanted:
            cancel_leg(turn, target, policy)


def _locked_out(turn: Turn, leg: Order) -> bool:
    if leg.refusal is not ErrorCategory.INSUFFICIENT_BALANCE or leg.available_qty is None:
        return False
    ours = sum((other.leaves_qty for exit_ in turn.bracket.live_exits for other in exit_.legs), ZERO)
    return leg.available_qty + ours >= turn.bracket.instrument.floor_qty(turn.bracket.held_qty)


def _link_pair(turn: Turn, exit_: Exit, stop: Order, policy: Policy) -> None:
    if any(leg.fired for leg in exit_.stops) or not (stop.live or stop.cancel_wanted):
        for target in exit_.targets:
            if target.live and not target.cancel_wanted:
                cancel_leg(turn, target, policy)
    elif stop.live:
        _keep_stop_fitting(turn, exit_, stop, policy)
    elif not (exit_.moving or exit_.released):
        _replace_stop(turn, exit_, policy)


def _keep_stop_fitting(turn: Turn, exit_: Exit, stop: Order, policy: Policy) -> None:
    """A stop for more than the targets that wait would find too little: out of the way with it."""
    needed = exit_.leaves_qty if turn.bracket.triggers_lock else ZERO
    for target in () if turn.bracket.triggers_lock else exit_.targets:
        if target.status is OrderStatus.REJECTED and not passed(turn, target, policy):
            needed += target.qty or ZERO  # A stop without a target protects; no stop at all does not.
            if exit_.act_at_ms is None:
                turn.put_exit(msgspec.structs.replace(exit_, act_at_ms=turn.now_ms + policy.retry_ceiling_ms))
        elif not target.fired:
            needed += target.leaves_qty
    if stop.leaves_qty > needed and not stop.cancel_wanted:
        cancel_leg(turn, stop, policy)


def passed(turn: Turn, target: Order, policy: Policy) -> bool:
    """Whether the market is known to stand at a target's level or beyond."""
    px, level = turn.bracket.ladder.price(turn.now_ms, policy), target.trigger_px or target.price
    return px is not None and level is not None and px >= level


def _replace_stop(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """The stop has ended on our word: what no target waits for is handed back, the others get a stop that fits."""
    waiting = [target for target in exit_.targets if target.live and not target.fired]
    if not waiting:
        return
    ended = [target for target in exit_.targets if not target.live]
    returned = sum((unsold(target) for target in ended), ZERO)
    turn.change(sell_now=turn.bracket.sell_now + sum((unsold(target) for target in ended if target.fired), ZERO))
    kept = msgspec.structs.replace(exit_, qty=exit_.qty - returned, level=waiting[0].level or 0)
    qty = sum((target.leaves_qty for target in waiting), ZERO)
    place_stop_again(turn, kept, qty, policy)


def unsold(leg: Order) -> Decimal:
    """What a leg was for and did not sell."""
    return max((leg.qty or ZERO) - leg.filled_qty, ZERO)


def watch_slow_legs(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """A leg that has started to execute leaves the rest of its exit without a stop: give it little time."""
    stop = exit_.stop
    if any(leg.live and leg.sent and leg.fired for leg in exit_.legs):
        patience_ms = turn.bracket.plan.stop_limit_patience_ms if turn.bracket.plan else policy.take_profit_patience_ms
    elif any(t.live and t.filled_qty > 0 for t in exit_.targets) and not (stop is not None and stop.live):
        patience_ms = policy.take_profit_patience_ms
    else:
        if exit_.act_at_ms is not None and not any(t.status is OrderStatus.REJECTED for t in exit_.targets):
            turn.put_exit(msgspec.structs.replace(exit_, act_at_ms=None))  # The leg has sold what it was for.
        return
    at_ms = turn.now_ms + patience_ms
    if exit_.act_at_ms is None or at_ms < exit_.act_at_ms:
        turn.put_exit(msgspec.structs.replace(exit_, act_at_ms=at_ms))


def renew(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """Place an exit anew before the exchange ends its triggers: cancelled first, placed when that is confirmed.

    The other way round two stops would stand for the same coins, and where waiting triggers lock them the second one
    would be refused. One exit of the bracket at a time, and none that executes, so that as little as possible is bare.
    """
    executing = any(leg.live and leg.fired for leg in exit_.legs)
    if executing or any(other.moving for other in turn.bracket.live_exits):
        turn.put_exit(msgspec.structs.replace(exit_, renew_at_ms=turn.now_ms + policy.renewal_pause_ms))
    else:
        cancel_exit(turn, msgspec.structs.replace(exit_, renew_at_ms=None, moving=True), policy)
