"""The exchange's clock, as seen from here: our clock plus an offset measured in several round trips.

The sample with the least round trip says most, and we aim slightly behind: a request from the past is accepted for
as long as its validity window, one from the future is refused (Binance: 1000 ms ahead is fatal).
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from common.clock import Clock
from common.connector.metrics import CLOCK_OFFSET

_log = structlog.get_logger(__name__)

Sample = Callable[[], Awaitable[int | None]]
"""Asks the exchange for its time in ms; None when it did not answer."""


class ExchangeClock:
    """A clock that follows the exchange's. Before the first sync it is our own."""

    def __init__(self, sample: Sample, local: Clock, *, exchange: str, samples: int = 5, behind_ms: int = 20) -> None:
        self._sample = sample
        self._local = local
        self._exchange = exchange
        self._samples = samples
        self._behind_ms = behind_ms
        self._offset_ms = 0
        self._syncing: asyncio.Task[bool] | None = None

    def now_ms(self) -> int:
        """The exchange's time, slightly behind."""
        return self._local.now_ms() + self._offset_ms

    async def sync(self) -> bool:
        """Measure again; calls that come while it is being measured share one measurement."""
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._measure(), name="clock-sync")
        return await asyncio.shield(self._syncing)

    async def run(self, every_s: float) -> None:
        """Keep measuring, since clocks drift."""
        while True:
            await asyncio.sleep(every_s)
            await self.sync()

    async def _measure(self) -> bool:
        best: tuple[int, int] | None = None
        for _ in range(self._samples):
            sent_ms = self._local.now_ms()
            server_ms = await self._sample()
            received_ms = self._local.now_ms()
            if server_ms is None:
                continue
            round_trip_ms = received_ms - sent_ms
            if best is None or round_trip_ms < best[0]:
                best = round_trip_ms, server_ms - (sent_ms + received_ms) // 2
        if best is None:
            _log.warning("clock_sync_failed", exchange=self._exchange)
            return False
        self._offset_ms = best[1] - self._behind_ms
        CLOCK_OFFSET.labels(self._exchange).set(best[1] / 1000)
        return True
