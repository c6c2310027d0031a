"""Which records a gateway reads, and which it passes over."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from common.bus.brokers import BusSettings
from common.bus.messages import Record
from common.bus.topics import ACCOUNTS, ORDER_EVENTS, Topic
from gateway.feed import Feed
from gateway.waiting import Waiting


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as said:
        yield said


def a_broken_record(topic: Topic, account_id: str) -> Record:
    """Whoever reads it says so."""
    return Record(topic.name, 0, 0, 0, account_id, b"{", {})


def a_feed(waiting: Waiting) -> Feed:
    return Feed(BusSettings(kafka_bootstrap="127.0.0.1:1"), waiting, None)  # type: ignore[arg-type]


def test_facts_are_read_only_while_somebody_waits_for_one_of_their_account(logs: list[Any]) -> None:
    waiting = Waiting()
    feed = a_feed(waiting)
    with waiting.for_facts([("mine", "order-1"), ("mine", "order-2")]):
        feed.take(a_broken_record(ORDER_EVENTS, "theirs"))
        assert logs == []
        feed.take(a_broken_record(ORDER_EVENTS, "mine"))
        assert [line["event"] for line in logs] == ["fact_not_read"]
    feed.take(a_broken_record(ORDER_EVENTS, "mine"))
    assert len(logs) == 1


def test_what_becomes_of_accounts_is_always_read(logs: list[Any]) -> None:
    a_feed(Waiting()).take(a_broken_record(ACCOUNTS, "theirs"))
    assert [line["event"] for line in logs] == ["fact_not_read"]
