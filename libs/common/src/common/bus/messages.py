"""Messages on their way out and in: CloudEvents 1.0 in binary content mode, so everything but the payload is a header.

Header names follow the Kafka protocol binding of CloudEvents: attributes are prefixed `ce_`, the payload's type is
`content-type`. The payload itself is opaque here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from aiokafka import ConsumerRecord

from common.derived import derived

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish; `ce_id` is what a consumer knows a repetition by."""

    topic: str
    key: str
    value: bytes | None
    """None is a tombstone on a compacted topic."""
    ce_id: str
    ce_type: str
    ce_source: str
    ce_time_ms: int
    correlation_id: str | None
    causation_id: str | None
    traceparent: str | None = None
    redelivery: bool = False
    """Published once before, perhaps: whoever acts on it must first look whether that has been done."""

    def headers(self) -> list[tuple[str, bytes]]:
        """The CloudEvents headers, as the Kafka client takes them."""
        pairs = [
            ("ce_specversion", SPEC_VERSION),
            ("ce_id", self.ce_id),
            ("ce_type", self.ce_type),
            ("ce_source", self.ce_source),
            ("ce_time", rfc3339(self.ce_time_ms)),
            ("content-type", CONTENT_TYPE),
        ]
        optional = (
            ("correlationid", self.correlation_id),
            ("causationid", self.causation_id),
            ("traceparent", self.traceparent),
            ("redelivery", "true" if self.redelivery else None),
        )
        pairs += [(name, value) for name, value in optional if value is not None]
        return [(name, value.encode()) for name, value in pairs]


@dataclass(frozen=True)
class Record:
    """A message as it was read; a `fresh` one was first published after its reader had caught up."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None
    value: bytes | None
    headers: Mapping[str, str]
    fresh: bool = False

    @property
    def ce_id(self) -> str:
        """The message's id; one without a CloudEvents header is known by where it lies."""
        return self.headers.get("ce_id") or f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def ce_type(self) -> str | None:
        return self.headers.get("ce_type")

    @property
    def ce_source(self) -> str | None:
        return self.headers.get("ce_source")

    @derived
    def ce_time_ms(self) -> int:
        """When the message came about, by its own word; else when the broker got it."""
        return from_rfc3339(self.headers.get("ce_time", "")) or self.timestamp_ms

    @property
    def ce_specversion(self) -> str | None:
        return self.headers.get("ce_specversion")

    @property
    def content_type(self) -> str | None:
        return self.headers.get("content-type")

    @property
    def correlation_id(self) -> str | None:
        return self.headers.get("correlationid")

    @property
    def causation_id(self) -> str | None:
        return self.headers.get("causationid")

    @property
    def traceparent(self) -> str | None:
        return self.headers.get("traceparent")

    @property
    def redelivery(self) -> bool:
        return self.headers.get("redelivery") == "true"


def again(record: Record, *, redelivery: bool = False) -> Outgoing:
    """The record as it is published again: under its own id, so that what it did before is not done anew."""
    return Outgoing(
        topic=record.topic,
        key=record.key or "",
        value=record.value,
        ce_id=record.ce_id,
        ce_type=record.ce_type or "",
        ce_source=record.ce_source or "",
        ce_time_ms=record.ce_time_ms,
        correlation_id=record.correlation_id,
        causation_id=record.causation_id,
        traceparent=record.traceparent,
        redelivery=redelivery or record.redelivery,
    )


def record_from(raw: ConsumerRecord, topic: str, *, fresh_from: int | None = None) -> Record:
    """A Kafka record under its logical topic; `fresh_from` is the high-water mark of the reader's first fetch."""
    headers = MappingProxyType({name: text(value) for name, value in raw.headers})
    fresh = fresh_from is not None and raw.offset >= fresh_from and headers.get("redelivery") != "true"
    return Record(
        topic=topic,
        partition=raw.partition,
        offset=raw.offset,
        timestamp_ms=raw.timestamp,
        key=None if raw.key is None else text(raw.key),
        value=raw.value,
        headers=headers,
        fresh=fresh,
    )


def text(value: bytes | None) -> str:
    """Header and key bytes as text; bytes that are no UTF-8 stay visible instead of stopping the partition."""
    return "" if value is None else value.decode("utf-8", "backslashreplace")


def rfc3339(time_ms: int) -> str:
    """Milliseconds since the epoch as RFC 3339 in UTC."""
    seconds, millis = divmod(time_ms, 1000)
    return f"{_second(seconds)}.{millis:03d}Z"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    # Messages come by the hundred in the same second, and formatting it costs more than all the rest of a header.
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def from_rfc3339(value: str) -> int | None:
    """RFC 3339 as milliseconds since the epoch; None for anything else."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    elapsed = moment - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1000 + elapsed.microseconds // 1000
