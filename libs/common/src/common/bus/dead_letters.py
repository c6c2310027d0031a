"""Records that cannot be handled, kept for an operator: where they came from, what they were, and why."""

import base64
from typing import Protocol

import msgspec

from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.topics import DEAD_LETTERS
from common.clock import Clock, SystemClock
from common.codec import encode
from common.metrics import DEAD_LETTERED


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on the topic: the record as it was, and what was wrong with it."""

    service: str
    reason: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None
    headers: dict[str, str]
    value_base64: str | None

    @property
    def value(self) -> bytes | None:
        """The record's own bytes."""
        return None if self.value_base64 is None else base64.b64decode(self.value_base64)


class DeadLetters(Protocol):
    """Where a reader parks a record it must not try again."""

    async def park(self, record: Record, reason: str) -> None:
        """Return when the record is kept. Raises Unavailable: the reader tries again later and moves on no further."""


class TopicDeadLetters:
    """Parks records on `cgt.dead-letters.v1`, under the same key, so that an account's letters lie together."""

    def __init__(self, publisher: Publisher, service: str, clock: Clock | None = None) -> None:
        self._publisher = publisher
        self._service = service
        self._clock = clock or SystemClock()

    async def park(self, record: Record, reason: str) -> None:
        """Publish the dead letter. Raises Unavailable."""
        await self._publisher.publish((dead_letter(record, reason, self._service, self._clock.now_ms()),))
        DEAD_LETTERED.labels(record.topic).inc()


def dead_letter(record: Record, reason: str, service: str, now_ms: int) -> Outgoing:
    """The letter: parking the same record twice gives the same `ce_id`."""
    letter = DeadLetter(
        service=service,
        reason=reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        key=record.key,
        headers=dict(record.headers),
        value_base64=None if record.value is None else base64.b64encode(record.value).decode(),
    )
    return Outgoing(
        topic=DEAD_LETTERS.name,
        key=record.key or record.topic,
        value=encode(letter),
        ce_id=f"dead/{service}/{record.topic}/{record.partition}/{record.offset}/{record.ce_id}",
        ce_type="cgt.dead-letter.v1",
        ce_source=service,
        ce_time_ms=now_ms,
        correlation_id=record.correlation_id,
        causation_id=record.ce_id,
        traceparent=record.traceparent,
    )
