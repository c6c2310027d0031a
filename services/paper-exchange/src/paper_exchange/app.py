"""Builds the parts and joins them; nothing else knows them all."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from paper_exchange.binance.face import BinanceFace
from paper_exchange.binance.limits import Limits
from paper_exchange.binance.server import BinanceServer
from paper_exchange.bitget.server import BitgetServer
from paper_exchange.bitget.venue import Venue
from paper_exchange.clock import Clock, SetClock, real_now_ms
from paper_exchange.control.binance import BinanceControl
from paper_exchange.control.bitget import BitgetControl
from paper_exchange.control.gateio import GateControl
from paper_exchange.control.mexc import MexcControl
from paper_exchange.control.server import control_app
from paper_exchange.core.instruments import DEFAULT_INSTRUMENTS, Instrument
from paper_exchange.faults import Faults
from paper_exchange.gateio.server import GateServer
from paper_exchange.gateio.venue import Venue as GateVenue
from paper_exchange.mexc.server import MexcServer
from paper_exchange.serving import FaceServer
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
    bitget_rest_url: str
    bitget_ws_public_url: str
    bitget_ws_private_url: str
    bitget_uta_ws_public_url: str
    bitget_uta_ws_private_url: str
    bitget: BitgetServer
    bitget_control: BitgetControl
    gateio_rest_url: str
    gateio_ws_url: str
    gateio: GateServer
    gateio_control: GateControl
    mexc_rest_url: str
    mexc_ws_url: str
    mexc: MexcServer
    mexc_control: MexcControl


@asynccontextmanager
async def run(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Running]:
    """Serve the control API and every face in the running event loop until the block ends."""
    clock = clock or (real_now_ms if settings.clock == "real" else SetClock(settings.clock))
    # Faults draw from a generator of their own, so that arming one does not change the market's path.
    rng, fault_rng = random.Random(settings.seed), random.Random(~settings.seed)  # noqa: S311
    walk_every_ms = settings.walk_every_ms if settings.market == "walk" else None
    face = BinanceFace(rng, clock(), _binance_limits(settings), _binance_instruments(settings))
    binance = BinanceServer(face, clock, Faults(fault_rng), walk_every_ms=walk_every_ms)
    # Each face draws from generators of its own: what happens on one does not change the other's market.
    mexc_rng, mexc_fault_rng = random.Random(f"mexc{settings.seed}"), random.Random(f"mexc{~settings.seed}")  # noqa: S311
    mexc = MexcServer(mexc_rng, mexc_fault_rng, clock, walk_every_ms=walk_every_ms)
    bitget = _bitget(settings, clock, walk_every_ms)
    gateio = _gateio(settings, clock, walk_every_ms)
    gateio_control = GateControl(gateio)
    control, bitget_control, mexc_control = BinanceControl(binance), BitgetControl(bitget), MexcControl(mexc)
    runner = web.AppRunner(control_app([control, bitget_control, gateio_control, mexc_control]), access_log=None)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.control_port).start()
        control_port = int(runner.addresses[0][1])
        address = await _open(stack, binance, settings.host, settings.binance_port)
        bitget_address = await _open(stack, bitget, settings.host, settings.bitget_port)
        gateio_address = await _open(stack, gateio, settings.host, settings.gateio_port)
        mexc_address = await _open(stack, mexc, settings.host, settings.mexc_port)
        yield Running(
            control_url=f"http://{settings.host}:{control_port}",
            binance_rest_url=f"http://{address}",
            binance_ws_api_url=f"ws://{address}/ws-api/v3",
            binance_stream_url=f"ws://{address}",
            binance=binance,
            control=control,
            bitget_rest_url=f"http://{bitget_address}",
            bitget_ws_public_url=f"ws://{bitget_address}/v2/ws/public",
            bitget_ws_private_url=f"ws://{bitget_address}/v2/ws/private",
            bitget_uta_ws_public_url=f"ws://{bitget_address}/v3/ws/public",
            bitget_uta_ws_private_url=f"ws://{bitget_address}/v3/ws/private",
            bitget=bitget,
            bitget_control=bitget_control,
            gateio_rest_url=f"http://{gateio_address}/api/v4",
            gateio_ws_url=f"ws://{gateio_address}/ws/v4/",
            gateio=gateio,
            gateio_control=gateio_control,
            mexc_rest_url=f"http://{mexc_address}",
            mexc_ws_url=f"ws://{mexc_address}/ws",
            mexc=mexc,
            mexc_control=mexc_control,
        )


async def _open(stack: AsyncExitStack, server: FaceServer, host: str, port: int) -> str:
    """Start a face, to be stopped with the stack; answers host and port."""
    stack.push_async_callback(server.stop)
    return f"{host}:{await server.start(host, port)}"


def _bitget(settings: Settings, clock: Clock, walk_every_ms: int | None) -> BitgetServer:
    rng, fault_rng = random.Random(f"bitget{settings.seed}"), random.Random(f"bitget{~settings.seed}")  # noqa: S311
    venue = Venue(rng, clock(), limit_scale=settings.bitget_limit_scale)
    return BitgetServer(venue, clock, Faults(fault_rng), walk_every_ms=walk_every_ms)


def _gateio(settings: Settings, clock: Clock, walk_every_ms: int | None) -> GateServer:
    rng, fault_rng = random.Random(f"gateio{settings.seed}"), random.Random(f"gateio{~settings.seed}")  # noqa: S311
    venue = GateVenue(rng, clock(), limit_scale=settings.gateio_limit_scale)
    return GateServer(venue, clock, Faults(fault_rng), walk_every_ms=walk_every_ms)


def _binance_limits(settings: Settings) -> Limits:
    return Limits(settings.weight_per_minute, settings.orders_per_10s, settings.orders_per_day)


def _binance_instruments(settings: Settings) -> list[Instrument]:
    return [
        replace(
            instrument,
            max_orders=settings.max_orders,
            max_algo_orders=settings.max_algo_orders,
            max_lists=settings.max_lists,
        )
        for instrument in DEFAULT_INSTRUMENTS
    ]
