"""What sync measures."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

DRIFT: Final = Counter("cgt_reconcile_drift", "Differences between ledger and exchange that were mended", ["kind"])
CHECKS: Final = Counter("cgt_sync_checks", "Accounts held against their exchange", ["exchange", "outcome"])
CHECK_SECONDS: Final = Histogram(
    "cgt_sync_check_seconds",
    "How long one account took",
    ["exchange"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
UNSETTLED: Final = Gauge("cgt_sync_orders_unsettled", "Overdue orders that no look has settled yet", ["exchange"])
ROUND_AGE: Final = Gauge("cgt_sync_round_age_seconds", "Since the shard that waits longest was last checked")
