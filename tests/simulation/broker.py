"""A broker in memory behind the bus's own classes: logs per partition, high-water marks, and a talent for forgetting.

Modelled is what a Kafka broker shows: order within a partition, at-least-once publishing, records that are read again,
a broker that comes back empty under another cluster id. Everything above it is the production bus.
"""

import asyncio
import random
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Final

from common.bus.brokers import BusSettings
from common.bus.clients import BusClients
from common.bus.messages import Outgoing, Record, record_from
from common.bus.publisher import Publisher
from common.bus.reader import Place, PositionsLost, Reader
from common.bus.tempo import Tempo
from common.bus.topics import Topic, shard_of
from common.errors import Unavailable
from tests.simulation.determinism import world_ms
from tests.simulation.loop import NODE, VirtualLoop
from tests.simulation.strikes import Harm, Strikes

_PATIENCE_S: Final = 10.0
"""How long a publisher tries before it gives up (twice the request time-out of the broker table)."""
_LATE_S: Final = (0.5, 4.0)


@dataclass(eq=False)
class Log:
    """One partition: records, and from when each of them can be read."""

    raws: list[Any] = field(default_factory=list)
    visible_s: list[float] = field(default_factory=list)


class MemoryBroker:
    """All topics of one history."""

    def __init__(self, loop: VirtualLoop, chance: random.Random, strikes: Strikes, partitions: int) -> None:
        self.loop, self.strikes, self.partitions = loop, strikes, partitions
        self.cluster = 0
        self.logs: dict[Place, Log] = {}
        self.readers: dict[MemoryReader, None] = {}
        self.on_append: Callable[[Outgoing], None] = lambda message: None
        self._chance = chance
        self._down_until_s = 0.0

    @property
    def up(self) -> bool:
        return self.loop.time() >= self._down_until_s

    def clients(self) -> BusClients:
        """What a process reaches it by."""
        return BusClients(
            reader=lambda settings, topics, client_id, *, tempo: MemoryReader(self, topics),
            publisher=lambda settings, topics, client_id: MemoryPublisher(self, client_id),
            follow=self.follow,
        )

    def fall(self, for_s: float, *, forget: bool) -> None:
        """Be away for a while; and with all topics emptied if it forgets."""
        self._down_until_s = self.loop.time() + for_s
        if forget:
            self.cluster += 1
            self.logs.clear()
        self.wake()

    def log(self, place: Place) -> Log:
        """The records of a partition."""
        return self.logs.setdefault(place, Log())

    def history(self, topics: Sequence[Topic]) -> list[Record]:
        """All that lies on these topics, as an audit reads it."""
        places = [(topic.name, partition) for topic in topics for partition in range(self.partitions)]
        return [record_from(raw, place[0]) for place in places for raw in self.log(place).raws]

    def append(self, message: Outgoing) -> None:
        """One more record; it can be read a moment later, and never before those ahead of it."""
        self.on_append(message)
        partition = shard_of(message.key, self.partitions)
        log, now_s = self.log((message.topic, partition)), self.loop.time()
        visible_s = max(now_s + self._chance.uniform(0.0005, 0.01), log.visible_s[-1] if log.visible_s else 0.0)
        log.raws.append(
            SimpleNamespace(
                ce_id=message.ce_id,
                offset=len(log.raws),
                partition=partition,
                timestamp=world_ms(self.loop),
                key=message.key.encode(),
                value=message.value,
                headers=message.headers(),
            )
        )
        log.visible_s.append(visible_s)
        self.loop.later(visible_s - now_s, self.wake)

    def wake(self) -> None:
        """Readers look again."""
        for reader in tuple(self.readers):
            reader.look()

    def pause_s(self) -> float:
        """A round trip."""
        return self._chance.uniform(0.0005, 0.005)

    def late_s(self) -> float:
        """An acknowledgement that takes its time."""
        return self._chance.uniform(*_LATE_S)

    async def follow(
        self, settings: BusSettings, *topics: Topic, client_id: str, tempo: Tempo
    ) -> AsyncGenerator[Record, None]:
        """The production `tail`, on this broker."""
        ends, cluster = {place: len(log.raws) for place, log in self.logs.items()}, self.cluster
        while True:
            try:
                async with MemoryReader(self, topics) as reader:
                    cluster = self.cluster
                    reader.assign(
                        {(t.name, n): ends.get((t.name, n), 0) for t in topics for n in range(self.partitions)}
                    )
                    while True:
                        for record in await reader.poll():
                            yield record
                        ends = dict(reader.positions)
            except (Unavailable, PositionsLost):
                await asyncio.sleep(0.2)
                ends = ends if cluster == self.cluster else {}


class MemoryReader(Reader):
    """Reads assigned places in order, on one broker for as long as that lives."""

    def __init__(self, broker: MemoryBroker, topics: Sequence[Topic]) -> None:
        self._broker = broker
        self._positions: dict[Place, int] = {}
        self._fresh_from: dict[Place, int] = {}
        self._resting: set[Place] = set()
        self._wake = asyncio.Event()
        self.cluster_id = ""

    async def __aenter__(self) -> "MemoryReader":
        await asyncio.sleep(self._broker.pause_s())
        if not self._broker.up:
            raise Unavailable("the broker")
        self.cluster_id = str(self._broker.cluster)
        self._broker.readers[self] = None
        node = NODE.get()
        if node is not None:
            node.on_death.append(lambda: self._broker.readers.pop(self, None))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._broker.readers.pop(self, None)

    @property
    def positions(self) -> Mapping[Place, int]:
        return self._positions

    @property
    def caught_up(self) -> bool:
        return len(self._fresh_from) == len(self._positions)

    def look(self) -> None:
        """Something may have arrived."""
        self._wake.set()

    def nudge(self) -> None:
        self._wake.set()

    def assign(self, positions: Mapping[Place, int]) -> None:
        self._fresh_from = {place: offset for place, offset in self._fresh_from.items() if place in positions}
        self._positions = {place: self._positions.get(place, offset) for place, offset in positions.items()}
        self._resting.clear()
        self._wake.set()

    def pause(self, places: Collection[Place]) -> None:
        self._resting |= set(places)

    def resume(self, places: Collection[Place]) -> None:
        self._resting -= set(places)
        self._wake.set()

    async def poll(self) -> list[Record]:
        while not self._wake.is_set():
            await self._wake.wait()
        self._wake.clear()
        if not self._broker.up or self.cluster_id != str(self._broker.cluster):
            raise Unavailable("the broker")
        records: list[Record] = []
        for place, position in self._positions.items():
            if place not in self._resting:
                records += self._read(place, position)
        for record in records:
            self._positions[record.topic, record.partition] = record.offset + 1
        return records

    def _read(self, place: Place, position: int) -> list[Record]:
        log = self._broker.log(place)
        end = bisect_right(log.visible_s, self._broker.loop.time())
        fresh_from = self._fresh_from.setdefault(place, end)
        if position > len(log.raws):
            raise PositionsLost([place])
        return [record_from(raw, place[0], fresh_from=fresh_from) for raw in log.raws[position:end]]


class MemoryPublisher(Publisher):
    """Publishes as the production one does: acknowledged, or repeated and marked, or Unavailable after a while."""

    def __init__(self, broker: MemoryBroker, client_id: str) -> None:
        self._broker = broker
        self._name = client_id

    async def start(self) -> None:
        while not self._broker.up:
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Nothing is kept."""

    async def ready(self) -> bool:
        return True

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if not messages:
            return
        node, broker = NODE.get(), self._broker
        harm = broker.strikes.at(f"{self._name} publishes", node)
        deadline_s = broker.loop.time() + _PATIENCE_S
        await asyncio.sleep(broker.late_s() if harm is Harm.DELAY else broker.pause_s())
        repeated = False
        while not broker.up or harm is Harm.LOSE:
            harm, repeated = None, True
            if broker.loop.time() > deadline_s:
                raise Unavailable("the broker")
            await asyncio.sleep(0.25)
        cluster = broker.cluster
        self._append(messages, repeated)
        if harm is Harm.KILL_AFTER and node is not None:
            node.kill()
        if harm is Harm.TWICE:  # As the client library does when it repeats by itself: without a mark.
            self._append(messages, repeated)
        if harm is Harm.FAIL_AFTER:
            raise Unavailable("the broker")
        await asyncio.sleep(broker.pause_s())
        if harm is Harm.LOSE_ANSWER or broker.cluster != cluster:
            await asyncio.sleep(0.25)
            self._append(messages, True)

    def _append(self, messages: Sequence[Outgoing], repeated: bool) -> None:
        for message in messages:
            self._broker.append(replace(message, redelivery=True) if repeated else message)
