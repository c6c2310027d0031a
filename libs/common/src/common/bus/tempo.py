"""How soon a reader reads, as it changes with who waits for what it brings."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from common.bus.brokers import Pace


class Tempo:
    """The pace of readers, asked before every fetch; `hurry` ends the pause they are in."""

    def __init__(self, pace: Callable[[], Pace]) -> None:
        self._pace = pace
        self._nudges: list[Callable[[], None]] = []

    @property
    def pace(self) -> Pace:
        """Who waits at the moment."""
        return self._pace()

    def hurry(self) -> None:
        """Somebody has begun to wait."""
        for nudge in self._nudges:
            nudge()

    @contextmanager
    def nudging(self, nudge: Callable[[], None]) -> Iterator[None]:
        """Call this on every `hurry` in here."""
        self._nudges.append(nudge)
        try:
            yield
        finally:
            self._nudges.remove(nudge)


def steady(pace: Pace) -> Tempo:
    """A pace that never changes."""
    return Tempo(lambda: pace)
