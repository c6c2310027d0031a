"""What is committed together, and what becomes of the others when one of them cannot be."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from common.bus.errors import ShardLost
from common.db.leases import Lease
from common.errors import Unavailable
from common.testing.connector import until
from order_engine.commits import Commit, GroupCommit
from order_engine.rows import Rows


class Database:
    """Writes a group when it is told to; knows what each statement held."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.written: list[int] = []
        self.errors: dict[int, Exception] = {}
        self.lost = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def write(self, group: Sequence[Commit]) -> None:
        shards = [commit.lease.shard for commit in group]
        self.groups.append(shards)
        await self.answers.wait()
        for shard in shards:
            if shard in self.errors:
                raise self.errors[shard]
        self.written += shards
        if self.lost:
            raise Unavailable("the database")


@pytest.fixture
def database() -> Database:
    return Database()


def of_shard(shard: int) -> Commit:
    return Commit(Lease("order-engine", shard, "engine", 1, time.monotonic() + 60), (), Rows(), ())


async def outcomes(commits: GroupCommit, *shards: int) -> list[BaseException | None]:
    return await asyncio.gather(*[commits.commit(of_shard(shard)) for shard in shards], return_exceptions=True)


async def test_what_comes_while_a_commit_is_under_way_is_written_together(database: Database) -> None:
    commits = GroupCommit(database.write)
    database.answers.clear()
    first = asyncio.create_task(commits.commit(of_shard(0)))
    await until(lambda: database.groups)
    others = asyncio.create_task(outcomes(commits, 1, 2, 3))
    await asyncio.sleep(0)
    database.answers.set()
    assert await others == [None, None, None]
    assert first.done()
    assert database.groups == [[0], [1, 2, 3]]


async def test_a_shard_that_was_lost_or_cannot_be_written_leaves_the_others_alone(database: Database) -> None:
    database.errors = {1: ShardLost(1), 2: ValueError("a text that no column takes")}
    said = await outcomes(GroupCommit(database.write), 0, 1, 2, 3)
    assert said == [None, database.errors[1], database.errors[2], None]
    assert database.written == [0, 3]


async def test_an_answer_that_was_lost_leaves_all_of_the_group_in_doubt(database: Database) -> None:
    database.lost = True
    said = await outcomes(GroupCommit(database.write), 0, 1)
    assert [type(each) for each in said] == [Unavailable, Unavailable]
    assert database.groups == [[0, 1]], "nothing in doubt is written a second time by itself"


async def test_after_a_failure_the_next_commit_is_written(database: Database) -> None:
    commits = GroupCommit(database.write)
    database.errors = {0: Unavailable("the database")}
    await outcomes(commits, 0)
    database.errors.clear()
    assert await outcomes(commits, 0, 1) == [None, None]


async def test_whoever_gives_up_waiting_keeps_nobody_else_from_it(database: Database) -> None:
    commits = GroupCommit(database.write)
    database.answers.clear()
    impatient = asyncio.create_task(commits.commit(of_shard(0)))
    patient = asyncio.create_task(commits.commit(of_shard(1)))
    await until(lambda: database.groups)
    impatient.cancel()
    database.answers.set()
    await patient
    assert impatient.cancelled()
