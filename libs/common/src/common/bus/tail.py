"""Follows topics without keeping a position: for broadcasts and tools, from the end or from the start."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Literal

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from common.bus.admin import BROKER_ERRORS, stop_client
from common.bus.brokers import BusSettings, Pace
from common.bus.messages import Record
from common.bus.reader import Place, PositionsLost, Reader
from common.bus.tempo import Tempo, steady
from common.bus.topics import Topic
from common.errors import Unavailable

_NO_SUCH_OFFSET = 2**62
_LIVE = steady(Pace.LIVE)

_log = structlog.get_logger(__name__)


async def tail(
    settings: BusSettings,
    *topics: Topic,
    from_: Literal["end", "start"] = "end",
    client_id: str = "tail",
    ready: asyncio.Event | None = None,
    tempo: Tempo = _LIVE,
) -> AsyncGenerator[Record, None]:
    """Every record published after `ready` is set (from "end"), or every record there is and will be (from "start").

    Outlives broker restarts: an emptied broker, or one that kept less than was missed, is read from its beginning. Stop
    it by closing the iterator.
    """
    positions: dict[Place, int] = {}
    followed = ""
    while True:
        try:
            async with Reader(settings, topics, client_id, tempo=tempo) as reader:
                if not followed:
                    positions = await _beginning(settings, topics, from_)
                elif reader.cluster_id != followed:
                    positions = dict.fromkeys(_places(settings, topics), 0)
                followed = reader.cluster_id
                reader.assign(positions)
                while True:
                    for record in await reader.poll():
                        positions[record.topic, record.partition] = record.offset + 1
                        yield record
                    if ready is not None and reader.caught_up:
                        ready.set()
        except PositionsLost:
            positions = dict.fromkeys(_places(settings, topics), 0)
        except (Unavailable, *BROKER_ERRORS) as error:
            _log.warning("tail_waits_for_broker", error=repr(error))
            await asyncio.sleep(0.2)


async def _beginning(settings: BusSettings, topics: Sequence[Topic], from_: str) -> dict[Place, int]:
    places = _places(settings, topics)
    if from_ == "start":
        return dict.fromkeys(places, 0)
    return await ends(settings, places)


def _places(settings: BusSettings, topics: Sequence[Topic]) -> list[Place]:
    return [(topic.name, partition) for topic in topics for partition in range(settings.partitions)]


async def beginnings(settings: BusSettings, places: Sequence[Place]) -> dict[Place, int]:
    """The offset of the first record each place still holds."""
    if not settings.traits.end_offsets_trusted:
        return dict.fromkeys(places, 0)  # That broker keeps everything, or forgets everything.
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False)
    partitions = {
        TopicPartition(settings.wire_name(topic), partition): (topic, partition) for topic, partition in places
    }
    try:
        await consumer.start()
        found = await consumer.beginning_offsets(list(partitions))
        return {partitions[partition]: offset for partition, offset in found.items()}
    finally:
        await stop_client(consumer.stop)


async def ends(settings: BusSettings, places: Sequence[Place]) -> dict[Place, int]:
    """The offset the next record of each place will get."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False, fetch_max_wait_ms=10
    )
    partitions = {
        TopicPartition(settings.wire_name(topic), partition): (topic, partition) for topic, partition in places
    }
    try:
        await consumer.start()
        consumer.assign(list(partitions))
        if settings.traits.end_offsets_trusted:
            ends = await consumer.end_offsets(list(partitions))
        else:
            # Its answer to a fetch beyond the end is no error, and the only place where the end is told right.
            for partition in partitions:
                consumer.seek(partition, _NO_SUCH_OFFSET)
            while any(consumer.highwater(partition) is None for partition in partitions):
                await consumer.getmany(timeout_ms=5)
            ends = {partition: consumer.highwater(partition) for partition in partitions}
        return {partitions[partition]: end for partition, end in ends.items()}
    finally:
        await stop_client(consumer.stop)
