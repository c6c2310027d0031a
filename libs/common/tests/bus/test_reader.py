"""What a reader does where its position is no longer there, on a consumer that says so."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from common.bus.brokers import BrokerKind, BusSettings, Pace
from common.bus.reader import PositionsLost, Reader
from common.bus.tempo import Tempo, steady
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


class Flowing(KeptFrom):
    """A consumer whose every fetch brings a record after `every_s`; counts how often reading was paused."""

    def __init__(self, every_s: float) -> None:
        super().__init__(beginning=0)
        self.every_s = every_s
        self.pauses = 0

    def highwater(self, partition: TopicPartition) -> Any:
        return self.at[partition] + 1

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {partition: self.at[partition] for partition in partitions}

    def paused(self) -> set[TopicPartition]:
        return set()

    def pause(self, *_: TopicPartition) -> None:
        self.pauses += 1

    def resume(self, *_: TopicPartition) -> None: ...

    async def getmany(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        await asyncio.sleep(self.every_s)
        for partition in self.at:
            self.at[partition] += 1
        return {
            partition: [
                SimpleNamespace(partition=PLACE[1], offset=offset, timestamp=0, key=None, value=b"", headers=())
            ]
            for partition, offset in self.at.items()
        }


def reading(
    consumer: KeptFrom, offset: int, *, pace: Pace = Pace.HOT, broker: BrokerKind = BrokerKind.EMBEDDED
) -> Reader:
    settings = BusSettings(kafka_bootstrap="127.0.0.1:1", broker=broker)
    reader = Reader(settings, [ORDER_EVENTS], "test", tempo=steady(pace))
    reader._consumer = consumer
    lifeline: Any = SimpleNamespace(lost=False)
    reader._lifeline = lifeline
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


async def test_where_fetches_follow_each_other_at_once_records_are_left_to_gather() -> None:
    consumer = Flowing(every_s=0.0)
    reader = reading(consumer, offset=0)
    for _ in range(1_000):
        assert len(await reader.poll()) == 1
    assert consumer.pauses > 0


async def test_where_records_are_few_each_is_fetched_at_once() -> None:
    consumer = Flowing(every_s=0.006)
    reader = reading(consumer, offset=0)
    for _ in range(100):
        await reader.poll()
    assert consumer.pauses == 0


async def test_whoever_is_in_no_hurry_waits_beside_the_embedded_broker_and_not_inside_it() -> None:
    consumer = Flowing(every_s=0.006)
    reader = reading(consumer, offset=0, pace=Pace.LIVE)
    for _ in range(3):
        await reader.poll()
    assert consumer.pauses == 2, "the first fetch, which shows where the end is, waits for nothing"


@pytest.mark.parametrize(("pace", "rests"), [(Pace.HOT, False), (Pace.LIVE, True), (Pace.COLD, True)])
async def test_where_fetches_wake_on_data_only_those_in_no_hurry_let_it_gather(pace: Pace, rests: bool) -> None:
    consumer = Flowing(every_s=0.006)
    reader = reading(consumer, offset=0, pace=pace, broker=BrokerKind.KAFKA)
    for _ in range(3):
        await reader.poll()
    assert (consumer.pauses > 0) is rests


async def test_a_reader_is_roused_from_its_pause_when_somebody_begins_to_wait() -> None:
    paces, woken = [Pace.COLD], asyncio.Event()
    tempo = Tempo(lambda: paces[-1])
    with tempo.nudging(woken.set):
        paces.append(Pace.HOT)
        tempo.hurry()
    assert (woken.is_set(), tempo.pace) == (True, Pace.HOT)
