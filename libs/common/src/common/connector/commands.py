"""Carries commands out and says what came of them, as facts.

A command that provably never left is sent at once; any other is suspect, and its order is looked up first. Refused is
told with what helps to decide next (the market's price, the free balance); unknown is told at once and then settled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from decimal import Decimal
from typing import Any, Final, Protocol, assert_never

import msgspec
import structlog

from common.accounts import BalanceChanged
from common.clock import Clock
from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.answers import cancel_of, is_exit, priority_of, ref_of, rejected, unknown
from common.connector.client import ExchangeClient
from common.connector.desk import LeaseEnded, Task
from common.connector.facts import FactPublisher
from common.connector.lookups import Found
from common.connector.metrics import OUTCOMES
from common.connector.nameless import Nameless
from common.connector.ports import Accepted, Call, Dialect, OrderListFound, OrderRef, Outcome, Rejected, Unknown
from common.connector.rates import Priority
from common.connector.settling import Again, Settler
from common.connector.trail import BEFORE_MS, Correlations, Trails, in_memory
from common.connector.trigger_side import DETAIL_PATIENCE_MS, Prices, passed, refused_at
from common.errors import ErrorCategory, Refused
from common.instruments import Instrument
from common.orders import OrderCanceled, OrderFact, Side

CLOCK_SKEW_MS: Final = 5_000
"""How far the clocks may be apart of whoever a command was made by and of this process, which may be new."""
_Submit = SubmitOrder | SubmitOrderList
_CallFor = Callable[[Any, Instrument], Call[Outcome]]
_GONE: Final = frozenset({ErrorCategory.NOT_FOUND, ErrorCategory.ALREADY_CLOSED})

_log = structlog.get_logger(__name__)


class Instruments(Protocol):
    """The rules of the symbols."""

    async def get(self, symbol: str) -> Instrument | None: ...

    def stale(self, symbol: str) -> None:
        """The exchange refused an order for a rule: ours may have changed."""
        ...


class CommandRunner:
    """Executes one command at a time per order; many orders at once."""

    def __init__(
        self,
        dialect: Dialect,
        client: ExchangeClient,
        settler: Settler,
        facts: FactPublisher,
        trails: Trails,
        correlations: Correlations,
        instruments: Instruments,
        prices: Prices,
        clock: Clock,
        *,
        on_gap: Callable[[str, int | None], None],
        begin: Callable[[str, str, int], Awaitable[None]] = in_memory,
        nameless: Nameless | None = None,
    ) -> None:
        self._dialect = dialect
        self._client = client
        self._settler = settler
        self._facts = facts
        self._trails = trails
        self._correlations = correlations
        self._instruments = instruments
        self._prices = prices
        self._clock = clock
        self._on_gap = on_gap
        self._begin = begin
        self._nameless = nameless

    async def __call__(self, task: Task) -> None:
        """Carry the command out; return when its answers are acknowledged. Raises LeaseEnded."""
        command = task.command
        self._correlations.note(command, task.correlation_id)
        if not self._trails.knows(command.account_id, command.symbol):
            await self._begins(command)
        with structlog.contextvars.bound_contextvars(
            account_id=command.account_id, bracket_id=command.bracket_id, command_id=command.command_id
        ):
            match command:
                case SubmitOrder():
                    await self._submit(task, command, (command.client_order_id,), self._dialect.submit_order)
                case SubmitOrderList():
                    legs = (command.take_profit.client_order_id, command.stop_loss.client_order_id)
                    await self._submit(task, command, legs, self._dialect.submit_order_list)
                case CancelOrder():
                    await self._cancel(task, command)
                case CancelAllOrders():
                    await self._cancel_all(task, command)
                case QueryOrder():
                    self._ask(task, await self._refs(command), command.submitted_ms)
                case _:
                    assert_never(command)

    async def _begins(self, command: Command) -> None:
        from_ms = command.ts_init_ms - BEFORE_MS
        await self._begin(command.account_id, command.symbol, from_ms)
        self._trails.note_symbol(command.account_id, command.symbol, from_ms)

    # --- placing ----------------------------------------------------------------------------------------------------

    async def _submit(self, task: Task, command: _Submit, legs: Sequence[str], call_for: _CallFor) -> None:
        refs = [ref_of(command, leg) for leg in legs]
        suspect = self._suspect(task)
        if self._nameless is not None:
            await self._nameless.written_down(command, suspect=suspect)
        if suspect and await self._adopted(task, refs):
            return
        with nullcontext() if self._nameless is None else self._nameless.placing(command):
            await self._place(task, command, legs, refs, call_for)

    async def _place(
        self, task: Task, command: _Submit, legs: Sequence[str], refs: Sequence[OrderRef], call_for: _CallFor
    ) -> None:
        instrument = await self._instruments.get(command.symbol)
        if instrument is None:
            unlisted = Rejected(ErrorCategory.INVALID_SYMBOL, "unlisted", f"{command.symbol} is not traded here")
            await self._publish(task, [rejected(command, leg, unlisted, self._clock.now_ms()) for leg in legs])
            return
        outcome = await passed(command, self._prices) or await self._perform(
            task, lambda: call_for(command, instrument), priority_of(command)
        )
        self._count("submit", outcome)
        match outcome:
            case Accepted() if (beyond := await passed(command, self._prices, fresh=True)) is not None:
                await self._withdraw(task, command, outcome, beyond)
            case Accepted():
                await self._publish(task, outcome.facts)
            case Rejected() if outcome.category is ErrorCategory.DUPLICATE_ID:
                # The first attempt arrived: what is open under our ids is the order itself.
                self._ask(task, refs, self._clock.now_ms())
            case Rejected():
                await self._publish(task, await self._explained(command, legs, outcome, instrument))
            case Unknown():
                sent_ms = self._clock.now_ms()
                await self._publish(
                    task, [unknown(command, leg, "submit", outcome, self._clock.now_ms()) for leg in legs]
                )
                self._ask(task, refs, sent_ms)

    async def _withdraw(self, task: Task, command: _Submit, placed: Accepted, beyond: Rejected) -> None:
        """Nothing stays armed on the wrong side of the market; what has fired meanwhile is told as it is."""
        assert isinstance(command, SubmitOrder), "only single orders wait for triggers here"
        self._trails.note(placed.facts)
        known = next((fact.exchange_order_id for fact in placed.facts if fact.exchange_order_id is not None), None)
        outcome = await self._send_cancel(task, cancel_of(command, known))
        if isinstance(outcome, Accepted) and any(
            isinstance(fact, OrderCanceled) and not fact.cum_qty for fact in outcome.facts
        ):
            self._trails.note(outcome.facts)
            market_px = await self._prices.last_px(command.symbol, DETAIL_PATIENCE_MS)
            refused = rejected(command, command.client_order_id, beyond, self._clock.now_ms())
            await self._publish(task, [msgspec.structs.replace(refused, exchange_order_id=known, market_px=market_px)])
            return
        told = outcome.facts if isinstance(outcome, Accepted) else ()
        await self._publish(task, [*placed.facts, *told])
        self._ask(task, [ref_of(command, command.client_order_id, known)], self._clock.now_ms(), until_ended=True)

    def _suspect(self, task: Task) -> bool:
        """Whether this command may have been sent before, by whoever owned the shard then.

        A record that is not fresh is harmless while nobody but us has owned the shard since the command was made: we
        would know it. An expired one is never sent, so only the exchange can say what became of it.
        """
        if task.interrupted or task.record.fresh:
            return task.interrupted
        created_since = task.command.ts_init_ms - CLOCK_SKEW_MS > task.held.ours_since_ms
        return not created_since or self._clock.now_ms() > task.command.valid_until_ms

    async def _adopted(self, task: Task, refs: Sequence[OrderRef]) -> bool:
        """Look a suspect command's orders up until the answer is certain; True when they are there."""
        command = task.command
        last_sent_ms = min(command.valid_until_ms, task.held.since_ms, self._clock.now_ms())
        conclusive_ms = self._settler.conclusive_ms(max(last_sent_ms, command.ts_init_ms))
        _log.info("command_suspect", offset=task.record.offset, redelivery=task.record.redelivery)
        findings = await asyncio.gather(
            *(
                self._settler.look_until_clear(
                    ref, conclusive_ms=conclusive_ms, since_ms=command.ts_init_ms, may_go_on=task.held.may_send
                )
                for ref in refs
            )
        )
        found = [finding for finding in findings if isinstance(finding, Found)]
        await self._publish(task, [fact for finding in found for fact in finding.facts])
        return bool(found)

    async def _explained(
        self, command: _Submit, legs: Sequence[str], refusal: Rejected, instrument: Instrument
    ) -> list[OrderFact]:
        """One refusal per leg, with the numbers that say what to do next."""
        market_px = available_qty = None
        match refusal.category:
            case ErrorCategory.PRICE_RELATION | ErrorCategory.BAD_REQUEST if is_exit(command):
                market_px = await refused_at(command, self._prices)
            case ErrorCategory.INSUFFICIENT_BALANCE if command.side is Side.SELL:
                available_qty = await self._available(command.account_id, instrument.base)
            case ErrorCategory.FILTER:
                self._instruments.stale(command.symbol)
                market_px = await self._prices.last_px(command.symbol, DETAIL_PATIENCE_MS)
            case _:
                pass
        return [
            msgspec.structs.replace(
                rejected(command, leg, refusal, self._clock.now_ms()), market_px=market_px, available_qty=available_qty
            )
            for leg in legs
        ]

    async def _available(self, account_id: str, asset: str) -> Decimal | None:
        answer = await self._client.ask(
            self._dialect.fetch_balances(account_id),
            account_id,
            priority=Priority.PROTECTION,
            patience_ms=DETAIL_PATIENCE_MS,
        )
        if not isinstance(answer, BalanceChanged):
            return None
        return next((balance.free for balance in answer.balances if balance.asset == asset), Decimal(0))

    # --- cancelling and asking --------------------------------------------------------------------------------------

    async def _cancel(self, task: Task, command: CancelOrder) -> None:
        if self._nameless is not None:
            await self._nameless.recalled(command.account_id)
            command = self._nameless.identified(command)
        outcome = await self._send_cancel(task, command)
        self._count("cancel", outcome)
        if isinstance(outcome, Accepted):
            await self._publish(task, outcome.facts)
            if not outcome.done:
                self._ask(task, await self._refs(command), self._clock.now_ms(), until_ended=True)
            return
        gone = isinstance(outcome, Rejected) and outcome.category in _GONE
        late = isinstance(outcome, Rejected) and outcome.category is ErrorCategory.EXPIRED
        if not (gone or late):
            await self._publish(
                task, [unknown(command, command.client_order_id, "cancel", outcome, self._clock.now_ms())]
            )

        async def cancel_again() -> None:
            with suppress(LeaseEnded):  # Whoever owns the order now cancels it; what became of it is still told.
                self._count("cancel", await self._send_cancel(task, command))

        # A cancel is idempotent: one whose fate is open is repeated while its order is.
        again = cancel_again if isinstance(outcome, Unknown) else None
        self._ask(task, await self._refs(command), self._clock.now_ms(), again)

    async def _send_cancel(self, task: Task, command: CancelOrder) -> Outcome:
        return await self._perform(task, lambda: self._dialect.cancel_order(command), Priority.TRADING)

    async def _perform(self, task: Task, call: Callable[[], Call[Outcome]], priority: Priority) -> Outcome:
        """One request of a command. What the exchange has no words for is refused here. Raises LeaseEnded."""
        task.held.may_send()
        try:
            said = call()
        except Refused as error:
            return Rejected(ErrorCategory.BAD_REQUEST, error.code, f"{error}; {error.fix}")
        return await self._client.perform(
            said,
            task.command.account_id,
            priority=priority,
            valid_until_ms=task.command.valid_until_ms,
            started=task.started,
            may_send=task.held.may_send,
        )

    async def _cancel_all(self, task: Task, command: CancelAllOrders) -> None:
        outcome = await self._perform(task, lambda: self._dialect.cancel_all_orders(command), Priority.TRADING)
        self._count("cancel_all", outcome)
        if isinstance(outcome, Accepted):
            await self._publish(task, outcome.facts)
            if outcome.done:
                return
        else:
            await self._publish(task, [unknown(command, None, "cancel", outcome, self._clock.now_ms())])
        self._on_gap(command.account_id, None)

    async def _refs(self, command: CancelOrder | QueryOrder) -> list[OrderRef]:
        """The orders to look at: of a list, every leg."""
        refs = []
        if command.client_order_id is not None or command.exchange_order_id is not None:
            refs.append(ref_of(command, command.client_order_id, command.exchange_order_id))
        of_list = command.list_client_order_id
        if of_list is not None:
            call = self._dialect.fetch_order_list(command.account_id, of_list)
            answer = await self._client.ask(call, command.account_id)
            if isinstance(answer, OrderListFound):
                refs += [ref_of(command, leg) for leg in answer.legs if leg != command.client_order_id]
        return refs

    def _ask(
        self,
        task: Task,
        refs: Sequence[OrderRef],
        submitted_ms: int,
        cancel_again: Again | None = None,
        *,
        until_ended: bool = False,
    ) -> None:
        self._settler.settle(
            refs,
            task.command,
            submitted_ms=submitted_ms,
            causation_id=task.record.ce_id,
            correlation_id=task.correlation_id,
            cancel_again=cancel_again,
            until_ended=until_ended,
        )

    # --- telling ----------------------------------------------------------------------------------------------------

    async def _publish(self, task: Task, facts: Iterable[OrderFact]) -> None:
        facts = list(facts)
        if self._nameless is not None:
            facts = [self._nameless.named(fact) for fact in facts]
            if not await self._nameless.learn(facts):
                return
        self._trails.note(facts)
        acknowledged = self._facts.orders(facts, causation_id=task.record.ce_id, correlation_id=task.correlation_id)
        await asyncio.gather(*acknowledged, return_exceptions=True)

    def _count(self, operation: str, outcome: Outcome) -> None:
        OUTCOMES.labels(self._dialect.exchange, operation, type(outcome).__name__.lower()).inc()
        if not isinstance(outcome, Accepted):
            _log.warning("order_request_not_accepted", operation=operation, code=outcome.code, reason=outcome.reason)
