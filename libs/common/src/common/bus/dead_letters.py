"""Records that cannot be handled, kept for an operator: where they came from, what they were, and why."""

import base64
from typing import Protocol

import orjson

from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.topics import DEAD_LETTERS
from common.clock import Clock, SystemClock
from common.metrics import DEAD_LETTERED


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
    body = {
        "service": service,
        "reason": reason,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": record.key,
        "headers": dict(record.headers),
        "value_base64": None if record.value is None else base64.b64encode(record.value).decode(),
    }
    return Outgoing(
        topic=DEAD_LETTERS.name,
        key=record.key or record.topic,
        value=orjson.dumps(body),
        ce_id=f"dead/{service}/{record.topic}/{record.partition}/{record.offset}/{record.ce_id}",
        ce_type="cgt.dead-letter.v1",
        ce_source=service,
        ce_time_ms=now_ms,
        correlation_id=record.correlation_id,
        causation_id=record.ce_id,
        traceparent=record.traceparent,
    )
