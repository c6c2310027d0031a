"""What all sockets of Bitget share: text pings, bytes of a frame, operations in bundles."""

from collections.abc import Iterable, Mapping
from typing import Final

import orjson

from common.connector.ports import CloseAndReconnect, Frame, Send, StreamEvents

PING_EVERY_MS: Final = 30_000
SILENT_AFTER_MS: Final = 75_000
ANSWER_WITHIN_MS: Final = 10_000
ARGS_PER_FRAME: Final = 40
"""A subscribe frame may have 4096 bytes; an arg has less than a hundred."""


class Pulse:
    """The text `ping` every half minute; a socket that answers nothing at all is given up."""

    def __init__(self) -> None:
        self._heard_ms = 0
        self._pinged_ms = 0

    def heard(self, now_ms: int) -> None:
        """A frame came, or the socket opened."""
        self._heard_ms = now_ms
        self._pinged_ms = self._pinged_ms or now_ms

    def beat(self, now_ms: int) -> StreamEvents:
        """What is due now."""
        if now_ms - self._heard_ms > SILENT_AFTER_MS:
            return [CloseAndReconnect("the exchange answers no ping")]
        if now_ms - self._pinged_ms < PING_EVERY_MS:
            return []
        self._pinged_ms = now_ms
        return [Send("ping")]


def as_bytes(raw: Frame) -> bytes:
    """A frame as bytes; what is not Unicode stays recognisable, so that it can be kept as a dead letter."""
    return raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw


def as_text(raw: Frame) -> str:
    """A frame as text; empty where it is none."""
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")


def subscribe_frames(operation: str, args: Iterable[Mapping[str, str]]) -> list[str]:
    """Frames of `subscribe` or `unsubscribe`."""
    everything = list(args)
    bundles = (everything[start : start + ARGS_PER_FRAME] for start in range(0, len(everything), ARGS_PER_FRAME))
    return [orjson.dumps({"op": operation, "args": bundle}).decode() for bundle in bundles]
