"""Limits and kill switches in PostgreSQL."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from common import ids
from common.codec import decode_union
from common.db.errors import typed_errors
from common.intents import OrderIntent
from gateway.ports import COMMIT_MARGIN_MS, StoredIntent
from gateway.risk.ports import OpenEntry
from gateway.risk.rules import Limits, Scope, SetBy, Stake, Switch, Usage
from gateway.store.admission import check_risk, insert
from gateway.store.errors import ledger_errors
from gateway.store.risk_reads import (
    UNREAD,
    limits_by_word,
    switch_of,
    switches_for,
    usage_of,
)

_SET: Final = """
INSERT INTO risk_limits (user_id, set_by, max_order_value, max_open_exposure, daily_loss_limit)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (user_id, set_by) DO UPDATE SET max_order_value = excluded.max_order_value,
    max_open_exposure = excluded.max_open_exposure, daily_loss_limit = excluded.daily_loss_limit
"""
_UNSET: Final = "DELETE FROM risk_limits WHERE user_id = $1 AND set_by = $2"
_ENGAGE: Final = """
INSERT INTO kill_switches (scope, target, set_by, reason, engaged_by, engaged_ms) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (scope, target, set_by) DO UPDATE SET scope = excluded.scope
RETURNING *
"""
_RELEASE: Final = "DELETE FROM kill_switches WHERE scope = $1 AND target = $2 AND set_by = $3"
_ALL: Final = "SELECT * FROM kill_switches ORDER BY engaged_ms, scope, target, set_by"
_ENTRIES: Final = """
SELECT account_id, exchange, symbol, client_order_id, order_id AS exchange_order_id FROM order_engine.orders_v1
WHERE user_id = $1 AND order_role = 'ENTRY' AND side = 'BUY' AND status IN ('PENDING', 'NEW', 'PARTIALLY_FILLED')
ORDER BY created_at, id
"""


class PostgresRisk:
    """The store of limits and switches. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def limits(self, user_id: str) -> dict[SetBy, Limits]:
        """The limits that are set, by whose word."""
        with typed_errors():
            return await limits_by_word(self._pool, user_id)

    async def set_limits(self, user_id: str, set_by: SetBy, limits: Limits) -> None:
        """Replace them; limits without any limit are none."""
        values = (limits.max_order_value, limits.max_open_exposure, limits.daily_loss_limit)
        with typed_errors():
            if limits.any:
                await self._pool.execute(_SET, user_id, set_by.value, *values)
            else:
                await self._pool.execute(_UNSET, user_id, set_by.value)

    async def usage(self, user_id: str, now_ms: int) -> Usage:
        """What the user risks and has lost today."""
        with ledger_errors():
            return await usage_of(self._pool, user_id, now_ms)

    async def check(self, stake: Stake, now_ms: int) -> None:
        """Whether a buy would be admitted now, reserving nothing. Raises Refused."""
        with ledger_errors():
            async with self._pool.acquire() as connection:
                await check_risk(connection, stake, now_ms)

    async def switches(self, user_id: str | None) -> Sequence[Switch]:
        """The engaged switches that concern the user; of everybody for None. Oldest first."""
        with typed_errors():
            if user_id is not None:
                return await switches_for(self._pool, user_id, None)
            return [switch_of(row) for row in await self._pool.fetch(_ALL)]

    async def engage(self, switch: Switch) -> Switch:
        """Engage it; one that is engaged already stays as it is. The switch as it stands."""
        values = (switch.scope.value, switch.target, switch.set_by.value, switch.reason)
        with typed_errors():
            row = await self._pool.fetchrow(_ENGAGE, *values, switch.engaged_by, switch.engaged_ms)
        return switch_of(row)

    async def release(self, scope: Scope, target: str, set_by: SetBy) -> bool:
        """False when it was not engaged."""
        with typed_errors():
            status = await self._pool.execute(_RELEASE, scope.value, target, set_by.value)
        return not str(status).endswith(" 0")

    async def open_entries(self, user_id: str, now_ms: int) -> Sequence[OpenEntry]:
        """The user's buys that work, or that the ledger does not know yet."""
        with ledger_errors():
            # In this order: what the engine reads in between is found twice rather than not at all.
            unread = await self._pool.fetch(f"SELECT i.intent {UNREAD}", user_id, now_ms - COMMIT_MARGIN_MS)
            working = await self._pool.fetch(_ENTRIES, user_id)
        found = [*(_unread_entry(row["intent"]) for row in unread), *(OpenEntry(**dict(row)) for row in working)]
        return list({entry.client_order_id: entry for entry in found}.values())

    async def add_all(self, stored: Sequence[StoredIntent]) -> None:
        """Store intents that nothing may hold back, in one transaction; those stored before are left as they are."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                for each in stored:
                    await insert(connection, each)


def _unread_entry(document: bytes) -> OpenEntry:
    intent = decode_union(document, OrderIntent)
    bracket = ids.bracket_id(intent.account_id, intent.intent_id)
    return OpenEntry(
        account_id=intent.account_id,
        exchange=intent.exchange.value,
        symbol=intent.symbol,
        client_order_id=ids.client_order_id(bracket, ids.Leg.ENTRY, 0),
        exchange_order_id=None,
    )
