"""Counts in fixed windows of time, which is how the exchanges limit rates."""


class Window:
    """A count that begins anew at every multiple of its length."""

    __slots__ = ("_count", "_index", "length_ms")

    def __init__(self, length_ms: int) -> None:
        self.length_ms = length_ms
        self._index = self._count = 0

    def count(self, now_ms: int) -> int:
        """What this window has so far."""
        index = now_ms // self.length_ms
        if index != self._index:
            self._index, self._count = index, 0
        return self._count

    def add(self, amount: int, now_ms: int) -> None:
        """Count more, or less; never below zero."""
        self._count = max(0, self.count(now_ms) + amount)

    def left_ms(self, now_ms: int) -> int:
        """Until the next window begins."""
        return self.length_ms - now_ms % self.length_ms
