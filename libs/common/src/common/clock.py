"""Time as a port: services take a clock, pure code takes milliseconds."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in integer milliseconds since the epoch."""

    def now_ms(self) -> int: ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock for tests: it stands still until it is told to advance."""

    def __init__(self, now_ms: int = 1_795_341_600_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        """Move time forward by `by_ms` milliseconds."""
        self._now_ms += by_ms
