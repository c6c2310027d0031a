"""Publishes what a connector learns, in order per account, and keeps it through an outage of the broker.

Facts go out at once, each before the last one is acknowledged; but those that confirm an exit, and balances, wait a
moment for others to go with. When the broker fails, an account's unacknowledged facts wait in a bounded line and are
sent again in their order. An account whose line is full loses facts on purpose: it is read from the exchange again when
the broker is back, which costs a few requests instead of all memory.
"""

import asyncio
import hashlib
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
import structlog

from common import ids
from common.accounts import BalanceChanged, BalanceFact
from common.bus.errors import MessageTooLarge
from common.bus.messages import Outgoing
from common.bus.topics import BALANCE_EVENTS, ORDER_EVENTS
from common.codec import encode
from common.connector.fact_ids import fact_id
from common.connector.metrics import FACTS_OVERFLOWED, FRAME_TO_FACT
from common.errors import Unavailable
from common.exchanges import Exchange
from common.metrics import HOP, since_s
from common.orders import ListStatus, OrderAccepted, OrderFact, type_of

MAX_LINE: Final = 5_000
_MAX_CONFIRMED: Final = 20_000
_BALANCES_WAIT_S: Final = 0.1
_COMPANY_S: Final = 0.005
"""How long a fact waits for company that nobody waits for: publishing costs the same for one as for twenty."""
_PAUSE_CEILING_S: Final = 0.25

_log = structlog.get_logger(__name__)


Told = asyncio.Future[None]
"""Done when the broker has the fact, cancelled if it was given up."""


class Bus(Protocol):
    """Publishes; raises Unavailable when some of it may not have arrived."""

    async def publish(self, messages: Sequence[Outgoing]) -> None: ...


@dataclass(slots=True)
class _Entry:
    """One fact on its way."""

    account_id: str
    message: Outgoing
    acknowledged: Told
    received: float | None


class _Line:
    """One account's facts that are not acknowledged yet, oldest first."""

    __slots__ = ("failing", "lost_from_ms", "sending", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[_Entry] = deque()
        self.sending = 0
        self.failing = False
        self.lost_from_ms: int | None = None


class FactPublisher:
    """The one way of a connector's facts to the topics."""

    def __init__(self, bus: Bus, exchange: Exchange, source: str, *, max_line: int = MAX_LINE) -> None:
        self._bus = bus
        self._exchange = exchange
        self._source = source
        self.on_gap: Callable[[str, int], None] = lambda account_id, from_ms: None
        """Told of an account that lost facts, and since when, once the broker is back."""
        self._max_line = max_line
        self._lines: dict[str, _Line] = {}
        self._unsent: list[_Entry] = []
        self._flushing: asyncio.Handle | None = None
        self._pressing = False
        """Whether somebody waits for something that is unsent."""
        self._balances: dict[str, BalanceChanged] = {}
        self._confirmed: OrderedDict[str, Told] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._to_fact = HOP.labels(FRAME_TO_FACT)

    @property
    def unacknowledged(self) -> int:
        """Facts that the broker has not confirmed."""
        return sum(len(line.waiting) for line in self._lines.values())

    def acknowledged(self, account_id: str) -> bool:
        """Whether the broker has everything of this account."""
        return account_id not in self._lines

    def orders(
        self,
        facts: Iterable[OrderFact],
        *,
        causation_id: str | None = None,
        correlation_id: str | None = None,
        received: float | None = None,
    ) -> list[Told]:
        """Publish order facts; the futures are done when the broker has them, cancelled if they were given up."""
        return [self._order(fact, causation_id, correlation_id, received) for fact in facts]

    def balances(self, facts: Iterable[BalanceFact]) -> None:
        """Publish balance facts. Absolute ones are gathered for a moment: only the last word of each asset counts."""
        for fact in facts:
            if isinstance(fact, BalanceChanged):
                self._gather(fact)
            else:
                self._tell_balances(fact.account_id)
                self._balance(fact)

    def _gather(self, fact: BalanceChanged) -> None:
        earlier = self._balances.get(fact.account_id)
        if earlier is None:
            asyncio.get_running_loop().call_later(_BALANCES_WAIT_S, self._tell_balances, fact.account_id)
        self._balances[fact.account_id] = fact if earlier is None else _newest(earlier, fact)

    def _tell_balances(self, account_id: str) -> None:
        fact = self._balances.pop(account_id, None)
        if fact is not None:
            self._balance(fact)

    def _balance(self, fact: BalanceFact) -> None:
        self._put(
            fact.account_id,
            Outgoing(
                topic=BALANCE_EVENTS.name,
                key=fact.account_id,
                value=encode(fact),
                ce_id=f"{fact.exchange}/{fact.account_id}/{type_of(fact)}/{fact.ts_event_ms}/{_digest(fact)}",
                ce_type=type_of(fact),
                ce_source=self._source,
                ce_time_ms=fact.ts_init_ms,
                correlation_id=None,
                causation_id=None,
            ),
            None,
            patient=True,
        )

    async def drain(self, timeout_s: float) -> bool:
        """Wait until the broker has everything; False when it did not take it in time."""
        for account_id in tuple(self._balances):
            self._tell_balances(account_id)
        self._flush()
        try:
            async with asyncio.timeout(timeout_s):
                while self._tasks:
                    await asyncio.wait(set(self._tasks))
        except TimeoutError:
            return False
        return True

    def _order(
        self, fact: OrderFact, causation_id: str | None, correlation_id: str | None, received: float | None
    ) -> Told:
        ce_id = fact_id(fact, causation_id)
        # The exchange confirms an order twice, by its reply and on the stream. Once is enough to tell; whoever missed
        # it gets a snapshot by asking. Trades are always told: a broker may have forgotten the first time.
        told_twice = isinstance(fact, OrderAccepted | ListStatus)
        if told_twice and (told := self._confirmed.get(ce_id)) is not None and not told.cancelled():
            return told
        acknowledged = self._put(
            fact.account_id,
            Outgoing(
                topic=ORDER_EVENTS.name,
                key=fact.account_id,
                value=encode(fact),
                ce_id=ce_id,
                ce_type=type_of(fact),
                ce_source=self._source,
                ce_time_ms=fact.ts_init_ms,
                correlation_id=correlation_id,
                causation_id=causation_id,
            ),
            received,
            patient=told_twice and _confirms_exit(fact),
        )
        if told_twice:
            self._confirmed[ce_id] = acknowledged
            if len(self._confirmed) > _MAX_CONFIRMED:
                self._confirmed.popitem(last=False)
        return acknowledged

    def _put(self, account_id: str, message: Outgoing, received: float | None, *, patient: bool) -> Told:
        entry = _Entry(account_id, message, asyncio.get_running_loop().create_future(), received)
        line = self._lines.get(account_id)
        if line is None:
            line = self._lines[account_id] = _Line()
        if len(line.waiting) >= self._max_line:
            if line.lost_from_ms is None:
                line.lost_from_ms = message.ce_time_ms
            FACTS_OVERFLOWED.labels(self._exchange).inc()
            entry.acknowledged.cancel()
            return entry.acknowledged
        line.waiting.append(entry)
        if not line.failing:
            line.sending += 1
            self._unsent.append(entry)
            self._flush_soon(patient=patient)
        return entry.acknowledged

    def _flush_soon(self, *, patient: bool) -> None:
        """What one frame or reply tells leaves together, and with it what was waiting for company."""
        loop = asyncio.get_running_loop()
        if patient and self._flushing is None:
            self._flushing = loop.call_later(_COMPANY_S, self._flush)
        elif not patient and not self._pressing:
            if self._flushing is not None:
                self._flushing.cancel()
            self._pressing, self._flushing = True, loop.call_soon(self._flush)

    def _flush(self) -> None:
        entries, self._unsent = self._unsent, []
        self._pressing, self._flushing = False, None
        if entries:
            self._spawn(self._send(entries))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, entries: Sequence[_Entry]) -> None:
        acknowledged = await self._published(entries)
        for entry in entries:
            line = self._lines[entry.account_id]
            line.sending -= 1
            if not acknowledged:
                line.failing = True
                continue
            if entry.received is not None:
                self._to_fact.observe(since_s(entry.received))
            _settle(entry.acknowledged)
        for account_id in {entry.account_id for entry in entries}:
            self._tidy(account_id, self._lines[account_id])

    async def _published(self, entries: Sequence[_Entry]) -> bool:
        """Whether the broker has them all. An error of any other kind must not lose them either: it is told, loudly."""
        about = {"waiting": len(entries), "account_ids": sorted({entry.account_id for entry in entries})}
        try:
            await self._bus.publish([entry.message for entry in entries])
        except Unavailable as error:
            _log.warning("facts_wait_for_broker", **about, error=str(error))
            return False
        except MessageTooLarge as error:
            if len(entries) > 1:
                return await self._published_singly(entries)
            # It can never be told, and those behind it must not wait for it.
            _log.error("fact_too_large", **about, error=str(error))
            entries[0].acknowledged.cancel()
        except Exception:
            _log.exception("facts_not_published", **about)
            return False
        return True

    async def _published_singly(self, entries: Sequence[_Entry]) -> bool:
        for entry in entries:
            if not await self._published([entry]):
                return False
        return True

    def _tidy(self, account_id: str, line: _Line) -> None:
        while line.waiting and line.waiting[0].acknowledged.done():
            line.waiting.popleft()
        if line.sending > 0:
            return
        if line.failing:
            self._spawn(self._send_again(account_id, line))
        elif not line.waiting:
            self._lines.pop(account_id, None)

    async def _send_again(self, account_id: str, line: _Line) -> None:
        """The broker is away: everything unacknowledged, in order, until it is back."""
        pause_s = 0.05
        while line.waiting:
            batch = [entry for entry in line.waiting if not entry.acknowledged.done()]
            if not await self._published(batch):
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _PAUSE_CEILING_S)
                continue
            for entry in batch:
                _settle(entry.acknowledged)
            while line.waiting and line.waiting[0].acknowledged.done():
                line.waiting.popleft()
        self._lines.pop(account_id, None)
        if line.lost_from_ms is not None:
            self.on_gap(account_id, line.lost_from_ms)


def _confirms_exit(fact: OrderFact) -> bool:
    """Whether a confirmation is about an order that the engine placed: a person waits for that of an entry."""
    return fact.list_client_order_id is not None or ids.is_exit(fact.client_order_id)


def _newest(earlier: BalanceChanged, later: BalanceChanged) -> BalanceChanged:
    """Both together; where they speak of the same asset, the one that happened later."""
    if later.ts_event_ms < earlier.ts_event_ms:
        earlier, later = later, earlier
    assets = {balance.asset: balance for balance in (*earlier.balances, *later.balances)}
    return msgspec.structs.replace(later, balances=tuple(assets.values()))


def _digest(fact: BalanceFact) -> str:
    return hashlib.blake2b(
        encode(fact.balances if isinstance(fact, BalanceChanged) else fact), digest_size=6
    ).hexdigest()


def _settle(acknowledged: Told) -> None:
    if not acknowledged.done():
        acknowledged.set_result(None)
