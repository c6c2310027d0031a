"""Percentiles, and histograms read from metrics. Pure."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """How a set of latencies is distributed, in ms; NaN where there are none."""

    count: int
    p50: float
    p90: float
    p99: float
    max: float


def spread(values: Sequence[float]) -> Spread:
    """The percentiles of `values`, each the smallest value that so many are not above (nearest rank)."""
    if not values:
        return Spread(0, math.nan, math.nan, math.nan, math.nan)
    ordered = sorted(values)
    p50, p90, p99 = (ordered[math.ceil(len(ordered) * q) - 1] for q in (0.5, 0.9, 0.99))
    return Spread(len(ordered), p50, p90, p99, ordered[-1])


def median(values: Sequence[float]) -> float:
    """The median; NaN of nothing."""
    known = [value for value in values if not math.isnan(value)]
    return statistics.median(known) if known else math.nan


@dataclass(frozen=True)
class Histogram:
    """Cumulative counts by upper bound in seconds (the last is infinity), and the sum of what was observed."""

    bounds_s: tuple[float, ...]
    counts: tuple[float, ...]
    sum_s: float

    @property
    def count(self) -> float:
        """How many were observed."""
        return self.counts[-1]

    @property
    def mean_ms(self) -> float:
        """The exact mean in ms."""
        return self.sum_s / self.count * 1000 if self.count else math.nan

    def since(self, before: "Histogram | None") -> "Histogram":
        """What was observed after `before`."""
        if before is None:
            return self
        counts = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        return Histogram(self.bounds_s, counts, self.sum_s - before.sum_s)

    def plus(self, other: "Histogram | None") -> "Histogram":
        """Both together."""
        if other is None:
            return self
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Histogram(self.bounds_s, counts, self.sum_s + other.sum_s)

    def quantile_ms(self, q: float) -> float:
        """The value that a share `q` is not above, straight between the bounds of its bucket, in ms."""
        if not self.count:
            return math.nan
        rank, lower, below = q * self.count, 0.0, 0.0
        for bound, count in zip(self.bounds_s, self.counts, strict=True):
            if count >= rank and count > below:
                upper = lower if math.isinf(bound) else bound
                return (lower + (upper - lower) * (rank - below) / (count - below)) * 1000
            lower, below = bound, count
        return lower * 1000
