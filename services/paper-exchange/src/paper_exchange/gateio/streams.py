"""Public channels without their sockets (sections 14.1 and 14.2): who wants what, and what is due."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.gateio import quotes
from paper_exchange.gateio.frames import update
from paper_exchange.gateio.instruments import pair_of
from paper_exchange.gateio.numbers import plain, seconds
from paper_exchange.gateio.quotes import INTERVALS, Json
from paper_exchange.gateio.render import sequence_id

TICK_MS = 100
_SPEEDS_MS = {"20ms": TICK_MS, "100ms": TICK_MS, "1000ms": 1000}
Key = tuple[str, ...]
Sides = tuple[dict[str, str], dict[str, str]]


class BadTopic(Exception):
    """The payload of a subscription names nothing that there is."""


class Listener(Protocol):
    """One connection."""

    def push(self, frame: bytes) -> None:
        """Send a frame."""


@dataclass(slots=True)
class Stream:
    """One topic somebody listens to, and what was last said on it; `fresh` listeners have heard nothing yet."""

    key: Key
    market: Market
    every_ms: int
    levels: int = 0
    interval: str = ""
    listeners: dict[Listener, None] = field(default_factory=dict)
    fresh: dict[Listener, None] = field(default_factory=dict)
    version: int = -1
    closed_ms: int = -1
    due_ms: int = 0
    sides: Sides = field(default_factory=lambda: ({}, {}))


class Streams:
    """The public channels of one venue."""

    def __init__(self, markets: dict[str, Market]) -> None:
        self._markets = {pair_of(market.instrument): market for market in markets.values()}
        self._streams: dict[Key, Stream] = {}
        self._say: dict[str, Callable[[Stream, int], None]] = {
            "spot.tickers": _say_ticker, "spot.book_ticker": _say_best, "spot.candlesticks": _say_candles,
            "spot.order_book": _say_snapshot, "spot.order_book_update": _say_changes, "spot.obu": _say_changes,
        }  # fmt: skip

    def knows(self, channel: str) -> bool:
        """Whether this is a public channel."""
        return channel in self._say or channel == "spot.trades"

    def market(self, pair: Any) -> Market:
        """The market of a pair. Raises: BadTopic."""
        market = self._markets.get(pair) if isinstance(pair, str) else None
        if market is None:
            raise BadTopic(f"unknown currency pair {pair}")
        return market

    def subscribe(self, listener: Listener, channel: str, payload: list[Any]) -> None:
        """Add a listener to every topic of the payload, or to none. Raises: BadTopic."""
        opened = self._topics(channel, payload)
        if channel == "spot.obu" and any(listener in self._known(stream).listeners for stream in opened):
            raise BadTopic(f"Alert sub {payload[0]}")
        for stream in opened:
            known = self._streams.setdefault(stream.key, stream)
            known.listeners[listener] = None
            known.fresh[listener] = None
            known.due_ms = 0

    def _known(self, stream: Stream) -> Stream:
        return self._streams.get(stream.key, stream)

    def unsubscribe(self, listener: Listener, channel: str, payload: list[Any]) -> None:
        """Take a listener away from the topics of the payload. Raises: BadTopic."""
        for stream in self._topics(channel, payload):
            self._drop(listener, stream.key)

    def _drop(self, listener: Listener, key: Key) -> None:
        stream = self._streams.get(key)
        if stream is not None:
            stream.listeners.pop(listener, None)
            stream.fresh.pop(listener, None)
            if not stream.listeners:
                del self._streams[key]

    def close(self, listener: Listener) -> None:
        """The connection is gone."""
        for key in list(self._streams):
            self._drop(listener, key)

    def listens(self, listener: Listener) -> bool:
        """Whether the connection follows anything public."""
        return any(listener in stream.listeners for stream in self._streams.values())

    def topics(self) -> list[Key]:
        """What anybody listens to."""
        return list(self._streams)

    # -- reading payloads -----------------------------------------------------------------------------------------

    def _topics(self, channel: str, payload: list[Any]) -> list[Stream]:
        if not payload:
            raise BadTopic("payload is empty")
        match channel:
            case "spot.candlesticks":
                return [self._candles(channel, payload)]
            case "spot.order_book" | "spot.order_book_update":
                return [self._book(channel, payload)]
            case "spot.obu":
                return [self._obu(channel, str(name)) for name in payload]
            case _:
                every_ms = {"spot.tickers": 1000, "spot.book_ticker": TICK_MS}.get(channel, 0)
                return [Stream((channel, str(pair)), self.market(pair), every_ms) for pair in payload]

    def _candles(self, channel: str, payload: list[Any]) -> Stream:
        if len(payload) != 2 or payload[0] not in INTERVALS:
            raise BadTopic("invalid interval")
        key = (channel, f"{payload[0]}_{payload[1]}")
        return Stream(key, self.market(payload[1]), 2000, interval=INTERVALS[payload[0]])

    def _book(self, channel: str, payload: list[Any]) -> Stream:
        """[pair, speed] for changes, [pair, level, speed] for snapshots."""
        market, *rest = [self.market(payload[0]), *map(str, payload[1:])]
        speed, levels = rest[-1] if rest else "", "100"
        if channel == "spot.order_book" and len(rest) == 2:
            levels = rest[0]
        is_update = channel == "spot.order_book_update"
        if speed not in _SPEEDS_MS or levels not in {"5", "10", "20", "30", "50", "100"} or len(rest) != 2 - is_update:
            raise BadTopic("invalid level or interval")
        if is_update and speed == "20ms":
            levels = "20"
        return Stream((channel, *map(str, payload)), market, _SPEEDS_MS[speed], int(levels))

    def _obu(self, channel: str, name: str) -> Stream:
        head, _, rest = name.partition(".")
        pair, _, levels = rest.rpartition(".")
        if head != "ob" or levels not in {"50", "400"}:
            raise BadTopic(f"invalid stream {name}")
        return Stream((channel, name), self.market(pair), TICK_MS, int(levels))

    # -- saying ---------------------------------------------------------------------------------------------------

    def on_trade(self, print_: MarketTraded, pair: str) -> None:
        """A trade happened: tell those who follow trades."""
        stream = self._streams.get(("spot.trades", pair))
        if stream is not None:
            _push(stream, _trade(print_, pair), print_.ts_ms)

    def tick(self, now_ms: int) -> None:
        """Say what is due; called every `TICK_MS`."""
        for stream in list(self._streams.values()):
            if stream.every_ms and now_ms >= stream.due_ms:
                stream.due_ms = (now_ms // stream.every_ms + 1) * stream.every_ms
                self._say[stream.key[0]](stream, now_ms)
                stream.fresh.clear()


def _push(stream: Stream, result: Json, now_ms: int) -> None:
    frame = orjson.dumps(update(stream.key[0], result, now_ms))
    for listener in list(stream.listeners):
        listener.push(frame)


def _trade(print_: MarketTraded, pair: str) -> Json:
    number = sequence_id(print_.trade_id)
    return {
        "id": print_.trade_id, "id_market": number, "create_time": print_.ts_ms // 1000,
        "create_time_ms": f"{print_.ts_ms}.000", "side": quotes.taker_side(print_), "currency_pair": pair,
        "amount": plain(print_.qty), "price": plain(print_.px), "range": f"{number}-{number}",
    }  # fmt: skip


def _say_ticker(stream: Stream, now_ms: int) -> None:
    _push(stream, quotes.ticker(stream.market, now_ms), now_ms)


def _moved(stream: Stream) -> bool:
    """Whether there is something to say: the book changed, or somebody new listens."""
    moved = stream.version != stream.market.version or bool(stream.fresh)
    stream.version = stream.market.version
    return moved


def _say_best(stream: Stream, now_ms: int) -> None:
    market = stream.market
    if _moved(stream):
        bid, ask = market.best("BUY"), market.best("SELL")
        best = {"b": plain(bid[0]), "B": plain(bid[1]), "a": plain(ask[0]), "A": plain(ask[1])}
        _push(stream, {"t": now_ms, "u": market.version, "s": stream.key[1]} | best, now_ms)


def _say_snapshot(stream: Stream, now_ms: int) -> None:
    market, levels = stream.market, stream.levels
    if _moved(stream):
        sides = {"bids": quotes.levels(market, "BUY", levels), "asks": quotes.levels(market, "SELL", levels)}
        head = {"t": now_ms, "lastUpdateId": market.version, "s": stream.key[1], "l": str(levels)}
        _push(stream, head | sides, now_ms)


def _say_candles(stream: Stream, now_ms: int) -> None:
    """Candles that closed since the last time, then the running one."""
    series = stream.market.charts.series(stream.interval)
    series.roll(now_ms)
    running = series.candles[-1]
    if stream.closed_ms < 0:
        stream.closed_ms = running.open_ms - 1
    for found in list(series.candles)[-5:]:
        if stream.closed_ms < found.close_ms < running.open_ms:
            stream.closed_ms = found.close_ms
            _push(stream, _candle(stream, found, is_closed=True), now_ms)
    _push(stream, _candle(stream, running, is_closed=False), now_ms)


def _candle(stream: Stream, found: Candle, *, is_closed: bool) -> Json:
    return {
        "t": seconds(found.open_ms), "v": plain(found.quote), "c": plain(found.close), "h": plain(found.high),
        "l": plain(found.low), "o": plain(found.open), "n": stream.key[1], "a": plain(found.volume), "w": is_closed,
    }  # fmt: skip


def _say_changes(stream: Stream, now_ms: int) -> None:
    """Whole books for those who are new, changes for the others."""
    market, first = stream.market, stream.version + 1
    bids = dict(quotes.levels(market, "BUY", stream.levels))
    asks = dict(quotes.levels(market, "SELL", stream.levels))
    before, stream.sides, stream.version = stream.sides, (bids, asks), market.version
    if first <= market.version and len(stream.fresh) < len(stream.listeners):
        sides = {"b": list(_changed(before[0], bids)), "a": list(_changed(before[1], asks))}
        frame = orjson.dumps(_book_frame(stream, {"U": first, "u": market.version} | sides, now_ms))
        for listener in list(stream.listeners):
            if listener not in stream.fresh:
                listener.push(frame)
    if stream.fresh:
        version = {"u": market.version} if stream.key[0] == "spot.obu" else {"U": market.version, "u": market.version}
        whole = {"full": True} | version | {"b": list(map(list, bids.items())), "a": list(map(list, asks.items()))}
        frame = orjson.dumps(_book_frame(stream, whole, now_ms))
        for listener in list(stream.fresh):
            listener.push(frame)


def _changed(old: dict[str, str], new: dict[str, str]) -> Iterator[list[str]]:
    """Levels that differ; one that is gone has the amount zero."""
    yield from ([px, qty] for px, qty in new.items() if old.get(px) != qty)
    yield from ([px, "0"] for px in old if px not in new)


def _book_frame(stream: Stream, book: Json, now_ms: int) -> Json:
    """The newer channel has neither event nor time."""
    channel = stream.key[0]
    if channel == "spot.obu":
        return {"channel": channel, "result": {"t": now_ms, "s": stream.key[1]} | book, "time_ms": now_ms}
    head = {"t": now_ms, "l": str(stream.levels), "e": "depthUpdate", "E": now_ms // 1000, "s": stream.key[1]}
    return update(channel, head | book, now_ms)
