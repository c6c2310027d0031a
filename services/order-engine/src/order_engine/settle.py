"""After every event: note what was confirmed, hand back what ended, cover what is free, close what is done."""

import msgspec

from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import OrderStatus
from common.protection import BracketClosed, ExitLegView, ProtectionFailed, ProtectionPlaced, ProtectionReduced
from order_engine.bracket import Exit, ExitKind
from order_engine.hands import find_again
from order_engine.ladder import Ladder, after_refusal
from order_engine.order import Order, Role
from order_engine.policy import Policy
from order_engine.protect import cancel_exit, cancel_leg, protect
from order_engine.results import closing_reason, residency_reason, result_of, role_name
from order_engine.turn import Turn
from order_engine.watch import keep_watch


def settle(turn: Turn, policy: Policy) -> None:
    """Bring the bracket to rest: every exit accounted for, everything held covered or on its way to be."""
    for exit_ in turn.bracket.exits:
        if exit_.live:
            _note_placed(turn, exit_)
            _link_legs(turn, _again(turn, exit_), policy)
            _watch_slow_legs(turn, _again(turn, exit_), policy)
        if not _again(turn, exit_).live and not exit_.settled:
            _hand_back(turn, _again(turn, exit_), policy)
    _forget_old(turn, policy)
    find_again(turn)
    _cut_back(turn, policy)
    protect(turn, policy)
    _close_or_reopen(turn)
    keep_watch(turn, policy)


def _again(turn: Turn, exit_: Exit) -> Exit:
    """The exit as it stands by now."""
    return next(known for known in turn.bracket.exits if known.generation == exit_.generation)


def _link_legs(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """Do for unlinked legs what a native list does: when one executes or ends, end the other."""
    if exit_.kind is ExitKind.HELD:
        target, stop = exit_.legs
        if not target.live and stop.live:
            turn.put_order(msgspec.structs.replace(stop, status=OrderStatus.EXPIRED, updated_ms=turn.now_ms))
    if exit_.kind is not ExitKind.PAIR:
        return
    for leg, partner in (exit_.legs, exit_.legs[::-1]):
        if not (leg.triggered or leg.filled_qty > 0 or not leg.live) or not partner.live or partner.cancel_wanted:
            continue
        if leg.status is OrderStatus.REJECTED and leg.role is Role.TAKE_PROFIT and not _past_target(turn, leg, policy):
            _keep_stop_alone(turn, exit_, policy)  # A stop without a target protects; no stop at all does not.
        else:
            cancel_leg(turn, partner, policy)


def _past_target(turn: Turn, target: Order, policy: Policy) -> bool:
    px, level = turn.bracket.ladder.price(turn.now_ms, policy), target.trigger_px or target.price
    return px is not None and level is not None and px >= level


def _keep_stop_alone(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """The target was refused: try the pair again later, and keep the stop until then."""
    if exit_.act_at_ms is None:
        turn.put_exit(msgspec.structs.replace(exit_, act_at_ms=turn.now_ms + policy.retry_ceiling_ms))


def _note_placed(turn: Turn, exit_: Exit) -> None:
    if exit_.placed or not all(leg.confirmed and leg.status is not OrderStatus.REJECTED for leg in exit_.legs):
        return
    turn.put_exit(msgspec.structs.replace(exit_, placed=True))
    turn.change(ladder=Ladder())
    turn.note(
        ProtectionPlaced,
        list_client_order_id=exit_.list_client_order_id,
        level=exit_.level,
        qty=exit_.qty,
        legs=tuple(_leg_view(turn.bracket.exchange, leg) for leg in exit_.legs),
    )


def _leg_view(exchange: Exchange, leg: Order) -> ExitLegView:
    return ExitLegView(
        client_order_id=leg.client_order_id,
        role=role_name(leg),
        order_type=leg.order_type,
        price=leg.price,
        trigger_px=leg.trigger_px,
        residency=leg.residency,
        residency_reason=residency_reason(exchange, leg),
    )


def _watch_slow_legs(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """A leg that has started to execute leaves the rest of its exit without a stop: give it little time."""
    stop, target = exit_.leg(Role.STOP_LOSS), exit_.leg(Role.TAKE_PROFIT)
    if any(leg.live and leg.sent and _fired(leg) for leg in exit_.legs):
        patience_ms = turn.bracket.plan.stop_limit_patience_ms if turn.bracket.plan else policy.take_profit_patience_ms
    elif target is not None and target.live and target.filled_qty > 0 and not (stop is not None and stop.live):
        patience_ms = policy.take_profit_patience_ms
    else:
        return
    at_ms = turn.now_ms + patience_ms
    if exit_.act_at_ms is None or at_ms < exit_.act_at_ms:
        turn.put_exit(msgspec.structs.replace(exit_, act_at_ms=at_ms))


def _fired(leg: Order) -> bool:
    """Whether a waiting order's price was reached."""
    return leg.order_type.waits_for_trigger and (leg.triggered or leg.filled_qty > 0)


def _hand_back(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """An exit has ended: what it did not sell is free again, or must leave at once, or is the user's."""
    leaves = max(exit_.qty - exit_.sold_qty, ZERO)
    turn.put_exit(msgspec.structs.replace(exit_, settled=True))
    turn.debounced = True
    refused = next((leg for leg in exit_.legs if leg.status is OrderStatus.REJECTED), None)
    if refused is not None and exit_.sold_qty == 0 and not exit_.released:
        _note_refusal(turn, exit_, refused, policy)
        return
    if leaves > 0 and _was_leaving(exit_) and not exit_.released:
        turn.change(sell_now=turn.bracket.sell_now + leaves)
        if exit_.kind is ExitKind.MARKET:  # The book ran dry: the rest of it in a moment.
            _climb(turn, ErrorCategory.UNCLASSIFIED, policy, pause=True)
    turn.note(
        ProtectionReduced,
        list_client_order_id=exit_.list_client_order_id,
        level=exit_.level,
        sold_qty=exit_.sold_qty,
        returned_qty=leaves,
        reason=_reason(exit_),
    )


def _was_leaving(exit_: Exit) -> bool:
    """Whether its rest was meant to be sold at once: a market sell, or a leg whose price was reached."""
    return exit_.kind is ExitKind.MARKET or any(_fired(leg) for leg in exit_.legs)


def _reason(exit_: Exit) -> str:
    winner = next((leg for leg in exit_.legs if leg.filled_qty > 0), None)
    if winner is not None:
        return f"{role_name(winner)} {'filled' if exit_.sold_qty >= exit_.qty else 'partly filled'}"
    if exit_.released:
        return "released by the user"
    return "moved" if exit_.moving else "canceled or expired on the exchange"


def _note_refusal(turn: Turn, exit_: Exit, leg: Order, policy: Policy) -> None:
    category = leg.refusal or ErrorCategory.UNCLASSIFIED
    if _was_leaving(exit_):
        turn.change(sell_now=turn.bracket.sell_now + exit_.qty)
    if category is ErrorCategory.TOO_MANY_ORDERS:
        turn.change(max_pairs=max(len([e for e in turn.bracket.live_exits if e.kind.waits]), 1))
    _climb(turn, category, policy, pause=exit_.kind in {ExitKind.MARKET, ExitKind.HELD})
    if turn.bracket.ladder.believes_short(turn.now_ms, policy) and leg.available_qty is not None:
        missing = exit_.qty - turn.bracket.instrument.floor_qty(leg.available_qty)
        turn.change(missing_qty=turn.bracket.missing_qty + max(missing, ZERO))
        turn.change(ladder=Ladder())
    pauses = turn.bracket.ladder.retry_at_ms is not None
    turn.note(
        ProtectionFailed,
        client_order_id=exit_.list_client_order_id or leg.client_order_id,
        category=category,
        code=leg.refusal_code,
        reason=leg.refusal_reason,
        next_step="try again after a pause" if pauses else "decide anew at once",
    )


def _climb(turn: Turn, category: ErrorCategory, policy: Policy, *, pause: bool) -> None:
    turn.change(ladder=after_refusal(turn.bracket.ladder, category, turn.now_ms, policy, pause=pause))


def _forget_old(turn: Turn, policy: Policy) -> None:
    """Of ended exits that sold nothing only the newest are kept: a bracket must not grow with every refusal."""
    idle = [exit_ for exit_ in turn.bracket.exits if exit_.settled and exit_.sold_qty == 0 and not exit_.released]
    if len(idle) > policy.kept_exits:
        old = {exit_.generation for exit_ in idle[: -policy.kept_exits]}
        turn.change(exits=tuple(exit_ for exit_ in turn.bracket.exits if exit_.generation not in old))


def _cut_back(turn: Turn, policy: Policy) -> None:
    """Exits that together could sell more than is held (an order we had given up for lost turned up): cancel some."""
    bracket = turn.bracket
    claims = sum((exit_.claim for exit_ in bracket.exits), ZERO)
    surplus = claims + bracket.released_qty + bracket.missing_qty - bracket.received_qty
    for exit_ in sorted(bracket.live_exits, key=lambda e: -e.generation):
        if surplus <= 0:
            return
        if any(leg.cancel_wanted for leg in exit_.legs if leg.live):
            surplus -= exit_.leaves_qty
        elif exit_.kind.waits:
            cancel_exit(turn, msgspec.structs.replace(exit_, moving=True), policy)
            surplus -= exit_.leaves_qty


def _close_or_reopen(turn: Turn) -> None:
    bracket = turn.bracket
    open_ = bool(bracket.entry_live or bracket.live_exits or bracket.held_qty > bracket.dust_qty)
    if open_ and bracket.closed_reason is not None:
        turn.change(closed_reason=None)
    if open_ or bracket.closed_reason is not None:
        return
    turn.change(closed_reason=closing_reason(bracket), protect_at_ms=None, ladder=Ladder())
    turn.note(BracketClosed, **result_of(bracket), reason=closing_reason(bracket))
