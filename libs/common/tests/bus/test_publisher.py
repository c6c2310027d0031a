"""The publisher, the topics and the tail on a real broker."""

import asyncio
import dataclasses
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer

from common.bus.admin import admin_client, ensure_topics
from common.bus.brokers import BrokerKind, BusSettings
from common.bus.dead_letters import TopicDeadLetters
from common.bus.errors import MessageTooLarge, TopicMismatch
from common.bus.messages import Record
from common.bus.publisher import Publisher
from common.bus.tail import tail
from common.bus.topics import BALANCE_EVENTS, DEAD_LETTERS, ORDER_EVENTS, PROTECTION_EVENTS, shard_of
from common.errors import Unavailable

pytestmark = pytest.mark.connected


async def take(records: Any, count: int) -> list[Record]:
    taken: list[Record] = []
    async with asyncio.timeout(20), aclosing(records):
        async for record in records:
            taken.append(record)
            if len(taken) == count:
                break
    return taken


async def test_every_key_lands_in_the_shard_we_say_and_where_the_client_library_would_put_it(
    settings: BusSettings, publisher: Publisher, message: Any
) -> None:
    keys = [f"account-{n}" for n in range(50)]
    await publisher.publish([message(ORDER_EVENTS, n, key=key) for n, key in enumerate(keys)])
    records = await take(tail(settings, ORDER_EVENTS, from_="start"), 50)
    assert {record.key: record.partition for record in records} == {
        key: shard_of(key, settings.partitions) for key in keys
    }


async def test_publishing_without_waiting_keeps_the_order(
    settings: BusSettings, publisher: Publisher, message: Any
) -> None:
    futures = [publisher.publish_nowait(message(ORDER_EVENTS, n)) for n in range(300)]
    await asyncio.gather(*futures)
    records = await take(tail(settings, ORDER_EVENTS, from_="start"), 300)
    assert [record.value for record in records] == [b"%d" % n for n in range(300)]


async def test_a_message_above_the_limit_is_refused_and_nothing_of_the_call_is_sent(
    settings: BusSettings, publisher: Publisher, message: Any
) -> None:
    huge = dataclasses.replace(message(ORDER_EVENTS), value=b"x" * 1_000_001)
    with pytest.raises(MessageTooLarge) as refusal:
        await publisher.publish([message(ORDER_EVENTS, 1), huge])
    assert refusal.value.limit == 1_000_000
    await publisher.publish([message(ORDER_EVENTS, 2)])
    assert [record.value for record in await take(tail(settings, ORDER_EVENTS, from_="start"), 1)] == [b"2"]


async def test_a_broker_that_is_down_is_unavailable(unused_tcp_port: int, message: Any) -> None:
    settings = BusSettings(kafka_bootstrap=f"127.0.0.1:{unused_tcp_port}")
    with pytest.raises(Unavailable):
        await ensure_topics(settings, [ORDER_EVENTS])
    with pytest.raises(Unavailable):
        await Publisher(settings, [ORDER_EVENTS], "test").publish([message(ORDER_EVENTS)])


async def test_declaring_topics_again_or_from_many_services_at_once_changes_nothing(settings: BusSettings) -> None:
    topics = [ORDER_EVENTS, PROTECTION_EVENTS]
    await asyncio.gather(*[ensure_topics(settings, topics) for _ in range(5)])
    await ensure_topics(settings, topics)
    async with admin_client(settings) as admin:
        described = {topic["topic"]: topic for topic in await admin.describe_topics()}
    assert len(described[settings.wire_name(ORDER_EVENTS)]["partitions"]) == settings.partitions


async def test_another_partition_count_is_refused_where_records_last_and_mended_where_they_do_not(
    settings: BusSettings,
) -> None:
    await ensure_topics(settings, [ORDER_EVENTS])
    other = settings.model_copy(update={"partitions": settings.partitions + 1})
    if settings.broker is BrokerKind.KAFKA:
        with pytest.raises(TopicMismatch):
            await ensure_topics(other, [ORDER_EVENTS])
        return
    await ensure_topics(other, [ORDER_EVENTS])
    async with admin_client(settings) as admin:
        described = {topic["topic"]: topic for topic in await admin.describe_topics()}
    assert len(described[settings.wire_name(ORDER_EVENTS)]["partitions"]) == other.partitions


async def test_a_tail_from_the_end_misses_nothing_after_it_is_ready_and_shows_nothing_before(
    settings: BusSettings, publisher: Publisher, message: Any
) -> None:
    # One batch of many records: what the embedded broker's end_offsets gets wrong.
    await publisher.publish([message(BALANCE_EVENTS, n) for n in range(500)])
    ready = asyncio.Event()
    records = asyncio.create_task(take(tail(settings, BALANCE_EVENTS, ORDER_EVENTS, ready=ready), 2))
    await ready.wait()
    await publisher.publish([message(BALANCE_EVENTS, 1000)])
    await publisher.publish([message(ORDER_EVENTS, 1001)])
    assert {(record.topic, record.value) for record in await records} == {
        (BALANCE_EVENTS.name, b"1000"),
        (ORDER_EVENTS.name, b"1001"),
    }


async def test_a_dead_letter_says_where_it_came_from_and_why(
    settings: BusSettings, publisher: Publisher, message: Any
) -> None:
    await publisher.publish([message(ORDER_EVENTS, 5)])
    (record,) = await take(tail(settings, ORDER_EVENTS, from_="start"), 1)
    await TopicDeadLetters(publisher, "engine").park(record, "ValueError: five")
    (letter,) = await take(tail(settings, DEAD_LETTERS, from_="start"), 1)
    body = orjson.loads(letter.value or b"")
    assert (body["topic"], body["offset"], body["reason"]) == (ORDER_EVENTS.name, 0, "ValueError: five")
    assert body["headers"]["ce_id"] == "id-5"
    assert letter.key == record.key


async def test_a_stranger_reads_our_topics_with_a_plain_client(
    settings: BusSettings, publisher: Publisher, message: Any
) -> None:
    await publisher.publish([message(ORDER_EVENTS, 5)])
    consumer = AIOKafkaConsumer(
        settings.wire_name(ORDER_EVENTS), bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), 20)
    finally:
        await consumer.stop()
    assert dict(record.headers)["ce_id"] == b"id-5"
