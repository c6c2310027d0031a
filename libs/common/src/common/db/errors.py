"""Database errors by what the caller can do: come back later, or give the shard up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from common.bus.errors import ShardLost
from common.errors import Unavailable

LEASE_LOST_SQLSTATE: Final = "CGT01"
"""Raised by the SQL function `assert_lease` of this project."""

# PostgreSQL, appendix A: classes of errors that a later attempt of the same transaction does not meet again.
_TRANSIENT_CLASSES: Final = (
    "08",  # connection exception
    "40",  # serialization failure, deadlock
    "53",  # insufficient resources
    "55",  # object not in prerequisite state: lock not available
    "57",  # operator intervention: shutdown, statement timeout
    "25P03",  # idle in transaction session timeout
)


@contextmanager
def typed_errors(shard: int = -1) -> Iterator[None]:
    """Turn what a database that is down or busy raises into Unavailable, and a lost lease into ShardLost(shard)."""
    try:
        yield
    except asyncpg.PostgresError as error:
        sqlstate = getattr(error, "sqlstate", None) or ""
        if sqlstate == LEASE_LOST_SQLSTATE:
            raise ShardLost(shard) from error
        if sqlstate.startswith(_TRANSIENT_CLASSES):
            raise Unavailable("the database") from error
        raise
    except (asyncpg.InterfaceError, OSError, TimeoutError) as error:
        raise Unavailable("the database") from error
