"""How a process reaches the broker: one value to hand to whoever reads, writes or follows topics.

`KAFKA` is the broker of the settings. A simulation hands over clients of a broker in memory instead.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from common.bus.brokers import BusSettings
from common.bus.messages import Record
from common.bus.publisher import Publisher
from common.bus.reader import Reader
from common.bus.tail import tail
from common.bus.tempo import Tempo
from common.bus.topics import Topic


class OpenReader(Protocol):
    """Makes a reader, to be entered."""

    def __call__(self, settings: BusSettings, topics: Sequence[Topic], client_id: str, *, tempo: Tempo) -> Reader: ...


class OpenPublisher(Protocol):
    """Makes a publisher, to be entered."""

    def __call__(self, settings: BusSettings, topics: Sequence[Topic], client_id: str) -> Publisher: ...


class Follow(Protocol):
    """Follows topics from their end, for ever."""

    def __call__(
        self, settings: BusSettings, *topics: Topic, client_id: str, tempo: Tempo
    ) -> AsyncGenerator[Record, None]: ...


@dataclass(frozen=True, slots=True)
class BusClients:
    """The three ways in which a process speaks to the broker."""

    reader: OpenReader = Reader
    publisher: OpenPublisher = Publisher
    follow: Follow = tail


KAFKA: Final = BusClients()
