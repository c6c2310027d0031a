"""Whoever waits goes on together with the others who wait, in the order in which they came."""

import asyncio
from collections.abc import Callable

from common.bus.turns import Turns


class Work:
    """Jobs that end when they are told to; `begun` lists them in the order in which they began."""

    def __init__(self) -> None:
        self._turns = Turns()
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.begun: list[str] = []

    async def come(self, *names: str) -> None:
        for name in names:
            self.begin(name)
        await _all_have_moved()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await self._tasks[name]
        await _all_have_moved()

    async def give_up(self, name: str) -> None:
        self.cancel(name)
        await _all_have_moved()

    async def end_and_at_once(self, name: str, then: Callable[[], object]) -> None:
        """`then` is done in the very moment in which `name` ends, before anybody else has moved."""
        self._tasks[name].add_done_callback(lambda _: then())
        await self.end(name)

    def begin(self, name: str) -> None:
        self._ends[name] = asyncio.Event()
        self._tasks[name] = asyncio.create_task(self._do(name))

    def cancel(self, name: str) -> None:
        self._tasks[name].cancel()

    async def _do(self, name: str) -> None:
        async with self._turns:
            self.begun.append(name)
            await self._ends[name].wait()


async def _all_have_moved() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_comes_in_one_moment_begins_together() -> None:
    work = Work()
    await work.come("a", "b", "c")
    assert work.begun == ["a", "b", "c"]
    await work.come("d")
    await work.end("a")
    await work.end("b")
    assert work.begun == ["a", "b", "c"]
    await work.end("c")
    assert work.begun == ["a", "b", "c", "d"]


async def test_who_comes_while_somebody_works_waits_and_all_who_wait_go_on_together() -> None:
    work = Work()
    await work.come("a")
    await work.come("b", "c")
    assert work.begun == ["a"]
    await work.end("a")
    assert work.begun == ["a", "b", "c"]


async def test_the_next_ones_wait_for_the_last_of_those_who_went_on_together() -> None:
    work = Work()
    await work.come("a")
    await work.come("b", "c")
    await work.end("a")
    await work.come("d")
    await work.end("b")
    assert work.begun == ["a", "b", "c"]
    await work.end("c")
    assert work.begun == ["a", "b", "c", "d"]


async def test_nobody_overtakes_those_whose_turn_it_is() -> None:
    work = Work()
    await work.come("a")
    await work.come("b")
    await work.end_and_at_once("a", lambda: work.begin("c"))
    assert work.begun == ["a", "b"]
    await work.end("b")
    assert work.begun == ["a", "b", "c"]


async def test_one_who_gives_up_while_waiting_holds_up_nobody() -> None:
    work = Work()
    await work.come("a")
    await work.come("b", "c")
    await work.give_up("b")
    await work.end("a")
    assert work.begun == ["a", "c"]
    await work.give_up("c")
    await work.come("d")
    assert work.begun == ["a", "c", "d"]


async def test_one_who_gives_up_in_the_moment_its_turn_comes_holds_up_nobody() -> None:
    work = Work()
    await work.come("a")
    await work.come("b")
    await work.end_and_at_once("a", lambda: work.cancel("b"))
    await work.come("c")
    assert work.begun[-1] == "c"
