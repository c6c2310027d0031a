"""Text frames of MEXC's sockets: what is asked for, and how the answers are read.

A refusal has the same code as a success; a subscription is one only if the answer names exactly what was asked for.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from common.connector.bodies import parse
from common.connector.ports import Frame
from mexc_connector.frames import ControlFrame

SUBSCRIPTION: Final = "SUBSCRIPTION"
UNSUBSCRIPTION: Final = "UNSUBSCRIPTION"
PING: Final = '{"method":"PING"}'
PONG: Final = "PONG"
INVALID_KEY: Final = "Invalid listen key"
_REFUSED: Final = "not subscribed"

PING_EVERY_MS: Final = 15_000
PONG_WITHIN_MS: Final = 10_000
ANSWER_WITHIN_MS: Final = 10_000


class Heartbeat:
    """The exchange ends a connection that is silent for a minute, and answers PING while it lives."""

    def __init__(self) -> None:
        self._pinged_ms: int | None = None
        self._waiting = False

    def opened(self, now_ms: int) -> None:
        """The connection is fresh."""
        self._pinged_ms, self._waiting = now_ms, False

    def answered(self) -> None:
        """It lives."""
        self._waiting = False

    def due(self, now_ms: int) -> bool:
        """Whether a PING is to be sent now; then its answer is waited for."""
        if self._pinged_ms is None or now_ms - self._pinged_ms < PING_EVERY_MS:
            return False
        self._pinged_ms, self._waiting = now_ms, True
        return True

    def lost(self, now_ms: int) -> bool:
        """Whether the answer is overdue."""
        return self._waiting and self._pinged_ms is not None and now_ms - self._pinged_ms > PONG_WITHIN_MS


def as_bytes(raw: Frame) -> bytes:
    """A frame as bytes; what is not Unicode stays recognisable, so that it can be kept as a dead letter."""
    return raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw


def is_text(raw: Frame) -> bool:
    """Control frames are text. Should one come as bytes, it starts as JSON does; a push starts with its first tag."""
    return isinstance(raw, str) or raw[:1] == b"{"


def request_frame(method: str, channels: Sequence[str], request_id: int) -> str:
    """A subscription or its end."""
    return orjson.dumps({"method": method, "params": list(channels), "id": request_id}).decode()


def read_control(raw: Frame) -> ControlFrame:
    """A text frame. Raises UnreadableFrame for what is not JSON."""
    return parse(as_bytes(raw), ControlFrame)


def missing(channels: Iterable[str], answer: ControlFrame) -> list[str]:
    """The channels that an answer does not name as subscribed."""
    named = set((answer.msg or "").split(","))
    return [channel for channel in channels if channel not in named]


def is_refusal(answer: ControlFrame) -> bool:
    """Whether it says that something was not subscribed, under whatever id."""
    return answer.code not in {0, None} or (answer.msg or "").lower().startswith(_REFUSED)
