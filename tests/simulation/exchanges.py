"""The four exchanges of a history: the paper exchange's own servers, reached through memory instead of a port."""

import asyncio
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from aiohttp import web

from binance_connector.dialect import BinanceDialect
from bitget_connector.dialect import BitgetDialect
from common.accounts import Credentials
from common.connector.ports import Dialect
from common.exchanges import Exchange
from gateio_connector.dialect import GateioDialect
from gateio_connector.requests import Habits
from mexc_connector.dialect import MexcDialect
from paper_exchange.binance.face import BinanceFace
from paper_exchange.binance.server import BinanceServer
from paper_exchange.bitget.server import BitgetServer
from paper_exchange.bitget.venue import Venue as BitgetVenue
from paper_exchange.control.binance import BinanceControl
from paper_exchange.control.bitget import BitgetControl
from paper_exchange.control.face import FaceControl
from paper_exchange.control.gateio import GateControl
from paper_exchange.control.mexc import MexcControl
from paper_exchange.core.candles import Candle, Charts
from paper_exchange.core.events import Event
from paper_exchange.faults import Faults
from paper_exchange.gateio.server import GateServer
from paper_exchange.gateio.venue import Venue as GateVenue
from paper_exchange.mexc.server import MexcServer
from paper_exchange.serving import FaceServer, Job
from paper_exchange.sockets import Socket
from tests.simulation.determinism import world_ms
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import HOST, MemorySocket, Network, Request

SYMBOL: Final = "ETHUSDT"
BASE: Final = "ETH"
_JOB_S: Final = 0.1
"""Market data is told at this pace at most: nobody here reads it faster."""


class InMemory(FaceServer):
    """What the servers of all faces do differently here: no port, no socket, jobs at a walking pace."""

    def run_jobs(self) -> None:
        """Do what is to be done every so often, without listening anywhere."""
        for seconds, action in self._jobs():
            self._spawn(self._every(seconds, action))

    def _jobs(self) -> Iterable[Job]:
        return ((max(seconds, _JOB_S), action) for seconds, action in super()._jobs())  # type: ignore[safe-super]

    async def _open_socket(self, request: web.BaseRequest, *, combined: bool = False) -> Socket | None:
        pipe = cast("Request", request).pipe
        assert pipe is not None, "only a dialled socket is opened"
        return MemorySocket(pipe, pipe.network.loop, combined=combined)


class Binance(InMemory, BinanceServer):
    """Binance."""


class Bitget(InMemory, BitgetServer):
    """Bitget."""


class Gateio(InMemory, GateServer):
    """Gate.io."""


class Mexc(InMemory, MexcServer):
    """MEXC."""


class BriefCharts(Charts):
    """A market whose past is short: nobody in here looks at charts."""

    def _past(self, interval: str, until_ms: int, count: int, last_px: Decimal) -> list[Candle]:
        return super()._past(interval, until_ms, min(count, 2), last_px)


@dataclass
class Venue:
    """One exchange of a history, with everything that is said to it."""

    exchange: Exchange
    server: InMemory
    control: FaceControl
    network: Network
    uids: dict[str, int]
    credentials: dict[str, Credentials]

    def open_account(self, account_id: str, balances: dict[str, str]) -> None:
        """An account with a key of its own."""
        told = self.control.open_account({"balances": balances})
        self.uids[account_id] = told["uid"]
        self.credentials[account_id] = Credentials(
            account_id=account_id,
            exchange=self.exchange,
            api_key=told["api_key"],
            secret=told["secret"],
            passphrase=told.get("passphrase"),
            key_version=1,
            expires_at_ms=2**53,
        )

    def watch(self, hear: Callable[[Event], None]) -> None:
        """Be told of everything that happens, at the moment it does."""
        core = self.server.exchange
        emit = core._emit

        def tell(event: Event) -> None:
            emit(event)
            hear(event)

        core._emit = tell

    def dialect(self) -> Dialect:
        """A fresh translator, as a starting connector makes it."""
        match self.exchange:
            case Exchange.BINANCE:
                return BinanceDialect(ws_api_url=f"{HOST}/ws-api/v3", stream_url=HOST)
            case Exchange.BITGET:
                return BitgetDialect(public_url=f"{HOST}/v2/ws/public", private_url=f"{HOST}/v2/ws/private")
            case Exchange.GATEIO:
                return GateioDialect(ws_url=f"{HOST}/ws/v4/", habits=Habits())
            case Exchange.MEXC:
                return MexcDialect(ws_url=f"{HOST}/ws")


def open_venue(exchange: Exchange, loop: VirtualLoop, chance: random.Random, network: Network) -> Venue:
    """A fresh exchange; its market's shape is always the same, its faults are the history's."""
    shape, faults = random.Random(f"market-{exchange}"), Faults(chance)

    def clock() -> int:
        return world_ms(loop)

    server: Any
    control: FaceControl
    match exchange:
        case Exchange.BINANCE:
            server = Binance(BinanceFace(shape, clock()), clock, faults)
            control = BinanceControl(server)
        case Exchange.BITGET:
            server = Bitget(BitgetVenue(shape, clock()), clock, faults)
            control = BitgetControl(server)
        case Exchange.GATEIO:
            server = Gateio(GateVenue(shape, clock()), clock, faults)
            control = GateControl(server)
        case Exchange.MEXC:
            server = Mexc(shape, chance, clock)
            control = MexcControl(server)
    for market in server.exchange.markets.values():
        market.charts = BriefCharts(market.instrument, shape, clock())
    network.server = server
    asyncio.get_running_loop()
    server.run_jobs()
    return Venue(exchange, server, control, network, {}, {})
