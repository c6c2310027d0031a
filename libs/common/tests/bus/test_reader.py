"""What a reader does where its position is no longer there, on a consumer that says so."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from common.bus.brokers import BrokerKind, BusSettings
from common.bus.reader import PositionsLost, Reader
from common.bus.topics import ORDER_EVENTS

PLACE = (ORDER_EVENTS.name, 1)


class KeptFrom:
    """A consumer of a partition that begins at `beginning`."""

    def __init__(self, beginning: int) -> None:
        self.beginning = beginning
        self.at: dict[TopicPartition, int] = {}

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.at = dict.fromkeys(partitions, -1)

    def assignment(self) -> set[TopicPartition]:
        return set(self.at)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.at[partition] = offset

    def highwater(self, partition: TopicPartition) -> None:
        return None

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.beginning)

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        out_of_range = {partition: offset for partition, offset in self.at.items() if offset < self.beginning}
        if out_of_range:
            raise OffsetOutOfRangeError(out_of_range)
        return {}


def reading(consumer: KeptFrom, offset: int) -> Reader:
    settings = BusSettings(kafka_bootstrap="127.0.0.1:1", broker=BrokerKind.EMBEDDED)
    reader = Reader(settings, [ORDER_EVENTS], "test", fetch_wait_ms=1)
    reader._consumer = consumer
    reader._lifeline = SimpleNamespace(lost=False)
    reader.assign({PLACE: offset})
    return reader


async def test_records_that_retention_dropped_unread_are_not_passed_over_in_silence() -> None:
    reader = reading(KeptFrom(beginning=4), offset=2)
    assert await reader.poll() == []
    with pytest.raises(PositionsLost) as lost:
        await reader.poll()
    assert lost.value.places == {PLACE}


async def test_whoever_begins_at_0_gets_what_is_left_of_the_topic() -> None:
    reader = reading(KeptFrom(beginning=4), offset=0)
    assert await reader.poll() == []
    assert await reader.poll() == []
    assert reader.positions == {PLACE: 4}
