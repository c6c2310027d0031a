"""The engine's heart: a bracket and an event give the bracket afterwards and what must be done.

Pure and total: every pair of state and event has an answer, and a surprise is a fact, not an exception.
"""

from decimal import Decimal
from typing import assert_never

import msgspec

from common.errors import ErrorCategory
from common.exchanges import ExitStyle
from common.instruments import ZERO
from common.orders import (
    HoldingShort,
    ListStatus,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderUnknown,
    Side,
)
from common.protection import ProtectionFailed, StopLatched
from order_engine.bracket import Bracket, ExitKind
from order_engine.events import AskAll, CancelAllWanted, CancelWanted, Event, Observed, PriceSeen, Ticked
from order_engine.facts import after
from order_engine.hands import believe_short, end_forgotten, left_over, place_as_planned, with_changed_terms
from order_engine.ladder import Ladder
from order_engine.linking import renew
from order_engine.order import Order, Role
from order_engine.placing import adopt, cancel_exit, cancelling
from order_engine.policy import DEFAULT_POLICY, Policy
from order_engine.settle import settle
from order_engine.turn import Effect, Turn


def decide(bracket: Bracket, event: Event, policy: Policy = DEFAULT_POLICY) -> tuple[Bracket, tuple[Effect, ...]]:
    """The bracket after the event, and the commands and facts the event calls for."""
    turn = Turn(bracket, cause=event.cause, now_ms=event.now_ms)
    match event:
        case Observed():
            _observe(turn, event.fact, policy)
        case Ticked():
            _wake(turn, policy)
        case CancelWanted():
            _cancel(turn, event.client_order_id, policy)
        case CancelAllWanted():
            _expect_all_canceled(turn, policy)
        case AskAll():
            _ask_all(turn, policy)
        case PriceSeen():
            _guard(turn, event.px, policy)
        case _:
            assert_never(event)
    settle(turn, policy)
    return turn.result()


def next_wake_ms(bracket: Bracket) -> int | None:
    """When the bracket wants to be told that time has passed; None if it waits for facts alone."""
    times = [bracket.protect_at_ms, bracket.ladder.retry_at_ms, bracket.alarm_at_ms]
    times += [order.ask_at_ms for order in bracket.orders]
    times += [at_ms for exit_ in bracket.live_exits for at_ms in (exit_.act_at_ms, exit_.renew_at_ms)]
    return min((at_ms for at_ms in times if at_ms is not None), default=None)


def _observe(turn: Turn, fact: OrderFact, policy: Policy) -> None:
    known = turn.bracket.order(fact.client_order_id) if fact.client_order_id is not None else None
    match fact:
        case ListStatus():
            return  # A list's legs report for themselves.
        case HoldingShort():
            believe_short(turn, fact)
            return
        case OrderSnapshot() if known is None:
            end_forgotten(turn, fact, policy)
        case OrderUnknown() if known is not None:
            _keep_asking(turn, known, fact, policy)
            return
        case OrderRejected(category=ErrorCategory.NOT_FOUND) if (
            known is not None and known.adopted and (known.confirmed or _still_awaited(turn, known))
        ):
            # "Not so far" is no news of one that has been found, nor of one that may still appear.
            return
        case _:
            pass
    if known is None:
        return
    if (other := _owner(turn.bracket, fact.exchange_order_id)) is not None and other is not known:
        _mixed_up(turn, known, other)
        return
    order = _with_questions(known, after(with_changed_terms(known, fact), fact), turn.now_ms, policy)
    shown = fact if isinstance(fact, OrderSnapshot) else None
    if shown and (_outlived_its_cancel(order, turn.now_ms, policy) or left_over(known, order, shown, policy)):
        turn.cancel(order, valid_for_ms=policy.cancel_validity_ms)
        order = msgspec.structs.replace(order, cancel_sent_ms=turn.now_ms)
    if order != known:
        turn.put_order(msgspec.structs.replace(order, updated_ms=turn.now_ms))
    if shown:
        place_as_planned(turn, order, shown, policy)
    if order == known:
        return
    if isinstance(fact, OrderRejected) and fact.market_px is not None:
        turn.climb(market_px=fact.market_px, market_px_ms=turn.now_ms)
    if isinstance(fact, OrderFilled) and order.side is Side.SELL and order.role is not Role.ENTRY:
        turn.change(ladder=Ladder())  # What was refused before belongs to another market.


def _owner(bracket: Bracket, exchange_order_id: str | None) -> Order | None:
    orders = bracket.orders if exchange_order_id is not None else ()
    return next((order for order in orders if order.exchange_order_id == exchange_order_id), None)


def _mixed_up(turn: Turn, order: Order, other: Order) -> None:
    """One order on the exchange is not two of ours: counted twice, half of what it covers would be bare in secret."""
    turn.note(
        ProtectionFailed,
        client_order_id=order.client_order_id,
        category="unknown",
        code="MIXED_UP",
        reason=f"the exchange's order {other.exchange_order_id} is {other.client_order_id} already",
        next_step="ask the exchange",
    )


def _still_awaited(turn: Turn, order: Order) -> bool:
    """Whether an order that the exchange is to place by itself has not appeared yet, and is looked for again."""
    return order.adopted and not order.confirmed and turn.now_ms < order.valid_until_ms


def _outlived_its_cancel(order: Order, now_ms: int, policy: Policy) -> bool:
    """Whether an order was asked to end some time ago and has not."""
    return order.live and order.cancel_wanted and now_ms - order.cancel_sent_ms >= policy.cancel_again_ms


def _keep_asking(turn: Turn, order: Order, fact: OrderUnknown, policy: Policy) -> None:
    """Ask, never send twice: the order stays in flight until the exchange says what became of it."""
    if order.ask_at_ms is None:
        turn.put_order(msgspec.structs.replace(order, ask_at_ms=turn.now_ms + policy.ask_after_ms))
        turn.note(
            ProtectionFailed,
            client_order_id=order.client_order_id,
            category="unknown",
            code=fact.code,
            reason=fact.operation,
            next_step="ask the exchange",
        )


def _with_questions(before: Order, order: Order, now_ms: int, policy: Policy) -> Order:
    """Whether, and when, the exchange must be asked about the order next."""
    if not order.confirmed or (order.cancel_wanted and order.live):
        return order
    if not before.confirmed:
        order = msgspec.structs.replace(order, ask_at_ms=None, asked=0)
    lacks_trades = order.filled_qty > order.itemised_qty
    if not lacks_trades or order.asked >= policy.itemise_attempts:
        return msgspec.structs.replace(order, ask_at_ms=_look_again_ms(order, now_ms, policy))
    if order.ask_at_ms is None:
        return msgspec.structs.replace(order, ask_at_ms=now_ms + (policy.itemise_after_ms << order.asked))
    return order


def _look_again_ms(order: Order, now_ms: int, policy: Policy) -> int | None:
    """The exchange may say nothing of an order it placed by itself, or place it later than we waited for it."""
    if order.adopted and order.live:
        return now_ms + policy.adopted_ask_ms
    late = order.adopted and order.refusal is ErrorCategory.NOT_FOUND and order.asked < policy.itemise_attempts
    return now_ms + policy.ask_delay_ms(order.asked) if late else None


def _wake(turn: Turn, policy: Policy) -> None:
    bracket, now_ms = turn.bracket, turn.now_ms
    if bracket.protect_at_ms is not None and bracket.protect_at_ms <= now_ms:
        turn.change(protect_at_ms=None)
        turn.debounced = True
    if bracket.ladder.retry_at_ms is not None and bracket.ladder.retry_at_ms <= now_ms:
        turn.climb(retry_at_ms=None)
    _ask_overdue(turn, policy)
    for exit_ in turn.bracket.live_exits:
        if exit_.act_at_ms is not None and exit_.act_at_ms <= now_ms:
            cancel_exit(turn, msgspec.structs.replace(exit_, act_at_ms=None, moving=True), policy)
        elif exit_.renew_at_ms is not None and exit_.renew_at_ms <= now_ms:
            renew(turn, exit_, policy)


def _ask_overdue(turn: Turn, policy: Policy) -> None:
    asked_lists: set[str] = set()
    for order in turn.bracket.orders:
        if order.ask_at_ms is None or order.ask_at_ms > turn.now_ms:
            continue
        if not order.live and order.asked >= policy.itemise_attempts:
            turn.put_order(msgspec.structs.replace(order, ask_at_ms=None))
            continue
        _ask(turn, order, asked_lists, policy)


def _ask_all(turn: Turn, policy: Policy) -> None:
    asked_lists: set[str] = set()
    for order in turn.bracket.orders:
        if order.sent and order.live:
            _ask(turn, order, asked_lists, policy)


def _ask(turn: Turn, order: Order, asked_lists: set[str], policy: Policy) -> None:
    """One question for an order, and one for both legs of a list."""
    awaited = _still_awaited(turn, order)
    later = turn.now_ms + (policy.preset_look_ms if awaited else policy.ask_delay_ms(order.asked + 1))
    turn.put_order(msgspec.structs.replace(order, ask_at_ms=later, asked=order.asked + 1))
    if order.adopted and order.exchange_order_id is None:
        adopt(turn, order, policy)
    elif order.list_client_order_id is None or order.list_client_order_id not in asked_lists:
        turn.query(order, valid_for_ms=policy.query_validity_ms)
    if order.list_client_order_id is not None:
        asked_lists.add(order.list_client_order_id)


def held_stop_px(bracket: Bracket) -> Decimal | None:
    """The highest price at which the engine must sell something of this bracket; None if it guards nothing."""
    if bracket.exit_style is not ExitStyle.HELD_STOP or bracket.plan is None or bracket.held_qty <= 0:
        return None
    avg_px = bracket.avg_px or bracket.reference_px
    return bracket.instrument.ceil_px(max(level.stop_loss.at(avg_px) for level in bracket.plan.levels))


def _guard(turn: Turn, px: Decimal, policy: Policy) -> None:
    """A stop the engine holds is latched with the bracket before anything is sent, and never un-latched."""
    highest = held_stop_px(turn.bracket)
    if highest is None or px > highest:
        return
    latched = ZERO
    for exit_ in turn.bracket.live_exits:
        stop = exit_.stop
        if exit_.kind is not ExitKind.HELD or stop is None or stop.triggered or px > (stop.trigger_px or ZERO):
            continue
        latched += exit_.leaves_qty
        legs = tuple(msgspec.structs.replace(leg, triggered=True) if leg is stop else leg for leg in exit_.legs)
        cancel_exit(turn, msgspec.structs.replace(exit_, legs=legs), policy)
    bare = turn.bracket.free_qty - turn.bracket.sell_now
    if bare > 0:
        turn.change(sell_now=turn.bracket.free_qty)
        turn.climb(retry_at_ms=None)  # A stop waits for no pause.
        turn.debounced = True
    if latched > 0:
        turn.note(StopLatched, qty=latched, reason=f"price {px:f} at or below the stop", px=px)
    if latched > 0 or bare > 0:
        turn.climb(market_px=px, market_px_ms=turn.now_ms)


def _cancel(turn: Turn, client_order_id: str, policy: Policy) -> None:
    """Cancel one order on the user's word; of an exit, all of it, and what it held is theirs to look after."""
    bracket = turn.bracket
    if bracket.entry is not None and bracket.entry.client_order_id == client_order_id:
        if bracket.entry.live:
            _cancel_entry(turn, bracket.entry, policy)
        return
    for exit_ in bracket.live_exits:
        if any(leg.client_order_id == client_order_id for leg in exit_.legs) or (
            exit_.list_client_order_id == client_order_id
        ):
            cancel_exit(turn, msgspec.structs.replace(exit_, released=True), policy)


def _cancel_entry(turn: Turn, entry: Order, policy: Policy) -> None:
    turn.change(entry=cancelling(entry, turn, policy))
    turn.cancel(entry, valid_for_ms=policy.cancel_validity_ms)


def _expect_all_canceled(turn: Turn, policy: Policy) -> None:
    """Everything on the symbol is being cancelled by one request: mark what it will end as the user's wish."""
    for exit_ in turn.bracket.live_exits:
        legs = tuple(cancelling(leg, turn, policy) if leg.sent and leg.live else leg for leg in exit_.legs)
        turn.put_exit(msgspec.structs.replace(exit_, released=True, legs=legs))
    if turn.bracket.free_qty > ZERO and turn.bracket.plan is not None:
        turn.change(given_up_qty=turn.bracket.given_up_qty + turn.bracket.free_qty)
    if turn.bracket.entry is not None and turn.bracket.entry.live:
        turn.change(entry=cancelling(turn.bracket.entry, turn, policy))
