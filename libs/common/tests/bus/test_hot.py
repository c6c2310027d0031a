"""The hot runner on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from common.bus.admin import admin_client
from common.bus.brokers import BrokerKind
from common.bus.errors import ShardLost
from common.bus.hot import HotRunner
from common.bus.messages import Record
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, shard_of
from common.errors import Unavailable

pytestmark = pytest.mark.connected


@asynccontextmanager
async def running(runner: HotRunner, shards: Sequence[int]) -> AsyncIterator[HotRunner]:
    await runner.assign(shards)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        await runner.stop()
        await task


@pytest.fixture
def runner(settings: Any, handler: Any, dead_letters: Any, known: Any) -> HotRunner:
    topics = (ORDER_INTENTS, ORDER_EVENTS)
    return HotRunner(settings, topics, handler, dead_letters=dead_letters, client_id="test", known=known)


async def test_records_of_a_shard_arrive_in_order_and_none_of_a_foreign_shard(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, key_in: Any, eventually: Any
) -> None:
    mine, foreign = key_in(1, settings.partitions), key_in(2, settings.partitions)
    async with running(runner, [1]):
        await eventually(lambda: runner.caught_up(1))
        for n in range(500):
            publisher.publish_nowait(message(ORDER_EVENTS, n, key=mine))
        await publisher.publish([message(ORDER_EVENTS, 9999, key=foreign)])
        await eventually(lambda: len(handler.records) == 500)
    assert handler.values == [b"%d" % n for n in range(500)]
    assert handler.stored[ORDER_EVENTS.name, 1] == 500


async def test_only_what_was_first_published_after_the_runner_had_caught_up_is_fresh(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, eventually: Any
) -> None:
    shard = shard_of("account-1", settings.partitions)
    await publisher.publish([message(ORDER_EVENTS, n) for n in range(10)])
    async with running(runner, [shard]):
        await eventually(lambda: runner.caught_up(shard))
        await publisher.publish([message(ORDER_EVENTS, 10)])
        await publisher.publish([message(ORDER_EVENTS, 11, redelivery=True)])
        await eventually(lambda: len(handler.records) == 12)
    assert [record.fresh for record in handler.records] == [False] * 10 + [True, False]


async def test_a_runner_goes_on_where_the_stored_positions_say(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, eventually: Any
) -> None:
    shard = shard_of("account-1", settings.partitions)
    await publisher.publish([message(ORDER_EVENTS, n) for n in range(10)])
    handler.stored[ORDER_EVENTS.name, shard] = 7
    async with running(runner, [shard]):
        await eventually(lambda: len(handler.records) == 3)
    assert handler.values == [b"7", b"8", b"9"]


async def test_what_arrives_while_a_batch_is_handled_forms_the_next_batch(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, eventually: Any
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        entered.set()
        await leave.wait()

    handler.before = wait
    shard = shard_of("account-1", settings.partitions)
    async with running(runner, [shard]):
        await publisher.publish([message(ORDER_EVENTS, 0)])
        await entered.wait()
        await publisher.publish([message(ORDER_EVENTS, n) for n in range(1, 151)])
        await eventually(lambda: runner.waiting(shard) == 150)
        leave.set()
        await eventually(lambda: len(handler.records) == 151)
    assert [len(batch) for batch in handler.batches] == [1, 150]


async def test_a_poison_record_is_parked_and_everything_around_it_handled_in_order(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, dead_letters: Any, message: Any, eventually: Any
) -> None:
    async def refuse(batch: Sequence[Record]) -> None:
        if any(record.value == b"13" for record in batch):
            raise ValueError("thirteen")

    handler.before = refuse
    shard = shard_of("account-1", settings.partitions)
    await publisher.publish([message(ORDER_EVENTS, n) for n in range(40)])
    async with running(runner, [shard]):
        await eventually(lambda: len(handler.records) == 39)
    assert handler.values == [b"%d" % n for n in range(40) if n != 13]
    assert [(record.value, reason) for record, reason in dead_letters.parked] == [(b"13", "ValueError: thirteen")]


async def test_an_unavailable_dependency_is_waited_for_and_no_record_parked(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, dead_letters: Any, message: Any, eventually: Any
) -> None:
    attempts = 0

    async def unavailable_twice(_: Sequence[Record]) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise Unavailable("the database")

    handler.before = unavailable_twice
    await publisher.publish([message(ORDER_EVENTS)])
    async with running(runner, [shard_of("account-1", settings.partitions)]):
        await eventually(lambda: len(handler.records) == 1)
    assert attempts == 3
    assert not dead_letters.parked


async def test_a_shard_lost_to_another_owner_is_dropped_and_the_others_go_on(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, dead_letters: Any, message: Any, key_in: Any,
    eventually: Any,
) -> None:  # fmt: skip
    async def fenced(batch: Sequence[Record]) -> None:
        if batch[0].partition == 1:
            raise ShardLost(1)

    handler.before = fenced
    one, two = key_in(1, settings.partitions), key_in(2, settings.partitions)
    async with running(runner, [1, 2]):
        await publisher.publish([message(ORDER_EVENTS, 1, key=one)])
        await eventually(lambda: runner.shards == {2})
        await publisher.publish([message(ORDER_EVENTS, 2, key=two)])
        await eventually(lambda: handler.values == [b"2"])
    assert not dead_letters.parked


async def test_shards_come_and_go_while_the_others_are_read(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, key_in: Any, eventually: Any
) -> None:
    one, two = key_in(1, settings.partitions), key_in(2, settings.partitions)

    async def both(n: int) -> None:
        await publisher.publish([message(ORDER_EVENTS, n, key=one), message(ORDER_EVENTS, n, key=two)])

    def seen() -> set[tuple[int, bytes | None]]:
        return {(record.partition, record.value) for record in handler.records}

    async with running(runner, [1]):
        await both(0)
        await eventually(lambda: seen() == {(1, b"0")})
        await runner.assign([2])
        await both(1)
        await eventually(lambda: seen() == {(1, b"0"), (2, b"0"), (1, b"1"), (2, b"1")})
        await runner.revoke([1])
        await both(2)
        await eventually(lambda: (2, b"2") in seen())
    assert (1, b"2") not in seen()
    assert len(handler.records) == 5


async def test_revoking_waits_for_the_batch_in_hand(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any
) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        entered.set()
        await leave.wait()

    handler.before = wait
    shard = shard_of("account-1", settings.partitions)
    async with running(runner, [shard]):
        await publisher.publish([message(ORDER_EVENTS)])
        await entered.wait()
        revoking = asyncio.create_task(runner.revoke([shard]))
        await asyncio.sleep(0)
        assert not revoking.done()
        leave.set()
        await revoking
    assert handler.values == [b"0"]


async def test_more_than_memory_should_hold_waits_at_the_broker_and_none_is_lost(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, eventually: Any
) -> None:
    leave = asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        await leave.wait()

    handler.before = wait
    shard = shard_of("account-1", settings.partitions)
    total = 12_000
    async with running(runner, [shard]):
        for start in range(0, total, 500):
            await publisher.publish([message(ORDER_EVENTS, n) for n in range(start, start + 500)])
        await eventually(lambda: runner.waiting(shard) >= 2_000)
        leave.set()
        await eventually(lambda: len(handler.records) == total)
    assert handler.values == [b"%d" % n for n in range(total)]


async def test_positions_beyond_the_end_mean_the_broker_came_back_empty(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, message: Any, eventually: Any
) -> None:
    shard = shard_of("account-1", settings.partitions)
    handler.stored[ORDER_EVENTS.name, shard] = 500
    await publisher.publish([message(ORDER_EVENTS, n) for n in range(3)])
    async with running(runner, [shard]):
        await eventually(lambda: len(handler.records) == 3)
    assert handler.resets == [shard]
    assert handler.stored[ORDER_EVENTS.name, shard] == 3


async def test_records_dropped_unread_are_a_reset_and_what_is_left_is_read(
    settings: Any, broker_kind: str, publisher: Any, runner: HotRunner, handler: Any, message: Any, eventually: Any
) -> None:
    if broker_kind != BrokerKind.KAFKA:
        pytest.skip("the embedded broker drops nothing")
    shard = shard_of("account-1", settings.partitions)
    handler.stored[ORDER_EVENTS.name, shard] = 2
    await publisher.publish([message(ORDER_EVENTS, n) for n in range(6)])
    async with admin_client(settings) as admin:
        place = TopicPartition(settings.wire_name(ORDER_EVENTS), shard)
        await admin.delete_records({place: RecordsToDelete(before_offset=4)})
    async with running(runner, [shard]):
        await eventually(lambda: handler.values == [b"4", b"5"])
        await publisher.publish([message(ORDER_EVENTS, 6)])
        await eventually(lambda: handler.values == [b"4", b"5", b"6"])
    assert handler.resets == [shard]
    assert handler.stored[ORDER_EVENTS.name, shard] == 7


async def test_positions_of_another_broker_are_not_used_even_when_they_would_fit(
    settings: Any, publisher: Any, runner: HotRunner, handler: Any, known: Any, message: Any, eventually: Any
) -> None:
    shard = shard_of("account-1", settings.partitions)
    handler.stored[ORDER_EVENTS.name, shard] = 2
    known.brokers[shard] = "the broker before"
    await publisher.publish([message(ORDER_EVENTS, n) for n in range(3)])
    async with running(runner, [shard]):
        await eventually(lambda: len(handler.records) == 3)
    assert handler.resets == [shard]
    assert known.brokers[shard] != "the broker before"


async def test_an_impossible_state_of_the_handler_ends_the_run(
    settings: Any, runner: HotRunner, handler: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: int) -> Callable[[], None]:
        raise LookupError("defect")

    monkeypatch.setattr(handler, "positions", broken)
    await runner.assign([0])
    with pytest.raises(LookupError):
        await runner.run()
