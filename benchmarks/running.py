"""Runs a measurement in a folder or on a stack of its own; the logs are kept where something went wrong."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.paper import ROOMY
from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.services import SERVICES
from common.runtime.stack import Stack, StackOptions

OUT = Path(".run") / "bench"


class NotMeasured(CgtError):
    """What should have happened did not, or something was lost or doubled: the numbers do not count."""


def in_a_folder(measure: Callable[[Path, Console], Awaitable[None]]) -> int:
    """The exit status: 1 when the measurement says why it failed, and then what is in the folder is kept."""
    console = Console() if sys.stdout.isatty() else Console(width=140)
    OUT.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=OUT)).absolute()

    async def measured() -> None:
        await measure(folder, console)

    try:
        asyncio.run(measured())
    except CgtError as error:
        console.print(f"{error}\nThe logs are kept in {folder / 'logs'}", style="bold red", markup=False)
        return 1
    shutil.rmtree(folder)
    return 0


def on_a_stack(
    broker: str,
    measure: Callable[[Stack, Console], Awaitable[None]],
    needed: Sequence[str] = (),
    settings: Mapping[str, str] = ROOMY,
) -> int:
    """The same on a stack of its own: 1 also when a part of it did not come up. All services by default."""
    services = tuple(service for service in SERVICES if not needed or service.name in needed)

    async def measured(folder: Path, console: Console) -> None:
        options = StackOptions(run_dir=folder, broker=BrokerKind(broker), settings=settings, services=services)
        async with Stack(options) as stack:
            await measure(stack, console)

    return in_a_folder(measured)
