"""Public channels without their sockets (sections 14.1 and 14.2): who wants what, and what is due."""

from collections.abc import Callable
from typing import Any

from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.gateio import sayings
from paper_exchange.gateio.instruments import pair_of
from paper_exchange.gateio.quotes import INTERVALS
from paper_exchange.gateio.sayings import Key, Listener, Stream

TICK_MS = 100
_SPEEDS_MS = {"20ms": TICK_MS, "100ms": TICK_MS, "1000ms": 1000}


class BadTopic(Exception):
    """The payload of a subscription names nothing that there is."""


class Streams:
    """The public channels of one venue."""

    def __init__(self, markets: dict[str, Market]) -> None:
        self._markets = {pair_of(market.instrument): market for market in markets.values()}
        self._streams: dict[Key, Stream] = {}
        self._say: dict[str, Callable[[Stream, int], None]] = {
            "spot.tickers": sayings.say_ticker,
            "spot.book_ticker": sayings.say_best,
            "spot.candlesticks": sayings.say_candles,
            "spot.order_book": sayings.say_snapshot,
            "spot.order_book_update": sayings.say_changes,
            "spot.obu": sayings.say_changes,
        }

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
            sayings.say_trade(stream, print_, pair)

    def tick(self, now_ms: int) -> None:
        """Say what is due; called every `TICK_MS`."""
        for stream in list(self._streams.values()):
            if stream.every_ms and now_ms >= stream.due_ms:
                stream.due_ms = (now_ms // stream.every_ms + 1) * stream.every_ms
                self._say[stream.key[0]](stream, now_ms)
                stream.fresh.clear()
