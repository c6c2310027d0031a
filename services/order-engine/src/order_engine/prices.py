"""Watches the prices that held stops wait for, on exchanges that cannot hold a stop themselves.

The connector is asked to publish the best bid of every symbol with a held stop, again and again, so that a crash on
either side ends it. A symbol that falls silent is asked for over HTTP once a second: stale data must not hide a stop.
"""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Protocol

import orjson
import structlog
from prometheus_client import Gauge

from common.bus.brokers import BusSettings, Pace
from common.bus.clients import Follow
from common.bus.tail import tail
from common.bus.tempo import steady
from common.bus.topics import market_data
from common.clock import Clock
from common.codec import decode, decode_union
from common.errors import Unavailable, UnreadableMessage
from common.exchanges import Exchange
from common.market import MarketFact, Ticker
from common.service.client import ServiceReply

WATCH_FOR_MS: Final = 15_000
RENEW_S: Final = 3.0
STALE_AFTER_MS: Final = 2_500
_POLL_S: Final = 1.0

_STALE = Gauge("cgt_held_stop_symbols_stale", "Symbols with a held stop whose price is not streamed now", ["exchange"])
_log = structlog.get_logger(__name__)


class HeldStops(Protocol):
    """Who holds stops, and wants to be told of prices."""

    def held_stops(self, exchange: Exchange) -> Mapping[str, Decimal]:
        """By symbol, the highest price at which something must be sold."""
        ...

    async def see_price(self, exchange: Exchange, symbol: str, px: Decimal, cause: str, now_ms: int) -> None:
        """The market would buy at `px` now."""
        ...


class Connector(Protocol):
    """Asks the exchange's connector over its internal HTTP API."""

    @property
    def name(self) -> str: ...

    async def ask(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> ServiceReply:
        """The reply, of whatever status. Raises Unavailable."""
        ...


class PriceWatch:
    """Follows one exchange's prices for the stops held there."""

    def __init__(
        self,
        exchange: Exchange,
        stops: HeldStops,
        settings: BusSettings,
        connector: Connector,
        clock: Clock,
        *,
        follow: Follow = tail,
    ) -> None:
        self._exchange = exchange
        self._stops = stops
        self._settings = settings
        self._connector = connector
        self._clock = clock
        self._tail = follow
        self._heard_ms: dict[str, int] = {}

    async def follow(self) -> None:
        """React to every published price, for ever."""
        topic = market_data(self._exchange)
        client_id = f"order-engine-{self._exchange}"
        async for record in self._tail(self._settings, topic, client_id=client_id, tempo=steady(Pace.HOT)):
            if record.value is None:
                continue
            try:
                fact = decode_union(record.value, MarketFact)
            except UnreadableMessage as error:
                _log.warning("market_message_unreadable", offset=record.offset, error=error.reason)
                continue
            if isinstance(fact, Ticker):
                await self._see(fact, record.ce_id)

    async def keep_watched(self) -> None:
        """Keep the connector publishing, and ask for what has gone silent, for ever."""
        renewed_ms = 0
        while True:
            await asyncio.sleep(_POLL_S)
            symbols = sorted(self._stops.held_stops(self._exchange))
            if not symbols:
                continue
            now_ms = self._clock.now_ms()
            if now_ms - renewed_ms >= RENEW_S * 1000 and await self._ask_to_publish(symbols):
                renewed_ms = now_ms
            await self._poll_silent(symbols)

    async def _ask_to_publish(self, symbols: list[str]) -> bool:
        """Whether the connector will; while it will not, prices are asked for one by one."""
        body = orjson.dumps({"symbols": symbols, "for_ms": WATCH_FOR_MS})
        try:
            reply = await self._connector.ask("POST", "/watch", body=body)
        except Unavailable as error:
            _log.warning("held_stops_not_streamed", exchange=self._exchange, error=str(error))
            return False
        if reply.status != 200:
            _log.warning("held_stops_not_streamed", exchange=self._exchange, status=reply.status)
        return reply.status == 200

    async def _poll_silent(self, symbols: list[str]) -> None:
        """Ask for every symbol that has gone silent, at once: one that is halted or slow holds up no other."""
        now_ms = self._clock.now_ms()
        silent = [symbol for symbol in symbols if now_ms - self._heard_ms.get(symbol, 0) > STALE_AFTER_MS]
        _STALE.labels(self._exchange).set(len(silent))
        await asyncio.gather(*[self._poll(symbol) for symbol in silent])

    async def _poll(self, symbol: str) -> None:
        try:
            for ticker in await self._tickers(symbol):
                await self._react(ticker, cause=f"poll-{symbol}-{ticker.ts_init_ms}")
        except (Unavailable, UnreadableMessage) as error:
            _log.warning("held_stop_without_price", exchange=self._exchange, symbol=symbol, error=str(error))

    async def _tickers(self, symbol: str) -> tuple[Ticker, ...]:
        reply = await self._connector.ask("GET", "/tickers", query={"symbol": symbol})
        if reply.status != 200:
            raise Unavailable(f"{self._connector.name} (tickers answered {reply.status})")
        return decode(reply.body, tuple[Ticker, ...])

    async def _see(self, ticker: Ticker, cause: str) -> None:
        self._heard_ms[ticker.symbol] = self._clock.now_ms()
        await self._react(ticker, cause)

    async def _react(self, ticker: Ticker, cause: str) -> None:
        px = ticker.bid_px if ticker.bid_px is not None else ticker.last_px
        highest = self._stops.held_stops(self._exchange).get(ticker.symbol)
        if px is not None and highest is not None and px <= highest:
            await self._stops.see_price(self._exchange, ticker.symbol, px, cause, self._clock.now_ms())
