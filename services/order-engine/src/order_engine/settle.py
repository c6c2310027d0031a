"""After every event: note what was confirmed, hand back what ended, cover what is free, close what is done."""

from decimal import Decimal

import msgspec

from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import OrderStatus
from common.protection import BracketClosed, ExitLegView, ProtectionFailed, ProtectionPlaced, ProtectionReduced
from order_engine.bracket import Exit, ExitKind
from order_engine.hands import find_again
from order_engine.ladder import Ladder, after_refusal
from order_engine.linking import heed_locks, link_legs, passed, unsold, watch_slow_legs
from order_engine.order import Order
from order_engine.placing import cancel_exit
from order_engine.policy import Policy
from order_engine.protect import protect
from order_engine.results import closing_reason, residency_reason, result_of, role_name
from order_engine.turn import Turn
from order_engine.watch import keep_watch


def settle(turn: Turn, policy: Policy) -> None:
    """Bring the bracket to rest: every exit accounted for, everything held covered or on its way to be."""
    heed_locks(turn, policy)
    for exit_ in turn.bracket.exits:
        if exit_.live:
            _note_placed(turn, exit_, policy)
            link_legs(turn, _again(turn, exit_), policy)
            watch_slow_legs(turn, _again(turn, exit_), policy)
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


def _note_placed(turn: Turn, exit_: Exit, policy: Policy) -> None:
    if exit_.placed or not all(leg.confirmed and leg.status is not OrderStatus.REJECTED for leg in exit_.legs):
        return
    renewal_ms = policy.renewal_ms(turn.bracket.exchange) if exit_.kind.waits else None
    oldest_ms = min((leg.submitted_ms for leg in exit_.legs if leg.live), default=turn.now_ms)
    renew_at_ms = None if renewal_ms is None else oldest_ms + renewal_ms
    turn.put_exit(msgspec.structs.replace(exit_, placed=True, renew_at_ms=renew_at_ms))
    turn.change(ladder=Ladder())
    turn.note(
        ProtectionPlaced,
        list_client_order_id=exit_.list_client_order_id,
        level=exit_.level,
        qty=exit_.leaves_qty,
        legs=tuple(_leg_view(turn.bracket.exchange, leg) for leg in exit_.legs if leg.live),
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


def _hand_back(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """An exit has ended: what it did not sell is free again, or must leave at once, or is the user's."""
    leaves = max(exit_.qty - exit_.sold_qty, ZERO)
    turn.put_exit(msgspec.structs.replace(exit_, settled=True))
    turn.debounced = True
    if exit_.released:
        _note_reduced(turn, exit_, leaves)
        return
    turn.change(sell_now=turn.bracket.sell_now + _leaving(exit_, leaves))
    refused = next((leg for leg in exit_.legs if leg.status is OrderStatus.REJECTED), None)
    if refused is not None and (exit_.sold_qty == 0 or (leaves > 0 and refused is exit_.stop)):
        _note_refusal(turn, exit_, refused, policy)
    elif leaves > 0 and exit_.kind is ExitKind.MARKET:  # The book ran dry: the rest of it in a moment.
        _climb(turn, ErrorCategory.UNCLASSIFIED, policy, pause=True)
    if refused is None or exit_.sold_qty > 0:
        _note_reduced(turn, exit_, leaves)


def _note_reduced(turn: Turn, exit_: Exit, leaves: Decimal) -> None:
    turn.note(
        ProtectionReduced,
        list_client_order_id=exit_.list_client_order_id,
        level=exit_.level,
        sold_qty=exit_.sold_qty,
        returned_qty=leaves,
        reason=_reason(exit_),
    )


def _leaving(exit_: Exit, leaves: Decimal) -> Decimal:
    """What of its rest was meant to be sold at once: of a market sell and a stop all, of a target what it was for."""
    if exit_.kind is ExitKind.MARKET or any(stop.fired for stop in exit_.stops):
        return leaves
    return min(sum((unsold(target) for target in exit_.targets if target.fired), ZERO), leaves)


def _reason(exit_: Exit) -> str:
    winner = next((leg for leg in exit_.legs if leg.filled_qty > 0), None)
    if winner is not None:
        return f"{role_name(winner)} {'filled' if exit_.sold_qty >= exit_.qty else 'partly filled'}"
    if exit_.released:
        return "released by the user"
    return "moved" if exit_.moving else "canceled or expired on the exchange"


def _note_refusal(turn: Turn, exit_: Exit, leg: Order, policy: Policy) -> None:
    category = leg.refusal or ErrorCategory.UNCLASSIFIED
    if category is ErrorCategory.TOO_MANY_ORDERS:
        turn.change(max_pairs=max(len([e for e in turn.bracket.live_exits if e.kind.waits]), 1))
    # A target that the market has passed is taken now: after a pause nobody would know any more that it was passed.
    patient = exit_.kind is ExitKind.HELD and not passed(turn, leg, policy)
    _climb(turn, category, policy, pause=patient or exit_.kind is ExitKind.MARKET)
    _find_too_small(turn, exit_, category, policy)
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


_TOO_SMALL = frozenset({ErrorCategory.FILTER, ErrorCategory.BAD_REQUEST})
"""What exchanges call it, among other things; Gate.io has one word for every parameter it does not like."""


def _find_too_small(turn: Turn, exit_: Exit, category: ErrorCategory, policy: Policy) -> None:
    """A market sell below the minimum at the market's price is refused for as long as that stands: it is dust."""
    px = turn.bracket.ladder.price(turn.now_ms, policy)
    refused = category in _TOO_SMALL and exit_.kind is ExitKind.MARKET
    if refused and px is not None and not turn.bracket.instrument.sellable(exit_.qty, px):
        turn.change(dust_px=px)


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
