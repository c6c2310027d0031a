"""Leases and the hot runner joined as the services join them, on a real PostgreSQL and a real broker."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from common.bus.brokers import BrokerKind, BusSettings
from common.bus.errors import ShardLost
from common.bus.hot import HotRunner
from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS, shard_of
from common.db.leases import Lease, Leases

pytestmark = pytest.mark.connected


class Owner:
    """Reads the shards it has leases on, and handles nothing without one."""

    def __init__(self, line: Any, settings: BusSettings) -> None:
        self.handled: list[bytes | None] = []
        self.refused = asyncio.Event()
        self.runner = HotRunner(settings, [ORDER_EVENTS], self, dead_letters=self, client_id="test")
        self.leases = Leases(
            line, "engine", "a", shards=settings.partitions, on_gained=self.gained, on_lost=self.lost,
            lease_ms=60_000, renew_ms=50,
        )  # fmt: skip

    async def gained(self, lease: Lease) -> None:
        await self.runner.assign([lease.shard])

    async def lost(self, shard: int) -> None:
        await self.runner.revoke([shard])

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        return {(ORDER_EVENTS.name, shard): len(self.handled)}

    async def handle(self, shard: int, batch: Sequence[Record]) -> None:
        if self.leases.get(shard) is None:
            self.refused.set()
            raise ShardLost(shard)
        self.handled += [record.value for record in batch]

    async def broker_reset(self, shard: int) -> None:
        raise AssertionError("nothing was reset")

    async def park(self, record: Record, reason: str) -> None:
        raise AssertionError(reason)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_shard_whose_lease_lapsed_for_a_moment_is_handled_again(
    line: Any, bootstrap: str, broker_kind: str, topic_prefix: str, a_message: Callable[..., Outgoing]
) -> None:
    settings = BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)
    owner = Owner(line, settings)
    async with Publisher(settings, [ORDER_EVENTS], "test") as publisher:
        tasks = [asyncio.create_task(owner.leases.run()), asyncio.create_task(owner.runner.run())]
        await publisher.publish([a_message(1, topic=ORDER_EVENTS.name)])
        await until(lambda: owner.handled == [b"1"])

        async def refuse_a_record_before_the_answer() -> None:
            lease = owner.leases.get(shard_of("account-1", settings.partitions))
            assert lease is not None
            lease.deadline_s = 0
            await publisher.publish([a_message(2, topic=ORDER_EVENTS.name)])
            await owner.refused.wait()

        line.late = refuse_a_record_before_the_answer
        await until(lambda: owner.handled == [b"1", b"2"])
        await owner.leases.stop()
        await owner.runner.stop()
        await asyncio.gather(*tasks)
