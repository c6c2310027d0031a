"""Reads topics from their beginning to where they end now: for audits and tools that look back."""

from collections.abc import Sequence

from common.bus.admin import BROKER_ERRORS
from common.bus.brokers import BusSettings, Pace
from common.bus.messages import Record
from common.bus.reader import PositionsLost, Reader
from common.bus.tail import beginnings, ends
from common.bus.tempo import steady
from common.bus.topics import Topic
from common.errors import Unavailable


async def read_history(settings: BusSettings, topics: Sequence[Topic], client_id: str) -> list[Record]:
    """Every record that was there when this began, in the order of topics, partitions and offsets. Raises Unavailable.

    What is no longer there is left out: a topic begins where its retention lets it begin.
    """
    places = [(topic.name, partition) for topic in topics for partition in range(settings.partitions)]
    found: list[Record] = []
    try:
        async with Reader(settings, topics, client_id, tempo=steady(Pace.LIVE)) as reader:
            begins, until = await beginnings(settings, places), await ends(settings, places)
            until = {place: end for place, end in until.items() if end > begins[place]}
            reader.assign({place: begins[place] for place in until})
            while until:
                try:
                    for record in await reader.poll():
                        place = (record.topic, record.partition)
                        if place in until and record.offset < until[place]:
                            found.append(record)
                        if record.offset + 1 >= until.get(place, 0):
                            until.pop(place, None)
                except PositionsLost as lost:
                    raise Unavailable(
                        "the history of " + ", ".join(sorted(topic for topic, _ in lost.places))
                    ) from lost
    except BROKER_ERRORS as error:
        raise Unavailable("the broker") from error
    order = {topic.name: number for number, topic in enumerate(topics)}
    return sorted(found, key=lambda record: (order[record.topic], record.partition, record.offset))
