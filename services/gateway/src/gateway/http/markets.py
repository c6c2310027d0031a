"""/binance, /bitget/spot, /gateio/spot, /mexc: public market data, each path and parameter in its exchange's words.

The answers are in one shape for all four. Like the exchanges' own, these paths need no log-in; the connectors ask for
them last, so that they never take the place of an order.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Query, Response

from common.exchanges import Exchange
from gateway import answers
from gateway.http import market_examples as examples
from gateway.http.examples import example
from gateway.http.parts import Parts
from gateway.market_shapes import (
    candle_shown,
    currencies_shown,
    depth_shown,
    instrument_shown,
    ticker_shown,
    trade_shown,
)
from gateway.trading.requests import Symbol

Limit = Annotated[int, Query(ge=1, le=1_000)]
Time = Annotated[int | None, Query(ge=0)]


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange's paths and parameters are called."""

    exchange: Exchange
    prefix: str
    candles: str
    depth: str
    symbol: str = "symbol"
    interval: str = "interval"
    default_interval: str = "1m"
    start: str = "startTime"
    end: str = "endTime"
    ms_per_tick: int = 1
    """Of the unit that `start` and `end` are in."""
    intervals: Mapping[str, str] = MappingProxyType({})
    """The exchange's names of intervals that are not everybody's."""


WORDS: Final = (
    Words(exchange=Exchange.BINANCE, prefix="/binance", candles="/klines", depth="/depth"),
    Words(
        exchange=Exchange.BITGET,
        prefix="/bitget/spot",
        candles="/candles",
        depth="/orderbook",
        interval="granularity",
        default_interval="1min",
        intervals=MappingProxyType(
            {f"{n}min": f"{n}m" for n in (1, 3, 5, 15, 30)}
            | {"6Hutc": "6h", "12Hutc": "12h", "1Dutc": "1d", "3Dutc": "3d", "1Wutc": "1w", "1Mutc": "1M"}
        ),
    ),
    Words(
        exchange=Exchange.GATEIO,
        prefix="/gateio/spot",
        candles="/candlesticks",
        depth="/order_book",
        symbol="currency_pair",
        default_interval="30m",
        start="from",
        end="to",
        ms_per_tick=1_000,
    ),
    Words(
        exchange=Exchange.MEXC,
        prefix="/mexc",
        candles="/klines",
        depth="/depth",
        intervals=MappingProxyType({"60m": "1h", "1W": "1w"}),
    ),
)


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(tags=["market data"])
    for words in WORDS:
        _prices(routes, parts, words)
        _lists(routes, parts, words)
    return routes


def _prices(routes: APIRouter, parts: Parts, words: Words) -> None:
    Named = Annotated[Symbol, Query(alias=words.symbol)]  # noqa: N806 - a type.
    name = words.exchange.value.upper()

    @routes.get(
        words.prefix + "/tickers", responses=example(200, examples.TICKERS), summary=f"Best and last prices on {name}"
    )
    async def tickers(symbol: Annotated[Symbol | None, Query(alias=words.symbol)] = None) -> Response:
        connector = parts.connector(words.exchange)
        if symbol is None:
            return _data([ticker_shown(each) for each in await connector.tickers(None)])
        await connector.instrument(symbol)
        return _data([ticker_shown(each) for each in await connector.tickers([symbol])])

    @routes.get(
        words.prefix + words.candles,
        responses=example(200, examples.CANDLES),
        summary=f"Candles on {name}, oldest first",
    )
    async def candles(
        symbol: Named,
        interval: Annotated[str, Query(alias=words.interval, max_length=10)] = words.default_interval,
        limit: Limit = 100,
        start: Annotated[Time, Query(alias=words.start)] = None,
        end: Annotated[Time, Query(alias=words.end)] = None,
    ) -> Response:
        connector = parts.connector(words.exchange)
        await connector.instrument(symbol)
        bounds = [None if each is None else each * words.ms_per_tick for each in (start, end)]
        found = await connector.candles(symbol, words.intervals.get(interval, interval), limit, *bounds)
        return _data([candle_shown(each) for each in found])

    @routes.get(words.prefix + words.depth, responses=example(200, examples.DEPTH), summary=f"The order book on {name}")
    async def depth(symbol: Named, limit: Limit = 100) -> Response:
        connector = parts.connector(words.exchange)
        await connector.instrument(symbol)
        return _data(depth_shown(await connector.depth(symbol, limit)))

    @routes.get(
        words.prefix + "/trades", responses=example(200, examples.TRADES), summary=f"The latest public trades on {name}"
    )
    async def trades(symbol: Named, limit: Limit = 100) -> Response:
        connector = parts.connector(words.exchange)
        await connector.instrument(symbol)
        return _data([trade_shown(each) for each in await connector.public_trades(symbol, limit)])


def _lists(routes: APIRouter, parts: Parts, words: Words) -> None:
    name = words.exchange.value.upper()

    @routes.get(
        words.prefix + "/symbols",
        responses=example(200, examples.SYMBOLS),
        summary=f"What trades on {name}, and by which rules",
    )
    async def symbols() -> Response:
        return _data([instrument_shown(each) for each in await parts.connector(words.exchange).instruments()])

    @routes.get(
        words.prefix + "/currencies",
        responses=example(200, examples.CURRENCIES),
        summary=f"The currencies of {name}, and what each trades against",
    )
    async def currencies() -> Response:
        return _data(currencies_shown(await parts.connector(words.exchange).instruments()))


def _data(data: Any) -> Response:
    return answers.json_response(answers.success(data))
