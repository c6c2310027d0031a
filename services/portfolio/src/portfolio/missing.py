"""What the books still lack: names of symbols, prices of fees, snapshots of the day."""

from collections.abc import Collection
from typing import Final

import asyncpg
import msgspec

from common.codec import decode
from common.db.errors import typed_errors
from common.exchanges import Exchange
from portfolio.fills import Fill

_UNNAMED: Final = """
SELECT p.account_id, p.symbol, p.exchange, min(f.at_ms) AS at_ms
FROM positions p JOIN fills f USING (account_id, symbol)
WHERE p.shard = ANY($1) AND p.named IS NULL GROUP BY 1, 2, 3 LIMIT 100
"""
_UNVALUED: Final = """
SELECT f.told, p.quote FROM fills f JOIN positions p USING (account_id, symbol)
WHERE f.shard = ANY($1) AND f.fee_state = 'unvalued' ORDER BY f.at_ms DESC LIMIT 500
"""
_WITHOUT_SNAPSHOT: Final = """
SELECT account_id, exchange FROM accounts a
WHERE shard = ANY($1) AND state = 'active'
AND NOT EXISTS (SELECT FROM snapshots s WHERE s.account_id = a.account_id AND s.day = $2) LIMIT 500
"""


class Unnamed(msgspec.Struct, frozen=True):
    """A symbol with fills of which it is not known what it trades."""

    account_id: str
    symbol: str
    exchange: Exchange
    at_ms: int

    @property
    def question(self) -> str:
        return f"name/{self.account_id}/{self.symbol}"


class Unvalued(msgspec.Struct, frozen=True):
    """A fill whose fee has no price."""

    fill: Fill
    quote: str

    @property
    def exchange(self) -> Exchange:
        return self.fill.exchange

    @property
    def question(self) -> str:
        return f"value/{self.fill.account_id}/{self.fill.symbol}/{self.fill.trade_id}/{self.fill.side}"


class Unseen(msgspec.Struct, frozen=True):
    """An account without a snapshot of the day."""

    account_id: str
    exchange: Exchange
    day: str

    @property
    def question(self) -> str:
        return f"snapshot/{self.account_id}/{self.day}"


Wanted = Unnamed | Unvalued | Unseen


class Missing:
    """Reads what is missing. Every method raises Unavailable."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def names(self, shards: Collection[int]) -> list[Unnamed]:
        """Symbols to be named."""
        with typed_errors():
            found = await self._pool.fetch(_UNNAMED, list(shards))
        return [Unnamed(r["account_id"], r["symbol"], Exchange(r["exchange"]), r["at_ms"]) for r in found]

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
