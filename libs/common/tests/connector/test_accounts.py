"""Which accounts are ours, and since when nobody else can have acted for them."""

import time
from typing import Any

import pytest

from common.clock import FixedClock
from common.connector.accounts import Ownership
from common.db.leases import Lease
from common.exchanges import Exchange

NOW_MS = 1_795_341_600_000


class NoStreams:
    """Streams nobody."""

    accounts: frozenset[str] = frozenset()


def ownership() -> Ownership:
    nobody: Any = None
    streams: Any = NoStreams()
    return Ownership(
        Exchange.GATEIO, nobody, nobody, streams, FixedClock(NOW_MS), partitions=1, forget=lambda account_id: None
    )


def lease(epoch: int, free_for_s: float) -> Lease:
    now_s = time.monotonic()
    return Lease("accounts", 0, "me", epoch, now_s + 2, free_since_s=now_s - free_for_s)


def test_a_shard_counts_as_ours_from_when_the_lease_before_had_ended() -> None:
    owned = ownership()
    owned.gained(lease(2, free_for_s=3))
    held = owned.held(0)
    assert held is not None
    assert held.ours_since_ms == held.since_ms <= NOW_MS - 3_000


@pytest.mark.parametrize(("epoch", "stays_ours"), [(3, True), (4, False)])
async def test_a_shard_whose_lease_lapsed_stayed_ours_if_nobody_had_it_meanwhile(epoch: int, stays_ours: bool) -> None:
    owned = ownership()
    owned.gained(lease(2, free_for_s=300))
    owned.lost(0)
    owned.gained(lease(epoch, free_for_s=1))
    held = owned.held(0)
    assert held is not None
    assert held.since_ms > NOW_MS - 100_000, "an order of ours may have left until the lease lapsed"
    assert (held.ours_since_ms < NOW_MS - 100_000) is stays_ours
