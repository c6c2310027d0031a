"""The door to one exchange, ready to use: sender, clock, limits, keys, and the way orders take."""

import asyncio
from types import TracebackType
from typing import Final, Protocol, Self

from common.clock import Clock
from common.connector.client import ExchangeClient, KeyRefused, RestRoute
from common.connector.clocksync import ExchangeClock
from common.connector.keys import KeyRing, Lender
from common.connector.order_entry import SocketRoute
from common.connector.ports import Dialect, HttpRequest, Reply, SignedRequest, Unknown
from common.connector.rates import Priority, RateGate
from common.connector.rest import NotSent, RestSender
from common.connector.session import Dial, dial_websocket
from common.connector.settings import ConnectorSettings
from common.errors import Unavailable
from common.service.run import Process

_CLOCK_PATIENCE_MS: Final = 3_000


class Wire(Protocol):
    """Sends requests while it is entered; the RestSender, or what stands in for the network in a simulation."""

    async def send(self, signed: SignedRequest) -> Reply | NotSent | Unknown: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Door:
    """Everything that stands between the kit and the wire of one exchange."""

    def __init__(
        self,
        dialect: Dialect,
        settings: ConnectorSettings,
        lender: Lender,
        local: Clock,
        *,
        rest_url: str,
        orders_over_socket: bool,
        purpose: str,
        wire: Wire | None = None,
        dial: Dial = dial_websocket,
    ) -> None:
        self._dialect = dialect
        self._settings = settings
        self.dial = dial
        self._sender = wire or RestSender(rest_url, timeout_s=settings.request_timeout_ms / 1000)
        self.clock = ExchangeClock(self._time, local, exchange=dialect.exchange)
        self.keys = KeyRing(lender, dialect.exchange, local, purpose=purpose, parked_for_ms=settings.parked_for_ms)
        self._rest = RestRoute(dialect, self._sender, self.clock)
        gate = RateGate(dialect.initial_limits(), self.clock)
        self.client = ExchangeClient(dialect, self._rest, self.keys, gate, self.clock, local)
        self._orders = self._order_socket() if orders_over_socket else None

    async def start(self, process: Process) -> None:
        """Open it: measure the clock, keep keys and connections ready."""
        await process.enter(self._sender)
        await self.clock.sync()
        process.spawn("clock-sync", self.clock.run(self._settings.clock_sync_ms / 1000))
        process.spawn("key-leases", self.keys.run())
        if self._settings.warm_connections:
            process.spawn("warm-connections", self._keep_warm())
        if self._orders is not None:
            self.client.route_orders(self._orders)
            process.spawn("order-socket", self._orders.run())

    async def ask(self, account_id: str, request: HttpRequest) -> Reply | Unknown:
        """One request a socket script makes for an account (MEXC's listen key)."""
        try:
            answer = await self._rest.send(request, await self.keys.credentials(account_id))
        except (KeyRefused, Unavailable) as error:
            return Unknown("key", str(error))
        return Unknown(answer.code, answer.reason) if isinstance(answer, NotSent) else answer

    async def _time(self) -> int | None:
        answer = await self.client.ask(
            self._dialect.fetch_time(), None, priority=Priority.PROTECTION, patience_ms=_CLOCK_PATIENCE_MS
        )
        return answer if isinstance(answer, int) else None

    def _order_socket(self) -> SocketRoute:
        return SocketRoute(
            self._dialect,
            self.clock,
            self._rest,
            self.ask,
            timeout_s=self._settings.request_timeout_ms / 1000,
            rotate_after_s=self._settings.rotate_after_ms / 1000,
            dial=self.dial,
        )

    async def _keep_warm(self) -> None:
        """Ask the time over several connections at once, so that the next orders find them open."""
        request = self._dialect.fetch_time().request
        signed = SignedRequest(method=request.method, target=request.path)
        while True:
            await asyncio.gather(*(self._sender.send(signed) for _ in range(self._settings.warm_connections)))
            await asyncio.sleep(self._settings.warm_every_ms / 1000)
