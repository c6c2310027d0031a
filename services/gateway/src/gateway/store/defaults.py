"""Users' trading defaults in PostgreSQL."""

from typing import Final

import asyncpg

from common.codec import decode, encode
from common.db.errors import typed_errors
from common.exchanges import Exchange
from gateway.trading.defaults import NOTHING
from gateway.trading.plans import Wanted

_PUT: Final = """
INSERT INTO trading_defaults (user_id, exchange, wanted, updated_ms) VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id, exchange) DO UPDATE SET wanted = excluded.wanted, updated_ms = excluded.updated_ms
"""


class PostgresDefaults:
    """The store of defaults. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def of(self, user_id: str, exchange: Exchange) -> Wanted | None:
        """What the user has set; None where it is nothing."""
        with typed_errors():
            found = await self._pool.fetchval(
                "SELECT wanted FROM trading_defaults WHERE user_id = $1 AND exchange = $2", user_id, exchange.value
            )
        return None if found is None else decode(found, Wanted)

    async def put(self, user_id: str, exchange: Exchange, wanted: Wanted, now_ms: int) -> None:
        """Replace it; what names nothing is none."""
        with typed_errors():
            if wanted == NOTHING:
                await self._pool.execute(
                    "DELETE FROM trading_defaults WHERE user_id = $1 AND exchange = $2", user_id, exchange.value
                )
            else:
                await self._pool.execute(_PUT, user_id, exchange.value, encode(wanted), now_ms)
