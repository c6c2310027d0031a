"""Declares the topics and tells which broker this is; both again whenever a broker may have come back empty."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from common.bus.brokers import BusSettings
from common.bus.errors import TopicMismatch, TopicRefused
from common.bus.topics import Topic
from common.errors import Unavailable

BROKER_ERRORS = (KafkaError, OSError, TimeoutError)
"""What the Kafka client raises when the broker does not answer, or answers no."""

_STOP_TIMEOUT_S: Final = 5.0

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def admin_client(settings: BusSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client. Raises Unavailable when no broker answers."""
    client = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=settings.traits.request_timeout_ms
    )
    try:
        await client.start()
        yield client
    except BROKER_ERRORS as error:
        raise Unavailable("the broker") from error
    finally:
        await client.close()


async def ensure_topics(settings: BusSettings, topics: Sequence[Topic]) -> None:
    """Create what is missing; repeat it as often as you like.

    Raises TopicMismatch when a topic has another partition count, TopicRefused when the broker will not have it,
    Unavailable when no broker answers.
    """
    async with admin_client(settings) as admin:
        found = await _partition_counts(admin)
        for topic in topics:
            count = found.get(settings.wire_name(topic), settings.partitions)
            if count == settings.partitions:
                continue
            if not settings.traits.forgets_on_restart:
                raise TopicMismatch(topic.name, count, settings.partitions)
            # Made up by the broker itself after a restart, before we could declare it; nothing old can be in it.
            _log.warning("topic_recreated", topic=topic.name, found=count, wanted=settings.partitions)
            await admin.delete_topics([settings.wire_name(topic)])
            found.pop(settings.wire_name(topic))
        missing = [topic for topic in topics if settings.wire_name(topic) not in found]
        if missing:
            await _create(admin, settings, missing)


async def cluster_id(admin: AIOKafkaAdminClient) -> str:
    """The identity of the broker's data: an empty broker at the same address has another one."""
    return str((await admin.describe_cluster())["cluster_id"])


async def stop_client(stop: Callable[[], Awaitable[None]]) -> None:
    """Stop a Kafka client within a few seconds, whatever state its broker left it in.

    aiokafka lets the cancellation of its own fetch task escape from `stop()`, which would end the caller's task, and
    waits for answers of a broker that is gone.
    """
    stopping = asyncio.ensure_future(stop())
    await asyncio.wait([stopping], timeout=_STOP_TIMEOUT_S)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        _log.warning("kafka_client_stopped_badly", error=repr(error))


async def until_available(attempt: Callable[[], Awaitable[None]], what: str, ceiling_ms: int = 2_000) -> None:
    """Repeat an attempt that raises Unavailable, with growing pauses, until it succeeds."""
    pause_ms = 50
    while True:
        try:
            return await attempt()
        except Unavailable as error:
            _log.warning(
                "waiting_for_dependency", what=what, error=str(error), cause=repr(error.__cause__), pause_ms=pause_ms
            )
        await asyncio.sleep(pause_ms / 1000)
        pause_ms = min(2 * pause_ms, ceiling_ms)


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    # All topics, not ours by name: the embedded broker creates a topic as soon as its name is mentioned.
    described: list[dict[str, Any]] = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _create(admin: AIOKafkaAdminClient, settings: BusSettings, topics: Sequence[Topic]) -> None:
    response = await admin.create_topics([_new_topic(settings, topic) for topic in topics])
    for name, code, *_ in response.topic_errors:
        failure = for_code(code)
        if failure in {NoError, TopicAlreadyExistsError}:  # Several services declare the same topics at once.
            continue
        if failure.retriable:
            raise failure()
        raise TopicRefused(settings.logical_name(name), failure.__name__)


def _new_topic(settings: BusSettings, topic: Topic) -> NewTopic:
    return NewTopic(
        settings.wire_name(topic),
        num_partitions=settings.partitions,
        replication_factor=settings.replication,
        topic_configs=_configs(topic),
    )


def _configs(topic: Topic) -> dict[str, str]:
    """Where the broker's defaults do not fit: by default Kafka forgets a record after a week."""
    if topic.compacted:
        return {"cleanup.policy": "compact"}
    return {"retention.ms": "-1", "retention.bytes": "-1"} if topic.history else {}
