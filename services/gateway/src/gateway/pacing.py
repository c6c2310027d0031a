"""Spaces a trader's orders out, so that one who sends a thousand at once is a neighbour like every other.

A second's worth passes as it comes. What is beyond that waits its turn, and is refused only where the wait would be
long: an order costs every part of the system a little, and whoever else trades must not feel it. Cancels, exits and
switches never wait here.
"""

import asyncio
import math
import time
from collections import OrderedDict
from typing import Final

from gateway.rates import MOST_BUCKETS, too_many_requests

LONGEST_MS: Final = 5_000
"""How long an order may wait for its turn."""


class Line:
    """When each caller's next order may pass. Pure."""

    def __init__(self, per_s: int, most: int = MOST_BUCKETS) -> None:
        self._gap_ms = 1_000 / per_s
        self._most = most
        self._next_ms: OrderedDict[str, float] = OrderedDict()

    def join(self, caller: str, now_ms: float) -> int:
        """How many ms this order is to wait; one that would wait for longer than `LONGEST_MS` has not joined.

        `now_ms` is of a clock that nobody sets.
        """
        turn_ms = max(self._next_ms.pop(caller, 0.0), now_ms - 1_000 + self._gap_ms)
        wait_ms = max(0, math.ceil(turn_ms - now_ms))
        self._next_ms[caller] = turn_ms + (self._gap_ms if wait_ms <= LONGEST_MS else 0)
        if len(self._next_ms) > self._most:
            self._next_ms.popitem(last=False)  # The longest unused: as good as new.
        return wait_ms


class Pacer:
    """Makes orders wait for their turn."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._line = Line(per_s)

    async def turn(self, user_id: str) -> None:
        """Return when the user's next order may pass. Raises Refused when too many of theirs wait already."""
        wait_ms = self._line.join(user_id, time.monotonic() * 1_000)
        if wait_ms > LONGEST_MS:
            rule = f"A user may place {self._per_s} orders a second; {LONGEST_MS // 1000} seconds' worth may wait."
            raise too_many_requests(rule, wait_ms - LONGEST_MS)
        if wait_ms:
            await asyncio.sleep(wait_ms / 1000)
