"""How a shard's worker forms batches, without a broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from common.bus.messages import Record
from common.bus.shard import ShardWorker
from common.bus.topics import ORDER_EVENTS

NEVER_S = 3600.0


def a_record(offset: int, word: str) -> Record:
    return Record(ORDER_EVENTS.name, 1, offset, 0, "account", word.encode(), {}, fresh=True)


def confirms(record: Record) -> bool:
    return record.value == b"confirmed"


@pytest.fixture
async def working(handler: Any, dead_letters: Any, eventually: Any) -> AsyncIterator[Callable[[float], Any]]:
    workers: list[ShardWorker] = []

    async def start(company_s: float) -> ShardWorker:
        worker = ShardWorker(
            1, [ORDER_EVENTS], handler, dead_letters, None, on_change=lambda: None,
            patient=confirms, company_s=company_s,
        )  # fmt: skip
        workers.append(worker)
        worker.open("cluster")
        await eventually(lambda: bool(worker.positions))
        return worker

    yield start
    for worker in workers:
        await worker.finish()


async def test_what_nobody_waits_for_is_handled_with_what_somebody_does(
    working: Any, handler: Any, eventually: Any
) -> None:
    worker = await working(NEVER_S)
    worker.put([a_record(0, "confirmed")])
    worker.put([a_record(1, "confirmed")])
    await asyncio.sleep(0)
    assert handler.batches == []
    worker.put([a_record(2, "filled")])
    await eventually(lambda: bool(handler.batches))
    assert handler.values == [b"confirmed", b"confirmed", b"filled"]
    assert len(handler.batches) == 1


async def test_what_nobody_waits_for_is_handled_in_the_end(working: Any, handler: Any, eventually: Any) -> None:
    worker = await working(0.001)
    worker.put([a_record(0, "confirmed")])
    await eventually(lambda: handler.values == [b"confirmed"])
    worker.put([a_record(1, "confirmed")])
    await eventually(lambda: handler.values == [b"confirmed", b"confirmed"])


async def test_a_worker_whose_records_wait_can_be_told_to_finish(working: Any, handler: Any) -> None:
    worker = await working(NEVER_S)
    worker.put([a_record(0, "confirmed")])
    await worker.finish()
    assert handler.batches == []
