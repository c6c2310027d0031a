"""A connector's internal read API as the gateway uses it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from common.accounts import AssetBalance, BalanceChanged
from common.clock import Clock
from common.codec import decode, encode
from common.errors import ErrorCategory, Refused, Unavailable
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Depth, PublicTrade, Ticker
from common.orders import OrderSnapshot
from common.service.client import InternalService, ServiceReply
from gateway.ports import Key, KeyCheck, Transfer
from gateway.problems import MEANINGS
from gateway.trading.refusals import invalid

_CATEGORIES: Final = {category.value: category for category in ErrorCategory}
_PASSING: Final = frozenset({ErrorCategory.RATE_LIMITED, ErrorCategory.EXPIRED, ErrorCategory.EXCHANGE_DOWN})

INSTRUMENT_KEPT_MS: Final = 60_000
"""Exchanges change a symbol's rules now and then; a stale rule costs a refusal by the exchange, never more."""


class _Transferred(msgspec.Struct, frozen=True):
    tx_id: str | None


class HttpConnector:
    """Reads of one exchange; instruments are kept for a minute."""

    def __init__(self, exchange: Exchange, asking: InternalService, clock: Clock) -> None:
        self._exchange = exchange
        self._asking = asking
        self._clock = clock
        self._instruments: dict[str, tuple[Instrument, int]] = {}

    async def instrument(self, symbol: str) -> Instrument:
        """The symbol's rules. Raises Refused for one the exchange does not list."""
        kept, until_ms = self._instruments.get(symbol, (None, 0))
        if kept is not None and self._clock.now_ms() < until_ms:
            return kept
        reply = await self._asking.ask("GET", f"/instruments/{quote(symbol, safe='')}")
        if reply.status == 404:
            raise self._unknown_symbol(symbol)
        instrument = decode(_good(reply), Instrument)
        self._instruments[symbol] = (instrument, self._clock.now_ms() + INSTRUMENT_KEPT_MS)
        return instrument

    async def instruments(self) -> Sequence[Instrument]:
        """Every symbol with its rules."""
        return decode(_good(await self._asking.ask("GET", "/instruments")), tuple[Instrument, ...])

    async def tickers(self, symbols: Sequence[str] | None) -> Sequence[Ticker]:
        """Best and last prices, of all symbols for None; a symbol that is not listed is left out."""
        if symbols is not None and len(symbols) == 1:
            reply = await self._asking.ask("GET", "/tickers", query={"symbol": symbols[0]})
            return () if reply.status == 404 else decode(_good(reply), tuple[Ticker, ...])
        tickers = decode(_good(await self._asking.ask("GET", "/tickers")), tuple[Ticker, ...])
        return tickers if symbols is None else [each for each in tickers if each.symbol in frozenset(symbols)]

    async def candles(
        self, symbol: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None
    ) -> Sequence[Candle]:
        """Oldest first. Raises Refused."""
        bounds = {name: str(ms) for name, ms in (("start_ms", start_ms), ("end_ms", end_ms)) if ms is not None}
        query = {"symbol": symbol, "interval": interval, "limit": str(limit), **bounds}
        return decode(_good(await self._asking.ask("GET", "/candles", query=query)), tuple[Candle, ...])

    async def depth(self, symbol: str, limit: int) -> Depth:
        """The book's best levels. Raises Refused."""
        query = {"symbol": symbol, "limit": str(limit)}
        return decode(_good(await self._asking.ask("GET", "/depth", query=query)), Depth)

    async def public_trades(self, symbol: str, limit: int) -> Sequence[PublicTrade]:
        """The latest trades. Raises Refused."""
        query = {"symbol": symbol, "limit": str(limit)}
        reply = await self._asking.ask("GET", "/public-trades", query=query)
        return decode(_good(reply), tuple[PublicTrade, ...])

    async def balances(self, account_id: str) -> Sequence[AssetBalance]:
        """What the account has, free and locked."""
        reply = await self._asking.ask("GET", f"/accounts/{quote(account_id, safe='')}/balances")
        return decode(_good(reply), BalanceChanged).balances

    async def open_orders(self, account_id: str, symbol: str | None) -> Sequence[OrderSnapshot]:
        """What rests on the exchange, placed by us or by hand."""
        query = {"symbol": symbol} if symbol else None
        reply = await self._asking.ask("GET", f"/accounts/{quote(account_id, safe='')}/open-orders", query=query)
        return decode(_good(reply), tuple[OrderSnapshot, ...])

    async def transfer(self, account_id: str, wish: Transfer) -> str | None:
        """Move money between the owner's own wallets; the exchange's id of it, where it has one. Raises Refused."""
        path = f"/accounts/{quote(account_id, safe='')}/transfers"
        return decode(_good(await self._asking.ask("POST", path, body=encode(wish))), _Transferred).tx_id

    async def check_key(self, key: Key) -> KeyCheck:
        """What the exchange says of a key that is not stored yet."""
        return decode(_good(await self._asking.ask("POST", "/key-check", body=encode(key))), KeyCheck)

    def _unknown_symbol(self, symbol: str) -> Refused:
        rule = f"{self._exchange.value.upper()} lists no symbol {symbol!r}."
        return invalid("symbol", rule, "Write it as the exchange lists it, like BTCUSDT.", code="UNKNOWN_SYMBOL")


def _good(reply: ServiceReply) -> bytes:
    """The body of a success. Raises Refused for a no of the exchange, Unavailable for anything else."""
    if reply.status < 300:
        return reply.body
    problem = reply.problem()
    category = _CATEGORIES.get(str(problem.get("code", "")).lower())
    if category is None and reply.status == 400 and problem.get("rule"):
        raise _broken_rule(problem)
    if category is None or category in _PASSING:
        raise Unavailable("the connector")
    meaning = MEANINGS[category]
    raise Refused(
        code=str(problem.get("exchange_code") or category.value.upper()),
        title=meaning.title,
        field="credentialId" if meaning.status in {401, 403} else None,
        rule=str(problem.get("detail", "The exchange refused to answer.")),
        fix=meaning.fix,
        status=meaning.status,
    )


def _broken_rule(problem: Mapping[str, Any]) -> Refused:
    """What the connector would not ask the exchange, in its own words."""
    return Refused(
        code=str(problem.get("code", "bad_request")).upper(),
        title=str(problem.get("title", "Invalid request")),
        field=str(problem["field"]) if problem.get("field") else None,
        rule=str(problem["rule"]),
        fix=str(problem.get("fix", "Correct what the rule names.")),
    )
