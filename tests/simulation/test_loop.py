"""Virtual time, and processes that die in it without a word."""

import asyncio
import time

import pytest

from tests.simulation.determinism import BEGIN_MS, determined
from tests.simulation.loop import Livelock, Node, VirtualLoop


def test_an_hour_of_waiting_takes_no_time_and_shows_on_every_clock() -> None:
    loop = VirtualLoop()

    async def wait() -> tuple[float, int]:
        await asyncio.sleep(3_600)
        return time.monotonic(), time.time_ns() // 1_000_000

    with determined(loop, 1):
        assert loop.run_until_complete(loop.spawn(None, wait())) == (3_600, BEGIN_MS + 3_600_000)


def test_a_killed_process_does_nothing_any_more_not_even_at_its_end() -> None:
    loop, node, done = VirtualLoop(), Node("service"), list[str]()

    async def work() -> None:
        try:
            done.append("begun")
            await asyncio.sleep(2)
        finally:
            done.append("cleaned up")

    async def world() -> None:
        loop.spawn(node, work())
        await asyncio.sleep(1)
        node.kill()
        await asyncio.sleep(5)

    loop.run_until_complete(loop.spawn(None, world()))
    assert done == ["begun"]


def test_a_process_that_is_held_up_does_late_what_was_due() -> None:
    loop, node, done = VirtualLoop(), Node("service"), list[float]()

    async def work() -> None:
        for _ in range(3):
            await asyncio.sleep(1)
            done.append(loop.time())

    async def world() -> None:
        loop.spawn(node, work())
        await asyncio.sleep(1.5)
        node.hold(loop, 3)
        await asyncio.sleep(10)

    loop.run_until_complete(loop.spawn(None, world()))
    assert done == [1.0, 4.5, 5.5]


def test_a_clock_that_is_ahead_is_ahead_for_its_process_alone() -> None:
    loop, node = VirtualLoop(), Node("service")
    node.skew_ms = 700

    async def look() -> int:
        return time.time_ns() // 1_000_000

    with determined(loop, 1):
        assert loop.run_until_complete(loop.spawn(node, look())) == BEGIN_MS + 700
        assert loop.run_until_complete(loop.spawn(None, look())) == BEGIN_MS


def test_what_never_waits_ends_the_history() -> None:
    loop = VirtualLoop()

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Livelock):
        loop.run_until_complete(loop.spawn(None, spin()))
