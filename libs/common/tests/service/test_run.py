"""A service process from start to stop, as a process."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

pytestmark = pytest.mark.connected

PREAMBLE = """
import asyncio, sys
from contextlib import asynccontextmanager
from common.service.run import run
from common.errors import MissingSetting, Unavailable

def say(word): print(word, flush=True)

@asynccontextmanager
async def part(name):
    say(f"open {name}")
    yield name
    say(f"close {name}")
"""


@asynccontextmanager
async def service(body: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PREAMBLE + body, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def heard(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while (line := await process.stdout.readline()).decode().strip() != word:
            assert line, "it ended"


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, list[str], str]:
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, out.decode().split("\n")[:-1], err.decode()


ORDERLY = """
async def start(process):
    await process.enter(part("database"))
    stopped = asyncio.Event()
    async def loop():
        say("looping")
        await stopped.wait()
        say("looped")
    async def stop():
        say("stop loop"); stopped.set()
    process.spawn("loop", loop(), stop)
    process.spawn("forever", asyncio.sleep(3600))
    await process.enter(part("http"))
    say("ready")
run("orderly", start)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_parts_in_reverse_order(number: signal.Signals) -> None:
    async with service(ORDERLY) as process:
        await heard(process, "looping")
        process.send_signal(number)
        code, out, _ = await ended(process)
    assert code == 0
    assert out == ["close http", "stop loop", "looped", "close database"]


async def test_a_task_that_dies_ends_the_process_with_the_reason_and_still_closes_the_parts() -> None:
    async with service("""
async def start(process):
    await process.enter(part("database"))
    async def die():
        raise LookupError("the engine is broken")
    process.spawn("engine", die())
run("dying", start)
""") as process:  # fmt: skip
        code, out, err = await ended(process)
    assert code == 1
    assert out == ["open database", "close database"]
    assert "engine" in err
    assert "the engine is broken" in err


async def test_a_task_that_ends_too_early_ends_the_process_too() -> None:
    async with service("""
async def start(process):
    process.spawn("engine", asyncio.sleep(0))
run("early", start)
""") as process:  # fmt: skip
        code, _, err = await ended(process)
    assert code == 1
    assert "task_died" in err


async def test_what_a_started_process_is_made_of_is_no_work_for_the_collector() -> None:
    async with service("""
import gc
async def start(process):
    async def look():
        while not gc.get_freeze_count():
            await asyncio.sleep(0.01)
        say("frozen")
        await asyncio.sleep(3600)
    process.spawn("look", look())
run("frozen", start)
""") as process:  # fmt: skip
        await heard(process, "frozen")
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[0] == 0


async def test_a_start_that_still_waits_can_be_stopped() -> None:
    async with service("""
async def start(process):
    await process.enter(part("database"))
    say("waiting")
    await asyncio.sleep(3600)
run("waiting", start)
""") as process:  # fmt: skip
        await heard(process, "waiting")
        process.terminate()
        code, out, _ = await ended(process)
    assert code == 0
    assert out == ["close database"]


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        ('MissingSetting("CGT_X", "set it to 1")', 2, "CGT_X is not set: set it to 1"),
        ('Unavailable("the broker")', 1, "the broker is unavailable"),
        ('ValueError("a defect")', 1, "Traceback"),
    ],
)
async def test_a_start_that_fails_says_why(error: str, code: int, says: str) -> None:
    async with service(f"async def start(process):\n    raise {error}\nrun('failing', start)") as process:
        exit_code, _, err = await ended(process)
    assert exit_code == code
    assert says in err
    assert ("Traceback" in err) == ("defect" in error)
