"""Prometheus metrics every service has: per-hop histograms, counters, and where they come from."""

import time
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

HOP_BUCKETS: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Seconds; fine where a trade is waiting, coarse where something is already wrong."""

HOP: Final = Histogram("cgt_hop_seconds", "Time one hop of the path took", ["hop"], buckets=HOP_BUCKETS)
PUBLISHED: Final = Histogram("cgt_publish_seconds", "Publish to acknowledgement", ["topic"], buckets=HOP_BUCKETS)
BUS_DELAY: Final = Histogram(
    "cgt_bus_delay_seconds", "Producer's stamp to this service's queue", ["topic"], buckets=HOP_BUCKETS
)
HANDLING: Final = Histogram("cgt_batch_seconds", "Handling one batch until it is durable", buckets=HOP_BUCKETS)
BATCH_SIZE: Final = Histogram(
    "cgt_batch_records", "Records handled in one batch", buckets=(1, 2, 5, 10, 20, 50, 100, 200)
)
HANDLED: Final = Counter("cgt_records_handled", "Records handled to the end", ["topic"])
DEAD_LETTERED: Final = Counter("cgt_records_dead_lettered", "Records parked because they cannot be handled", ["topic"])
RETRIED: Final = Counter("cgt_batches_retried", "Batches tried again because a dependency was unavailable")
LAG: Final = Gauge(
    "cgt_consumer_lag", "Records between the reader's position and the high-water mark", ["topic", "partition"]
)
RELAYED: Final = Counter("cgt_outbox_relayed", "Outbox rows published by the relay instead of the fast path")
SHARDS_HELD: Final = Gauge("cgt_shards_held", "Shards this process holds a lease on", ["kind"])


def stopwatch() -> float:
    """A moment to measure from, with `since_s`."""
    return time.perf_counter()


def since_s(started: float) -> float:
    """Seconds since `stopwatch()`."""
    return time.perf_counter() - started


def observe_hop(hop: str, started_ms: int, now_ms: int) -> None:
    """Record a hop between two stamps of the same clock; a clock that was set back counts as zero."""
    HOP.labels(hop).observe(max(0, now_ms - started_ms) / 1000)
