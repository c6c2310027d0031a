"""Closes gaps: reads what an account's stream may have missed and publishes it before the account counts as live.

Read are the open orders, the trades since the last known fact, and one by one the orders that were open and are no
longer. Repeating what is known is harmless, since every fact carries its own truth.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

import structlog

from common.accounts import BalanceChanged
from common.clock import Clock
from common.connector.client import ExchangeClient
from common.connector.facts import FactPublisher
from common.connector.lookups import Found, Lookups, Unclear
from common.connector.metrics import ACCOUNTS_LIVE, GAPS, OLDEST_GAP, RECOVERIES
from common.connector.nameless import Nameless
from common.connector.ports import Call, Dialect, OrderRef, Rejected, Unknown
from common.connector.rates import Priority
from common.connector.sockets import Backoff
from common.connector.trail import Correlations, Trail, Trails
from common.errors import CgtError, Unavailable
from common.metrics import since_s, stopwatch
from common.orders import OrderFact, OrderFilled, OrderSnapshot

OVERLAP_MS: Final = 5_000
"""Trades are read from a little before the last known fact: an exchange's own records lag behind its stream."""
_OURS_CEILING_S: Final = 0.5
"""The longest pause while a part of our own is away, which nobody limits: what was missed may stand bare."""

_T = TypeVar("_T")

_log = structlog.get_logger(__name__)


class _NotYet(CgtError):
    """The exchange gave no usable answer; try again."""


class Recovery:
    """One reading per account at a time; what is asked for meanwhile is read once more afterwards.

    Accounts that had something open are read by `urgent`: what they missed may be a fill that nothing protects yet.
    """

    def __init__(
        self,
        dialect: Dialect,
        client: ExchangeClient,
        lookups: Lookups,
        urgent: Lookups,
        facts: FactPublisher,
        trails: Trails,
        correlations: Correlations,
        clock: Clock,
        *,
        load: Callable[[str], Awaitable[Trail | None]],
        nameless: Nameless | None = None,
    ) -> None:
        self._dialect = dialect
        self._client = client
        self._lookups = lookups
        self._urgent = urgent
        self._facts = facts
        self._trails = trails
        self._correlations = correlations
        self._clock = clock
        self._load = load
        self._nameless = nameless
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._restored: set[str] = set()
        self._live: set[str] = set()
        self._gaps: dict[str, float] = {}
        """By account, since when its stream has not been complete."""
        OLDEST_GAP.labels(dialect.exchange).set_function(self._oldest_gap_s)

    @property
    def live(self) -> frozenset[str]:
        """Accounts whose stream runs and whose gaps are closed."""
        return frozenset(self._live)

    def restored(self, account_id: str) -> bool:
        """Whether what was stored of the account is among what is remembered of it."""
        return account_id in self._restored

    def start(self, account_id: str, from_ms: int | None = None) -> None:
        """Facts may be missing since `from_ms`, or since the last one known: read the account. Returns at once."""
        self.interrupted(account_id)
        self._trails.of(account_id).open_gap(from_ms)
        if account_id in self._tasks:
            self._again.add(account_id)
            return
        RECOVERIES.labels(self._dialect.exchange).inc()
        task = asyncio.create_task(self._until_closed(account_id), name=f"recovery-{account_id}")
        self._tasks[account_id] = task
        task.add_done_callback(lambda done: self._over(account_id, done))

    def regained(self, account_id: str) -> None:
        """Somebody else had the account since we last did: what is stored of it is newer than what is remembered."""
        self._restored.discard(account_id)
        self._trails.forget(account_id)
        self.start(account_id)

    def interrupted(self, account_id: str) -> None:
        """Its stream is not complete any more."""
        self._live.discard(account_id)
        self._gaps.setdefault(account_id, stopwatch())
        ACCOUNTS_LIVE.labels(self._dialect.exchange).set(len(self._live))

    def drop(self, account_id: str) -> None:
        """Somebody else streams the account now."""
        self.interrupted(account_id)
        self._gaps.pop(account_id, None)
        self._restored.discard(account_id)
        self._again.discard(account_id)
        if (task := self._tasks.get(account_id)) is not None:
            task.cancel()

    async def stop(self) -> None:
        """Read nothing any more."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_closed(self, account_id: str) -> None:
        of_exchange, of_ours = Backoff(), Backoff(ceiling_s=_OURS_CEILING_S)
        while True:
            self._again.discard(account_id)
            try:
                await self._read(account_id)
            except (_NotYet, Unavailable) as error:
                _log.warning("gap_not_closed_yet", account_id=account_id, error=str(error))
                backoff = of_ours if isinstance(error, Unavailable) else of_exchange
                await asyncio.sleep(backoff.pause_s())
                continue
            if account_id not in self._again:
                break
        self._live.add(account_id)
        GAPS.labels(self._dialect.exchange).observe(since_s(self._gaps.pop(account_id, stopwatch())))
        ACCOUNTS_LIVE.labels(self._dialect.exchange).set(len(self._live))
        _log.info("account_live", account_id=account_id)

    async def _read(self, account_id: str) -> None:
        trail = await self.trail(account_id)
        lookups = self._urgent if trail.open_orders else self._lookups
        began_ms = self._clock.now_ms()
        for ref in [ref for ref in trail.open_orders.values() if ref.terms is not None and not ref.exchange_order_id]:
            await self._read_expected(lookups, ref)
        open_orders = self._named(await self._open_orders(lookups.priority, trail))
        traded = await self._traded(lookups, trail, {order.exchange_order_id for order in open_orders})
        known = {order.client_order_id for order in (*open_orders, *(finding.order for finding in traded))}
        vanished = [ref for client_id, ref in trail.open_orders.items() if client_id not in known]
        for order in open_orders:
            self._publish(_facts_of(await lookups.with_trades(order)))
        for finding in traded:
            self._publish(finding.facts)
        for ref in vanished:
            await self._read_vanished(lookups, trail, ref)
        self._facts.balances((await self._balances(lookups.priority, account_id),))
        if account_id not in self._again:
            trail.close_gap(began_ms)
            self._trails.touch(account_id)

    async def trail(self, account_id: str) -> Trail:
        """The account's trail, with what was stored of it. Raises Unavailable."""
        if account_id not in self._restored:
            stored = await self._load(account_id)
            if stored is not None and account_id not in self._restored:
                self._trails.restore(stored)
            self._restored.add(account_id)
        return self._trails.of(account_id)

    def _named(self, orders: tuple[OrderSnapshot, ...]) -> tuple[OrderSnapshot, ...]:
        return orders if self._nameless is None else tuple(self._nameless.named(order) for order in orders)

    async def _open_orders(self, priority: Priority, trail: Trail) -> tuple[OrderSnapshot, ...]:
        """By symbol, or all at once where that costs less. An account without symbols has nothing of ours open."""
        everything = self._dialect.fetch_open_orders(trail.account_id, None)
        by_symbol = [self._dialect.fetch_open_orders(trail.account_id, symbol) for symbol in sorted(trail.symbols)]
        if everything.request.weight < sum(call.request.weight for call in by_symbol):
            return await self._answer(priority, everything, trail.account_id)
        answers = [await self._answer(priority, call, trail.account_id) for call in by_symbol]
        return tuple(order for orders in answers for order in orders)

    async def _traded(self, lookups: Lookups, trail: Trail, seen: set[str | None]) -> list[Found]:
        """The orders that traded since the last known fact and are not open any more."""
        if trail.known_until_ms == 0:
            return []  # Nothing was ever known of this account: there is no gap, only a beginning.
        orders = []
        for symbol in sorted(trail.symbols):
            call = self._dialect.fetch_my_trades(trail.account_id, symbol, since_ms=trail.known_until_ms - OVERLAP_MS)
            for exchange_order_id in _order_ids(await self._answer(lookups.priority, call, trail.account_id)):
                if exchange_order_id not in seen:
                    seen.add(exchange_order_id)
                    ref = OrderRef(account_id=trail.account_id, symbol=symbol, exchange_order_id=exchange_order_id)
                    finding = await lookups.find(ref)
                    if isinstance(finding, Unclear):
                        raise _NotYet(finding.reason)
                    if isinstance(finding, Found):
                        orders.append(finding)
        return orders

    async def _read_expected(self, lookups: Lookups, ref: OrderRef) -> None:
        """An order written down before it was sent: if it arrived, its id at the exchange is learned here. That it is
        not there proves nothing: whoever sent it settles it."""
        finding = await lookups.find(ref)
        if isinstance(finding, Unclear):
            raise _NotYet(finding.reason)
        if isinstance(finding, Found):
            self._publish(finding.facts)

    async def _read_vanished(self, lookups: Lookups, trail: Trail, ref: OrderRef) -> None:
        if ref.terms is not None and ref.exchange_order_id is None:
            return  # It may still be on its way: whoever sent it settles it.
        finding = await lookups.find(ref)
        if isinstance(finding, Unclear):
            raise _NotYet(finding.reason)
        if isinstance(finding, Found):
            self._publish(finding.facts)
        elif ref.client_order_id is not None:
            trail.open_orders.pop(ref.client_order_id, None)

    async def _balances(self, priority: Priority, account_id: str) -> BalanceChanged:
        call = self._dialect.fetch_balances(account_id)
        answer = await self._client.ask(call, account_id, priority=priority)
        if isinstance(answer, Rejected | Unknown):
            raise _NotYet(answer.reason)
        return answer

    async def _answer(
        self, priority: Priority, call: Call[tuple[_T, ...] | Rejected | Unknown], account_id: str
    ) -> tuple[_T, ...]:
        answer = await self._client.ask(call, account_id, priority=priority)
        if isinstance(answer, Rejected | Unknown):
            raise _NotYet(f"{answer.code} {answer.reason}")
        return answer

    def _publish(self, facts: Sequence[OrderFact]) -> None:
        if self._nameless is not None and any(self._nameless.unclaimed(fact) for fact in facts):
            raise _NotYet("an order without our id may be one whose request is still under way")
        self._trails.note(facts)
        for fact in facts:
            self._facts.orders((fact,), correlation_id=self._correlations.of(fact))

    def _oldest_gap_s(self) -> float:
        return max(map(since_s, self._gaps.values()), default=0.0)

    def _over(self, account_id: str, done: asyncio.Task[None]) -> None:
        self._tasks.pop(account_id, None)
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("recovery_broke", account_id=account_id, exc_info=error)


def _facts_of(finding: Found | Unclear) -> tuple[OrderFact, ...]:
    if isinstance(finding, Unclear):
        raise _NotYet(finding.reason)
    return finding.facts


def _order_ids(trades: Iterable[OrderFilled]) -> list[str]:
    return list(dict.fromkeys(trade.exchange_order_id for trade in trades if trade.exchange_order_id is not None))
