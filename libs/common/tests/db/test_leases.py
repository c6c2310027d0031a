"""Two and three owners of the shards on a real PostgreSQL."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from common.db.leases import Lease, Leases
from common.errors import Unavailable

pytestmark = pytest.mark.connected

SHARDS = 7


class Owner:
    """Leases with a diary."""

    def __init__(self, pool: Any, name: str, **times: int) -> None:
        self.epochs: dict[int, int] = {}
        self.taken_s: dict[int, float] = {}
        self.free_s: dict[int, float] = {}
        self.refusals: list[Exception] = []
        self.finished = asyncio.Event()
        self.finished.set()
        self.diary: list[tuple[str, int]] = []
        self.leases = Leases(
            pool, "engine", name, shards=SHARDS, on_gained=self.gained, on_lost=self.lost,
            **{"lease_ms": 1_000, "renew_ms": 100} | times,
        )  # fmt: skip

    async def gained(self, lease: Lease) -> None:
        if self.refusals:
            raise self.refusals.pop()
        self.epochs[lease.shard] = lease.epoch
        self.taken_s[lease.shard] = time.monotonic()
        self.free_s[lease.shard] = self.taken_s[lease.shard] - lease.free_since_s
        self.diary.append(("gained", lease.shard))

    async def lost(self, shard: int) -> None:
        self.diary.append(("lost", shard))
        await self.finished.wait()

    @property
    def held(self) -> frozenset[int]:
        return self.leases.held()


@asynccontextmanager
async def running(owner: Owner) -> AsyncIterator[Owner]:
    task = asyncio.create_task(owner.leases.run())
    try:
        yield owner
    finally:
        await owner.leases.stop()
        await task


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


def shared_out(*owners: Owner) -> bool:
    sizes = [len(owner.held) for owner in owners]
    return (
        sum(sizes) == SHARDS == len(frozenset().union(*[owner.held for owner in owners]))
        and max(sizes) - min(sizes) <= 1
    )


async def test_one_owner_takes_everything(pool: asyncpg.Pool) -> None:
    async with running(Owner(pool, "a")) as a:
        await until(lambda: a.held == frozenset(range(SHARDS)))
        lease = a.leases.get(3)
        assert lease is not None
        assert lease.valid()


async def test_new_owners_get_their_fair_share_and_nobody_loses_more_than_that(pool: asyncpg.Pool) -> None:
    async with running(Owner(pool, "a")) as a:
        await until(lambda: shared_out(a))
        async with running(Owner(pool, "b")) as b:
            await until(lambda: shared_out(a, b))
            async with running(Owner(pool, "c")) as c:
                await until(lambda: shared_out(a, b, c))
                assert len(a.held) == 3
            await until(lambda: shared_out(a, b))
        await until(lambda: shared_out(a))
    assert a.held == frozenset()
    assert [entry for entry in a.diary if entry[0] == "gained"][:SHARDS] == [("gained", n) for n in range(SHARDS)]


async def test_every_change_of_owner_is_a_new_epoch(pool: asyncpg.Pool) -> None:
    async with running(Owner(pool, "a")) as a:
        await until(lambda: shared_out(a))
    async with running(Owner(pool, "b")) as b:
        await until(lambda: shared_out(b))
    assert all(b.epochs[shard] > a.epochs[shard] for shard in range(SHARDS))


async def test_whoever_takes_over_knows_for_how_long_nobody_held_it(pool: asyncpg.Pool) -> None:
    async with running(Owner(pool, "a")) as a:
        await until(lambda: shared_out(a))
        held_s = time.monotonic()
    await pool.execute("UPDATE leases SET expires_at = clock_timestamp() - interval '5 seconds' WHERE shard = 3")
    async with running(Owner(pool, "b")) as b:
        await until(lambda: shared_out(b))
    assert b.free_s[3] >= 5
    assert all(held_s <= taken_s - b.free_s[shard] for shard, taken_s in b.taken_s.items() if shard != 3)


async def test_a_clean_stop_frees_the_shards_without_waiting_for_the_expiry(pool: asyncpg.Pool) -> None:
    async with running(Owner(pool, "a", lease_ms=600_000)) as a:
        await until(lambda: shared_out(a))
    async with running(Owner(pool, "b", lease_ms=600_000)) as b:
        await until(lambda: shared_out(b))


async def test_an_owner_cut_off_from_the_database_stops_before_anybody_can_take_over(pool: asyncpg.Pool) -> None:
    class CutOff:
        """The pool until the cable is pulled."""

        cut = False

        async def fetch(self, *arguments: Any) -> Any:
            if self.cut:
                raise ConnectionResetError
            return await pool.fetch(*arguments)

        async def execute(self, *arguments: Any) -> Any:
            return await pool.execute(*arguments)

    line = CutOff()
    async with running(Owner(line, "a")) as a:
        await until(lambda: shared_out(a))
        async with running(Owner(pool, "b")) as b:
            await until(lambda: shared_out(a, b))
            line.cut = True
            seen_by_both = False
            while not shared_out(b):
                seen_by_both |= bool(a.held & b.held)
                await asyncio.sleep(0.005)
            assert not seen_by_both
            assert a.held == frozenset()
            await until(lambda: sum(entry[0] == "lost" for entry in a.diary) == SHARDS)
            line.cut = False
            await until(lambda: shared_out(a, b))


async def test_a_lease_that_lapsed_while_its_renewal_was_under_way_is_lost_and_taken_in_a_new_epoch(
    line: Any,
) -> None:
    async with running(Owner(line, "a", lease_ms=60_000)) as a:
        await until(lambda: shared_out(a))
        epoch, lease = a.epochs[3], a.leases.get(3)
        assert lease is not None

        async def lapse() -> None:
            lease.deadline_s = 0

        line.late = lapse
        await until(lambda: a.epochs[3] > epoch)
        assert not lease.valid()
        assert a.diary[SHARDS:] == [("lost", 3), ("gained", 3)]


@pytest.mark.parametrize("refusal", [Unavailable("the database"), LookupError("a defect")], ids=["outage", "defect"])
async def test_a_shard_that_could_not_be_begun_is_not_held_and_tried_again(
    pool: asyncpg.Pool, refusal: Exception
) -> None:
    a = Owner(pool, "a", lease_ms=60_000)
    a.refusals = [refusal]
    async with running(a):
        await until(lambda: a.epochs.keys() == set(range(SHARDS)))
        assert a.epochs == {0: 2} | dict.fromkeys(range(1, SHARDS), 1)
        assert a.diary[-2:] == [("gained", SHARDS - 1), ("gained", 0)]
        assert a.diary[0] == ("lost", 0)
        assert shared_out(a)


async def test_a_shard_that_takes_longer_to_finish_than_a_lease_lasts_does_not_cost_the_others(
    pool: asyncpg.Pool,
) -> None:
    async with running(Owner(pool, "a")) as a:
        await until(lambda: shared_out(a))
        a.finished.clear()
        async with running(Owner(pool, "b")) as b:
            await until(lambda: shared_out(a, b))
            assert a.diary[SHARDS:] == [("lost", 4), ("lost", 5), ("lost", 6)]
            a.finished.set()


OTHER_PROCESS = """
import asyncio, json, sys
from common.db.leases import Leases
from common.db.pool import create_pool
from common.log import LogSettings, configure_logging

configure_logging("other", LogSettings())

async def main(url, schema):
    async def gained(lease): print(json.dumps(lease.shard), flush=True)
    async def lost(shard): pass
    pool = await create_pool(url, schema, application_name="other", size=2)
    await Leases(pool, "engine", "victim", shards=%d, on_gained=gained, on_lost=lost, lease_ms=1000, renew_ms=100).run()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_the_shards_of_a_killed_process_are_taken_over_when_its_leases_expire(
    pool: asyncpg.Pool, database_url: str, schema: str
) -> None:
    victim = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OTHER_PROCESS % SHARDS, database_url, schema, stdout=asyncio.subprocess.PIPE
    )
    async with running(Owner(pool, "survivor")) as survivor:
        try:
            assert victim.stdout is not None
            taken = {json.loads(await victim.stdout.readline()) for _ in range(SHARDS // 2)}
            assert taken < set(range(SHARDS))
            await until(lambda: len(survivor.held) == SHARDS - SHARDS // 2)
        finally:
            victim.send_signal(signal.SIGKILL)
            await victim.communicate()
        killed_at = await pool.fetchval("SELECT clock_timestamp()")
        left_ms = await pool.fetchval(
            "SELECT 1000 * extract(epoch FROM max(expires_at) - $1::timestamptz) FROM leases WHERE owner = 'victim'",
            killed_at,
        )
        assert left_ms <= 1_000
        await until(lambda: shared_out(survivor))
