"""Reads the topics again, from their beginning to where the stored numbers stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from common.bus.brokers import BusSettings, Pace
from common.bus.messages import Record
from common.bus.reader import Place, PositionsLost, Reader
from common.bus.tempo import steady
from common.bus.topics import ACCOUNTS
from common.errors import CgtError, UnreadableMessage
from portfolio.facts import TOPICS, Fact, fact_of

HISTORY: Final = tuple(topic for topic in TOPICS if topic is not ACCOUNTS)
"""What the numbers follow from; accounts only say whose they are."""
_IDLE_POLLS: Final = 20


class HistoryTooShort(CgtError):
    """The topics hold less than the stored numbers were made of, so a rebuild cannot come to the same."""


@dataclass
class History:
    """What the topics tell, up to the wanted positions."""

    facts: list[Fact] = field(default_factory=list)
    records: int = 0
    unreadable: int = 0
    """Records that were parked as dead letters when they were first read."""

    def take(self, record: Record) -> None:
        """Add a record."""
        self.records += 1
        try:
            fact = fact_of(record)
        except UnreadableMessage:
            self.unreadable += 1
        else:
            self.facts += [] if fact is None else [fact]


async def read(settings: BusSettings, wanted: Mapping[Place, int], known_brokers: frozenset[str]) -> History:
    """Everything before these positions. Raises HistoryTooShort, Unavailable."""
    told = History()
    async with Reader(settings, HISTORY, "portfolio-rebuild", tempo=steady(Pace.LIVE)) as reader:
        if known_brokers - {reader.cluster_id}:
            raise HistoryTooShort("the broker at this address is not the one the stored numbers were read from")
        missing = {place: offset for place, offset in wanted.items() if offset > 0}
        reader.assign(dict.fromkeys(missing, 0))
        idle, begun = 0, set[Place]()
        while missing:
            records = await _polled(reader)
            for record in records:
                place = (record.topic, record.partition)
                if place not in begun and record.offset > 0:
                    raise HistoryTooShort(f"{place[0]}, partition {place[1]}, begins at {record.offset}")
                begun.add(place)
                if record.offset < wanted[place]:
                    told.take(record)
                if record.offset + 1 >= wanted[place]:
                    missing.pop(place, None)
            idle = 0 if records or not reader.caught_up else idle + 1
            if idle > _IDLE_POLLS:
                (topic, partition), offset = next(iter(missing.items()))
                raise HistoryTooShort(f"{topic}, partition {partition}, ends before {offset}")
    return told


async def _polled(reader: Reader) -> Sequence[Record]:
    try:
        return await reader.poll()
    except PositionsLost as lost:
        topic, partition = min(lost.places)
        raise HistoryTooShort(f"{topic}, partition {partition}, was emptied while it was read") from lost
