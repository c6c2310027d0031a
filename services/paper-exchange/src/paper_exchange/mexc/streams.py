"""Public channels without their sockets (sections 10 and 11): who listens to what, and what is due."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from common.mexc_proto import Push as Frame
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.market import Market
from paper_exchange.core.money import plain
from paper_exchange.core.orders import Side
from paper_exchange.mexc import ids
from paper_exchange.mexc.channels import INTERVALS, Channel
from paper_exchange.mexc.switches import Switches
from paper_exchange.timings import BookStamp

Json = dict[str, Any]
Sides = tuple[dict[Decimal, Decimal], dict[Decimal, Decimal]]
MOST_LEVELS = 1000


class Listener(Protocol):
    """One connection."""

    def push(self, frame: bytes, stamp: BookStamp | None = None) -> None:
        """Send a binary frame."""


@dataclass(slots=True)
class Stream:
    """One channel somebody listens to, and what was last said on it."""

    channel: Channel
    market: Market | None
    listeners: dict[Listener, None] = field(default_factory=dict)
    version: int = -1
    due_ms: int = 0
    deals: list[Json] = field(default_factory=list)
    sides: Sides = field(default_factory=lambda: ({}, {}))
    candle_ms: int = -1


class Streams:
    """The public channels of one venue."""

    def __init__(self, exchange: Exchange, switches: Switches) -> None:
        self._markets, self._switches = exchange.markets, switches
        self._streams: dict[str, Stream] = {}
        self._makers: dict[str, Callable[[Stream, int], list[Json]]] = {
            "aggre.deals": self._deals,
            "aggre.bookTicker": self._book_ticker,
            "aggre.depth": self._depth_changes,
            "bookTicker.batch": self._book_tickers,
            "limit.depth": self._depth,
            "kline": self._candles,
            "miniTicker": self._mini_ticker,
            "miniTickers": self._mini_tickers,
        }

    def knows(self, channel: Channel) -> bool:
        """Whether its symbol is traded here."""
        return not channel.symbol or channel.symbol in self._markets

    def subscribe(self, listener: Listener, channel: Channel) -> None:
        """Add a listener, who hears the present state soon."""
        stream = self._streams.get(channel.name)
        if stream is None:
            market = self._markets[channel.symbol] if channel.symbol else None
            stream = self._streams[channel.name] = Stream(channel, market)
            if market is not None and channel.kind == "aggre.depth":
                stream.version, stream.sides = market.version, _sides(market)
        stream.listeners[listener] = None
        if channel.kind != "aggre.depth":
            stream.version = -1

    def unsubscribe(self, listener: Listener, name: str) -> None:
        """Take a listener away."""
        stream = self._streams.get(name)
        if stream is not None:
            stream.listeners.pop(listener, None)
            if not stream.listeners:
                del self._streams[name]

    # -- saying ---------------------------------------------------------------------------------------------------

    def on_trade(self, trade: MarketTraded) -> None:
        """A trade happened: it is told at the channel's pace."""
        for stream in self._streams.values():
            if stream.channel.kind == "aggre.deals" and stream.channel.symbol == trade.symbol:
                stream.deals.append(self._deal(trade))

    def _deal(self, trade: MarketTraded) -> Json:
        side = 2 if trade.buyer_is_maker else 1
        body: Json = {"price": plain(trade.px), "quantity": plain(trade.qty), "tradeType": side, "time": trade.ts_ms}
        return body | self._new_fields(tradeId=ids.trade_id(trade.trade_id))

    def _new_fields(self, **fields: Any) -> Json:
        """Fields that MEXC added in June 2026 without a warning."""
        return fields if self._switches.emits_2026_fields else {}

    def tick(self, now_ms: int) -> None:
        """Say what is due; called at the pace of the fastest channels."""
        for stream in list(self._streams.values()):
            if now_ms < stream.due_ms:
                continue
            every_ms = stream.channel.every_ms
            stream.due_ms = (now_ms // every_ms + 1) * every_ms
            for body in self._makers[stream.channel.kind](stream, now_ms):
                _say(stream, body, now_ms)

    def _deals(self, stream: Stream, _: int) -> list[Json]:
        if not stream.deals:
            return []
        deals, stream.deals = stream.deals, []
        return [{"publicAggreDeals": {"deals": deals, "eventType": stream.channel.event_type}}]

    def _book_ticker(self, stream: Stream, now_ms: int) -> list[Json]:
        if not _moved(stream):
            return []
        new = self._new_fields(version=str(stream.version), lastOrderCreateTime=now_ms)
        return [{"publicAggreBookTicker": _best(_market(stream)) | new}]

    def _book_tickers(self, stream: Stream, now_ms: int) -> list[Json]:
        if not _moved(stream):
            return []
        new = self._new_fields(version=str(stream.version), lastOrderCreateTime=now_ms)
        return [{"publicBookTickerBatch": {"items": [_best(_market(stream))]} | new}]

    def _depth(self, stream: Stream, now_ms: int) -> list[Json]:
        if not _moved(stream):
            return []
        market, count = _market(stream), stream.channel.levels
        body: Json = {name: _levels(market.depth(side, count)) for name, side in _SIDES}
        body |= {"eventType": stream.channel.event_type, "version": str(stream.version)}
        return [{"publicLimitDepths": body | self._new_fields(lastOrderCreateTime=now_ms)}]

    def _depth_changes(self, stream: Stream, now_ms: int) -> list[Json]:
        before, first = stream.sides, stream.version + 1
        if not _moved(stream):
            return []
        stream.sides = _sides(_market(stream))
        bids, asks = (_levels(_changed(old, new)) for old, new in zip(before, stream.sides, strict=True))
        body: Json = {"bids": bids, "asks": asks, "eventType": stream.channel.event_type}
        body |= {"fromVersion": str(first), "toVersion": str(stream.version)}
        return [{"publicAggreDepths": body | self._new_fields(lastOrderCreateTime=now_ms)}]

    def _candles(self, stream: Stream, now_ms: int) -> list[Json]:
        """The candle that just closed, once more, and the running one."""
        series = _market(stream).charts.series(INTERVALS[stream.channel.interval])
        series.roll(now_ms)
        rows = [candle for candle in list(series.candles)[-2:] if candle.open_ms >= stream.candle_ms]
        if stream.candle_ms < 0:
            rows = rows[-1:]
        stream.candle_ms = rows[-1].open_ms
        return [
            {
                "publicSpotKline": {
                    "interval": stream.channel.interval,
                    "windowStart": candle.open_ms // 1000,
                    "openingPrice": plain(candle.open),
                    "closingPrice": plain(candle.close),
                    "highestPrice": plain(candle.high),
                    "lowestPrice": plain(candle.low),
                    "volume": plain(candle.volume),
                    "amount": plain(candle.quote),
                    "windowEnd": (candle.close_ms + 1) // 1000,
                }
            }
            for candle in rows
        ]

    @staticmethod
    def _mini_ticker(stream: Stream, now_ms: int) -> list[Json]:
        return [{"publicMiniTicker": _mini(_market(stream), now_ms)}]

    def _mini_tickers(self, _: Stream, now_ms: int) -> list[Json]:
        return [{"publicMiniTickers": {"items": [_mini(market, now_ms) for market in self._markets.values()]}}]


_SIDES: tuple[tuple[str, Side], ...] = (("asks", "SELL"), ("bids", "BUY"))


def _say(stream: Stream, body: Json, now_ms: int) -> None:
    channel = stream.channel
    head: Json = {"channel": channel.name}
    if channel.symbol:
        head["symbol"] = channel.symbol
    # Candles say when they were made, and by what id the symbol goes; everything else says when it was sent.
    if channel.kind == "kline":
        head |= {"symbolId": ids.listed_id(channel.symbol), "createTime": now_ms}
    else:
        head["sendTime"] = now_ms
    frame, stamp = Frame(**head, **body).SerializeToString(), None
    if channel.kind == "aggre.bookTicker":
        book = body["publicAggreBookTicker"]
        stamp = (channel.symbol, book["bidPrice"], book["askPrice"])
    for listener in list(stream.listeners):
        listener.push(frame, stamp)


def _market(stream: Stream) -> Market:
    assert stream.market is not None
    return stream.market


def _moved(stream: Stream) -> bool:
    """Whether the book has changed since the last time; from now on it has not."""
    version = _market(stream).version
    has_moved, stream.version = version != stream.version, version
    return has_moved


def _best(market: Market) -> Json:
    bid, ask = market.best("BUY"), market.best("SELL")
    return {
        "bidPrice": plain(bid[0]),
        "bidQuantity": plain(bid[1]),
        "askPrice": plain(ask[0]),
        "askQuantity": plain(ask[1]),
    }


def _sides(market: Market) -> Sides:
    return dict(market.depth("BUY", MOST_LEVELS)), dict(market.depth("SELL", MOST_LEVELS))


def _changed(old: dict[Decimal, Decimal], new: dict[Decimal, Decimal]) -> list[tuple[Decimal, Decimal]]:
    """Levels that differ; one that is gone has quantity zero."""
    changed = [(px, qty) for px, qty in new.items() if old.get(px) != qty]
    return changed + [(px, Decimal(0)) for px in old if px not in new]


def _levels(levels: list[tuple[Decimal, Decimal]]) -> list[Json]:
    return [{"price": plain(px), "quantity": plain(qty)} for px, qty in levels]


def _mini(market: Market, now_ms: int) -> Json:
    """`volume` is in quote and `quantity` in base, as nowhere else."""
    total = market.day(now_ms)
    rate = f"{(market.last - total.open) / total.open:.4f}"
    return {
        "symbol": market.instrument.symbol,
        "price": plain(market.last),
        "rate": rate,
        "zonedRate": rate,
        "high": plain(total.high),
        "low": plain(total.low),
        "volume": plain(total.quote),
        "quantity": plain(total.volume),
    }
