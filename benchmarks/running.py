"""Runs a measurement on a stack of its own; the logs are kept where something went wrong."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.paper import ROOMY
from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.services import SERVICES
from common.runtime.stack import Stack, StackOptions

OUT = Path(".run") / "bench"


def on_a_stack(broker: str, measure: Callable[[Stack, Console], Awaitable[None]], needed: Sequence[str] = ()) -> int:
    """The exit status: 1 when a part did not come up, or did not do what is measured. All services by default."""
    console = Console() if sys.stdout.isatty() else Console(width=140)
    OUT.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=OUT)).absolute()
    services = tuple(service for service in SERVICES if not needed or service.name in needed)
    options = StackOptions(run_dir=folder, broker=BrokerKind(broker), settings=ROOMY, services=services)

    async def measured() -> None:
        async with Stack(options) as stack:
            await measure(stack, console)

    try:
        asyncio.run(measured())
    except CgtError as error:
        console.print(f"{error}\nThe logs are kept in {folder / 'logs'}", style="bold red", markup=False)
        return 1
    shutil.rmtree(folder)
    return 0
