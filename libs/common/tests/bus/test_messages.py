"""Topics, keys and CloudEvents headers: pure."""

from aiokafka import ConsumerRecord
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from common.bus.brokers import BrokerKind, BusSettings
from common.bus.dead_letters import dead_letter
from common.bus.messages import Outgoing, Record, again, from_rfc3339, record_from, rfc3339
from common.bus.topics import ACCOUNTS, ORDER_EVENTS, all_topics, shard_of


def raw(headers: list[tuple[str, bytes]], value: bytes | None = b"{}", offset: int = 7) -> ConsumerRecord:
    return ConsumerRecord(ORDER_EVENTS.name, 1, offset, 1_000, 0, b"account-1", value, 0, 9, 2, tuple(headers))


def outgoing(**changes: object) -> Outgoing:
    fields = {
        "topic": ORDER_EVENTS.name, "key": "account-1", "value": b"{}", "ce_id": "id", "ce_type": "type",
        "ce_source": "source", "ce_time_ms": 1_795_341_600_123, "correlation_id": "corr", "causation_id": "cause",
    }  # fmt: skip
    return Outgoing(**(fields | changes))  # type: ignore[arg-type]


def test_a_message_comes_back_as_it_was_sent() -> None:
    sent = outgoing(traceparent="00-1-2-01", redelivery=True)
    read = record_from(raw(sent.headers()), ORDER_EVENTS.name)
    assert (read.ce_id, read.ce_type, read.ce_source, read.ce_time_ms) == ("id", "type", "source", sent.ce_time_ms)
    assert (read.correlation_id, read.causation_id, read.traceparent) == ("corr", "cause", "00-1-2-01")
    assert (read.ce_specversion, read.content_type, read.redelivery) == ("1.0", "application/json", True)
    assert (read.key, read.value, read.headers["ce_time"]) == ("account-1", b"{}", "2026-11-22T10:00:00.123Z")


def test_a_message_published_again_is_the_same_and_marked_where_asked() -> None:
    sent = outgoing(traceparent="00-1-2-01")
    read = record_from(raw(sent.headers()), ORDER_EVENTS.name)
    assert again(read) == sent
    assert again(read, redelivery=True) == outgoing(traceparent="00-1-2-01", redelivery=True)
    assert again(record_from(raw(outgoing(redelivery=True).headers()), ORDER_EVENTS.name)).redelivery


def test_what_is_absent_is_no_header() -> None:
    names = {name for name, _ in outgoing(correlation_id=None, causation_id=None).headers()}
    assert names == {"ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type"}


def test_a_record_of_a_stranger_is_read_without_failing() -> None:
    read = record_from(raw([("ce_time", b"yesterday"), ("junk", b"\xff\xfe")], value=None), ORDER_EVENTS.name)
    assert read.ce_id == "cgt.order-events.v1/1/7"
    assert read.ce_time_ms == 1_000
    assert read.headers["junk"] == "\\xff\\xfe"
    assert read.value is None


def test_a_redelivery_is_never_fresh_and_nothing_is_before_the_end_is_known() -> None:
    repeated = outgoing(redelivery=True).headers()
    assert not record_from(raw(repeated), ORDER_EVENTS.name, fresh_from=0).fresh
    assert not record_from(raw([]), ORDER_EVENTS.name, fresh_from=None).fresh
    assert not record_from(raw([]), ORDER_EVENTS.name, fresh_from=8).fresh
    assert record_from(raw([]), ORDER_EVENTS.name, fresh_from=7).fresh


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_times_survive_the_way_through_a_header(time_ms: int) -> None:
    assert from_rfc3339(rfc3339(time_ms)) == time_ms


@given(st.text(max_size=40), st.integers(min_value=1, max_value=64))
def test_a_key_has_the_shard_kafka_clients_would_choose(key: str, partitions: int) -> None:
    assert shard_of(key, partitions) == DefaultPartitioner()(key.encode(), list(range(partitions)), [])


def test_the_topics_of_a_deployment_are_those_of_the_design() -> None:
    assert [topic.name for topic in all_topics(["binance"])] == [
        "cgt.order-intents.v1",
        "cgt.order-events.v1",
        "cgt.balance-events.v1",
        "cgt.protection-events.v1",
        "cgt.portfolio-events.v1",
        "cgt.accounts.v1",
        "cgt.dead-letters.v1",
        "cgt.order-commands.binance.v1",
        "cgt.market-data.binance.v1",
    ]
    assert ACCOUNTS.compacted
    assert ORDER_EVENTS.history


def test_the_broker_kind_decides_the_number_of_shards_unless_it_is_set() -> None:
    assert BusSettings.from_env({}).partitions == 4
    assert BusSettings.from_env({"CGT_BROKER": "kafka"}).partitions == 8
    assert BusSettings.from_env({"CGT_BROKER": "kafka", "CGT_PARTITIONS": "3"}).partitions == 3
    assert BusSettings.from_env({"CGT_BROKER": "kafka"}).traits.idempotent_producer
    assert BusSettings.from_env({}).broker is BrokerKind.EMBEDDED


def test_parking_a_record_twice_is_the_same_dead_letter() -> None:
    record = Record(ORDER_EVENTS.name, 1, 7, 1_000, None, b"\xff", {"ce_id": "id"})
    first, second = (dead_letter(record, "why", "engine", now_ms) for now_ms in (1, 2))
    assert first.ce_id == second.ce_id
    assert first.key == ORDER_EVENTS.name
    assert b'"value_base64":"/w=="' in (first.value or b"")
