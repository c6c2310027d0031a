"""The shards this engine owns: open brackets in memory, handled batch by batch, durable before anything leaves."""

import asyncio
from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal

import msgspec
import structlog

from common.bus.errors import ShardLost
from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS
from common.clock import Clock
from common.db.leases import Lease
from common.db.offsets import Offsets
from common.errors import Unavailable
from common.exchanges import Exchange
from common.intents import IntentBase
from common.metrics import observe_hop
from order_engine.batch import Batch, Read, read
from order_engine.bracket import Bracket
from order_engine.events import AskAll, Event, PriceSeen, Ticked
from order_engine.gauges import observe_protection
from order_engine.policy import Policy
from order_engine.shard import Shard
from order_engine.store import Ledger

_log = structlog.get_logger(__name__)

_PATIENCE_MS = 500
_PATIENCE_CEILING_MS = 30_000
_RETRY_MS = 500
_PRICE_RETRY_MS = 100
_PRICE_MEMORY_MS = 60_000


class Shards:
    """The hot runner's handler, and the timers beside it."""

    def __init__(
        self, ledger: Ledger, offsets: Offsets, publisher: Publisher, clock: Clock, policy: Policy, *, tick_ms: int = 25
    ) -> None:
        self._ledger = ledger
        self._offsets = offsets
        self._publisher = publisher
        self._clock = clock
        self._policy = policy
        self._tick_ms = tick_ms
        self.waiting: Callable[[int], int] = lambda shard: 0
        """How many records of a shard are read and not yet decided; the hot runner knows."""
        self._missed: dict[str, PriceSeen] = {}
        """By bracket, a price that reached its held stop and could not be written down. It counts, wherever the market
        is by now, even if our lease lapsed meanwhile."""
        self._show_again_ms = 0
        self._shards: dict[int, Shard] = {}
        self._publishing: set[asyncio.Task[None]] = set()

    async def gain(self, lease: Lease) -> None:
        """Load the shard's open brackets. Raises Unavailable."""
        brackets = await self._ledger.open_brackets(lease.shard)
        shard = Shard(lease, read_to=_read_to(await self._offsets.positions(lease.shard), lease.shard))
        for bracket in brackets:
            try:
                shard.keep(bracket)
            except Exception:
                _log.exception("bracket_not_loaded", shard=lease.shard, bracket_id=bracket.bracket_id)
        self._shards[lease.shard] = shard
        _log.info("shard_loaded", shard=lease.shard, epoch=lease.epoch, open_brackets=len(brackets))

    def lose(self, shard: int) -> None:
        """Forget a shard that is somebody else's now."""
        self._shards.pop(shard, None)

    @property
    def owned(self) -> Mapping[int, Shard]:
        return self._shards

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        """The next offsets, as stored with the brackets."""
        return await self._offsets.positions(shard)

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        """Decide a batch, write it, and publish what it calls for."""
        items = [item for item in map(read, batch) if item is not None]
        owned = self._owned(shard)
        async with owned.turn:
            await self._reload(owned)
            items = [item for item in items if not owned.has_committed(item.record)]
            known, decided_before = await self._known(owned, items), await self._decided_before(items)
            work = Batch(shard, known, owned.markets, decided_before, self._policy, owned.read_to)
            read_ms = self._clock.now_ms()
            for item in items:
                work.take(item, read_ms)
            passed = owned.passed | {(record.topic, record.partition): record for record in batch}
            if work.calls_for_commit:
                await self._commit(owned, work, passed)
            else:
                owned.passed = passed
            owned.read_to = work.read_to
        now_ms = self._clock.now_ms()
        owned.heard_ms = max(record.ce_time_ms for record in batch)
        for record in batch:
            observe_hop("record_published_to_decided", record.ce_time_ms, now_ms)

    async def broker_reset(self, shard: int) -> None:
        """The broker forgot what was published: ask the exchange about every order that may have moved."""
        owned = self._owned(shard)
        async with owned.turn:
            # These places mean nothing on the new broker.
            owned.passed, owned.read_to = {}, -1
            now_ms = self._clock.now_ms()
            await self._tell(owned, tuple(owned.brackets), AskAll(cause=f"broker-reset-{now_ms}", now_ms=now_ms))
            # Last: whoever comes after a crash in between still finds the old positions, and asks again.
            await self._offsets.forget(shard)
            owned.committed = {}  # What was loaded meanwhile was still of the old broker.

    def held_stops(self, exchange: Exchange) -> Mapping[str, Decimal]:
        """By symbol, the highest price at which the engine must sell something it holds a stop for."""
        highest: dict[str, Decimal] = {}
        for shard in self._shards.values():
            for where, symbol, stop_px in shard.held.values():
                if where is exchange:
                    highest[symbol] = max(stop_px, highest.get(symbol, stop_px))
        return highest

    async def see_price(self, exchange: Exchange, symbol: str, px: Decimal, cause: str, now_ms: int) -> None:
        """Latch every held stop that this price has reached; one that cannot be written down is shown it again."""
        for shard in tuple(self._shards.values()):
            reached = [
                bracket_id
                for bracket_id, (where, what, stop_px) in shard.held.items()
                if where is exchange and what == symbol and px <= stop_px
            ]
            if reached:
                await self._show(shard, reached, PriceSeen(cause=cause, now_ms=now_ms, px=px), now_ms)

    async def run_timers(self) -> None:
        """Wake brackets when their time has come, for ever."""
        while True:
            for shard in tuple(self._shards.values()):
                await self.wake(shard)
            await asyncio.sleep(self._tick_ms / 1000)

    async def stop(self) -> None:
        """Wait until everything decided has been handed to the broker."""
        if self._publishing:
            await asyncio.wait(self._publishing)
        await self._ledger.finish()

    async def wake(self, shard: Shard) -> None:
        """Tell every bracket of a shard whose time has come. What cannot be written now is told again soon."""
        now_ms = self._clock.now_ms()
        if self._missed and now_ms >= self._show_again_ms:
            await self._show_missed(shard, now_ms)
        if self._behind(shard, now_ms):
            return  # What a timer would ask about may stand in the records that wait.
        due = shard.due(now_ms)
        if not due:
            return
        try:
            async with shard.turn:
                await self._tell(shard, due, Ticked(cause=f"tick-{now_ms}", now_ms=now_ms))
        except (Unavailable, ShardLost) as error:
            _log.warning("timer_waits", shard=shard.lease.shard, error=repr(error))
            shard.wake_again(due, now_ms + _RETRY_MS)

    async def _show(self, shard: Shard, bracket_ids: Collection[str], event: PriceSeen, now_ms: int) -> None:
        try:
            async with shard.turn:
                await self._tell(shard, bracket_ids, msgspec.structs.replace(event, now_ms=now_ms))
        except (Unavailable, ShardLost) as error:
            _log.warning("held_stop_waits", shard=shard.lease.shard, error=repr(error))
            self._missed |= dict.fromkeys(bracket_ids, event)
            self._show_again_ms = self._clock.now_ms() + _PRICE_RETRY_MS

    async def _show_missed(self, shard: Shard, now_ms: int) -> None:
        """Show this shard's held stops the prices that they missed; a stop that is not held any more needs none."""
        self._missed = {
            bracket_id: event for bracket_id, event in self._missed.items() if now_ms - event.now_ms < _PRICE_MEMORY_MS
        }
        by_event: dict[PriceSeen, list[str]] = {}
        for bracket_id in self._missed.keys() & shard.held.keys():
            by_event.setdefault(self._missed.pop(bracket_id), []).append(bracket_id)
        for event, bracket_ids in by_event.items():
            await self._show(shard, bracket_ids, event, now_ms)

    def _behind(self, shard: Shard, now_ms: int) -> bool:
        """Whether records of the shard are waiting that are older than a timer's patience, but not for ever."""
        age_ms = now_ms - shard.heard_ms
        return self.waiting(shard.lease.shard) > 0 and _PATIENCE_MS < age_ms < _PATIENCE_CEILING_MS

    async def _tell(self, shard: Shard, bracket_ids: Collection[str], event: Event) -> None:
        """Within the shard's turn: in one commit, or in one each when a bracket among them cannot be decided."""
        await self._reload(shard)
        try:
            await self._apply(shard, bracket_ids, event)
        except (Unavailable, ShardLost):
            raise
        except Exception:
            for bracket_id in bracket_ids:
                await self._tell_alone(shard, bracket_id, event)

    async def _tell_alone(self, shard: Shard, bracket_id: str, event: Event) -> None:
        """A bracket that cannot be decided is parked, loudly; the others' protection does not wait for its repair."""
        try:
            await self._apply(shard, (bracket_id,), event)
        except (Unavailable, ShardLost):
            raise
        except Exception:
            _log.exception("bracket_parked", shard=shard.lease.shard, bracket_id=bracket_id, by=type(event).__name__)
            shard.park(bracket_id, price=isinstance(event, PriceSeen))

    async def _apply(self, shard: Shard, bracket_ids: Collection[str], event: Event) -> None:
        work = Batch(shard.lease.shard, shard.brackets, shard.markets, set(), self._policy, shard.read_to)
        for bracket_id in bracket_ids:
            if bracket_id in shard.brackets:
                work.apply(shard.brackets[bracket_id], event)
        if work.calls_for_commit:
            await self._commit(shard, work, shard.passed)

    async def _reload(self, shard: Shard) -> None:
        """Take the ledger's word on brackets whose last commit was never answered. Raises Unavailable, ShardLost."""
        if not shard.unanswered:
            return
        doubtful = {each.bracket_id for changed, _ in shard.unanswered for each in changed}
        settled = {bracket.bracket_id: bracket for bracket in await self._ledger.settled(shard.lease, doubtful)}
        for bracket in settled.values():
            shard.keep(bracket)
        shard.committed = await self._offsets.positions(shard.lease.shard)
        shard.read_to = max(shard.read_to, _read_to(shard.committed, shard.lease.shard))
        shard.passed = {}  # Perhaps written, with more after them: what they say of the position may be outdated.
        for changed, messages in shard.unanswered:
            if all(each.bracket_id in settled and settled[each.bracket_id].version >= each.version for each in changed):
                self._publish_soon(messages)  # It was durable after all, and the relay would take its time.
        shard.unanswered.clear()

    async def _commit(self, shard: Shard, work: Batch, passed: Mapping[tuple[str, int], Record]) -> None:
        """Write what a batch changed, and how far the shard has read with it.

        Written: memory holds what the ledger holds. Not written (ShardLost, a defect): memory is as it was, and so is
        the position, so the batch is read again. Unknown (Unavailable: perhaps only the answer was lost): memory is as
        it was and in doubt; what the batch changed is loaded again before the shard's next turn.
        """
        if not shard.lease.valid():
            raise ShardLost(shard.lease.shard)
        work.finish()
        try:
            await self._ledger.commit(shard.lease, tuple(passed.values()), work.rows, work.messages)
        except Unavailable:
            if work.changed:
                shard.unanswered.append((tuple(work.changed.values()), work.messages))
            raise
        shard.passed = {}
        for bracket in work.changed.values():
            shard.keep(bracket)
        observe_protection(work.protected_after_ms, work.overdue)
        self._publish_soon(work.messages)

    def _publish_soon(self, messages: Sequence[Outgoing]) -> None:
        if messages:
            task = asyncio.create_task(self._publish(messages))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        """At once after the commit; what cannot be published now is left to the relay."""
        try:
            await self._publisher.publish(messages)
        except Unavailable as error:
            _log.warning("left_to_the_relay", count=len(messages), error=repr(error))
            return
        self._ledger.published(messages)

    async def _known(self, shard: Shard, items: Sequence[Read]) -> Mapping[str, Bracket]:
        """The open brackets, and from the ledger the closed ones that late facts speak of."""
        wanted = {item.bracket_id for item in items} - {None}
        missing = {bracket_id for bracket_id in wanted if bracket_id is not None} - shard.brackets.keys()
        if not missing:
            return shard.brackets
        return ChainMap(shard.brackets, {b.bracket_id: b for b in await self._ledger.brackets(missing)})

    async def _decided_before(self, items: Sequence[Read]) -> set[tuple[str, str]]:
        keys = [(i.message.account_id, i.message.intent_id) for i in items if isinstance(i.message, IntentBase)]
        return await self._ledger.known_intents(keys) if keys else set()

    def _owned(self, shard: int) -> Shard:
        owned = self._shards.get(shard)
        if owned is None:
            raise ShardLost(shard)
        return owned


def _read_to(positions: Mapping[tuple[str, int], int], shard: int) -> int:
    """The offset of the last order event decided, by the stored positions."""
    return positions.get((ORDER_EVENTS.name, shard), 0) - 1
