"""What the connectors are asked: which assets a symbol trades, prices of the past, balances and prices of now."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeVar
from urllib.parse import quote

from common.accounts import AssetBalance, BalanceChanged
from common.codec import decode
from common.errors import Unavailable
from common.instruments import Instrument
from common.market import Candle, Ticker
from common.metrics import since_s, stopwatch
from common.service.client import InternalService
from portfolio.routes import MINUTE_MS, MINUTES_BACK, minute_of

T = TypeVar("T")

_TICKERS_KEPT_S: Final = 5.0


class Exchange(Protocol):
    """One exchange. Every method raises Unavailable when it does not tell now."""

    async def instrument(self, symbol: str) -> Instrument | None:
        """The symbol's assets and rules; None where it is not listed."""

    async def minutes(self, symbol: str, at_ms: int) -> Sequence[Candle]:
        """One-minute candles up to the one of this moment; none where the symbol is not listed."""

    async def balances(self, account_id: str) -> Sequence[AssetBalance]:
        """What the account has."""

    async def tickers(self) -> Mapping[str, Ticker]:
        """The market as it stands, by symbol."""


class HttpExchange:
    """An exchange behind its connector's internal API."""

    def __init__(self, asking: InternalService) -> None:
        self._asking = asking
        self._tickers: Mapping[str, Ticker] = {}
        self._asked = float("-inf")

    async def instrument(self, symbol: str) -> Instrument | None:
        """The symbol's assets and rules; None where it is not listed."""
        return await self._get(f"/instruments/{quote(symbol, safe='')}", Instrument)

    async def minutes(self, symbol: str, at_ms: int) -> Sequence[Candle]:
        """One-minute candles up to the one of this moment; none where the symbol is not listed."""
        if await self.instrument(symbol) is None:
            return ()
        minute_ms = minute_of(at_ms)
        query = {
            "symbol": symbol,
            "interval": "1m",
            "limit": str(MINUTES_BACK + 1),
            "start_ms": str(minute_ms - MINUTES_BACK * MINUTE_MS),
            "end_ms": str(minute_ms + MINUTE_MS - 1),
        }
        return await self._get("/candles", tuple[Candle, ...], query) or ()

    async def balances(self, account_id: str) -> Sequence[AssetBalance]:
        """What the account has."""
        found = await self._get(f"/accounts/{quote(account_id, safe='')}/balances", BalanceChanged)
        if found is None:
            raise Unavailable("the account's balances")
        return found.balances

    async def tickers(self) -> Mapping[str, Ticker]:
        """The market as it stands, by symbol; when a day begins it is asked once for all its accounts."""
        if since_s(self._asked) > _TICKERS_KEPT_S:
            found = await self._get("/tickers", tuple[Ticker, ...]) or ()
            self._tickers, self._asked = {each.symbol: each for each in found}, stopwatch()
        return self._tickers

    async def _get(self, path: str, type_: type[T], query: dict[str, str] | None = None) -> T | None:
        """What is there; None for what is not. Raises Unavailable for anything that is no answer."""
        reply = await self._asking.ask("GET", path, query=query)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise Unavailable(self._asking.name)
        return decode(reply.body, type_)
