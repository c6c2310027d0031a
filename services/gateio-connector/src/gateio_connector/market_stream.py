"""The public market stream: pairs are subscribed by channel; one unknown pair would fail a whole frame."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from common.connector.bodies import parse
from common.connector.ports import (
    Frame,
    MarketChannel,
    MarketReceived,
    Reply,
    StreamEvents,
    Unknown,
    Unreadable,
)
from common.errors import UnreadableFrame
from gateio_connector.frames import WsFrame
from gateio_connector.pairs import Listed
from gateio_connector.prices import pushed
from gateio_connector.sockets import Pulse, as_bytes, frame, upgrade

_CHANNELS: Final = {
    MarketChannel.TICKER: "spot.tickers",
    MarketChannel.BOOK_TICKER: "spot.book_ticker",
    MarketChannel.CANDLES: "spot.candlesticks",
    MarketChannel.DEPTH: "spot.order_book",
    MarketChannel.TRADES: "spot.trades",
}
_LEVELS: Final = ("20", "100ms")
_SILENT: Final = frozenset({"spot.pong"})
PAIRS_PER_FRAME: Final = 100
Watched = tuple[str, MarketChannel]


class PublicStream:
    """Implements the kit's MarketStream for Gate.io."""

    def __init__(self, url: str, listed: Listed) -> None:
        self._url = url
        self._listed = listed
        self._watched: dict[Watched, None] = {}
        self._pulse = Pulse()
        self._open = False

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """One address for everything."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Subscribe what is watched."""
        self._open = True
        self._pulse.opened(now_ms)
        return self._control("subscribe", self._watched, now_ms)

    def on_time(self, now_ms: int) -> StreamEvents:
        """Keep the socket alive."""
        return self._pulse.tick(now_ms)

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """Nothing is ever asked over REST."""
        return []

    def watch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Adds symbols; what is watched already is not asked for twice."""
        fresh = [key for key in _keys(symbols, channels) if key not in self._watched]
        self._watched.update(dict.fromkeys(fresh))
        return self._control("subscribe", fresh, now_ms) if self._open else []

    def unwatch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Ends subscriptions."""
        known = [key for key in _keys(symbols, channels) if key in self._watched]
        for key in known:
            del self._watched[key]
        return self._control("unsubscribe", known, now_ms) if self._open else []

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """Data, and answers to subscriptions: a refused one is told, because its symbol stays silent."""
        try:
            read = parse(as_bytes(raw), WsFrame)
            self._pulse.heard(now_ms)
            if read.error is not None:
                raise UnreadableFrame(f"{read.channel} {read.event}: {read.error.code} {read.error.message}")
            if read.channel == "spot.system":
                return upgrade()
            if read.event in {"subscribe", "unsubscribe"} or read.channel in _SILENT:
                return []
            facts = pushed(read, now_ms)
        except UnreadableFrame as error:
            return [Unreadable(as_bytes(raw), error.reason)]
        return [] if facts is None else [MarketReceived(facts)]

    def _control(self, event: str, keys: Iterable[Watched], now_ms: int) -> StreamEvents:
        by_channel: dict[MarketChannel, list[str]] = {}
        for symbol, channel in keys:
            instrument = self._listed.get(symbol)
            by_channel.setdefault(channel, []).append(symbol if instrument is None else instrument.exchange_symbol)
        return [
            frame(now_ms, _CHANNELS[channel], event, id=self._pulse.next_id(), payload=payload)
            for channel, pairs in by_channel.items()
            for payload in _payloads(channel, pairs)
        ]


def _keys(symbols: Sequence[str], channels: Sequence[MarketChannel]) -> list[Watched]:
    return [(symbol, channel) for symbol in symbols for channel in channels]


def _payloads(channel: MarketChannel, pairs: Sequence[str]) -> list[Any]:
    """Candles and books take one pair a frame."""
    match channel:
        case MarketChannel.CANDLES:
            return [["1m", pair] for pair in pairs]
        case MarketChannel.DEPTH:
            return [[pair, *_LEVELS] for pair in pairs]
        case _:
            return [list(pairs[start : start + PAIRS_PER_FRAME]) for start in range(0, len(pairs), PAIRS_PER_FRAME)]
