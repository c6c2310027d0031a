"""A paper exchange inside the test's own event loop, on ports that the system chooses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from paper_exchange.app import Running, run
from paper_exchange.clock import Clock
from paper_exchange.settings import Settings


@asynccontextmanager
async def serve(clock: Clock | None = None, **overrides: Any) -> AsyncIterator[Running]:
    """Control API and every face with a still market; `overrides` are fields of `Settings`."""
    ports = ("control_port", "binance_port", "bitget_port", "gateio_port", "mexc_port")
    settings = {**dict.fromkeys(ports, 0), "market": "still", **overrides}
    async with run(Settings(**settings), clock) as running:
        yield running
