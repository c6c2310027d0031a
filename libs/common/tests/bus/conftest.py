"""A bus of each test's own on the shared broker, and handlers that remember what they were given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

import pytest

from common.bus.brokers import BrokerKind, BusSettings
from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.topics import Topic, all_topics, shard_of

TOPICS = all_topics(["binance"])


@pytest.fixture
def settings(bootstrap: str, broker_kind: str, topic_prefix: str) -> BusSettings:
    return BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)


@pytest.fixture
async def publisher(settings: BusSettings) -> AsyncIterator[Publisher]:
    async with Publisher(settings, TOPICS, "test") as publisher:
        yield publisher


@pytest.fixture
def message() -> Callable[..., Outgoing]:
    return a_message


@pytest.fixture
def handler() -> "MemoryHandler":
    return MemoryHandler()


@pytest.fixture
def dead_letters() -> "MemoryDeadLetters":
    return MemoryDeadLetters()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    return until


def a_message(topic: Topic, n: int = 0, *, key: str = "account-1", redelivery: bool = False) -> Outgoing:
    return Outgoing(
        topic=topic.name,
        key=key,
        value=b"%d" % n,
        ce_id=f"id-{n}",
        ce_type="cgt.test.v1",
        ce_source="test",
        ce_time_ms=1_795_341_600_123,
        correlation_id="corr",
        causation_id=None,
        redelivery=redelivery,
    )


async def until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait for a condition that other tasks bring about."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


class MemoryHandler:
    """Keeps records and positions as a real handler does, all or nothing."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.batches: list[list[Record]] = []
        self.stored: dict[tuple[str, int], int] = {}
        self.resets: list[int] = []
        self.before: Callable[[Sequence[Record]], Awaitable[None]] | None = None

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        return {place: offset for place, offset in self.stored.items() if place[1] == shard}

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        if self.before is not None:
            await self.before(batch)
        assert {record.partition for record in batch} == {shard}
        self.records += batch
        self.batches.append(list(batch))
        self.stored |= {(record.topic, shard): record.offset + 1 for record in batch}

    async def broker_reset(self, shard: int) -> None:
        self.resets.append(shard)
        self.stored = {place: offset for place, offset in self.stored.items() if place[1] != shard}

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for record in self.records]


class MemoryDeadLetters:
    def __init__(self) -> None:
        self.parked: list[tuple[Record, str]] = []

    async def park(self, record: Record, reason: str) -> None:
        self.parked.append((record, reason))


class MemoryKnownBrokers:
    def __init__(self) -> None:
        self.brokers: dict[int, str] = {}

    async def broker_of(self, shard: int) -> str | None:
        return self.brokers.get(shard)

    async def remember(self, shard: int, cluster_id: str) -> None:
        self.brokers[shard] = cluster_id


@pytest.fixture
def known() -> MemoryKnownBrokers:
    return MemoryKnownBrokers()


@pytest.fixture
def key_in() -> Callable[[int, int], str]:
    """A key that falls into the given shard."""

    def find(shard: int, partitions: int) -> str:
        return next(key for key in (f"account-{n}" for n in range(10_000)) if shard_of(key, partitions) == shard)

    return find
