"""What is written down of one order is never overwritten by an older picture of its account."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from common.connector.ports import OrderRef
from common.connector.trail import Trails
from common.connector.trail_store import TrailStore
from common.db.leases import Lease


class SlowPool:
    """A database whose statements end when they are told to; `done` lists them in the order in which they ended."""

    def __init__(self) -> None:
        self.under_way: list[tuple[str, asyncio.Event]] = []
        self.done: list[str] = []

    async def fetchval(self, statement: str, *values: Any) -> bool:
        await self.execute(statement, *values)
        return True

    async def execute(self, statement: str, *values: Any) -> None:
        what = "save" if "unnest" in statement else f"remember {','.join(json.loads(values[2]))}"
        ends = asyncio.Event()
        self.under_way.append((what, ends))
        await ends.wait()
        self.done.append(what)

    def end(self, place: int) -> None:
        self.under_way[place][1].set()


def a_store(pool: SlowPool, trails: Trails) -> TrailStore:
    lease = Lease("accounts", 0, "me", 1, 0.0)
    store = TrailStore(pool, trails, safe=lambda account_id: True)
    store.lease_of = lambda account_id: lease
    return store


def a_ref(name: str) -> OrderRef:
    return OrderRef(account_id="a", symbol="BTCUSDT", client_order_id=name)


async def test_an_order_is_written_down_after_the_picture_of_its_account_that_lacks_it(
    eventually: Callable[..., Any],
) -> None:
    pool, trails = SlowPool(), Trails()
    store = a_store(pool, trails)
    trails.touch("a")
    trails.of("a")
    saving = asyncio.create_task(store.flush())
    await eventually(lambda: pool.under_way)
    remembering = asyncio.create_task(store.remember(a_ref("s1")))
    await asyncio.sleep(0)
    assert [what for what, _ in pool.under_way] == ["save"]
    pool.end(0)
    await saving
    await eventually(lambda: len(pool.under_way) == 2)
    pool.end(1)
    await remembering
    assert pool.done == ["save", "remember s1"]


async def test_an_account_is_not_saved_while_one_of_its_orders_is_being_written_down(
    eventually: Callable[..., Any],
) -> None:
    pool, trails = SlowPool(), Trails()
    store = a_store(pool, trails)
    remembering = asyncio.create_task(store.remember(a_ref("s1")))
    await eventually(lambda: pool.under_way)
    trails.of("a")
    trails.touch("a")
    await store.flush()
    assert [what for what, _ in pool.under_way] == ["remember s1"]
    pool.end(0)
    await remembering
    saving = asyncio.create_task(store.flush())
    await eventually(lambda: len(pool.under_way) == 2)
    pool.end(1)
    await saving
    assert pool.done == ["remember s1", "save"]
