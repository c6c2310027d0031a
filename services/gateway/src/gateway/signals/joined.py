"""The worker behind signals, joined to the database's leases, the facts and the users' events."""

from collections.abc import Iterable
from typing import Final

import asyncpg

from common.clock import Clock
from common.db.leases import Lease, Leases, owner_name
from common.exchanges import Exchange
from common.ids import new_id
from common.service.run import Process
from gateway.signals.model import SHARDS
from gateway.signals.progress import Progress, Tells
from gateway.signals.runner import SignalRunner
from gateway.signals.taking import Signals
from gateway.waiting import Waiting

KIND: Final = "signals"


def spawn_signals(
    process: Process,
    signals: Signals,
    *,
    pool: asyncpg.Pool,
    exchanges: Iterable[Exchange],
    waiting: Waiting,
    tells: Tells,
    clock: Clock,
) -> None:
    """Work on our share of all signals as long as the process runs."""
    progress = Progress(signals.store, tells, clock)

    async def gained(_: Lease) -> None:
        runner.wake()

    async def lost(_: int) -> None:
        """Nothing to finish: whoever takes the shard finds every receipt as it is."""

    owner = owner_name("gateway", new_id())
    leases = Leases(pool, KIND, owner, shards=SHARDS, on_gained=gained, on_lost=lost)
    runner = SignalRunner(signals.store, signals.sender, leases, exchanges, waiting, progress, clock)
    signals.wake = runner.wake
    process.spawn("signal-leases", leases.run(), leases.stop)
    process.spawn("signals", runner.run())
    process.spawn("signal-progress", progress.run())
