"""What both sockets say and hear alike: frames, pings, silence, the announcement of an upgrade."""

from typing import Any, Final

import orjson

from common.connector.ports import CloseAndReconnect, Frame, Send, StreamEvents

PING_EVERY_MS: Final = 15_000
SILENT_AFTER_MS: Final = 40_000
_MAX_ID: Final = 2**31 - 1


def as_bytes(raw: Frame) -> bytes:
    """The frame's bytes."""
    return raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw


def frame(now_ms: int, channel: str, event: str | None = None, **more: Any) -> Send:
    """One frame of ours; times are seconds, ids stay inside 32 bits."""
    said: dict[str, Any] = {"time": now_ms // 1000, "channel": channel}
    if event is not None:
        said["event"] = event
    return Send(orjson.dumps(said | more).decode())


class Pulse:
    """Pings while it is quiet, and notices when nothing comes back. The exchange's idle limit is not documented."""

    def __init__(self) -> None:
        self._heard_ms: int | None = None
        self._pinged_ms = 0
        self._next_id = 0

    def opened(self, now_ms: int) -> None:
        """The socket is connected."""
        self._heard_ms = self._pinged_ms = now_ms

    def heard(self, now_ms: int) -> None:
        """Something arrived."""
        self._heard_ms = now_ms

    def next_id(self) -> int:
        """A fresh request id."""
        self._next_id = self._next_id % _MAX_ID + 1
        return self._next_id

    def tick(self, now_ms: int) -> StreamEvents:
        """A ping when it is time for one; the end of the socket when it is dead."""
        if self._heard_ms is None:
            return []
        if now_ms - self._heard_ms > SILENT_AFTER_MS:
            return [CloseAndReconnect("nothing came for too long")]
        if now_ms - self._pinged_ms < PING_EVERY_MS:
            return []
        self._pinged_ms = now_ms
        return [frame(now_ms, "spot.ping")]


def upgrade() -> StreamEvents:
    """`spot.system`: this socket is about to be closed, and nothing is replayed on the next."""
    return [CloseAndReconnect("the exchange announced an upgrade", planned=True)]
