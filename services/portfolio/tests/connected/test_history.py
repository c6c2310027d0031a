"""A history that is shorter than what was made of it is called so, and never compared."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from common.bus.brokers import BusSettings
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS, shard_of
from common.codec import encode
from common.orders import Side, type_of
from portfolio.history import HistoryTooShort, read
from portfolio.testing.builders import ACCOUNT, a_fill_fact

pytestmark = pytest.mark.connected


@pytest_asyncio.fixture
async def settings(bootstrap: str, broker_kind: str, topic_prefix: str) -> AsyncIterator[BusSettings]:
    """A broker on which one fill was told, and something that cannot be read."""
    told = {"CGT_KAFKA_BOOTSTRAP": bootstrap, "CGT_BROKER": broker_kind, "CGT_TOPIC_PREFIX": topic_prefix}
    settings = BusSettings.from_env(told)
    fill = a_fill_fact(Side.BUY, "1", "100", trade=1)
    async with Publisher(settings, [ORDER_EVENTS], "test") as publisher:
        for number, value in enumerate((encode(fill), b"{}")):
            message = Outgoing(
                topic=ORDER_EVENTS.name,
                key=ACCOUNT,
                value=value,
                ce_id=f"fact-{number}",
                ce_type=type_of(fill),
                ce_source="test",
                ce_time_ms=1,
                correlation_id=None,
                causation_id=None,
            )
            await publisher.publish([message])
        yield settings


async def test_the_topics_are_read_up_to_the_wanted_positions_and_no_further(settings: BusSettings) -> None:
    place = (ORDER_EVENTS.name, shard_of(ACCOUNT, settings.partitions))
    history = await read(settings, {place: 1}, frozenset())
    assert (history.records, len(history.facts), history.unreadable) == (1, 1, 0)
    history = await read(settings, {place: 2}, frozenset())
    assert (history.records, len(history.facts), history.unreadable) == (2, 1, 1)


async def test_topics_that_end_too_early_and_other_brokers_cannot_be_compared(settings: BusSettings) -> None:
    place = (ORDER_EVENTS.name, shard_of(ACCOUNT, settings.partitions))
    with pytest.raises(HistoryTooShort, match=r"cgt.order-events.v1, partition \d+, ends before 3"):
        await read(settings, {place: 3}, frozenset())
    with pytest.raises(HistoryTooShort, match="not the one"):
        await read(settings, {place: 1}, frozenset({"a broker that is gone"}))
