"""The public market stream: channels of symbols on one connection, which takes thirty of them.

The kit spreads symbols over sockets (`market_symbols_per_socket`), so that all channels of each fit.
"""

from collections.abc import Iterable, Sequence

from common.connector.ports import (
    CloseAndReconnect,
    Frame,
    MarketChannel,
    MarketReceived,
    Reply,
    Send,
    StreamEvents,
    Unknown,
    Unreadable,
)
from common.errors import UnreadableFrame
from common.market import MarketFact, PublicTrade
from mexc_connector import control
from mexc_connector.prices import last_price, market_facts
from mexc_connector.translate import read_push

SUBSCRIPTIONS_PER_CONNECTION = 30
NAMES_PER_SYMBOL = 4
SYMBOLS_PER_CONNECTION = SUBSCRIPTIONS_PER_CONNECTION // NAMES_PER_SYMBOL
NAMES_PER_FRAME = 10
"""A message of the client stays below one KiB."""

_NAMES = {
    # The fastest one: held stops wait for it.
    MarketChannel.BOOK_TICKER: "spot@public.aggre.bookTicker.v3.api.pb@10ms@{}",
    # The stream of tickers is not documented any more; the last price is that of the last trade.
    MarketChannel.TICKER: "spot@public.aggre.deals.v3.api.pb@100ms@{}",
    MarketChannel.TRADES: "spot@public.aggre.deals.v3.api.pb@100ms@{}",
    MarketChannel.CANDLES: "spot@public.kline.v3.api.pb@{}@Min1",
    # The twenty best levels: each frame is whole, so nothing has to be stitched or can have a gap.
    MarketChannel.DEPTH: "spot@public.limit.depth.v3.api.pb@{}@20",
}


class PublicStream:
    """Implements the kit's MarketStream for MEXC."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._watched: set[tuple[str, MarketChannel]] = set()
        self._next_id = 1
        self._open = False
        self._heartbeat = control.Heartbeat()

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """The public socket."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Subscribe what is watched."""
        self._open = True
        self._heartbeat.opened(now_ms)
        return self._control(control.SUBSCRIPTION, sorted(self._names()))

    def on_time(self, now_ms: int) -> StreamEvents:
        """A connection without traffic is ended after a minute."""
        if self._heartbeat.lost(now_ms):
            return [CloseAndReconnect("a ping was never answered")]
        return [Send(control.PING)] if self._heartbeat.due(now_ms) else []

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """Nothing is ever asked over REST."""
        return []

    def watch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Adds channels; what is subscribed already is not asked for twice."""
        before = self._names()
        self._watched |= {(symbol, channel) for symbol in symbols for channel in channels}
        return self._control(control.SUBSCRIPTION, sorted(self._names() - before)) if self._open else []

    def unwatch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Ends channels, except those another kind of data still comes from."""
        before = self._names()
        self._watched -= {(symbol, channel) for symbol in symbols for channel in channels}
        return self._control(control.UNSUBSCRIPTION, sorted(before - self._names())) if self._open else []

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """Data, and answers to control frames, of which only refusals say something."""
        try:
            if control.is_text(raw):
                answer = control.read_control(raw)
                self._heartbeat.answered()
                return [Unreadable(control.as_bytes(raw), answer.msg or "")] if control.is_refusal(answer) else []
            push, body = read_push(control.as_bytes(raw))
            facts = self._wanted(market_facts(push, body, now_ms))
        except UnreadableFrame as error:
            return [Unreadable(control.as_bytes(raw), error.reason)]
        return [MarketReceived(facts)] if facts else []

    def _wanted(self, facts: tuple[MarketFact, ...]) -> tuple[MarketFact, ...]:
        """Trades are told as trades, as the last price, or as both: whatever is watched."""
        trades = [fact for fact in facts if isinstance(fact, PublicTrade)]
        if not trades:
            return facts
        symbol = trades[0].symbol
        told: tuple[MarketFact, ...] = tuple(trades) if (symbol, MarketChannel.TRADES) in self._watched else ()
        return (*told, last_price(trades)) if (symbol, MarketChannel.TICKER) in self._watched else told

    def _names(self) -> set[str]:
        return {_NAMES[channel].format(symbol) for symbol, channel in self._watched}

    def _control(self, method: str, names: Iterable[str]) -> StreamEvents:
        everything = list(names)
        events: StreamEvents = []
        for start in range(0, len(everything), NAMES_PER_FRAME):
            part = everything[start : start + NAMES_PER_FRAME]
            events.append(Send(control.request_frame(method, part, self._next_id)))
            self._next_id += 1
        return events
