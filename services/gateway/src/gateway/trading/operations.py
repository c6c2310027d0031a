"""What became of an intent whose request was answered before its outcome was known: read from the ledger."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from common import ids
from common.clock import Clock
from common.errors import ErrorCategory
from common.exchanges import Exchange, Residency
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, IntentBase, PlaceExits, PlaceOrder
from common.orders import OrderStatus
from common.protection import ExitLegView
from gateway.ports import Answer, Connector, IntentStore, IntentView, Ledger, OrderView, StoredIntent
from gateway.trading.errands import ManyProgress, errand_of
from gateway.trading.progress import Progress, Refusal, Step

DENIED: Final = "denied"
IN_FLIGHT: Final = "PENDING"
_LOST: Final = Progress(
    step=Step.REFUSED,
    status=OrderStatus.REJECTED,
    refusal=Refusal(category=None, code="intent_expired", reason="It was not read in time: nothing was sent."),
)


class Operations:
    """Finds the final answer of an intent in its stored row, in the ledger, or on the exchange."""

    def __init__(
        self, intents: IntentStore, ledger: Ledger, connectors: Mapping[Exchange, Connector], clock: Clock
    ) -> None:
        self._intents = intents
        self._ledger = ledger
        self._connectors = connectors
        self._clock = clock

    async def answer(self, stored: StoredIntent) -> Answer | None:
        """The final answer, kept once it is known; None while it is open."""
        if stored.answer is not None and stored.answer.final:
            return stored.answer
        void = stored.void(self._clock.now_ms())
        view = await self._ledger.intent(stored.intent.intent_id)
        errand = errand_of(stored.intent)
        if view is not None:
            answer = errand.answer(denied(view) or await self._progress(stored.intent))
        elif void and isinstance(stored.intent, PlaceOrder | PlaceExits):
            answer = errand.answer(_LOST)
        else:  # A cancel does no harm when it is read late, and is carried out then.
            return None
        if answer is not None:
            await self._intents.answered(stored.intent.intent_id, answer)
        return answer

    async def _progress(self, intent: IntentBase) -> Progress:
        match intent:
            case PlaceOrder():
                entry = ids.client_order_id(bracket_of(intent), ids.Leg.ENTRY, 0)
                orders = await self._ledger.orders_by_client_id(intent.account_id, [entry])
                return order_progress(orders[0]) if orders else Progress()
            case PlaceExits():
                return exits_found(await self._ledger.orders_of([bracket_of(intent)]))
            case CancelOrderIntent(client_order_id=str(named)):
                orders = await self._ledger.orders_by_client_id(intent.account_id, [named])
                found = order_progress(orders[0]) if orders else Progress()
                return found if found.step is Step.DONE else Progress()
            case CancelOrderIntent() | CancelAllOrdersIntent():
                return await self._resting(intent)
            case _:
                return Progress()

    async def _resting(self, intent: CancelOrderIntent | CancelAllOrdersIntent) -> Progress:
        """A cancel is done once what it was meant for rests no more."""
        resting = await self._connectors[intent.exchange].open_orders(intent.account_id, intent.symbol)
        if isinstance(intent, CancelAllOrdersIntent):
            return ManyProgress(step=Step.PENDING if resting else Step.DONE)
        still = any(order.exchange_order_id == intent.exchange_order_id for order in resting)
        return Progress() if still else Progress(step=Step.DONE, exchange_order_id=intent.exchange_order_id)


def bracket_of(intent: IntentBase) -> str:
    """The bracket an intent opens."""
    return ids.bracket_id(intent.account_id, intent.intent_id)


def denied(view: IntentView) -> Progress | None:
    """The order-engine's denial; None when it accepted the intent."""
    if view.outcome != DENIED:
        return None
    refusal = Refusal(category=None, code=view.code, reason=view.reason)
    return Progress(step=Step.REFUSED, status=OrderStatus.REJECTED, refusal=refusal)


def order_progress(order: OrderView) -> Progress:
    """How far an order of the ledger has come."""
    if order.status == IN_FLIGHT:
        return Progress()
    status = OrderStatus(order.status)
    if status is OrderStatus.REJECTED:
        refusal = Refusal(category=ErrorCategory.BAD_REQUEST, code=None, reason="The exchange refused the order.")
        return Progress(step=Step.REFUSED, status=status, refusal=refusal)
    return Progress(
        step=Step.DONE if status.terminal else Step.WORKING,
        status=status,
        exchange_order_id=order.order_id,
        executed_qty=order.executed_qty,
        avg_px=order.avg_price,
    )


def exits_found(orders: Sequence[OrderView]) -> Progress:
    """Whether exits placed on their own have been confirmed."""
    steps = [order_progress(order).step for order in orders]
    if not orders or Step.PENDING in steps:
        return Progress()
    if all(step is Step.REFUSED for step in steps):
        return order_progress(orders[0])
    return Progress(step=Step.DONE, status=OrderStatus.NEW, legs=tuple(_leg(order) for order in orders))


def operation_shown(stored: StoredIntent, answer: Answer | None) -> dict[str, Any]:
    """An operation as GET /exchanges/operations/{id} shows it."""
    document = None if answer is None else orjson.loads(answer.body)
    done = answer is not None and answer.status < 300
    return {
        "operationId": stored.intent.intent_id,
        "symbol": stored.intent.symbol,
        "exchange": stored.intent.exchange.value.upper(),
        "credentialId": stored.intent.account_id,
        "state": IN_FLIGHT if answer is None else "SUCCEEDED" if done else "FAILED",
        "result": document["data"] if done and document else None,
        "problem": document if document and not done else None,
        "createdAt": stored.intent.ts_init_ms,
        "validUntil": stored.intent.valid_until_ms,
    }


def _leg(order: OrderView) -> ExitLegView:
    return ExitLegView(
        client_order_id=order.client_order_id,
        role=order.order_role,
        order_type=order.type,
        price=order.price,
        trigger_px=order.trigger_price,
        residency=Residency(order.residency or Residency.EXCHANGE),
        residency_reason=order.residency_reason or "",
    )
