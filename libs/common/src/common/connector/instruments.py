"""The rules of every symbol, read at start, every hour, and when the exchange refuses an order for one of them."""

import asyncio
from typing import Final

import structlog

from common.connector.client import ExchangeClient
from common.connector.ports import Dialect, ExchangeInfo
from common.connector.sockets import Backoff
from common.connector.tasks import TaskGroup
from common.instruments import Instrument
from common.metrics import since_s, stopwatch

REFRESH_EVERY_S: Final = 3_600.0
_AT_MOST_EVERY_S: Final = 30.0

_log = structlog.get_logger(__name__)


class InstrumentBook:
    """What may be traded and how; also brings the exchange's limits to the client."""

    def __init__(self, dialect: Dialect, client: ExchangeClient, tasks: TaskGroup) -> None:
        self._dialect = dialect
        self._client = client
        self._tasks = tasks
        self._by_symbol: dict[str, Instrument] = {}
        self._read_at: float | None = None
        self._reading: asyncio.Lock = asyncio.Lock()

    @property
    def loaded(self) -> bool:
        """Whether they have been read at least once."""
        return self._read_at is not None

    def all(self) -> tuple[Instrument, ...]:
        """Every instrument."""
        return tuple(self._by_symbol.values())

    async def get(self, symbol: str) -> Instrument | None:
        """One instrument; an unknown symbol may have been listed a moment ago, so it is read for."""
        found = self._by_symbol.get(symbol)
        if found is None:
            await self._refresh()
            found = self._by_symbol.get(symbol)
        return found

    def stale(self, symbol: str) -> None:
        """An order was refused for a rule: read them again."""
        self._tasks.spawn(self._refresh(), f"instruments-after-{symbol}")

    async def run(self) -> None:
        """Read until it works, then every hour, until cancelled."""
        backoff = Backoff(ceiling_s=5.0)
        while True:
            if await self._read():
                backoff.reset()
                await asyncio.sleep(REFRESH_EVERY_S)
            else:
                await asyncio.sleep(backoff.pause_s())

    async def _refresh(self) -> None:
        if self._read_at is None or since_s(self._read_at) > _AT_MOST_EVERY_S:
            await self._read()

    async def _read(self) -> bool:
        began = stopwatch()
        async with self._reading:
            if self._read_at is not None and self._read_at > began:
                return True  # Somebody else's reading has just finished.
            answer = await self._client.ask(self._dialect.fetch_instruments(), None)
            if not isinstance(answer, ExchangeInfo):
                _log.warning("instruments_not_read", code=answer.code, reason=answer.reason)
                return False
            self._by_symbol = {instrument.symbol: instrument for instrument in answer.instruments}
            self._client.replace_limits(answer.limits)
            self._read_at = stopwatch()
            return True
