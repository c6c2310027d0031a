"""Market streams without their sockets (section 9): who wants what, and what is due."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from paper_exchange.binance import quotes
from paper_exchange.binance.quotes import Json
from paper_exchange.core.candles import INTERVALS_MS, Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.market import Market
from paper_exchange.core.money import num

TICK_MS = 100
MOST_STREAMS = 1024
_NAME = re.compile(
    r"(?P<symbol>[^@!]+)@(?P<kind>trade|aggTrade|ticker|miniTicker|bookTicker|avgPrice|kline_(?P<interval>\w+)"
    r"|depth(?P<levels>5|10|20)?)(?P<fast>@100ms)?"
)
_ALL_MINI = "!miniTicker@arr"
_EVERY_MS = {"ticker": 1000, "miniTicker": 1000, "avgPrice": 1000, "bookTicker": TICK_MS, "depth": 1000, "kline": 2000}


class Listener(Protocol):
    """One connection; `combined` wraps each payload with its stream's name."""

    combined: bool

    def push(self, frame: bytes) -> None:
        """Send a frame."""


@dataclass(slots=True)
class Stream:
    """One stream somebody listens to, and what was last said on it."""

    name: str
    kind: str
    market: Market | None
    every_ms: int = 0
    interval: str = ""
    levels: int = 0
    listeners: dict[Listener, None] = field(default_factory=dict)
    version: int = -1
    closed_ms: int = -1
    due_ms: int = 0
    sides: tuple[dict[str, str], dict[str, str]] = field(default_factory=lambda: ({}, {}))


class Streams:
    """The streams of one face."""

    def __init__(self, exchange: Exchange) -> None:
        self._markets = {symbol.lower(): market for symbol, market in exchange.markets.items()}
        self._streams: dict[str, Stream] = {}
        self._render: dict[str, Callable[[Stream, int], Json | None]] = {
            "ticker": _ticker,
            "miniTicker": lambda stream, now_ms: _mini(_market(stream), now_ms),
            "avgPrice": _average,
            "bookTicker": _book_ticker,
            "depth": _depth,
        }

    def subscribe(self, listener: Listener, name: str, now_ms: int) -> None:
        """Add a listener. A name that means nothing is accepted and stays silent, as on Binance."""
        stream = self._streams.get(name)
        if stream is None:
            stream = self._streams[name] = self._open(name, now_ms)
        stream.listeners[listener] = None
        if not (stream.kind == "depth" and not stream.levels):
            stream.version = -1  # so that the newcomer hears the present state soon

    def unsubscribe(self, listener: Listener, name: str) -> None:
        """Take a listener away."""
        stream = self._streams.get(name)
        if stream is not None:
            stream.listeners.pop(listener, None)
            if not stream.listeners:
                del self._streams[name]

    def names(self, listener: Listener) -> list[str]:
        """What one connection listens to."""
        return [name for name, stream in self._streams.items() if listener in stream.listeners]

    def all_names(self) -> list[str]:
        """What anybody listens to."""
        return list(self._streams)

    def close(self, listener: Listener) -> None:
        """The connection is gone."""
        for name in self.names(listener):
            self.unsubscribe(listener, name)

    def _open(self, name: str, now_ms: int) -> Stream:
        if name == _ALL_MINI:
            return Stream(name, "allMini", None, 1000)
        match = _NAME.fullmatch(name)
        market = self._markets.get(match["symbol"]) if match is not None else None
        if match is None or market is None or (match["interval"] and match["interval"] not in INTERVALS_MS):
            return Stream(name, "silent", None)
        kind = match["kind"].partition("_")[0].rstrip("0123456789")
        every_ms = TICK_MS if match["fast"] else 1000 if match["interval"] == "1s" else _EVERY_MS.get(kind, 0)
        stream = Stream(name, kind, market, every_ms, match["interval"] or "", int(match["levels"] or 0))
        if kind == "depth" and not stream.levels:
            stream.version, stream.sides = market.version, _sides(market)
        if kind == "kline":
            market.charts.series(stream.interval).roll(now_ms)
            stream.closed_ms = market.charts.series(stream.interval).candles[-1].open_ms - 1
        return stream

    # -- saying ---------------------------------------------------------------------------------------------------

    def on_trade(self, trade: MarketTraded) -> None:
        """A trade happened: tell those who follow trades."""
        if not self._streams:
            return
        prefix = trade.symbol.lower()
        stream = self._streams.get(prefix + "@trade")
        if stream is not None:
            _say(stream, {"e": "trade", "E": trade.ts_ms, "s": trade.symbol, "t": trade.trade_id} | _print(trade))
        stream = self._streams.get(prefix + "@aggTrade")
        if stream is not None:
            body: Json = {"e": "aggTrade", "E": trade.ts_ms, "s": trade.symbol, "a": trade.trade_id}
            _say(stream, body | {"f": trade.trade_id, "l": trade.trade_id} | _print(trade))

    def tick(self, now_ms: int) -> None:
        """Say what is due; called every `TICK_MS`."""
        for stream in list(self._streams.values()):
            if not stream.every_ms or now_ms < stream.due_ms:
                continue
            stream.due_ms = (now_ms // stream.every_ms + 1) * stream.every_ms
            if stream.kind == "kline":
                for body in _klines(stream, now_ms):
                    _say(stream, body)
            elif stream.kind == "allMini":
                _say(stream, [_mini(market, now_ms) for market in self._markets.values()])
            else:
                update = self._render[stream.kind](stream, now_ms)
                if update is not None:
                    _say(stream, update)


def _say(stream: Stream, body: Json | list[Json]) -> None:
    raw = orjson.dumps(body)
    combined = b'{"stream":%b,"data":%b}' % (orjson.dumps(stream.name), raw)
    for listener in list(stream.listeners):
        listener.push(combined if listener.combined else raw)


def _market(stream: Stream) -> Market:
    assert stream.market is not None
    return stream.market


def _print(trade: MarketTraded) -> Json:
    return {"p": num(trade.px), "q": num(trade.qty), "T": trade.ts_ms, "m": trade.buyer_is_maker, "M": True}


def _ticker(stream: Stream, now_ms: int) -> Json:
    market = _market(stream)
    day = quotes.day(market, now_ms)
    names = {
        "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "x": "prevClosePrice", "c": "lastPrice",
        "Q": "lastQty", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty", "o": "openPrice",
        "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime",
        "F": "firstId", "L": "lastId", "n": "count",
    }  # fmt: skip
    return {"e": "24hrTicker", "E": now_ms, "s": day["symbol"]} | {key: day[name] for key, name in names.items()}


def _mini(market: Market, now_ms: int) -> Json:
    day = quotes.day(market, now_ms, mini=True)
    names = {
        "c": "lastPrice", "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume",
    }  # fmt: skip
    return {"e": "24hrMiniTicker", "E": now_ms, "s": day["symbol"]} | {key: day[name] for key, name in names.items()}


def _average(stream: Stream, now_ms: int) -> Json:
    market = _market(stream)
    traded_ms = market.tape[-1].ts_ms if market.tape else now_ms
    body: Json = {"e": "avgPrice", "E": now_ms, "s": market.instrument.symbol, "i": "5m"}
    return body | {"w": num(market.average_px(now_ms)), "T": traded_ms}


def _book_ticker(stream: Stream, _: int) -> Json | None:
    market = _market(stream)
    if stream.version == market.version:
        return None
    stream.version = market.version
    book = quotes.book_ticker(market)
    return {
        "u": market.version, "s": book["symbol"], "b": book["bidPrice"], "B": book["bidQty"], "a": book["askPrice"],
        "A": book["askQty"],
    }  # fmt: skip


def _sides(market: Market) -> tuple[dict[str, str], dict[str, str]]:
    bids, asks = (
        {num(px): num(qty) for px, qty in market.depth("BUY", 1000)},
        {num(px): num(qty) for px, qty in market.depth("SELL", 1000)},
    )
    return bids, asks


def _depth(stream: Stream, now_ms: int) -> Json | None:
    market = _market(stream)
    if stream.version == market.version:
        return None
    if stream.levels:
        stream.version = market.version
        return quotes.depth(market, stream.levels)
    before, after = stream.sides, _sides(market)
    first_id, stream.version, stream.sides = stream.version + 1, market.version, after
    bids, asks = (_changed(old, new) for old, new in zip(before, after, strict=True))
    body: Json = {"e": "depthUpdate", "E": now_ms, "s": market.instrument.symbol, "U": first_id}
    return body | {"u": market.version, "b": bids, "a": asks}


def _changed(old: dict[str, str], new: dict[str, str]) -> list[list[str]]:
    """Levels that differ; one that is gone has quantity zero."""
    changed = [[px, qty] for px, qty in new.items() if old.get(px) != qty]
    return changed + [[px, "0.00000000"] for px in old if px not in new]


def _klines(stream: Stream, now_ms: int) -> Iterator[Json]:
    """Candles that closed since the last time, then the running one."""
    series = _market(stream).charts.series(stream.interval)
    series.roll(now_ms)
    for candle in list(series.candles)[-5:]:
        if stream.closed_ms < candle.close_ms <= now_ms and candle.open_ms > stream.closed_ms:
            stream.closed_ms = candle.close_ms
            yield _kline(stream, candle, now_ms, is_closed=True)
    yield _kline(stream, series.candles[-1], now_ms, is_closed=False)


def _kline(stream: Stream, candle: Candle, now_ms: int, *, is_closed: bool) -> Json:
    symbol = _market(stream).instrument.symbol
    body: dict[str, Any] = {
        "t": candle.open_ms, "T": candle.close_ms, "s": symbol, "i": stream.interval, "f": candle.first_id,
        "L": candle.last_id, "o": num(candle.open), "c": num(candle.close), "h": num(candle.high),
        "l": num(candle.low), "v": num(candle.volume), "n": candle.count, "x": is_closed, "q": num(candle.quote),
        "V": num(candle.taker_volume), "Q": num(candle.taker_quote), "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": now_ms, "s": symbol, "k": body}
