"""Public channels without their sockets (sections 10.4 and 11.7): who wants what, and what is due."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from paper_exchange.bitget import quotes
from paper_exchange.bitget.numbers import short
from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.market import Market

Json = dict[str, Any]
TICK_MS = 100
_DEPTHS = {"books": 150, "books1": 1, "books5": 5, "books15": 15, "books50": 50}
_EVERY_MS = {"ticker": 300, "books": 200, "books1": TICK_MS, "books5": 200, "books15": 200, "books50": 200}
_CANDLE_EVERY_MS, _PAST_CANDLES = 1000, 100
_CANDLE = re.compile(r"candle(\w+)")
Sides = tuple[dict[str, str], dict[str, str]]


class Listener(Protocol):
    """One connection."""

    def push(self, frame: bytes) -> None:
        """Send a frame."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What can be listened to, in the words of v2 or v3."""

    version: int
    kind: str
    symbol: str
    interval: str = ""


def read_topic(arg: Json, version: int, symbols: Any) -> Topic | None:
    """The topic that the argument of a subscription names; None when there is no such thing."""
    if str(arg.get("instType")).lower() != "spot":
        return None
    name = str(arg.get("channel" if version == 2 else "topic"))
    symbol = str(arg.get("instId" if version == 2 else "symbol"))
    if symbol not in symbols:
        return None
    if name in _EVERY_MS:
        return Topic(version, name, symbol)
    if name == ("trade" if version == 2 else "publicTrade"):
        return Topic(version, "trade", symbol)
    match = _CANDLE.fullmatch(name)
    interval = match[1] if match is not None and version == 2 else str(arg.get("interval"))
    is_candle = match is not None if version == 2 else name == "kline"
    return Topic(version, "candle", symbol, interval) if is_candle and interval in quotes.WS_INTERVALS else None


@dataclass(slots=True)
class Stream:
    """One topic somebody listens to, with each listener's own argument, and what was last said on it."""

    topic: Topic
    market: Market
    every_ms: int
    listeners: dict[Listener, Json] = field(default_factory=dict)
    version: int = -1
    due_ms: int = 0
    sides: Sides = field(default_factory=lambda: ({}, {}))


class MarketChannels:
    """The public channels of one face."""

    def __init__(self, exchange: Exchange) -> None:
        self._markets = exchange.markets
        self._streams: dict[Topic, Stream] = {}

    def topic(self, arg: Json, version: int) -> Topic | None:
        """What an argument names, or None."""
        return read_topic(arg, version, self._markets)

    def subscribe(self, listener: Listener, topic: Topic, arg: Json, now_ms: int) -> None:
        """Add a listener, who hears the present state at once."""
        stream = self._streams.get(topic)
        if stream is None:
            every_ms = 0 if topic.kind == "trade" else _EVERY_MS.get(topic.kind, _CANDLE_EVERY_MS)
            market = self._markets[topic.symbol]
            stream = self._streams[topic] = Stream(topic, market, every_ms, version=market.version)
            stream.sides = _sides(market)
        stream.listeners[listener] = arg
        rows = _snapshot(stream, now_ms)
        if rows:
            listener.push(_frame("snapshot", arg, rows, now_ms))

    def unsubscribe(self, listener: Listener, topic: Topic) -> None:
        """Take a listener away."""
        stream = self._streams.get(topic)
        if stream is not None:
            stream.listeners.pop(listener, None)
            if not stream.listeners:
                del self._streams[topic]

    def close(self, listener: Listener) -> None:
        """The connection is gone."""
        for topic in [topic for topic, stream in self._streams.items() if listener in stream.listeners]:
            self.unsubscribe(listener, topic)

    def topics(self) -> list[Topic]:
        """What anybody listens to."""
        return list(self._streams)

    def on_trade(self, trade: MarketTraded) -> None:
        """A trade happened: tell those who follow trades."""
        for version in (2, 3):
            stream = self._streams.get(Topic(version, "trade", trade.symbol))
            if stream is not None:
                _say(stream, "update", [_trade(trade, version)], trade.ts_ms)

    def tick(self, now_ms: int) -> None:
        """Say what is due and new; called every `TICK_MS`."""
        for stream in list(self._streams.values()):
            if not stream.every_ms or now_ms < stream.due_ms or stream.version == stream.market.version:
                continue
            stream.due_ms = (now_ms // stream.every_ms + 1) * stream.every_ms
            stream.version = stream.market.version
            if stream.topic.kind == "books":
                _say(stream, "update", [_changes(stream, now_ms)], now_ms)
            elif stream.topic.kind == "candle":
                _say(stream, "update", list(_candles(stream, now_ms))[-2:], now_ms)
            else:
                _say(stream, "snapshot", _snapshot(stream, now_ms), now_ms)


def _frame(action: str, arg: Json, rows: list[Any], now_ms: int) -> bytes:
    return orjson.dumps({"action": action, "arg": arg, "data": rows, "ts": now_ms})


def _say(stream: Stream, action: str, rows: list[Any], now_ms: int) -> None:
    for listener, arg in list(stream.listeners.items()):
        listener.push(_frame(action, arg, rows, now_ms))


def _snapshot(stream: Stream, now_ms: int) -> list[Any]:
    topic, market = stream.topic, stream.market
    if topic.kind == "trade":
        return [_trade(trade, topic.version) for trade in reversed(list(market.tape)[-50:])]
    if topic.kind == "candle":
        return list(_candles(stream, now_ms))[-_PAST_CANDLES:]
    if topic.kind == "ticker":
        return [(quotes.ws_ticker if topic.version == 2 else quotes.uta_ticker)(market, now_ms)]
    if topic.kind == "books":
        bids, asks = (list(side.items()) for side in stream.sides)
        return [_book(topic.version, asks, bids, stream.version, now_ms)]
    depth = _DEPTHS[topic.kind]
    asks, bids = quotes.levels(market, "SELL", depth), quotes.levels(market, "BUY", depth)
    return [_book(topic.version, asks, bids, market.version, now_ms)]


def _book(version: int, asks: list[tuple[str, str]], bids: list[tuple[str, str]], seq: int, now_ms: int) -> Json:
    names = ("asks", "bids") if version == 2 else ("a", "b")
    return {names[0]: asks, names[1]: bids, "seq": seq, "ts": str(now_ms)}


def _sides(market: Market) -> Sides:
    limit = _DEPTHS["books"]
    bids, asks = quotes.levels(market, "BUY", limit), quotes.levels(market, "SELL", limit)
    return dict(bids), dict(asks)


def _changes(stream: Stream, now_ms: int) -> Json:
    """The levels that differ from what was said last; one that is gone has size 0."""
    before, stream.sides = stream.sides, _sides(stream.market)
    bids, asks = (
        [(px, qty) for px, qty in new.items() if old.get(px) != qty] + [(px, "0") for px in old if px not in new]
        for old, new in zip(before, stream.sides, strict=True)
    )
    return _book(stream.topic.version, asks, bids, stream.version, now_ms)


def _trade(trade: MarketTraded, version: int) -> Json:
    side, ts = quotes.taker_side(trade), str(trade.ts_ms)
    if version == 2:
        return {
            "ts": ts, "price": short(trade.px), "size": short(trade.qty), "side": side, "tradeId": str(trade.trade_id),
        }  # fmt: skip
    number = str(trade.trade_id)
    return {"i": number, "L": number, "p": short(trade.px), "v": short(trade.qty), "S": side, "T": ts}


def _candles(stream: Stream, now_ms: int) -> Iterator[Any]:
    series = stream.market.charts.series(quotes.WS_INTERVALS[stream.topic.interval])
    series.roll(now_ms)
    return (_candle(row, stream.topic.version) for row in list(series.candles)[-_PAST_CANDLES:])


def _candle(row: Candle, version: int) -> Any:
    """v2 has base, quote and USDT volume here, the last two the other way round than over REST."""
    if version == 2:
        return quotes.candle(row)
    names = ("start", "open", "high", "low", "close", "volume", "turnover")
    return dict(zip(names, quotes.uta_candle(row), strict=True))
