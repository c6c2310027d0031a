"""Carries trading requests out: once each, whatever is repeated, and never a word about an order nobody can vouch for.

An intent's row is committed first, then the intent is published. A crash between the two leaves a row that the relay
publishes; a lost answer leaves an answer that the same Idempotency-Key gets again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from common.bus.messages import Outgoing
from common.bus.topics import ORDER_INTENTS
from common.codec import encode
from common.errors import Refused, Unavailable
from common.intents import IntentBase
from common.orders import type_of
from gateway import answers
from gateway.ports import Answer, IntentStore, StoredIntent
from gateway.trading.errands import Errand
from gateway.trading.progress import Progress, Step
from gateway.waiting import Facts, Waiting

SOURCE: Final = "gateway"

_log = structlog.get_logger(__name__)


class Publishes(Protocol):
    """The bus, as far as intents need it."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Raises Unavailable when some may not have arrived."""


class Settles(Protocol):
    """Finds out later what became of an intent."""

    async def answer(self, stored: StoredIntent) -> Answer | None:
        """The final answer; None while it is open."""


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a request waits, in ms."""

    answer_ms: int = 5_000
    """For the exchange to have the order; then the answer is 202 with an operation."""
    fill_ms: int = 1_000
    """For a market order that the exchange has to be filled; then the answer shows it as it is."""


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and as which request: the same key with the same words is the same request."""

    user_id: str
    idempotency_key: str | None
    request_hash: str


class Trading:
    """The trading path between a checked request and its answer."""

    def __init__(
        self,
        intents: IntentStore,
        operations: Settles,
        bus: Publishes,
        waiting: Waiting,
        patience: Patience,
    ) -> None:
        self._intents = intents
        self._operations = operations
        self._bus = bus
        self._waiting = waiting
        self._patience = patience
        self._running: dict[str, asyncio.Task[Answer]] = {}

    async def once(self, ticket: Ticket, make: Callable[[], Awaitable[Errand]]) -> Answer:
        """The answer to a request: carried out if it is new, repeated if it is not. Raises Refused."""
        if ticket.idempotency_key is not None:
            first = await self._intents.by_key(ticket.user_id, ticket.idempotency_key)
            if first is not None:
                return await self._again(ticket, first)
        errand = await make()
        return await self._new(ticket, errand)

    async def _new(self, ticket: Ticket, errand: Errand) -> Answer:
        intent_id = errand.intent.intent_id
        # A caller who hangs up must not stop what was begun.
        task = asyncio.create_task(self._carry_out(ticket, errand), name=f"errand-{intent_id}")
        self._running[intent_id] = task
        task.add_done_callback(lambda _: self._running.pop(intent_id, None))
        return await asyncio.shield(task)

    async def _again(self, ticket: Ticket, first: StoredIntent) -> Answer:
        if first.request_hash != ticket.request_hash:
            raise key_reused()
        running = self._running.get(first.intent.intent_id)
        if running is not None:
            return await asyncio.shield(running)
        return await self._operations.answer(first) or pending(first.intent.intent_id)

    async def _carry_out(self, ticket: Ticket, errand: Errand) -> Answer:
        stored = StoredIntent(
            intent=errand.intent, idempotency_key=ticket.idempotency_key, request_hash=ticket.request_hash
        )
        with self._waiting.for_facts(errand.keys) as facts:
            if not await self._intents.add(stored, errand.stake):
                return await self._raced(ticket)
            await self._publish(errand.intent)
            progress = await self._watch(errand, facts)
        answer = errand.answer(progress) or pending(errand.intent.intent_id)
        try:
            await self._intents.answered(errand.intent.intent_id, answer)
        except Unavailable:
            # The order stands all the same; a repetition will be sent to its operation.
            _log.warning("answer_not_kept", intent_id=errand.intent.intent_id)
        return answer

    async def _raced(self, ticket: Ticket) -> Answer:
        """Another request with this key was stored between our look and our write."""
        assert ticket.idempotency_key is not None, "requests without a key never collide"
        first = await self._intents.by_key(ticket.user_id, ticket.idempotency_key)
        assert first is not None, "what collided is there"
        return await self._again(ticket, first)

    async def _publish(self, intent: IntentBase) -> None:
        try:
            await self._bus.publish([intent_message(intent)])
        except Unavailable as error:
            _log.warning("intent_left_to_the_relay", intent_id=intent.intent_id, error=str(error))

    async def _watch(self, errand: Errand, facts: Facts) -> Progress:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience.answer_ms / 1000
        progress, patient = errand.start, False
        while progress.step in {Step.PENDING, Step.WORKING}:
            if progress.step is Step.WORKING and not patient:
                if not waits_for_fill(errand.intent):
                    break
                patient, deadline = True, min(deadline, loop.time() + self._patience.fill_ms / 1000)
            fact = await facts.next(deadline)
            if fact is None:
                break
            progress = errand.fold(progress, fact)
        return progress


def waits_for_fill(intent: IntentBase) -> bool:
    """Whether more than "the exchange has it" can be expected at once: a market order fills, a cancel ends."""
    return getattr(intent, "order_type", "MARKET") == "MARKET"


def intent_message(intent: IntentBase, *, redelivery: bool = False) -> Outgoing:
    """The intent on its topic; its id is the message's, so that a repetition is known as one."""
    return Outgoing(
        topic=ORDER_INTENTS.name,
        key=intent.account_id,
        value=encode(intent),
        ce_id=intent.intent_id,
        ce_type=type_of(intent),
        ce_source=SOURCE,
        ce_time_ms=intent.ts_init_ms,
        correlation_id=intent.intent_id,
        causation_id=None,
        redelivery=redelivery,
    )


def key_reused() -> Refused:
    """The same key came with other words."""
    return Refused(
        code="IDEMPOTENCY_KEY_REUSED",
        title="Idempotency-Key already used",
        field="Idempotency-Key",
        rule="An Idempotency-Key belongs to one request; this one was used with other content.",
        fix="Send a new key with a new request.",
        status=422,
    )


def pending(intent_id: str) -> Answer:
    """202: it is on its way or its outcome is unknown; where to follow it."""
    data = {"operationId": intent_id, "statusUrl": f"/exchanges/operations/{intent_id}", "outcome": "unknown"}
    return Answer(status=202, body=answers.success(data))
