"""The exchange's clock: real time unless somebody sets it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]


def real_now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class SetClock:
    """A clock that stands where it was put, for tests and for the simulation."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, by_ms: int) -> None:
        """Move on by this much."""
        self.now_ms += by_ms
