"""Who waits for which facts: requests that are being answered, woken by the facts about them."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from common import ids
from common.bus.brokers import Pace
from common.bus.tempo import Tempo
from common.orders import FactBase
from common.protection import ProtectionBase
from gateway.trading.progress import Fact

Key = tuple[str, str]
"""(account id, client order id | bracket id | exchange order id)."""


def keys_of(fact: Fact) -> Iterator[Key]:
    """Everything a request could be waiting for that this fact is about."""
    match fact:
        case ProtectionBase():
            yield fact.account_id, fact.bracket_id
        case FactBase():
            if fact.client_order_id:
                yield fact.account_id, fact.client_order_id
            if fact.exchange_order_id:
                yield fact.account_id, fact.exchange_order_id


def entry_keys(account_id: str, intent_id: str) -> tuple[Key, Key]:
    """What an entry's request waits for: facts about the order, and a denial of its bracket."""
    bracket = ids.bracket_id(account_id, intent_id)
    return (account_id, bracket), (account_id, ids.client_order_id(bracket, ids.Leg.ENTRY, 0))


class Waiting:
    """Hands each fact to the requests that wait for it; facts nobody waits for cost two look-ups."""

    def __init__(self) -> None:
        self._queues: defaultdict[Key, list[asyncio.Queue[Fact]]] = defaultdict(list)
        self._accounts: Counter[str] = Counter()
        self._hurried = 0
        self.tempo = Tempo(self._pace)
        """How soon the facts are to be read."""

    def about(self, account_id: str | None) -> bool:
        """Whether anybody waits for facts of this account: nobody needs to read those of others."""
        return account_id in self._accounts

    def tell(self, fact: Fact) -> None:
        """Wake who waits for this fact."""
        told: list[asyncio.Queue[Fact]] = []
        for key in keys_of(fact):
            for queue in self._queues.get(key, ()):
                if not any(queue is other for other in told):
                    told.append(queue)
                    queue.put_nowait(fact)

    @contextmanager
    def for_facts(self, keys: Iterable[Key], *, hurried: bool = True) -> Iterator["Facts"]:
        """The facts about these keys from now on; `hurried` are to be read the moment they are there."""
        wanted = tuple(keys)
        queue: asyncio.Queue[Fact] = asyncio.Queue()
        for key in wanted:
            self._queues[key].append(queue)
            self._accounts[key[0]] += 1
        self._hurried += hurried
        self.tempo.hurry()
        try:
            yield Facts(queue)
        finally:
            self._hurried -= hurried
            for key in wanted:
                self._queues[key].remove(queue)
                if not self._queues[key]:
                    del self._queues[key]
                self._accounts[key[0]] -= 1
                if not self._accounts[key[0]]:
                    del self._accounts[key[0]]

    def _pace(self) -> Pace:
        if self._hurried:
            return Pace.HOT  # Somebody waits who has nothing else to do.
        return Pace.LIVE if self._queues else Pace.COLD


class Facts:
    """The facts one request waits for, in the order they came."""

    def __init__(self, queue: asyncio.Queue[Fact]) -> None:
        self._queue = queue

    async def next(self, deadline_s: float) -> Fact | None:
        """The next fact; None when the loop's clock passes the deadline first."""
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._queue.get()
        except TimeoutError:
            return None
