"""The public market stream: one connection, subscribed by control frames, which the kit paces."""

from collections.abc import Iterable, Sequence

from bitget_connector.prices import CHANNELS, pushed
from bitget_connector.public_frames import SocketFrame
from bitget_connector.replies import parse
from bitget_connector.sockets import Pulse, as_bytes, as_text, subscribe_frames
from common.connector.ports import (
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

_Name = tuple[str, str]


class PublicStream:
    """Implements the kit's MarketStream for Bitget."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._watched: dict[_Name, set[MarketChannel]] = {}
        """Who wants a channel of a symbol: two of ours may stand on one of the exchange's."""
        self._pulse = Pulse()
        self._open = False

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """The public endpoint, the same for all accounts."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Subscribe what is watched."""
        self._open = True
        self._pulse.heard(now_ms)
        return _control("subscribe", self._watched)

    def on_time(self, now_ms: int) -> StreamEvents:
        """Text pings."""
        return self._pulse.beat(now_ms) if self._open else []

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """Nothing is ever asked over REST."""
        return []

    def watch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Adds channels; those that are watched already are not asked for twice."""
        fresh = []
        for symbol in symbols:
            for channel in channels:
                name = (CHANNELS[channel], symbol)
                if name not in self._watched:
                    fresh.append(name)
                self._watched.setdefault(name, set()).add(channel)
        return _control("subscribe", fresh) if self._open else []

    def unwatch(self, symbols: Sequence[str], channels: Sequence[MarketChannel], now_ms: int) -> StreamEvents:
        """Ends channels that nobody wants any more."""
        ended = []
        for symbol in symbols:
            for channel in channels:
                name = (CHANNELS[channel], symbol)
                wanted_by = self._watched.get(name, set())
                wanted_by.discard(channel)
                if name in self._watched and not wanted_by:
                    del self._watched[name]
                    ended.append(name)
        return _control("unsubscribe", ended) if self._open else []

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """Data, pongs, and answers to control frames, which say nothing unless they refuse."""
        self._pulse.heard(now_ms)
        if as_text(raw) == "pong":
            return []
        data = as_bytes(raw)
        try:
            frame = parse(data, SocketFrame)
            if frame.event == "error":
                raise UnreadableFrame(f"the stream refused a control frame ({frame.code})")
            if frame.event is not None:
                return []
            if frame.arg is None:
                raise UnreadableFrame("neither an event nor data of a channel")
            facts = pushed(frame.arg, frame.action, bytes(frame.data), now_ms)
        except UnreadableFrame as error:
            return [Unreadable(data, error.reason)]
        return [MarketReceived(facts)] if facts else []


def _control(operation: str, names: Iterable[_Name]) -> StreamEvents:
    args = [{"instType": "SPOT", "channel": channel, "instId": symbol} for channel, symbol in names]
    return [Send(text) for text in subscribe_frames(operation, args)]
