"""The public market stream: one combined connection, subscribed by control frames, which the kit paces."""

from collections.abc import Iterable, Sequence

import orjson

from binance_connector.prices import market_fact, stream_name, symbol_of_stream
from binance_connector.read_frames import MarketFrame
from binance_connector.ws_frames import as_bytes
from common.connector.bodies import parse
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

NAMES_PER_FRAME = 200
"""Five incoming messages a second are allowed, 1024 streams a connection: names travel in bundles."""

SHUTDOWN = "serverShutdown"


class PublicStream:
    """Implements the kit's MarketStream for Binance."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._symbols: dict[str, str] = {}
        self._next_id = 1
        self._open = False

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """The combined endpoint: every frame says which stream it is of."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Subscribe what is watched."""
        self._open = True
        return self._control("SUBSCRIBE", self._symbols)

    def on_time(self, now_ms: int) -> StreamEvents:
        """Nothing has to be kept alive."""
        return []

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """Nothing is ever asked over REST."""
        return []

    def watch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Adds streams; those that are watched already are not asked for twice."""
        wanted = {stream_name(symbol, channel): symbol for symbol in symbols for channel in channels}
        fresh = [name for name in wanted if name not in self._symbols]
        self._symbols.update(wanted)
        return self._control("SUBSCRIBE", fresh) if self._open else []

    def unwatch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Ends streams."""
        names = [stream_name(symbol, channel) for symbol in symbols for channel in channels]
        known = [name for name in names if self._symbols.pop(name, None) is not None]
        return self._control("UNSUBSCRIBE", known) if self._open else []

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """Data, answers to control frames (which say nothing), errors and the announcement of a restart."""
        data = as_bytes(raw)
        try:
            return self._read(data, now_ms)
        except UnreadableFrame as error:
            return [Unreadable(data, error.reason)]

    def _read(self, data: bytes, now_ms: int) -> StreamEvents:
        frame = parse(data, MarketFrame)
        symbol: str | None = None
        if frame.stream is not None:
            symbol = self._symbols.get(frame.stream) or symbol_of_stream(frame.stream)
            data = bytes(frame.data)
            frame = parse(data, MarketFrame)
        if frame.e == SHUTDOWN:
            return [CloseAndReconnect("the exchange announced a restart", planned=True)]
        if frame.code is not None:
            return [Unreadable(data, f"the stream refused a control frame ({frame.code})")]
        if frame.id is not None and frame.e is None:
            return []
        fact = market_fact(data, frame, symbol, now_ms)
        return [] if fact is None else [MarketReceived((fact,))]

    def _control(self, method: str, names: Iterable[str]) -> StreamEvents:
        """Control frames; their ids are unsigned integers (a text id is refused)."""
        everything = list(names)
        events: StreamEvents = []
        for start in range(0, len(everything), NAMES_PER_FRAME):
            request = {"method": method, "params": everything[start : start + NAMES_PER_FRAME], "id": self._next_id}
            self._next_id += 1
            events.append(Send(orjson.dumps(request).decode()))
        return events
