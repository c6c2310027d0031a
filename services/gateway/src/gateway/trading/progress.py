"""What is known of a request so far: facts from the topics, folded until there is something to answer."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.errors import ErrorCategory
from common.instruments import ZERO
from common.orders import (
    FactBase,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderUnknown,
)
from common.protection import (
    BracketDenied,
    ExitLegView,
    ProtectionFact,
    ProtectionFailed,
    ProtectionPlaced,
    ProtectionReduced,
)

Fact = OrderFact | ProtectionFact


class Step(StrEnum):
    """How far a request has come."""

    PENDING = "PENDING"
    """Nothing is heard yet."""
    WORKING = "WORKING"
    """The exchange has it; more may come."""
    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    """It was sent and no usable answer came: it will be settled by asking."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why it will not happen. `category` is None when the order-engine denied it before anything was sent."""

    category: ErrorCategory | None
    code: str | None
    reason: str | None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """One order, or one exit pair, as the facts tell it."""

    step: Step = Step.PENDING
    status: OrderStatus | None = None
    exchange_order_id: str | None = None
    executed_qty: Decimal = ZERO
    avg_px: Decimal | None = None
    legs: tuple[ExitLegView, ...] = ()
    refusal: Refusal | None = None


def entry_progress(progress: Progress, fact: Fact) -> Progress:
    """An entry order after one more fact about it; repeats and late facts change nothing."""
    match fact:
        case BracketDenied():
            return _refused(progress, Refusal(category=None, code=fact.code, reason=fact.reason))
        case OrderRejected():
            return _refused(progress, Refusal(category=fact.category, code=fact.code, reason=fact.reason))
        case OrderUnknown(operation="submit"):
            return _at_least(progress, Step.UNKNOWN)
        case OrderAccepted() | OrderFilled() | OrderSnapshot() | OrderCanceled() | OrderExpired():
            return _order(progress, fact)
        case _:
            return progress


def cancel_progress(progress: Progress, fact: Fact) -> Progress:
    """A cancel after one more fact about the order it is meant for."""
    match fact:
        case OrderFilled(status=OrderStatus.FILLED) | OrderSnapshot(status=OrderStatus.FILLED):
            reason = "The order was filled before the cancel reached it."
            refusal = Refusal(category=ErrorCategory.ALREADY_CLOSED, code=None, reason=reason)
            return _refused(progress, refusal)
        case OrderAccepted():
            return progress
        case OrderUnknown():
            return _at_least(progress, Step.UNKNOWN)
        case _:
            return entry_progress(progress, fact)


def held_cancel_progress(progress: Progress, fact: Fact, level: int) -> Progress:
    """A cancel of a stop that the engine holds: no exchange knows the order, so what ends it is its exit's end.

    `level` is the exit's, counted from 0.
    """
    match fact:
        case ProtectionReduced() if fact.level == level and fact.sold_qty > 0:
            reason = "The exit sold before the cancel reached it."
            return _refused(progress, Refusal(category=ErrorCategory.ALREADY_CLOSED, code=None, reason=reason))
        case ProtectionReduced() if fact.level == level:
            return msgspec.structs.replace(progress, step=Step.DONE, status=OrderStatus.CANCELED)
        case BracketDenied():
            return _refused(progress, Refusal(category=None, code=fact.code, reason=fact.reason))
        case _:
            return progress


def exits_progress(progress: Progress, fact: Fact) -> Progress:
    """An exit pair on its own after one more fact about its bracket."""
    match fact:
        case ProtectionPlaced():
            return msgspec.structs.replace(progress, step=Step.DONE, status=OrderStatus.NEW, legs=fact.legs)
        case BracketDenied():
            return _refused(progress, Refusal(category=None, code=fact.code, reason=fact.reason))
        case ProtectionFailed():
            category = next((c for c in ErrorCategory if c.value == fact.category), None)
            if category is None:
                return _at_least(progress, Step.UNKNOWN)
            return _refused(progress, Refusal(category=category, code=fact.code, reason=fact.reason))
        case _:
            return progress


def _order(progress: Progress, fact: FactBase) -> Progress:
    cum_qty = fact.cum_qty or ZERO
    if progress.step is Step.REFUSED or cum_qty < progress.executed_qty or _ended(progress.status):
        return progress
    status = fact.status or (OrderStatus.NEW if isinstance(fact, OrderAccepted) else progress.status)
    if cum_qty == progress.executed_qty and status is OrderStatus.NEW and progress.status is not None:
        status = progress.status
    return msgspec.structs.replace(
        progress,
        step=Step.DONE if _ended(status) else Step.WORKING,
        status=status,
        exchange_order_id=fact.exchange_order_id or progress.exchange_order_id,
        executed_qty=cum_qty,
        avg_px=fact.avg_px or progress.avg_px,
    )


def _refused(progress: Progress, refusal: Refusal) -> Progress:
    if progress.step in {Step.WORKING, Step.DONE}:
        return progress
    return msgspec.structs.replace(progress, step=Step.REFUSED, status=OrderStatus.REJECTED, refusal=refusal)


def _at_least(progress: Progress, step: Step) -> Progress:
    return msgspec.structs.replace(progress, step=step) if progress.step is Step.PENDING else progress


def _ended(status: OrderStatus | None) -> bool:
    return status is not None and status.terminal
