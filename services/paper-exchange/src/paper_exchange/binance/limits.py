"""Request weight and order counts in fixed windows (section 4)."""

from dataclasses import dataclass
from typing import Any

from paper_exchange.binance.errors import too_many_orders, too_much_weight
from paper_exchange.windows import Window

MINUTE_MS, TEN_SECONDS_MS, DAY_MS = 60_000, 10_000, 86_400_000
CONNECT_WEIGHT = 2  # of opening a WebSocket API connection


@dataclass(frozen=True, slots=True)
class Limits:
    """The exchange's limits; the defaults are production's."""

    weight_per_minute: int = 6000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
    raw_requests_per_5min: int = 300_000

    def table(self) -> list[dict[str, Any]]:
        """`rateLimits` of exchangeInfo."""
        return [
            _row("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute),
            _row("ORDERS", "SECOND", 10, self.orders_per_10s),
            _row("ORDERS", "DAY", 1, self.orders_per_day),
            _row("RAW_REQUESTS", "MINUTE", 5, self.raw_requests_per_5min),
        ]


def _row(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


class Meter:
    """Weights by address and unfilled orders by account."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._weights: dict[str, Window] = {}
        self._orders: dict[int, tuple[Window, Window]] = {}

    def _weight(self, address: str) -> Window:
        return self._weights.setdefault(address, Window(MINUTE_MS))

    def _counts(self, uid: int) -> tuple[Window, Window]:
        found = self._orders.get(uid)
        if found is None:
            found = self._orders[uid] = (Window(TEN_SECONDS_MS), Window(DAY_MS))
        return found

    def spend(self, address: str, weight: int, now_ms: int) -> None:
        """Charge `weight` to `address`. Raises: -1003 (429) when there is none left."""
        window = self._weight(address)
        if window.count(now_ms) + weight > self.limits.weight_per_minute:
            raise too_much_weight(self.limits.weight_per_minute, window.left_ms(now_ms))
        window.add(weight, now_ms)

    def charge(self, address: str, weight: int, now_ms: int) -> None:
        """Add weight without asking; negative gives back, as successful placements cost nothing (since April 2026)."""
        self._weight(address).add(weight, now_ms)

    def used_weight(self, address: str, now_ms: int) -> int:
        """Weight of `address` in the present minute."""
        return self._weight(address).count(now_ms)

    def check_orders(self, uid: int, adding: int, now_ms: int) -> None:
        """Is there room for `adding` more unfilled orders. Raises: -1015 (429)."""
        short, day = self._counts(uid)
        if day.count(now_ms) + adding > self.limits.orders_per_day:
            raise too_many_orders(self.limits.orders_per_day, "1 DAY", day.left_ms(now_ms))
        if short.count(now_ms) + adding > self.limits.orders_per_10s:
            raise too_many_orders(self.limits.orders_per_10s, "10 SECOND", short.left_ms(now_ms))

    def count_orders(self, uid: int, adding: int, now_ms: int) -> None:
        """Count placed orders, or (negative) an order's first fill."""
        for window in self._counts(uid):
            window.add(adding, now_ms)

    def order_counts(self, uid: int, now_ms: int) -> tuple[int, int]:
        """Unfilled orders of `uid` in these ten seconds and today."""
        short, day = self._counts(uid)
        return short.count(now_ms), day.count(now_ms)

    def order_table(self, uid: int, now_ms: int) -> list[dict[str, Any]]:
        """The ORDERS rows with their counts."""
        short, day = self.order_counts(uid, now_ms)
        rows = self.limits.table()[1:3]
        return [{**rows[0], "count": short}, {**rows[1], "count": day}]

    def weight_row(self, address: str, now_ms: int) -> dict[str, Any]:
        """The REQUEST_WEIGHT row with its count."""
        return {**self.limits.table()[0], "count": self.used_weight(address, now_ms)}
