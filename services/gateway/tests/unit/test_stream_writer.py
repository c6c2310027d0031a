"""Facts to numbered events: whose, in which order, and what is passed over. On a store in memory."""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.bus.topics import BALANCE_EVENTS, ORDER_EVENTS, PROTECTION_EVENTS
from common.codec import encode
from common.db.leases import Lease
from common.errors import Unavailable
from common.exchanges import Exchange
from common.intents import CancelAllOrdersIntent
from common.orders import OrderAccepted, OrderStatus
from common.protection import BracketOpened
from gateway.stream.hub import Hub
from gateway.stream.writer import Writer
from gateway.testing.builders import order_fact, protection_fact
from gateway.testing.events import MemoryEvents

INTENT = CancelAllOrdersIntent(
    intent_id="i",
    user_id="u",
    account_id="a",
    exchange=Exchange.BINANCE,
    symbol="BTCUSDT",
    ts_init_ms=1,
    valid_until_ms=2,
)
ACCEPTED = encode(order_fact(OrderAccepted, INTENT, status=OrderStatus.NEW))
OPENED = encode(protection_fact(BracketOpened, INTENT, intent_id="i", entry_client_order_id=None, plan=None))


class Owners:
    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def owner(self, account_id: str) -> str | None:
        self.asked += 1
        if self.away:
            raise Unavailable("credentials-vault")
        return {"a": "u", "b": "v"}.get(account_id)


class Positions:
    def __init__(self) -> None:
        self.forgotten: list[int] = []

    async def positions(self, shard: int) -> Mapping[tuple[str, int], int]:
        return {(ORDER_EVENTS.name, shard): 5}

    async def forget(self, shard: int) -> None:
        self.forgotten.append(shard)


class House:
    def __init__(self) -> None:
        self.store, self.owners, self.positions = MemoryEvents(), Owners(), Positions()
        self.hub = Hub(self.store)
        self.writer = Writer(self.store, self.positions, self.owners, self.hub, 60_000)
        self.writer.gain(Lease("events", 0, "me", 1, float("inf")))

    async def names(self, user_id: str = "u") -> list[str]:
        return [event.name for event in await self.store.after(user_id, 0, 100)]


@pytest.fixture
async def house() -> House:
    house = House()
    await house.store.listen("u")
    return house


def record(value: bytes | None, *, key: str | None = "a", ce_id: str = "1", **changes: Any) -> Record:
    fields: dict[str, Any] = {"topic": ORDER_EVENTS.name, "offset": 0, "timestamp_ms": time.time_ns() // 1_000_000}
    return Record(partition=0, key=key, value=value, headers={"ce_id": ce_id}, **(fields | changes))


async def test_a_fact_becomes_its_events_in_their_order_once(house: House) -> None:
    batch = [record(ACCEPTED), record(OPENED, ce_id="2", topic=PROTECTION_EVENTS.name), record(ACCEPTED)]
    await house.writer.handle(0, batch)
    await house.writer.handle(0, batch)
    assert await house.names() == ["order_update", "protection_update", "position_update"]


async def test_who_listens_here_is_told_without_a_look_at_the_database(house: House) -> None:
    stream, _ = await house.hub.join("u")
    await house.writer.handle(0, [record(ACCEPTED)])
    assert [event.seq for event in await house.hub.after(stream, 0)] == [1]
    assert house.store.reads == 0


@pytest.mark.parametrize(
    "passed_over",
    [
        record(None),
        record(b"rubbish"),
        record(ACCEPTED, key=None),
        record(ACCEPTED, key="nobodys"),
        record(ACCEPTED, key="b"),
        record(ACCEPTED, timestamp_ms=1),
    ],
    ids=["tombstone", "unreadable", "no key", "unknown account", "nobody listens", "older than the retention"],
)
async def test_what_makes_no_event_holds_nothing_up(house: House, passed_over: Record) -> None:
    await house.writer.handle(0, [passed_over, record(ACCEPTED, ce_id="2")])
    assert await house.names() == ["order_update"]
    assert await house.names("v") == []


async def test_a_user_who_begins_to_listen_misses_nothing_from_then_on(house: House) -> None:
    await house.writer.handle(0, [record(ACCEPTED, key="b")])
    await house.store.listen("v")
    await house.writer.handle(0, [record(ACCEPTED, key="b", ce_id="2")])
    assert await house.names("v") == ["order_update"]


async def test_a_balance_is_told_as_well(house: House) -> None:
    balance = (
        b'{"type":"balance.changed","account_id":"a","exchange":"binance","ts_event_ms":1,"ts_init_ms":1,'
        b'"balances":[{"asset":"BTC","free":"0.10","locked":"0"}]}'
    )
    await house.writer.handle(0, [record(balance, topic=BALANCE_EVENTS.name)])
    (event,) = await house.store.after("u", 0, 10)
    assert '"balances":[{"asset":"BTC","free":"0.1","locked":"0","total":"0.1"}]' in event.json


async def test_nothing_is_written_for_a_shard_that_is_not_ours(house: House) -> None:
    house.writer.lose(0)
    with pytest.raises(ShardLost):
        await house.writer.handle(0, [record(ACCEPTED)])
    assert await house.names() == []


async def test_an_owner_that_cannot_be_asked_for_is_waited_for(house: House) -> None:
    house.owners.away = True
    with pytest.raises(Unavailable):
        await house.writer.handle(0, [record(ACCEPTED)])
    house.owners.away = False
    await house.writer.handle(0, [record(ACCEPTED)])
    assert await house.names() == ["order_update"]


async def test_an_empty_broker_is_read_from_its_beginning_and_what_is_known_stays_known(house: House) -> None:
    await house.writer.handle(0, [record(ACCEPTED)])
    await house.writer.broker_reset(0)
    assert house.positions.forgotten == [0]
    await house.writer.handle(0, [record(ACCEPTED)])
    assert await house.names() == ["order_update"]
