"""What the books still lack: names of symbols, prices of fees, snapshots of the day."""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

import asyncpg
import msgspec

from common.codec import decode
from common.db.errors import typed_errors
from common.exchanges import Exchange
from portfolio.fills import Fill

_UNNAMED: Final = """
SELECT DISTINCT ON (f.account_id, f.symbol) f.told FROM positions p JOIN fills f USING (account_id, symbol)
WHERE p.shard = ANY($1) AND p.named IS NULL ORDER BY f.account_id, f.symbol, f.place LIMIT 100
"""
_UNVALUED: Final = """
SELECT f.told, p.quote FROM fills f JOIN positions p USING (account_id, symbol)
WHERE f.shard = ANY($1) AND f.fee_state = 'unvalued' ORDER BY f.at_ms DESC LIMIT 500
"""
_WITHOUT_SNAPSHOT: Final = """
SELECT account_id, exchange FROM accounts a
WHERE shard = ANY($1) AND state = 'active'
AND NOT EXISTS (SELECT FROM snapshots s WHERE s.account_id = a.account_id AND s.day = $2) LIMIT 20
"""


class _OfAFill(msgspec.Struct, frozen=True):
    """Something that a fill shows to be missing."""

    fill: Fill

    @property
    def exchange(self) -> Exchange:
        return self.fill.exchange

    @property
    def cause(self) -> str | None:
        return self.fill.told_by


class Unnamed(_OfAFill, frozen=True):
    """A symbol of which it is not known what it trades, with its first fill."""

    @property
    def question(self) -> str:
        return f"name/{self.fill.account_id}/{self.fill.symbol}"


class Unvalued(_OfAFill, frozen=True):
    """A fill whose fee has no price."""

    quote: str

    @property
    def question(self) -> str:
        return f"value/{self.fill.account_id}/{self.fill.symbol}/{self.fill.trade_id}/{self.fill.side}"


class Unseen(msgspec.Struct, frozen=True):
    """An account without a snapshot of the day."""

    account_id: str
    exchange: Exchange
    day: str

    @property
    def cause(self) -> str | None:
        """No message: a day has begun."""
        return None

    @property
    def question(self) -> str:
        return f"snapshot/{self.account_id}/{self.day}"


Wanted = Unnamed | Unvalued | Unseen


class Gaps(Protocol):
    """What is missing in the books of some shards. Every method raises Unavailable."""

    async def names(self, shards: Collection[int]) -> Sequence[Unnamed]:
        """Symbols to be named."""

    async def values(self, shards: Collection[int]) -> Sequence[Unvalued]:
        """Fees to be valued, the latest first."""

    async def snapshots(self, shards: Collection[int], day: str) -> Sequence[Unseen]:
        """Accounts to be seen."""


class Missing:
    """Reads what is missing in PostgreSQL. Every method raises Unavailable."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def names(self, shards: Collection[int]) -> list[Unnamed]:
        """Symbols to be named."""
        with typed_errors():
            found = await self._pool.fetch(_UNNAMED, list(shards))
        return [Unnamed(decode(row["told"].encode(), Fill)) for row in found]

    async def values(self, shards: Collection[int]) -> list[Unvalued]:
        """Fees to be valued, the latest first."""
        with typed_errors():
            found = await self._pool.fetch(_UNVALUED, list(shards))
        return [Unvalued(decode(row["told"].encode(), Fill), row["quote"]) for row in found]

    async def snapshots(self, shards: Collection[int], day: str) -> list[Unseen]:
        """Accounts to be seen."""
        with typed_errors():
            found = await self._pool.fetch(_WITHOUT_SNAPSHOT, list(shards), day)
        return [Unseen(row["account_id"], Exchange(row["exchange"]), day) for row in found]
