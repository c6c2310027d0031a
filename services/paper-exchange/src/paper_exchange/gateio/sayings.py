"""What the public channels say, and to whom (sections 14.1 and 14.2)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.gateio import quotes
from paper_exchange.gateio.frames import update
from paper_exchange.gateio.numbers import plain, seconds
from paper_exchange.gateio.quotes import Json
from paper_exchange.gateio.render import sequence_id

Key = tuple[str, ...]
Sides = tuple[dict[str, str], dict[str, str]]


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


def _push(stream: Stream, result: Json, now_ms: int) -> None:
    frame = orjson.dumps(update(stream.key[0], result, now_ms))
    for listener in list(stream.listeners):
        listener.push(frame)


def say_trade(stream: Stream, print_: MarketTraded, pair: str) -> None:
    """One trade, as it happens."""
    _push(stream, _trade(print_, pair), print_.ts_ms)


def _trade(print_: MarketTraded, pair: str) -> Json:
    number = sequence_id(print_.trade_id)
    return {
        "id": print_.trade_id, "id_market": number, "create_time": print_.ts_ms // 1000,
        "create_time_ms": f"{print_.ts_ms}.000", "side": quotes.taker_side(print_), "currency_pair": pair,
        "amount": plain(print_.qty), "price": plain(print_.px), "range": f"{number}-{number}",
    }  # fmt: skip


def say_ticker(stream: Stream, now_ms: int) -> None:
    """24-hour figures, moved or not."""
    _push(stream, quotes.ticker(stream.market, now_ms), now_ms)


def _moved(stream: Stream) -> bool:
    """Whether there is something to say: the book changed, or somebody new listens."""
    moved = stream.version != stream.market.version or bool(stream.fresh)
    stream.version = stream.market.version
    return moved


def say_best(stream: Stream, now_ms: int) -> None:
    """The best prices, when the book has moved."""
    market = stream.market
    if _moved(stream):
        bid, ask = market.best("BUY"), market.best("SELL")
        best = {"b": plain(bid[0]), "B": plain(bid[1]), "a": plain(ask[0]), "A": plain(ask[1])}
        _push(stream, {"t": now_ms, "u": market.version, "s": stream.key[1]} | best, now_ms)


def say_snapshot(stream: Stream, now_ms: int) -> None:
    """The first levels, when the book has moved."""
    market, levels = stream.market, stream.levels
    if _moved(stream):
        sides = {"bids": quotes.levels(market, "BUY", levels), "asks": quotes.levels(market, "SELL", levels)}
        head = {"t": now_ms, "lastUpdateId": market.version, "s": stream.key[1], "l": str(levels)}
        _push(stream, head | sides, now_ms)


def say_candles(stream: Stream, now_ms: int) -> None:
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


def say_changes(stream: Stream, now_ms: int) -> None:
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
