"""Which accounts are ours, and since when nobody else can have acted for them."""

import time
from typing import Any

from common.clock import FixedClock
from common.connector.accounts import Ownership
from common.db.leases import Lease
from common.exchanges import Exchange

NOW_MS = 1_795_341_600_000


class NoStreams:
    """Streams nobody."""

    accounts: frozenset[str] = frozenset()


def test_a_shard_counts_as_ours_from_when_the_lease_before_had_ended() -> None:
    nobody: Any = None
    streams: Any = NoStreams()
    owned = Ownership(
        Exchange.GATEIO, nobody, nobody, streams, FixedClock(NOW_MS), partitions=1, forget=lambda account_id: None
    )
    now_s = time.monotonic()
    owned.gained(Lease("accounts", 0, "me", 2, now_s + 2, free_since_s=now_s - 3))
    held = owned.held(0)
    assert held is not None
    assert held.since_ms <= NOW_MS - 3_000
