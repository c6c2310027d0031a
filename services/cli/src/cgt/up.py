"""`cgt up`: the whole system in the foreground, until Ctrl-C or until a part of it falls."""

import asyncio
import fcntl
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cgt import admin
from cgt.settings import stack_options
from common.errors import CgtError
from common.runtime.stack import Stack

_LOOK_EVERY_S = 0.5
_PAPER_PORT = "CGT_PORT_PAPER_"


class AlreadyUp(CgtError):
    """Another `cgt up` uses the same run folder."""


async def run(run_dir: Path) -> int:
    """Start, show where everything is, stop in order. 0 after Ctrl-C, 1 when it could not start or a part fell."""
    console = Console()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        options = stack_options(run_dir, os.environ)
        with _emptied(run_dir):
            console.print("Starting. Nothing here outlives this command; Ctrl-C stops it.")
            async with Stack(options) as stack:
                admin.remember(run_dir, stack.database_url)
                console.print(_where(stack))
                # A command that is wrapped is another one where it is pasted.
                console.print(_what_next(stack, run_dir), soft_wrap=True, markup=False, highlight=False)
                fallen = await _first_fallen(stack)
                console.print("Stopped by itself: " + "\n".join(fallen), style="bold red", markup=False)
                return 1
    except asyncio.CancelledError:
        console.print("\nStopped.")
        return 0
    except CgtError as error:
        console.print(str(error), style="bold red", markup=False)
        return 1


@contextmanager
def _emptied(run_dir: Path) -> Iterator[None]:
    """The run folder, ours alone and without what the last run left. Raises AlreadyUp."""
    run_dir.mkdir(parents=True, exist_ok=True)
    with (run_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyUp(f"Another run uses {run_dir}. Stop it, or give this one a folder: --run-dir.") from None
        for left in ("logs", "postgres", "kafka"):
            shutil.rmtree(run_dir / left, ignore_errors=True)
        try:
            yield
        finally:
            admin.forget(run_dir)


async def _first_fallen(stack: Stack) -> list[str]:
    while True:
        fallen = await stack.fallen()
        if fallen:
            return fallen
        await asyncio.sleep(_LOOK_EVERY_S)


def _where(stack: Stack) -> Table:
    table = Table("What", "Where", box=None, pad_edge=False)
    table.add_row("Gateway (REST, Socket.IO)", stack.gateway_url)
    table.add_row("API documentation", f"{stack.gateway_url}/api-docs")
    for setting, port in stack.ports.items():
        if setting.startswith(_PAPER_PORT):
            face = setting.removeprefix(_PAPER_PORT).lower()
            table.add_row(f"Paper exchange, {face}", f"http://127.0.0.1:{port}")
    for name, url in stack.urls.items():
        if name not in ("gateway", "paper-exchange"):
            table.add_row(f"{name} (internal)", url)
    table.add_row(f"Broker ({stack.options.broker})", stack.bootstrap)
    table.add_row("PostgreSQL", stack.database_url.rpartition("@")[2])
    table.add_row("Logs", str(stack.logs))
    return table


def _what_next(stack: Stack, run_dir: Path) -> str:
    return (
        "Ready. The paper exchange stands in for the real one. To trade on it, make an account there, with a key:\n"
        f"  curl -X POST {stack.paper_control_url}/control/binance/accounts "
        """-H 'content-type: application/json' -d '{"balances": {"USDT": "10000"}}'\n"""
        "then register (POST /auth/register), store the key (POST /api-credentials) and order (POST "
        "/exchanges/place-order).\n"
        f"An admin is made of whoever has registered by  cgt admin grant <email> --run-dir {run_dir}"
    )
