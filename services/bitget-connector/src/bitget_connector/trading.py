"""Placing and cancelling, as calls: what is placed is remembered by its ids, what is cancelled is looked at.

A cancel's answer is an acceptance, and a plan that cannot be cancelled may have fired. So a cancel ends with a look
at the order, and where a plan's child rests in the book in its place, the child is cancelled.
"""

from decimal import Decimal
from typing import Any, Final

from bitget_connector import pages, queries
from bitget_connector.family import Family
from bitget_connector.finding import Finder
from bitget_connector.memory import Memory
from bitget_connector.refusals import CANCEL_TOO_SOON
from bitget_connector.replies import value_of
from bitget_connector.rows import PlanRow, PlanStatus
from bitget_connector.translate import plan_snapshot
from bitget_connector.wishes import needs_reference, order_of, plan_of
from common.commands import AdoptOrder, CancelAllOrders, CancelOrder, SubmitOrder
from common.connector.calls import then
from common.connector.ports import (
    Accepted,
    Call,
    OrderAbsent,
    OrderAnswer,
    OrderFound,
    OrderRef,
    Outcome,
    Rejected,
    Reply,
    Unknown,
)
from common.errors import ErrorCategory, Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderAccepted, OrderCanceled, OrderFact, OrderSnapshot, OrderStatus

CLOCKS_APART_MS: Final = 5_000
"""How much earlier than our entry the exchange's clock may say its exits were created."""
_GONE = {ErrorCategory.NOT_FOUND, ErrorCategory.ALREADY_CLOSED}


def submit(words: Family, memory: Memory, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]:
    """Place an order or a plan, or find what the exchange placed. Raises Refused for what no request can say."""
    if isinstance(command, AdoptOrder):
        return _adopt(words, memory, command)
    if command.preset is not None and not words.takes_presets:
        raise Refused(
            code="bad_order",
            title="Presets are for Classic accounts",
            field="exitStyle",
            rule="nothing says how exits that an entry brings along behave in a unified account",
            fix="choose another exitStyle in the order or in your settings",
        )
    if command.order_type.waits_for_trigger:
        return _place_plan(words, memory, command, instrument)
    if not needs_reference(command):
        return _place(words, memory, command, instrument, None)

    def priced(reference_px: Decimal | Rejected | Unknown, now_ms: int) -> Outcome | Call[Outcome]:
        if isinstance(reference_px, Rejected | Unknown):
            # Nothing was sent yet, so nothing was done, whatever the reason for the missing price.
            return Rejected(
                ErrorCategory.EXCHANGE_DOWN, reference_px.code, f"no price to buy at: {reference_px.reason}"
            )
        return _place(words, memory, command, instrument, reference_px)

    return then(queries.best_ask(instrument.exchange_symbol), priced)


def _adopt(words: Family, memory: Memory, command: AdoptOrder) -> Call[Outcome]:
    """Reads only: whatever goes wrong, nothing was done."""
    finder = Finder(words, memory, command.account_id)

    def alike(plan: PlanRow) -> bool:
        return (
            plan.side is command.side
            and plan.trigger_px == command.trigger_px
            and plan.created_ms >= command.since_ms - CLOCKS_APART_MS
            and memory.adopted(command.account_id, plan.plan_id) in {None, command.client_order_id}
        )

    def told(found: OrderAnswer, now_ms: int) -> Outcome:
        match found:
            case OrderFound():
                return Accepted((found.order,))
            case OrderAbsent():
                return Rejected(ErrorCategory.NOT_FOUND, found.code, "the exchange has placed no such order so far")
            case _:
                return Rejected(ErrorCategory.NOT_FOUND, found.code, f"it could not be looked for: {found.reason}")

    found: Call[OrderAnswer] = then(finder.preset(command.symbol, command.client_order_id, alike), finder.followed)
    return then(found, told)


def _place(
    words: Family, memory: Memory, command: SubmitOrder, instrument: Instrument, reference_px: Decimal | None
) -> Call[Outcome]:
    order = order_of(command, instrument, reference_px)

    def read(reply: Reply, now_ms: int) -> Outcome:
        order_id = value_of(reply, words.placed)
        if isinstance(order_id, Rejected | Unknown):
            return order_id
        memory.remember_order(command.account_id, order_id, command.client_order_id)
        return Accepted((OrderAccepted(**_accepted(command, order_id, now_ms), price=order.price),))

    return Call(words.place(order), read)


def _place_plan(words: Family, memory: Memory, command: SubmitOrder, instrument: Instrument) -> Call[Outcome]:
    plan = plan_of(command, instrument)

    def read(reply: Reply, now_ms: int) -> Outcome:
        plan_id = value_of(reply, words.placed)
        if isinstance(plan_id, Rejected | Unknown):
            return plan_id
        memory.remember_plan(command.account_id, plan_id, command.client_order_id)
        fields = _accepted(command, plan_id, now_ms)
        return Accepted((OrderAccepted(**fields, price=plan.price, trigger_px=plan.trigger_px),))

    return Call(words.place_plan(plan), read)


def _accepted(command: SubmitOrder, exchange_order_id: str, now_ms: int) -> dict[str, Any]:
    return {
        "account_id": command.account_id,
        "exchange": Exchange.BITGET,
        "symbol": command.symbol,
        "client_order_id": command.client_order_id,
        "exchange_order_id": exchange_order_id,
        "side": command.side,
        "order_type": command.order_type,
        "status": OrderStatus.NEW,
        "qty": command.qty,
        "cum_qty": Decimal(0),
        "ts_event_ms": now_ms,
        "ts_init_ms": now_ms,
    }


def cancel(words: Family, memory: Memory, command: CancelOrder) -> Call[Outcome]:
    """Cancel an order, a plan, or the child that stands in a plan's place. Raises Refused if it names nothing."""
    if command.client_order_id is None and command.exchange_order_id is None:
        raise Refused(
            code="bad_order",
            title="Bitget would refuse this cancel",
            field="client_order_id",
            rule="a cancel names what it cancels",
            fix="give one of the order's ids",
        )
    ref = OrderRef(
        account_id=command.account_id,
        symbol=command.symbol,
        client_order_id=command.client_order_id,
        exchange_order_id=command.exchange_order_id,
    )
    finder = Finder(words, memory, command.account_id)
    is_plan = finder.is_plan(ref) or finder.is_preset(ref)
    return _cancel_plan(finder, ref) if is_plan else _cancel_order(finder, ref)


def _cancel_order(finder: Finder, ref: OrderRef) -> Call[Outcome]:
    order_id = ref.exchange_order_id or finder.memory.exchange_id(ref.account_id, ref.client_order_id or "")
    client_oid = None if order_id is not None else ref.client_order_id
    request = finder.words.cancel(ref.symbol, order_id=order_id, client_oid=client_oid)

    def read(reply: Reply, now_ms: int) -> Outcome | Call[Outcome]:
        answer = value_of(reply, lambda data: data)
        if isinstance(answer, Rejected) and answer.category in _GONE and ref.exchange_order_id is not None:
            # The id may be a plan's that is not remembered here.
            return _cancel_plan(finder, ref)
        if isinstance(answer, Rejected | Unknown) and answer.code != CANCEL_TOO_SOON:
            return answer
        return then(finder.order(ref), lambda found, now_ms: _ended(found))

    return Call(request, read)


def _ended(found: OrderAnswer) -> Outcome:
    """After an accepted cancel: what the order's state proves; while it still works, a push will tell its end."""
    if isinstance(found, OrderFound):
        fact = _canceled_fact(found.order)
        if fact is not None:
            return Accepted((fact,))
        if found.order.status is not None and found.order.status.terminal:
            return Rejected(ErrorCategory.ALREADY_CLOSED, "closed", "the order ended before it could be cancelled")
    return Accepted((), done=False)


def _canceled_fact(order: OrderSnapshot) -> OrderFact | None:
    """An order that ended unfilled by a cancel; one with fills is read together with its trades."""
    if order.status is not OrderStatus.CANCELED or order.cum_qty:
        return None
    return OrderCanceled(**{name: getattr(order, name) for name in OrderCanceled.__struct_fields__})


def _cancel_plan(finder: Finder, ref: OrderRef) -> Call[Outcome]:
    known = ref.exchange_order_id or finder.memory.exchange_id(ref.account_id, ref.client_order_id or "")
    is_child = known is not None and finder.memory.child_name(ref.account_id, known) is not None
    plan_id = None if is_child else known
    if finder.is_preset(ref):
        if known is None:
            return then(finder.order(ref), lambda found, now_ms: _instead(finder, ref, None, found))
        request, read_done = finder.words.cancel_preset(known), _is_done
    else:
        request = finder.words.cancel_plan(plan_id=plan_id, client_oid=None if plan_id else ref.client_order_id)
        read_done = finder.words.plan_canceled

    def read(reply: Reply, now_ms: int) -> Outcome | Call[Outcome]:
        done = value_of(reply, read_done)
        if done is True:
            return Accepted((_plan_canceled(ref, plan_id, now_ms),))
        if isinstance(done, Unknown) or (isinstance(done, Rejected) and done.category not in _GONE):
            return done
        # It may have fired: look before deciding.
        return then(finder.order(ref), lambda found, now_ms: _instead(finder, ref, plan_id, found))

    return Call(request, read)


def _is_done(data: bytes) -> bool:
    """The code of success says all."""
    return True


def _instead(finder: Finder, ref: OrderRef, plan_id: str | None, found: OrderAnswer) -> Outcome | Call[Outcome]:
    """What to cancel where the plan could not be: the child, if it still works."""
    match found:
        case OrderAbsent():
            return Rejected(ErrorCategory.NOT_FOUND, found.code, "the exchange has no such order")
        case Rejected() | Unknown():
            return found
    order = found.order
    if order.status is not None and order.status.terminal:
        return Rejected(ErrorCategory.ALREADY_CLOSED, "closed", "the order ended before it could be cancelled")
    child_id = order.exchange_order_id
    if child_id is None or finder.memory.plan_name(ref.account_id, child_id) is not None or child_id == plan_id:
        return Unknown("plan_not_cancelled", "the plan was not cancelled, and has spawned nothing yet")
    request = finder.words.cancel(ref.symbol, order_id=child_id)

    def read(reply: Reply, now_ms: int) -> Outcome | Call[Outcome]:
        answer = value_of(reply, lambda data: data)
        if isinstance(answer, Rejected | Unknown) and answer.code != CANCEL_TOO_SOON:
            return answer
        return then(finder.order(ref), lambda found, now_ms: _ended(found))

    return Call(request, read)


def _plan_canceled(ref: OrderRef, plan_id: str | None, now_ms: int) -> OrderCanceled:
    return OrderCanceled(
        account_id=ref.account_id,
        exchange=Exchange.BITGET,
        symbol=ref.symbol,
        client_order_id=ref.client_order_id,
        exchange_order_id=plan_id,
        status=OrderStatus.CANCELED,
        cum_qty=Decimal(0),
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )


def cancel_all(words: Family, memory: Memory, command: CancelAllOrders) -> Call[Outcome]:
    """Plans first, one by one: they protect nobody any more, and none of them must fire into what is sold next.

    Plain orders end asynchronously after the last request; pushes tell each one's end.
    """
    finder = Finder(words, memory, command.account_id)

    def ask(older: str | None) -> Any:
        return words.open_plans(command.symbol, older)

    def begun(plans: tuple[PlanRow, ...] | Rejected | Unknown, now_ms: int) -> Outcome | Call[Outcome]:
        if isinstance(plans, Rejected | Unknown):
            return plans
        finder.learn(plans)
        waiting = tuple(plan for plan in plans if plan.status is PlanStatus.ARMED)
        if not words.takes_presets:
            return _cancel_each(finder, command, waiting, ())
        presets = pages.everything(lambda older: words.presets(command.symbol, older), words.read_presets)
        return then(presets, lambda more, now_ms: presets_too(waiting, more))

    def presets_too(
        waiting: tuple[PlanRow, ...], presets: tuple[PlanRow, ...] | Rejected | Unknown
    ) -> Outcome | Call[Outcome]:
        if isinstance(presets, Rejected | Unknown):
            return presets
        armed = (plan for plan in presets if plan.status is PlanStatus.ARMED)
        named = tuple(memory.named(command.account_id, plan) for plan in armed)
        return _cancel_each(finder, command, waiting, (), named)

    return then(pages.everything(ask, words.read_plans), begun)


def _cancel_each(
    finder: Finder,
    command: CancelAllOrders,
    plans: tuple[PlanRow, ...],
    facts: tuple[OrderFact, ...],
    presets: tuple[PlanRow, ...] = (),
) -> Call[Outcome]:
    words = finder.words
    if not plans and not presets:
        return Call(words.cancel_symbol(command.symbol), lambda reply, now_ms: _all_begun(reply, facts))
    plan = (*plans, *presets)[0]
    request, read_done = (
        (words.cancel_plan(plan_id=plan.plan_id), words.plan_canceled)
        if plans
        else (words.cancel_preset(plan.plan_id), _is_done)
    )

    def read(reply: Reply, now_ms: int) -> Outcome | Call[Outcome]:
        done = value_of(reply, read_done)
        if isinstance(done, Unknown) or (isinstance(done, Rejected) and done.category not in _GONE):
            return Unknown(done.code, done.reason) if facts else done
        told = facts
        if done is True:
            shown = plan_snapshot(plan, command.account_id, now_ms)
            fields = {name: getattr(shown, name) for name in OrderCanceled.__struct_fields__}
            told = (*facts, OrderCanceled(**{**fields, "status": OrderStatus.CANCELED, "ts_event_ms": now_ms}))
        return _cancel_each(finder, command, plans[1:], told, presets if plans else presets[1:])

    return Call(request, read)


def _all_begun(reply: Reply, facts: tuple[OrderFact, ...]) -> Outcome:
    answer = value_of(reply, lambda data: data)
    if isinstance(answer, Unknown) or (isinstance(answer, Rejected) and answer.category not in _GONE):
        return Unknown(answer.code, answer.reason) if facts else answer
    return Accepted(facts, done=False)
