"""After every event: note what was confirmed, hand back what ended, cover what is free, close what is done."""

from decimal import Decimal

import msgspec

from common.errors import ErrorCategory
from common.exchanges import Residency
from common.instruments import ZERO
from common.orders import OrderStatus, Side
from common.protection import BracketClosed, ExitLegView, ProtectionFailed, ProtectionPlaced, ProtectionReduced
from order_engine.bracket import Bracket, Exit, ExitKind, Order, Role
from order_engine.policy import NEVER_ARRIVED, WORTH_WAITING, Policy
from order_engine.protect import cancel_exit, protect
from order_engine.turn import Turn


def settle(turn: Turn, policy: Policy) -> None:
    """Bring the bracket to rest: every exit accounted for, everything held covered or on its way to be."""
    for exit_ in turn.bracket.exits:
        if exit_.live:
            _note_placed(turn, exit_)
            _watch_slow_legs(turn, turn.bracket.exits[_index(turn.bracket, exit_)], policy)
        elif not exit_.settled:
            _hand_back(turn, exit_, policy)
    _cut_back(turn, policy)
    protect(turn, policy)
    _close_or_reopen(turn)


def _index(bracket: Bracket, exit_: Exit) -> int:
    return next(i for i, known in enumerate(bracket.exits) if known.generation == exit_.generation)


def _note_placed(turn: Turn, exit_: Exit) -> None:
    if exit_.placed or not all(leg.confirmed for leg in exit_.legs):
        return
    turn.put_exit(msgspec.structs.replace(exit_, placed=True))
    turn.change(refusals=0, last_refusal=None, retry_at_ms=None, market_px=None)
    turn.note(
        ProtectionPlaced,
        list_client_order_id=exit_.list_client_order_id,
        level=exit_.level,
        qty=exit_.qty,
        legs=tuple(_leg_view(leg) for leg in exit_.legs),
    )


def _leg_view(leg: Order) -> ExitLegView:
    return ExitLegView(
        client_order_id=leg.client_order_id,
        role=role_name(leg),
        order_type=leg.order_type,
        price=leg.price,
        trigger_px=leg.trigger_px,
        residency=Residency.EXCHANGE,
        residency_reason="an order of this type rests on the exchange",
    )


def role_name(order: Order) -> str:
    """The order's role as the API shows it: ENTRY, TP1, TP2, SL, EXIT."""
    if order.role is Role.TAKE_PROFIT and order.level is not None:
        return f"{order.role}{order.level + 1}"
    return order.role.value


def _watch_slow_legs(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """A leg that has started to execute leaves the rest of its exit without a stop: give it little time."""
    if exit_.act_at_ms is not None:
        return
    stop, target = exit_.leg(Role.STOP_LOSS), exit_.leg(Role.TAKE_PROFIT)
    if stop is not None and stop.live and stop.price is not None and (stop.triggered or stop.filled_qty > 0):
        patience = turn.bracket.plan.stop_limit_patience_ms if turn.bracket.plan else policy.take_profit_patience_ms
    elif target is not None and target.live and target.filled_qty > 0 and not (stop is not None and stop.live):
        patience = policy.take_profit_patience_ms
    else:
        return
    turn.put_exit(msgspec.structs.replace(exit_, act_at_ms=turn.now_ms + patience))


def _hand_back(turn: Turn, exit_: Exit, policy: Policy) -> None:
    """An exit has ended: what it did not sell is free again, or must leave at once, or is the user's."""
    leaves = max(exit_.qty - exit_.sold_qty, ZERO)
    turn.put_exit(msgspec.structs.replace(exit_, settled=True))
    turn.debounced = True
    if all(leg.status is OrderStatus.REJECTED for leg in exit_.legs):
        _note_refusal(turn, exit_, policy)
        return
    if exit_.released:
        turn.change(released_qty=turn.bracket.released_qty + leaves)
    elif leaves > 0 and _was_leaving(exit_):
        turn.change(sell_now=turn.bracket.sell_now + leaves)
        _count_refusal(turn, None, policy, pause=exit_.kind is ExitKind.MARKET)
    turn.note(
        ProtectionReduced,
        list_client_order_id=exit_.list_client_order_id,
        level=exit_.level,
        sold_qty=exit_.sold_qty,
        returned_qty=leaves,
        reason=_reason(exit_),
    )


def _was_leaving(exit_: Exit) -> bool:
    """Whether its rest was meant to be sold at once: a market sell, or a stop whose price was reached."""
    stop = exit_.leg(Role.STOP_LOSS)
    return exit_.kind is ExitKind.MARKET or (stop is not None and (stop.triggered or stop.filled_qty > 0))


def _reason(exit_: Exit) -> str:
    winner = next((leg for leg in exit_.legs if leg.filled_qty > 0), None)
    if winner is not None:
        return f"{role_name(winner)} {'filled' if exit_.sold_qty >= exit_.qty else 'partly filled'}"
    if exit_.released:
        return "released by the user"
    return "moved" if exit_.moving else "canceled or expired on the exchange"


def _note_refusal(turn: Turn, exit_: Exit, policy: Policy) -> None:
    leg = exit_.legs[0]
    category = leg.refusal or ErrorCategory.UNCLASSIFIED
    bracket = turn.bracket
    if exit_.kind is ExitKind.MARKET:
        turn.change(sell_now=bracket.sell_now + exit_.qty)
    if category is ErrorCategory.INSUFFICIENT_BALANCE and leg.available_qty is not None:
        missing = exit_.qty - bracket.instrument.floor_qty(leg.available_qty)
        turn.change(missing_qty=turn.bracket.missing_qty + max(missing, ZERO))
    if category is ErrorCategory.TOO_MANY_ORDERS:
        turn.change(max_pairs=max(len([e for e in bracket.live_exits if e.kind is not ExitKind.MARKET]), 1))
    pause = category in WORTH_WAITING or exit_.kind is ExitKind.MARKET
    if category not in NEVER_ARRIVED:
        _count_refusal(turn, category, policy, pause=pause)
    turn.note(
        ProtectionFailed,
        client_order_id=exit_.list_client_order_id or leg.client_order_id,
        category=category,
        code=None,
        reason=None,
        next_step="try again after a pause" if pause else "decide anew at once",
    )


def _count_refusal(turn: Turn, category: ErrorCategory | None, policy: Policy, *, pause: bool) -> None:
    refusals = turn.bracket.refusals + 1
    turn.change(
        refusals=refusals,
        last_refusal=category,
        retry_at_ms=turn.now_ms + policy.backoff_ms(refusals) if pause else None,
    )


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
        elif exit_.kind is not ExitKind.MARKET:
            cancel_exit(turn, msgspec.structs.replace(exit_, moving=True), policy)
            surplus -= exit_.leaves_qty


def _close_or_reopen(turn: Turn) -> None:
    bracket = turn.bracket
    open_ = bool(bracket.entry_live or bracket.live_exits or bracket.unprotected_qty > 0)
    if open_ and bracket.closed_reason is not None:
        turn.change(closed_reason=None)
    if open_ or bracket.closed_reason is not None:
        return
    turn.change(closed_reason=_closing_reason(bracket), protect_at_ms=None, retry_at_ms=None)
    turn.note(BracketClosed, **_result(bracket), reason=_closing_reason(bracket))


def _closing_reason(bracket: Bracket) -> str:
    entry = bracket.entry
    if entry is not None and entry.filled_qty == 0:
        return f"entry {entry.status or ''}".lower().strip()
    if bracket.sold_qty > 0:
        return "exited"
    if bracket.plan is None:
        return "done"
    return "released by the user" if bracket.released_qty > 0 else "nothing left to protect"


def _result(bracket: Bracket) -> dict[str, object]:
    sold = bracket.sold_qty
    proceeds = sum((leg.quote_filled for exit_ in bracket.exits for leg in exit_.legs), ZERO)
    entry_qty = bracket.entry.filled_qty if bracket.entry else bracket.given_qty
    return {
        "entry_qty": entry_qty,
        "entry_avg_px": bracket.avg_px,
        "exit_qty": sold,
        "exit_avg_px": proceeds / sold if sold > 0 else None,
        "fees": fees_of(bracket),
        "realised_pnl": realised_pnl(bracket),
    }


def fees_of(bracket: Bracket) -> dict[str, Decimal]:
    """All fees paid so far, by asset."""
    fees: dict[str, Decimal] = {}
    for order in bracket.orders:
        for fill in order.fills:
            if fill.fee_asset is not None and fill.fee != 0:
                fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
    return dict(sorted(fees.items()))


def realised_pnl(bracket: Bracket) -> Decimal | None:
    """Profit in quote asset on what was sold, net of fees in base and quote; None without a bought entry.

    What a unit cost is the whole price of the entry over what arrived, so a fee in base is in it. Fees in a third
    asset are listed beside it and not valued here.
    """
    entry = bracket.entry
    if entry is None or entry.side is Side.SELL or bracket.received_qty <= 0:
        return None
    quote = bracket.instrument.quote
    cost = entry.quote_filled + entry.fee_in(quote)
    legs = [leg for exit_ in bracket.exits for leg in exit_.legs]
    proceeds = sum((leg.quote_filled - leg.fee_in(quote) for leg in legs), ZERO)
    return proceeds - bracket.sold_qty * cost / bracket.received_qty
