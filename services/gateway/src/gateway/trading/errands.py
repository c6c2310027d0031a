"""What is done for one trading request: the intent to publish, the facts to wait for, the answer to give."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from common import ids
from common.instruments import ZERO
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, IntentBase, PlaceExits, PlaceOrder
from common.orders import OrderCanceled, OrderExpired, OrderFilled, OrderSnapshot, OrderStatus, OrderUnknown
from common.protection import BracketDenied
from gateway import answers
from gateway.ports import Answer
from gateway.problems import refusal_problem
from gateway.risk.rules import Stake
from gateway.trading.plans import preview
from gateway.trading.progress import (
    Fact,
    Progress,
    Refusal,
    Step,
    cancel_progress,
    entry_progress,
    exits_progress,
    held_cancel_progress,
)
from gateway.waiting import Key, entry_keys


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it is carried out."""

    intent: IntentBase
    keys: tuple[Key, ...]
    start: Progress
    fold: Callable[[Any, Fact], Progress]
    shown: Callable[[Any], Any]
    """The `data` of the answer once there is progress to show."""
    stake: Stake | None = None
    """What it risks; None for what takes no risk."""

    def answer(self, progress: Progress) -> Answer | None:
        """The final answer; None while the outcome is open."""
        if progress.step is Step.REFUSED:
            assert progress.refusal is not None, "a refused request says why"
            problem = refusal_problem(progress.refusal)
            return Answer(status=problem.status, body=orjson.dumps(problem.model_dump(exclude_none=True)))
        if progress.step in {Step.DONE, Step.WORKING}:
            return Answer(status=200, body=answers.success(self.shown(progress)))
        return None


class ManyProgress(Progress, frozen=True, kw_only=True):
    """Several orders that are to be cancelled."""

    waiting: frozenset[str] = frozenset()
    ended: tuple[tuple[str, str], ...] = ()
    """(client order id, status), in the order in which they ended."""


def errand_of(intent: IntentBase, client_order_ids: frozenset[str] = frozenset()) -> Errand:
    """The errand of an intent; `client_order_ids` are the orders a cancel of all is meant for."""
    match intent:
        case PlaceOrder():
            return entry_errand(intent)
        case PlaceExits():
            return exits_errand(intent)
        case CancelOrderIntent():
            return cancel_errand(intent)
        case CancelAllOrdersIntent():
            return cancel_all_errand(intent, client_order_ids)
        case _:
            raise AssertionError(f"no errand for {type(intent).__name__}")


def entry_errand(
    intent: PlaceOrder, beside: Mapping[str, Any] = MappingProxyType({}), stake: Stake | None = None
) -> Errand:
    """An entry: answered when the exchange has it, or has filled it; `beside` is shown with it."""
    bracket = ids.bracket_id(intent.account_id, intent.intent_id)
    asked: dict[str, Any] = {
        "clientOrderId": ids.client_order_id(bracket, ids.Leg.ENTRY, 0),
        "symbol": intent.symbol,
        "side": intent.side,
        "type": intent.order_type,
        "quantity": intent.qty,
        "price": intent.price,
        "exchange": intent.exchange.value.upper(),
        "credentialId": intent.account_id,
        "orderGroupId": bracket,
        "operationId": intent.intent_id,
        **beside,
    }
    if intent.quote_qty is not None:
        asked["quoteOrderQty"] = intent.quote_qty
    if intent.plan is not None:
        qty = intent.qty or intent.instrument.floor_qty((intent.quote_qty or ZERO) / intent.reference_px)
        exits = preview(intent.plan, intent.instrument, qty=qty, entry_px=intent.reference_px, field="quantity")
        asked["protection"] = answers.plan_shown(intent.plan, exits, intent.exchange)
    return Errand(
        intent=intent,
        keys=entry_keys(intent.account_id, intent.intent_id),
        start=Progress(),
        fold=entry_progress,
        shown=lambda progress: answers.placed_order(asked, progress),
        stake=stake,
    )


def exits_errand(intent: PlaceExits) -> Errand:
    """An exit pair on its own: answered when the exchange has confirmed it."""
    bracket = ids.bracket_id(intent.account_id, intent.intent_id)
    return Errand(
        intent=intent,
        keys=((intent.account_id, bracket),),
        start=Progress(),
        fold=exits_progress,
        shown=lambda progress: {
            "symbol": intent.symbol,
            "side": "SELL",
            "quantity": intent.qty,
            "status": progress.status,
            "exchange": intent.exchange.value.upper(),
            "credentialId": intent.account_id,
            "orderGroupId": bracket,
            "operationId": intent.intent_id,
            "orders": [answers.leg_shown(leg) for leg in progress.legs],
        },
    )


def cancel_errand(intent: CancelOrderIntent, held_level: int | None = None) -> Errand:
    """A cancel: answered when the order has ended, by it or otherwise.

    `held_level` is the level of the exit whose stop it is, where the engine holds that stop for the exchange.
    """
    named = intent.client_order_id or intent.exchange_order_id
    assert named is not None, "a cancel names an order"
    ours = ids.parse(named)
    if held_level is None or ours is None:
        told, fold = named, cancel_progress
    else:
        told, fold = ours.bracket_id, partial(held_cancel_progress, level=held_level)
    return Errand(
        intent=intent,
        keys=((intent.account_id, told), (intent.account_id, _bracket(intent))),
        start=Progress(),
        fold=fold,
        shown=lambda progress: {
            "orderId": progress.exchange_order_id or intent.exchange_order_id,
            "clientOrderId": intent.client_order_id,
            "symbol": intent.symbol,
            "status": progress.status,
            "executedQty": progress.executed_qty,
            "operationId": intent.intent_id,
        },
    )


def cancel_all_errand(intent: CancelAllOrdersIntent, client_order_ids: frozenset[str]) -> Errand:
    """Cancel everything that rests on the symbol: answered when each of these orders has ended."""
    return Errand(
        intent=intent,
        keys=(
            *((intent.account_id, each) for each in sorted(client_order_ids)),
            (intent.account_id, _bracket(intent)),
        ),
        start=ManyProgress(waiting=client_order_ids, step=Step.PENDING if client_order_ids else Step.DONE),
        fold=many_progress,
        shown=lambda progress: {
            "symbol": intent.symbol,
            "orders": [{"clientOrderId": each, "status": status} for each, status in progress.ended],
            "operationId": intent.intent_id,
        },
    )


def many_progress(progress: ManyProgress, fact: Fact) -> Progress:
    """Several cancels after one more fact about one of their orders."""
    match fact:
        case BracketDenied():
            refusal = Refusal(category=None, code=fact.code, reason=fact.reason)
            return msgspec.structs.replace(progress, step=Step.REFUSED, refusal=refusal)
        case OrderUnknown():
            return msgspec.structs.replace(progress, step=Step.UNKNOWN)
        case OrderCanceled() | OrderExpired() | OrderSnapshot() | OrderFilled():
            name, status = fact.client_order_id, fact.status or OrderStatus.CANCELED
            if name not in progress.waiting or not status.terminal:
                return progress
            waiting = progress.waiting - {name}
            return msgspec.structs.replace(
                progress,
                waiting=waiting,
                ended=(*progress.ended, (name, status.value)),
                step=progress.step if waiting else Step.DONE,
            )
        case _:
            return progress


def _bracket(intent: IntentBase) -> str:
    return ids.bracket_id(intent.account_id, intent.intent_id)
