"""Rates in fixed windows (section 12): by address and path, by account and path, orders by account and market."""

from dataclasses import dataclass
from typing import Literal

from paper_exchange.gateio.errors import too_many_requests
from paper_exchange.windows import Window

Pool = Literal["public", "private", "create", "cancel", "transfer"]


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so long."""

    most: int
    length_ms: int


LIMITS: dict[Pool, Limit] = {
    "public": Limit(200, 10_000),
    "private": Limit(200, 10_000),
    "create": Limit(10, 1000),
    "cancel": Limit(200, 1000),
    "transfer": Limit(80, 10_000),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What is left of a limit, which every answer tells."""

    remain: int
    most: int
    reset_ms: int

    def headers(self) -> dict[str, str]:
        """The headers of a REST answer; the reset is in seconds there."""
        return {
            "X-Gate-RateLimit-Requests-Remain": str(self.remain),
            "X-Gate-RateLimit-Limit": str(self.most),
            "X-Gate-RateLimit-Reset-Timestamp": str(-(-self.reset_ms // 1000)),
        }


class Exceeded(Exception):
    """A limit is used up."""

    def __init__(self, usage: Usage) -> None:
        super().__init__("rate limit")
        self.error, self.usage = too_many_requests(), usage


class Meter:
    """Counts requests; `scale` multiplies what is allowed, for those who measure something else."""

    def __init__(self, scale: int = 1) -> None:
        self._scale = scale
        self._windows: dict[tuple[Pool, str], Window] = {}

    def spend(self, pool: Pool, who: str, count: int, now_ms: int) -> Usage:
        """Count `count` requests of `who`. Raises: Exceeded."""
        limit = LIMITS[pool]
        most = limit.most * self._scale
        window = self._windows.setdefault((pool, who), Window(limit.length_ms))
        used, reset_ms = window.count(now_ms), now_ms + window.left_ms(now_ms)
        if used + count > most:
            raise Exceeded(Usage(0, most, reset_ms))
        window.add(count, now_ms)
        return Usage(most - used - count, most, reset_ms)
