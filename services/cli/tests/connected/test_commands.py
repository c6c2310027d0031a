"""The commands of the README, run as a user runs them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cgt.venues import VENUES
from common.bus.brokers import BrokerKind
from common.runtime.process import accepts_connections
from common.runtime.services import listeners

pytestmark = [pytest.mark.connected, pytest.mark.e2e]

ANY_PORTS = {listener.chosen_by: "0" for listener in listeners()}


@asynccontextmanager
async def _cgt(*arguments: str, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("cgt"),
        *arguments,
        env={**os.environ, "COLUMNS": "200", **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _lines_until(process: asyncio.subprocess.Process, said: str) -> str:
    assert process.stdout is not None
    lines = ""
    while said not in lines:
        line = await process.stdout.readline()
        assert line, f"it ended without saying {said!r}; it said:\n{lines}"
        lines += line.decode()
    return lines


async def _said(*arguments: str) -> tuple[int | None, str]:
    async with _cgt(*arguments) as process:
        said, _ = await process.communicate()
    return process.returncode, said.decode()


async def test_the_demo_observes_a_whole_protected_trade_on_every_exchange(broker_kind: BrokerKind) -> None:
    async with _cgt("demo", "--exchange", "all", CGT_BROKER=broker_kind) as process:
        said, _ = await process.communicate()
    told = said.decode()
    assert process.returncode == 0, told
    for venue in VENUES.values():
        for step in (
            f"A trade on {venue.name}",
            "Key stored",
            "Order placed",
            "Entry filled",
            f"{venue.pair} 1 in place",
            f"{venue.pair} 2 in place",
            "First target done",
            "Stop hit",
            "Position flat",
            "PnL net of fees",
            "Socket.IO events",
        ):
            assert step in told
            told = told[told.index(step) :]


async def test_the_demo_of_an_exchange_that_is_not_there_is_refused() -> None:
    async with _cgt("demo", "--exchange", "nosuch") as process:
        said, _ = await process.communicate()
    assert process.returncode == 2
    assert "'nosuch'" in said.decode()


async def test_ctrl_c_stops_everything_that_up_started(tmp_path: Path) -> None:
    async with _cgt("up", "--run-dir", str(tmp_path), **ANY_PORTS) as process:
        said = await _lines_until(process, "Ready.")
        assert await _said("admin", "list", "--run-dir", str(tmp_path)) == (0, "there are no admins\n")
        nobody = await _said("admin", "grant", "nobody@example.com", "--run-dir", str(tmp_path))
        ports = [int(line.rpartition(":")[2].partition("/")[0]) for line in said.splitlines() if "127.0.0.1:" in line]
        assert len(ports) >= len(listeners())
        process.send_signal(signal.SIGINT)
        await process.communicate()
    assert process.returncode == 0
    assert nobody[0] == 2
    assert "nobody is registered as nobody@example.com" in nobody[1]
    assert (await _said("admin", "list", "--run-dir", str(tmp_path)))[0] == 2
    assert not any([await accepts_connections(port) for port in ports])


async def test_a_second_up_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with _cgt("up", "--run-dir", str(tmp_path), **ANY_PORTS) as first:
        await _lines_until(first, "Starting.")
        async with _cgt("up", "--run-dir", str(tmp_path), **ANY_PORTS) as second:
            said, _ = await second.communicate()
    assert second.returncode == 1
    assert "Another run uses" in said.decode()
