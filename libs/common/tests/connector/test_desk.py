"""The desk: every command once, in the order its order needs, and no position past an unfinished one."""

import asyncio
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from common.bus.errors import ShardLost
from common.bus.messages import Record
from common.codec import encode
from common.commands import CancelOrder, Command, SubmitOrder
from common.connector.desk import CommandDesk, Held, LeaseEnded, Task
from common.db.leases import Lease
from common.errors import UnreadableMessage
from common.exchanges import Exchange
from common.orders import OrderType, Side

MAX_IN_FLIGHT = 3


def about(number: int) -> dict[str, Any]:
    return {
        "command_id": f"command-{number}",
        "bracket_id": "b",
        "account_id": "a",
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "ts_init_ms": 0,
        "valid_until_ms": 2**53,
    }


def submit(number: int, order: str, account_id: str = "a") -> SubmitOrder:
    return SubmitOrder(
        **about(number) | {"account_id": account_id}, client_order_id=order, side=Side.BUY,
        order_type=OrderType.MARKET, qty=Decimal(1),
    )  # fmt: skip


def cancel(number: int, order: str) -> CancelOrder:
    return CancelOrder(**about(number), client_order_id=order)


def record(offset: int, command: Command | None) -> Record:
    value = b"{}" if command is None else encode(command)
    return Record("commands", 0, offset, 0, "a", value, {}, fresh=True)


class Execution:
    """Carries commands out when it is told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.interrupted: list[bool] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.error: Exception | None = None

    async def __call__(self, task: Task) -> None:
        self.begun.append(task.command.command_id)
        self.interrupted.append(task.interrupted)
        if self.error is not None:
            raise self.error
        await self.gates.setdefault(task.command.command_id, asyncio.Event()).wait()
        if not task.held.lease.valid():
            raise LeaseEnded

    def finish(self, *numbers: int) -> None:
        for number in numbers:
            self.gates.setdefault(f"command-{number}", asyncio.Event()).set()


class Letters:
    def __init__(self) -> None:
        self.parked: list[Record] = []

    async def park(self, record: Record, reason: str) -> None:
        self.parked.append(record)


class Transaction:
    async def __aenter__(self) -> "Transaction":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class MemoryPool(Transaction):
    """The part of a pool that storing a position needs."""

    def __init__(self) -> None:
        self.stored: list[int] = []

    def acquire(self) -> "MemoryPool":
        return self

    def transaction(self) -> Transaction:
        return Transaction()

    async def execute(self, statement: str, *values: Any) -> None:
        self.stored.append(values[-1][0])

    async def __aenter__(self) -> "MemoryPool":
        return self


class Bench:
    def __init__(self) -> None:
        self.lease = Lease("accounts", 0, "me", 1, time.monotonic() + 1_000)
        self.held: Held | None = Held(self.lease, 0)
        self.execution, self.letters, self.pool = Execution(), Letters(), MemoryPool()
        self.desk = CommandDesk(
            self.pool, "test", self.execution, lambda shard: self.held, self.letters, max_in_flight=MAX_IN_FLIGHT
        )

    async def take(self, *records: Record) -> None:
        await self.desk.handle(0, records)
        await asyncio.sleep(0)

    async def stored(self) -> Sequence[int]:
        for _ in range(5):
            await asyncio.sleep(0)
        await self.desk.flush()
        return self.pool.stored


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_commands_about_different_orders_run_at_once(bench: Bench) -> None:
    await bench.take(record(0, submit(1, "x")), record(1, submit(2, "y")))
    assert bench.execution.begun == ["command-1", "command-2"]


async def test_a_command_waits_for_the_one_before_it_about_the_same_order(bench: Bench, eventually: Any) -> None:
    await bench.take(record(0, submit(1, "x")), record(1, cancel(2, "x")), record(2, submit(3, "y")))
    assert bench.execution.begun == ["command-1", "command-3"]
    bench.execution.finish(1)
    await eventually(lambda: "command-2" in bench.execution.begun)


async def test_an_account_whose_commands_wait_does_not_hold_up_another(bench: Bench, eventually: Any) -> None:
    flood = [record(number, submit(number, f"x-{number}", "flood")) for number in range(MAX_IN_FLIGHT + 2)]
    await bench.take(*flood, record(99, submit(99, "y", "other")))
    assert bench.execution.begun == ["command-0", "command-1", "command-2", "command-99"]
    bench.execution.finish(1)
    await eventually(lambda: "command-3" in bench.execution.begun)
    assert "command-4" not in bench.execution.begun


async def test_a_command_that_came_before_is_dropped(bench: Bench) -> None:
    await bench.take(record(0, submit(1, "x")))
    await bench.take(record(1, submit(1, "x")))
    assert bench.execution.begun == ["command-1"]


async def test_a_position_never_passes_an_unfinished_command(bench: Bench) -> None:
    await bench.take(record(0, submit(1, "x")), record(1, submit(2, "y")), record(2, submit(3, "z")))
    bench.execution.finish(2, 3)
    assert await bench.stored() == []
    bench.execution.finish(1)
    assert await bench.stored() == [3]
    assert await bench.stored() == [3]


async def test_a_command_whose_lease_ended_is_left_to_the_next_owner(bench: Bench) -> None:
    bench.execution.error = LeaseEnded()
    await bench.take(record(0, submit(1, "x")))
    assert await bench.stored() == []
    assert bench.letters.parked == []


async def test_a_command_whose_lease_ended_is_known_as_interrupted_when_it_is_read_again(bench: Bench) -> None:
    bench.execution.error = LeaseEnded()
    await bench.take(record(0, submit(1, "x")))
    await asyncio.sleep(0)
    bench.execution.error = None
    await bench.take(record(0, submit(1, "x")), record(1, submit(2, "y")))
    assert bench.execution.interrupted == [False, True, False]


async def test_a_command_read_again_before_its_lease_was_found_ended_is_begun_again(
    bench: Bench, eventually: Any
) -> None:
    await bench.take(record(0, submit(1, "x")))
    bench.lease.deadline_s = 0
    bench.held = Held(Lease("accounts", 0, "me", 2, time.monotonic() + 1_000), 0)
    await bench.take(record(0, submit(1, "x")))
    assert bench.execution.begun == ["command-1"]
    bench.execution.finish(1)
    await eventually(lambda: bench.execution.interrupted == [False, True])
    assert await bench.stored() == [1]


async def test_a_defect_is_parked_and_holds_up_nobody(bench: Bench) -> None:
    bench.execution.error = RuntimeError("a defect")
    await bench.take(record(0, submit(1, "x")))
    assert await bench.stored() == [1]
    assert [each.offset for each in bench.letters.parked] == [0]


async def test_nothing_of_a_batch_is_done_when_one_of_it_cannot_be_read(bench: Bench) -> None:
    with pytest.raises(UnreadableMessage):
        await bench.take(record(0, submit(1, "x")), record(1, None))
    assert bench.execution.begun == []


async def test_nothing_is_done_without_a_lease(bench: Bench) -> None:
    bench.lease.deadline_s = 0
    with pytest.raises(ShardLost):
        await bench.take(record(0, submit(1, "x")))


async def test_a_shard_is_given_up_when_what_is_under_way_has_finished(bench: Bench) -> None:
    await bench.take(record(0, submit(1, "x")))
    finishing = asyncio.create_task(bench.desk.finish(0))
    await asyncio.sleep(0)
    assert not finishing.done()
    bench.execution.finish(1)
    await finishing
    assert bench.pool.stored == [1]
