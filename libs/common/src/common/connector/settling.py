"""Settles orders whose fate is open: asks until the exchange has them, or until "not there" is proof.

"Not there" proves nothing while a request may still be on its way: only after the last moment it can have left, plus
its validity window, plus a margin for the exchange's own delays, and with an empty search of the trades (DESIGN 6.4).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import structlog

from common.clock import Clock
from common.commands import Command
from common.connector.facts import FactPublisher
from common.connector.lookups import Absent, Finding, Found, Lookups, Proof
from common.connector.metrics import SETTLING
from common.connector.ports import OrderRef
from common.connector.trail import Trails
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.ids import is_exit
from common.orders import OrderFact, OrderRejected

_FIRST_PAUSE_S: Final = 0.2
_PAUSE_GROWS: Final = 3
_PAUSE_CEILING_S: Final = 5.0
_CANCEL_ATTEMPTS: Final = 3
_ENDING_LOOKS: Final = 6
"""How often an order whose cancel was taken is looked at until it has ended; then it is told as it is."""
SEARCH_BACK_MS: Final = 10_000
"""How far before its sending an order's trades are searched: clocks differ."""

_log = structlog.get_logger(__name__)

Again = Callable[[], Awaitable[None]]


class Question:
    """One order whose fate is open, and for whom it is asked."""

    def __init__(
        self,
        ref: OrderRef,
        *,
        submitted_ms: int,
        conclusive_ms: int,
        causation_id: str | None,
        correlation_id: str | None,
        cancel_again: Again | None = None,
        until_ended: bool = False,
    ) -> None:
        self.ref = ref
        self.submitted_ms = submitted_ms
        self.conclusive_ms = conclusive_ms
        self.causation_id = causation_id
        self.correlation_id = correlation_id
        self.cancel_again = cancel_again
        self.until_ended = until_ended
        """Its cancel was taken: only its end is news, and usually the stream tells it first."""
        self.hurry = asyncio.Event()


class Settler:
    """Keeps asking; one task per order. `urgent` asks about exits that must not be sent before the answer is known."""

    def __init__(
        self,
        exchange: Exchange,
        lookups: Lookups,
        facts: FactPublisher,
        trails: Trails,
        clock: Clock,
        *,
        proof_ms: int,
        urgent: Lookups | None = None,
    ) -> None:
        self._exchange = exchange
        self._lookups = lookups
        self._urgent = urgent or lookups
        self._facts = facts
        self._trails = trails
        self._clock = clock
        self._proof_ms = proof_ms
        self._open: dict[tuple[str, str | None], Question] = {}
        self._tasks: dict[tuple[str, str | None], asyncio.Task[None]] = {}

    def conclusive_ms(self, sent_ms: int) -> int:
        """From when on (our clock) "not there" is proof for a request that left at `sent_ms` at the latest."""
        return sent_ms + self._proof_ms

    def asks(self, ref: OrderRef) -> bool:
        """Whether this order is being asked about."""
        return (ref.account_id, ref.client_order_id or ref.exchange_order_id) in self._open

    def settle(
        self,
        refs: Sequence[OrderRef],
        command: Command,
        *,
        submitted_ms: int,
        causation_id: str | None,
        correlation_id: str | None,
        cancel_again: Again | None = None,
        until_ended: bool = False,
    ) -> None:
        """Find out what became of these orders and publish it. Returns at once."""
        for ref in refs:
            key = (ref.account_id, ref.client_order_id or ref.exchange_order_id)
            asked = self._open.get(key)
            if asked is not None:
                asked.conclusive_ms = max(asked.conclusive_ms, self.conclusive_ms(submitted_ms))
                asked.cancel_again = cancel_again or asked.cancel_again
                asked.until_ended = until_ended
                asked.hurry.set()
                continue
            question = Question(
                ref,
                submitted_ms=submitted_ms,
                conclusive_ms=self.conclusive_ms(submitted_ms),
                causation_id=causation_id,
                correlation_id=correlation_id,
                cancel_again=cancel_again,
                until_ended=until_ended,
            )
            self._open[key] = question
            _log.info(
                "order_settling",
                account_id=ref.account_id,
                client_order_id=ref.client_order_id,
                command_id=command.command_id,
            )
            task = asyncio.create_task(self._until_settled(question), name=f"settle-{ref.client_order_id}")
            self._tasks[key] = task
            task.add_done_callback(partial(self._closed, key))
            SETTLING.labels(self._exchange).set(len(self._open))

    def hurry(self, facts: Sequence[OrderFact]) -> None:
        """The stream speaks of these orders: what is open about them can be asked at once."""
        if self._open:
            for fact in facts:
                key = (fact.account_id, fact.client_order_id)
                question = self._open.get(key)
                if question is None:
                    continue
                if question.until_ended:
                    if fact.status is not None and fact.status.terminal:
                        self._tasks[key].cancel()
                    continue
                question.hurry.set()

    async def look_until_clear(
        self, ref: OrderRef, *, conclusive_ms: int, since_ms: int, may_go_on: Callable[[], None]
    ) -> Found | Absent:
        """Ask until there is an answer that will not change: the order, or proof that it never arrived.

        `may_go_on` is asked before every look; what it raises ends the search.
        """
        pause_s = _FIRST_PAUSE_S
        lookups = self._urgent if is_exit(ref.client_order_id) else self._lookups
        while True:
            may_go_on()
            finding = await self._look(lookups, ref, conclusive_ms, since_ms)
            if isinstance(finding, Found) or (isinstance(finding, Absent) and finding.proven):
                return finding
            await asyncio.sleep(self._until_next_look_s(pause_s, conclusive_ms))
            pause_s = min(_PAUSE_GROWS * pause_s, _PAUSE_CEILING_S)

    def drop(self, account_id: str) -> None:
        """Somebody else owns the account now."""
        for key, task in list(self._tasks.items()):
            if key[0] == account_id:
                task.cancel()

    async def stop(self) -> None:
        """Ask nothing any more; whoever runs next is asked again by the order-engine."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _until_next_look_s(self, pause_s: float, conclusive_ms: int) -> float:
        """The pause, ending early when "not there" becomes proof."""
        proof_in_s = (conclusive_ms - self._clock.now_ms()) / 1000
        return min(pause_s, proof_in_s + 0.001) if proof_in_s > 0 else pause_s

    async def _look(self, lookups: Lookups, ref: OrderRef, conclusive_ms: int, since_ms: int) -> Finding:
        """One look. The moment it begins decides whether "not there" is proof."""
        if self._clock.now_ms() < conclusive_ms:
            return await lookups.find(ref)
        return await lookups.find(ref, proof=Proof(since_ms - SEARCH_BACK_MS, conclusive_ms))

    async def _until_settled(self, question: Question) -> None:
        pause_s, cancels, looks = _FIRST_PAUSE_S, 0, 0
        if question.until_ended:
            await self._pause(question, pause_s)
        while True:
            question.hurry.clear()
            looks += 1
            known_open = self._is_open(question.ref)
            finding = await self._look(self._lookups, question.ref, question.conclusive_ms, question.submitted_ms)
            if isinstance(finding, Found):
                still_open = finding.order.status is not None and not finding.order.status.terminal
                if still_open and question.cancel_again and cancels < _CANCEL_ATTEMPTS:
                    cancels += 1
                    await question.cancel_again()
                elif not (still_open and question.until_ended and looks < _ENDING_LOOKS):
                    return self._publish(question, finding.facts)
            elif isinstance(finding, Absent) and finding.proven and (known_open or not self._is_open(question.ref)):
                # One that was placed while we looked (its cancel came before it did) is not absent.
                return self._publish(question, (self._never_arrived(question.ref, finding.code),))
            if not await self._pause(question, self._until_next_look_s(pause_s, question.conclusive_ms)):
                pause_s = min(_PAUSE_GROWS * pause_s, _PAUSE_CEILING_S)

    def _is_open(self, ref: OrderRef) -> bool:
        return ref.client_order_id in self._trails.of(ref.account_id).open_orders

    async def _pause(self, question: Question, pause_s: float) -> bool:
        """Wait; True if somebody made it hurry."""
        try:
            async with asyncio.timeout(pause_s):
                await question.hurry.wait()
        except TimeoutError:
            return False
        return True

    def _publish(self, question: Question, facts: Sequence[OrderFact]) -> None:
        self._trails.note(facts)
        self._facts.orders(facts, causation_id=question.causation_id, correlation_id=question.correlation_id)

    def _never_arrived(self, ref: OrderRef, code: str) -> OrderRejected:
        now_ms = self._clock.now_ms()
        return OrderRejected(
            account_id=ref.account_id,
            exchange=self._exchange,
            symbol=ref.symbol,
            client_order_id=ref.client_order_id,
            exchange_order_id=ref.exchange_order_id,
            ts_event_ms=now_ms,
            ts_init_ms=now_ms,
            category=ErrorCategory.NOT_FOUND,
            code=code,
            reason="the exchange does not have this order and can no longer receive it",
        )

    def _closed(self, key: tuple[str, str | None], task: asyncio.Task[None]) -> None:
        self._open.pop(key, None)
        self._tasks.pop(key, None)
        SETTLING.labels(self._exchange).set(len(self._open))
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("settling_broke", account_id=key[0], client_order_id=key[1], exc_info=error)
