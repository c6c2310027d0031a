"""A broker killed and started again empty under running clients."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from common.bus.admin import admin_client
from common.bus.brokers import BrokerKind, BusSettings
from common.bus.hot import HotRunner
from common.bus.publisher import Publisher
from common.bus.tail import tail
from common.bus.topics import ORDER_EVENTS, shard_of
from common.runtime.embedded import answers_admin, start_embedded_broker
from common.runtime.kafka import start_kafka
from common.runtime.process import free_port

pytestmark = pytest.mark.connected


class Broker:
    """A broker of the test's own, which comes back empty at the same address."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.port = free_port()
        self._kind = kind
        self._folder = folder
        self._process: Any = None

    async def start(self) -> None:
        log = self._folder / "broker.log"
        if self._kind == "kafka":
            self._process = await start_kafka(self._folder / "data", self.port, log)
        else:
            self._process = start_embedded_broker(self.port, log)
        await self._process.ready(lambda: answers_admin(self.port), 60)

    def kill(self) -> None:
        self._process.kill()


@pytest.fixture
async def own_broker(broker_kind: str, tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(broker_kind, tmp_path)
    await broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def own_settings(own_broker: Broker, broker_kind: str) -> BusSettings:
    return BusSettings(kafka_bootstrap=f"127.0.0.1:{own_broker.port}", broker=BrokerKind(broker_kind))


async def test_clients_go_on_after_the_broker_came_back_empty(
    own_broker: Broker,
    own_settings: BusSettings,
    handler: Any,
    dead_letters: Any,
    known: Any,
    message: Any,
    eventually: Callable[..., Awaitable[None]],
) -> None:
    shard = shard_of("account-1", own_settings.partitions)
    runner = HotRunner(own_settings, [ORDER_EVENTS], handler, dead_letters=dead_letters, client_id="test", known=known)
    heard: list[bytes | None] = []

    async def listen() -> None:
        async for record in tail(own_settings, ORDER_EVENTS, from_="start"):
            heard.append(record.value)  # noqa: PERF401 - it never ends

    async with Publisher(own_settings, [ORDER_EVENTS], "test") as publisher:
        await runner.assign([shard])
        running = asyncio.create_task(runner.run())
        listening = asyncio.create_task(listen())
        await publisher.publish([message(ORDER_EVENTS, n) for n in range(20)])
        await eventually(lambda: len(handler.records) == len(heard) == 20)

        own_broker.kill()
        await own_broker.start()
        # The first one may still meet the broken connection of its reader; every one must arrive.
        for n in range(20, 50):
            await publisher.publish([message(ORDER_EVENTS, n)])
        await eventually(lambda: {b"%d" % n for n in range(50)} <= set(handler.values), timeout_s=40)
        await eventually(lambda: {b"%d" % n for n in range(50)} <= set(heard), timeout_s=40)

        async with admin_client(own_settings) as admin:
            described = {topic["topic"]: topic for topic in await admin.describe_topics()}
        assert len(described[ORDER_EVENTS.name]["partitions"]) == own_settings.partitions

        await eventually(lambda: runner.caught_up(shard))
        handler.records.clear()
        await publisher.publish([message(ORDER_EVENTS, 50)])
        await eventually(lambda: handler.values[-1:] == [b"50"])
        assert handler.records[-1].fresh
        listening.cancel()
        await runner.stop()
        await running
        await asyncio.wait([listening])
    assert shard in handler.resets
    assert not dead_letters.parked


async def test_a_publish_during_an_outage_arrives_when_the_broker_is_back_in_time(
    own_broker: Broker, own_settings: BusSettings, message: Any
) -> None:
    async with Publisher(own_settings, [ORDER_EVENTS], "test") as publisher:
        await publisher.publish([message(ORDER_EVENTS, 1)])
        own_broker.kill()
        pending = publisher.publish_nowait(message(ORDER_EVENTS, 2))
        await own_broker.start()
        await pending
        async with aclosing(tail(own_settings, ORDER_EVENTS, from_="start")) as records:
            assert (await anext(records)).value == b"2"
