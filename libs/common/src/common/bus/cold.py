"""Cold topics through FastStream: one record at a time, at least once, with retries and dead letters of our own.

FastStream's default acknowledges before the handler has finished, ACK loses what raises, NACK_ON_ERROR repeats in a
tight loop. So the policy is MANUAL and nothing ever leaves a handler but success: a record is handled, or parked, and
then acknowledged; a dependency that is down is waited for; a process that ends in between reads the record again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import structlog
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from common.bus.brokers import BusSettings, Pace
from common.bus.dead_letters import DeadLetters
from common.bus.messages import Record, record_from
from common.bus.topics import Topic
from common.codec import decode
from common.errors import Unavailable, UnreadableMessage
from common.metrics import HANDLED

T = TypeVar("T")

TRIES: Final = 5
_FIRST_PAUSE_MS: Final = 100
_CEILING_MS: Final = 5_000

_log = structlog.get_logger(__name__)


def cold_broker(settings: BusSettings, client_id: str) -> KafkaBroker:
    """A FastStream broker that only consumes; messages leave through the Publisher, which also declares the topics."""
    return KafkaBroker(
        settings.kafka_bootstrap,
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        request_timeout_ms=settings.traits.request_timeout_ms,
        logger=None,
    )


def subscribe(
    broker: KafkaBroker,
    settings: BusSettings,
    topic: Topic,
    *,
    group: str,
    message_type: type[T],
    handle: Callable[[T | None, Record], Awaitable[None]],
    dead_letters: DeadLetters,
    tries: int = TRIES,
) -> None:
    """Call `handle` with every message of a topic from its beginning; None is a tombstone.

    `handle` must bear repetition. What it raises is tried again `tries` times in all, then the record is parked;
    Unavailable is waited out for as long as it takes, so it holds up the partition.
    """
    traits = settings.traits

    @broker.subscriber(
        settings.wire_name(topic),
        group_id=f"{settings.topic_prefix}{group}",
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=traits.fetch_hold_ms + traits.fetch_rest_ms[Pace.COLD],
        session_timeout_ms=traits.session_timeout_ms,
        heartbeat_interval_ms=traits.heartbeat_interval_ms,
        rebalance_timeout_ms=traits.session_timeout_ms,
        decoder=_undecoded,
    )
    async def consume(message: KafkaMessage) -> None:
        record = record_from(message.raw_message, topic.name)
        await _until_settled(record, message_type, handle, dead_letters, tries)
        await message.ack()


async def _undecoded(message: Any) -> Any:
    """Payloads are decoded by `common.codec`, where a failure is a typed error."""
    return message.body


async def _until_settled(
    record: Record,
    message_type: type[T],
    handle: Callable[[T | None, Record], Awaitable[None]],
    dead_letters: DeadLetters,
    tries: int,
) -> None:
    """Handled or parked."""
    failures, pause_ms = 0, _FIRST_PAUSE_MS
    while True:
        try:
            await handle(None if record.value is None else decode(record.value, message_type), record)
        except Unavailable as error:
            _log.warning("cold_handler_waits", topic=record.topic, error=repr(error), pause_ms=pause_ms)
        except Exception as error:
            failures += 1
            if failures >= tries or isinstance(error, UnreadableMessage):
                _log.error("dead_letter", topic=record.topic, offset=record.offset, exc_info=error)
                await _park(record, error, dead_letters)
                return
            _log.warning("cold_handler_failed", topic=record.topic, offset=record.offset, error=repr(error))
        else:
            HANDLED.labels(record.topic).inc()
            return
        await asyncio.sleep(pause_ms / 1000)
        pause_ms = min(2 * pause_ms, _CEILING_MS)


async def _park(record: Record, error: Exception, dead_letters: DeadLetters) -> None:
    pause_ms = _FIRST_PAUSE_MS
    while True:
        try:
            return await dead_letters.park(record, f"{type(error).__name__}: {error}")
        except Unavailable as unavailable:
            _log.warning("dead_letter_waits", topic=record.topic, error=repr(unavailable), pause_ms=pause_ms)
        await asyncio.sleep(pause_ms / 1000)
        pause_ms = min(2 * pause_ms, _CEILING_MS)
