"""How often a caller may ask: a token bucket for each caller and kind of request. Pure.

A bucket holds a minute's worth of requests and fills steadily. What protects (a cancel, an exit, a kill switch) has a
bucket of its own, twice as large, so that no flood of other requests keeps it out.
"""

from collections import OrderedDict
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from common.errors import Refused

WINDOW_MS: Final = 60_000
MOST_BUCKETS: Final = 50_000
PROTECTIVE_FACTOR: Final = 2
HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RateLimit-Limit": "How many requests of this kind a minute has, and how many may come at once.",
        "RateLimit-Remaining": "How many of them may come now.",
        "RateLimit-Reset": "Seconds until all of them may come again.",
    }
)


class Kind(StrEnum):
    """What a bucket is for."""

    ORDINARY = "ordinary"
    PROTECTIVE = "protective"


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Requests a minute."""

    user: int = 3_000
    address: int = 1_200
    """Of those who do not say who they are, by their address."""


class Standing(NamedTuple):
    """A request at its bucket: `wait_ms` is 0 where it may pass."""

    limit: int
    remaining: int
    reset_s: int
    wait_ms: int

    @property
    def headers(self) -> dict[str, str]:
        """As the answer's headers say it."""
        shown = (self.limit, self.remaining, self.reset_s)
        return {name.lower(): str(value) for name, value in zip(HEADERS, shown, strict=True)}


class Buckets:
    """The buckets of all callers. A full one is as good as none, so that the longest unused are let go of."""

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._buckets: OrderedDict[tuple[str, Kind], tuple[int, int]] = OrderedDict()

    def take(self, caller: str, kind: Kind, a_minute: int, now_ms: int) -> Standing:
        """One request of this caller."""
        limit = a_minute * (PROTECTIVE_FACTOR if kind is Kind.PROTECTIVE else 1)
        # In parts of a request, of which there are as many as milliseconds in the window: a millisecond brings `limit`.
        full = limit * WINDOW_MS
        level, since_ms = self._buckets.pop((caller, kind), (full, now_ms))
        # A clock that was set back fills no bucket and empties none.
        level = min(full, level + max(now_ms - since_ms, 0) * limit)
        passes = level >= WINDOW_MS
        wait_ms = 0 if passes else -(-(WINDOW_MS - level) // limit)
        level -= WINDOW_MS if passes else 0
        self._buckets[caller, kind] = (level, now_ms)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return Standing(limit, level // WINDOW_MS, -(-(full - level) // (limit * 1000)), wait_ms)


def kind_of(method: str, path: str) -> Kind:
    """Whether a request takes risk away, which is never kept waiting by those that do not."""
    protects = (method == "DELETE" and path in _CANCELS) or (method == "POST" and path in _STOPS)
    return Kind.PROTECTIVE if protects else Kind.ORDINARY


def too_many_requests(rule: str, wait_ms: int) -> Refused:
    """The bucket is empty."""
    wait_s = max(1, -(-wait_ms // 1000))
    return Refused(
        code="TOO_MANY_REQUESTS",
        title="Too many requests",
        field=None,
        rule=rule,
        fix=f"Ask again in {wait_s} s.",
        status=429,
        retry_after_ms=wait_s * 1000,
    )


_CANCELS: Final = frozenset(
    {"/exchanges/cancel-order", "/exchanges/cancel-all-orders", "/bitget/orders", "/mexc/orders"}
)
_STOPS: Final = frozenset({"/exchanges/place-oco-order", "/risk/kill-switch", "/risk/kill-switches"})
