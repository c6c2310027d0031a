"""Signals and receipts kept in memory, beside the ledger and the intents that the other fakes keep."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from common.exchanges import Exchange
from gateway.ports import After, StoredIntent
from gateway.risk.rules import Stake
from gateway.signals.model import EXPIRED, Receipt, Signal, State, sent, skipped
from gateway.signals.ports import Open, Place
from gateway.signals.settling import Found
from gateway.testing.fakes import MemoryIntents


class MemorySignals:
    """The store of signals; `found` is what the ledger would say, by intent."""

    def __init__(self, intents: MemoryIntents) -> None:
        self.found: dict[str, Found] = {}
        self._intents = intents
        self._signals: dict[str, Signal] = {}
        self._receipts: dict[Place, Receipt] = {}

    async def add(self, signal: Signal, receipts: Sequence[Receipt]) -> bool:
        if signal.signal_id in self._signals:
            return False
        self._signals[signal.signal_id] = signal
        self._receipts |= {(signal.signal_id, each.ordinal): each for each in receipts}
        return True

    async def get(self, signal_id: str) -> Signal | None:
        return self._signals.get(signal_id)

    async def newest(self, after: After | None, limit: int) -> Sequence[Signal]:
        found = sorted(self._signals.values(), key=_age, reverse=True)
        return [each for each in found if after is None or _age(each) < after][:limit]

    async def counts(self, signal_ids: Sequence[str]) -> Mapping[str, Mapping[State, int]]:
        counted: defaultdict[str, Counter[State]] = defaultdict(Counter)
        for receipt in self._receipts.values():
            if receipt.signal_id in signal_ids:
                counted[receipt.signal_id][receipt.state] += 1
        return counted

    async def receipts(
        self, signal_id: str, after: After | None, limit: int, states: Collection[State] | None
    ) -> Sequence[Receipt]:
        found = [each for (signal, _), each in sorted(self._receipts.items()) if signal == signal_id]
        found = [each for each in found if after is None or (each.ordinal,) > after]
        return [each for each in found if states is None or each.state in states][:limit]

    async def pending(
        self, exchange: Exchange, shards: Collection[int], *, after: Place, limit: int
    ) -> Sequence[tuple[Receipt, Signal]]:
        found = [
            each
            for place, each in sorted(self._receipts.items())
            if place > after and each.state is State.PENDING and each.exchange is exchange and each.shard in shards
        ]
        return [(each, self._signals[each.signal_id]) for each in found[:limit]]

    async def expire(self, shards: Collection[int], now_ms: int) -> Sequence[Receipt]:
        late = [
            (each, skipped(each, EXPIRED, now_ms))
            for each in self._receipts.values()
            if each.state is State.PENDING
            and each.shard in shards
            and self._signals[each.signal_id].valid_until_ms < now_ms
        ]
        return await self.change(late)

    async def send(self, receipt: Receipt, stored: StoredIntent, stake: Stake | None, now_ms: int) -> bool:
        if self._receipts[_place(receipt)].state is not State.PENDING:
            return False
        if not await self._intents.add(stored, stake):
            return False
        await self.change([(receipt, sent(receipt, now_ms))])
        return True

    async def open(self, shards: Collection[int], *, resting: bool, after: Place, limit: int) -> Sequence[Open]:
        found = [
            each
            for place, each in sorted(self._receipts.items())
            if place > after
            and each.open
            and each.state is not State.PENDING
            and (each.state is State.PLACED) is resting
            and each.shard in shards
        ]
        return [
            Open(each, self._signals[each.signal_id], self.found.get(each.intent_id, Found())) for each in found[:limit]
        ]

    async def change(self, changes: Sequence[tuple[Receipt, Receipt]]) -> Sequence[Receipt]:
        written = [(before, after) for before, after in changes if self._receipts[_place(before)].state is before.state]
        self._receipts |= {_place(after): after for _, after in written}
        return [after for _, after in written]


def _age(signal: Signal) -> After:
    return signal.created_ms, signal.signal_id


def _place(receipt: Receipt) -> Place:
    return receipt.signal_id, receipt.ordinal
