"""Builds the parts and joins them; nothing else knows them all."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from paper_exchange.binance.face import BinanceFace
from paper_exchange.binance.limits import Limits
from paper_exchange.binance.server import BinanceServer
from paper_exchange.clock import Clock, SetClock, real_now_ms
from paper_exchange.control.binance import BinanceControl
from paper_exchange.control.server import control_app
from paper_exchange.core.instruments import DEFAULT_INSTRUMENTS
from paper_exchange.faults import Faults
from paper_exchange.settings import Settings


@dataclass(frozen=True, slots=True)
class Running:
    """A running paper exchange: its URLs, and its parts for those in the same process."""

    control_url: str
    binance_rest_url: str
    binance_ws_api_url: str
    binance_stream_url: str
    binance: BinanceServer
    control: BinanceControl


@asynccontextmanager
async def run(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Serve the control API and every face in the running event loop until the block ends."""
    clock = clock or (real_now_ms if settings.clock == "real" else SetClock(settings.clock))
    # Faults draw from a generator of their own, so that arming one does not change the market's path.
    rng, fault_rng = random.Random(settings.seed), random.Random(~settings.seed)  # noqa: S311
    limits = Limits(settings.weight_per_minute, settings.orders_per_10s, settings.orders_per_day)
    instruments = [
        replace(
            instrument,
            max_orders=settings.max_orders,
            max_algo_orders=settings.max_algo_orders,
            max_lists=settings.max_lists,
        )
        for instrument in DEFAULT_INSTRUMENTS
    ]
    face = BinanceFace(rng, clock(), limits, instruments)
    walk_every_ms = settings.walk_every_ms if settings.market == "walk" else None
    server = BinanceServer(face, clock, Faults(fault_rng), walk_every_ms=walk_every_ms)
    control = BinanceControl(server)
    runner = web.AppRunner(control_app([control]), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.control_port).start()
        control_port = int(runner.addresses[0][1])
        port = await server.start(settings.host, settings.binance_port)
        ws_url = f"ws://{settings.host}:{port}"
        yield Running(
            control_url=f"http://{settings.host}:{control_port}",
            binance_rest_url=f"http://{settings.host}:{port}",
            binance_ws_api_url=f"{ws_url}/ws-api/v3",
            binance_stream_url=ws_url,
            binance=server,
            control=control,
        )
    finally:
        await server.stop()
        await runner.cleanup()
