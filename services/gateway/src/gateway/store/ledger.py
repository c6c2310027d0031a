"""The order-engine's published views, read as they are promised: never its tables."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
import orjson

from gateway.ports import After, BracketView, IntentView, OrderView
from gateway.store.errors import ledger_errors

V = TypeVar("V", BracketView, IntentView, OrderView)

_BRACKETS: Final = """
SELECT * FROM order_engine.brackets_v1
WHERE account_id = ANY($1) AND ($2::text IS NULL OR symbol = $2)
  AND ($4::bigint IS NULL OR ((extract(epoch FROM created_at) * 1000000)::bigint, bracket_id) < ($4, $5::text))
ORDER BY created_at DESC, bracket_id DESC LIMIT $3
"""
_OPEN_BRACKETS: Final = """
SELECT * FROM order_engine.brackets_v1 WHERE account_id = $1 AND is_open ORDER BY created_at DESC, bracket_id
"""
_ORDERS: Final = "SELECT * FROM order_engine.orders_v1 WHERE order_group_id = ANY($1) ORDER BY created_at, id"
_BY_CLIENT_ID: Final = "SELECT * FROM order_engine.orders_v1 WHERE account_id = $1 AND client_order_id = ANY($2)"
_BY_EXCHANGE_ID: Final = "SELECT * FROM order_engine.orders_v1 WHERE account_id = $1 AND order_id = ANY($2)"
_HELD: Final = """
SELECT * FROM order_engine.orders_v1
WHERE account_id = $1 AND residency = 'engine' AND status = 'NEW' AND ($2::text IS NULL OR symbol = $2)
ORDER BY created_at, id
"""
_INTENT: Final = "SELECT * FROM order_engine.intents_v1 WHERE intent_id = $1"
_KNOWN: Final = "SELECT intent_id FROM order_engine.intents_v1 WHERE intent_id = ANY($1)"


class PostgresLedger:
    """Reads the views. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def brackets(
        self, account_ids: Sequence[str], symbol: str | None, limit: int, after: After | None = None
    ) -> Sequence[BracketView]:
        """The newest first; only what comes after this `place`, unless None."""
        rows = await self._rows(_BRACKETS, list(account_ids), symbol, limit, *(after or (None, None)))
        return [_view(row, BracketView) for row in rows]

    async def open_brackets(self, account_id: str) -> Sequence[BracketView]:
        """Those of the account that are not closed, the newest first."""
        return [_view(row, BracketView) for row in await self._rows(_OPEN_BRACKETS, account_id)]

    async def orders_of(self, bracket_ids: Sequence[str]) -> Sequence[OrderView]:
        """The orders of these brackets, oldest first."""
        return [_view(row, OrderView) for row in await self._rows(_ORDERS, list(bracket_ids))]

    async def orders_by_client_id(self, account_id: str, client_order_ids: Sequence[str]) -> Sequence[OrderView]:
        """The account's orders with these ids."""
        return [_view(row, OrderView) for row in await self._rows(_BY_CLIENT_ID, account_id, list(client_order_ids))]

    async def orders_by_exchange_id(self, account_id: str, exchange_order_ids: Sequence[str]) -> Sequence[OrderView]:
        """The account's orders with these ids of the exchange."""
        rows = await self._rows(_BY_EXCHANGE_ID, account_id, list(exchange_order_ids))
        return [_view(row, OrderView) for row in rows]

    async def held_orders(self, account_id: str, symbol: str | None) -> Sequence[OrderView]:
        """The exits that the engine holds for the account, oldest first."""
        return [_view(row, OrderView) for row in await self._rows(_HELD, account_id, symbol)]

    async def intent(self, intent_id: str) -> IntentView | None:
        """What became of an intent; None while the engine has not read it."""
        rows = await self._rows(_INTENT, intent_id)
        return _view(rows[0], IntentView) if rows else None

    async def knows(self, intent_ids: Sequence[str]) -> frozenset[str]:
        """Which of these intents have reached the ledger."""
        return frozenset(row["intent_id"] for row in await self._rows(_KNOWN, list(intent_ids)))

    async def _rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        with ledger_errors():
            return list(await self._pool.fetch(query, *values))


def _view(row: asyncpg.Record, type_: type[V]) -> V:
    fields = dict(row)
    for name in ("fees", "tp_levels"):
        if isinstance(fields.get(name), str):
            fields[name] = orjson.loads(fields[name])
    return msgspec.convert(fields, type_)
