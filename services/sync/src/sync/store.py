"""The order-engine's published views, as sync reads them; and the orders that are not ours, as sync keeps them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg

from common.db.errors import typed_errors
from common.errors import Unavailable
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import OrderSnapshot, OrderStatus, OrderType, Side
from sync.ledger import Account, Holding, LedgerOrder

SCHEMA: Final = "sync"

# What is open may have been placed long ago; of what is closed only the last days are looked at.
_SCOPE: Final = """
SELECT account_id, min(user_id) AS user_id, exchange, array_agg(DISTINCT symbol ORDER BY symbol) AS symbols
FROM order_engine.brackets_v1
WHERE (is_open OR updated_at > clock_timestamp() - $1 * interval '1 millisecond')
  AND ($2::text[] IS NULL OR account_id = ANY($2))
GROUP BY account_id, exchange ORDER BY account_id
"""
_ORDERS: Final = """
SELECT o.account_id, o.exchange, o.symbol, o.client_order_id, o.order_id, o.side, o.type, o.quantity, o.price,
       o.trigger_price, o.status, o.executed_qty, o.created_at, o.valid_until, o.updated_at, f.qty AS itemised_qty
FROM order_engine.orders_v1 o
LEFT JOIN LATERAL (
    SELECT sum(qty) AS qty FROM order_engine.fills_v1 WHERE client_order_id = o.client_order_id
) f ON true
WHERE o.account_id = $1 AND o.residency = 'exchange'
"""
_OPEN: Final = "o.status IN ('PENDING', 'NEW', 'PARTIALLY_FILLED')"
_UNFINISHED: Final = f"""{_ORDERS} AND o.symbol = $2
  AND ({_OPEN} OR o.created_at > clock_timestamp() - $3 * interval '1 millisecond')
  AND ({_OPEN} OR o.executed_qty > coalesce(f.qty, 0))
ORDER BY o.id"""
_NAMED: Final = f"{_ORDERS} AND o.client_order_id = ANY($2) ORDER BY o.id"
_OVERDUE: Final = """
SELECT * FROM (
    SELECT o.account_id, o.exchange, o.symbol, o.client_order_id, o.order_id, o.side, o.type, o.quantity, o.price,
           o.trigger_price, o.status, o.executed_qty, o.created_at, o.valid_until, o.updated_at, NULL AS itemised_qty,
           row_number() OVER (PARTITION BY o.account_id ORDER BY o.created_at) AS place
    FROM order_engine.orders_v1 o
    WHERE o.status = 'PENDING' AND o.residency = 'exchange' AND o.exchange = $1
      AND o.client_order_id !~ '-[pq][0-9]+$'  -- Placed by the exchange: only the engine finds it, by its terms.
      AND o.created_at < clock_timestamp() - $2 * interval '1 millisecond'
) overdue WHERE place <= $3 ORDER BY place, created_at LIMIT $4
"""
_NUMBERS: Final = """
SELECT order_id FROM order_engine.orders_v1
WHERE account_id = $1 AND symbol = $2 AND order_id IS NOT NULL ORDER BY id DESC LIMIT 500
"""
_HOLDINGS: Final = """
SELECT bracket_id, account_id, exchange, symbol, version, base_asset, lot_size, held_qty, created_at
FROM order_engine.holdings_v1 WHERE account_id = $1 AND held_qty > 0 ORDER BY created_at
"""
_SEE_FOREIGN: Final = """
INSERT INTO foreign_orders (account_id, user_id, exchange, symbol, exchange_order_id, client_order_id, side, type,
                            quantity, price, trigger_price, executed_qty, status)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (account_id, symbol, exchange_order_id) DO UPDATE SET
    quantity = excluded.quantity, price = excluded.price, trigger_price = excluded.trigger_price,
    executed_qty = excluded.executed_qty, status = excluded.status, last_seen = clock_timestamp(), gone_at = NULL
"""
_MISS_FOREIGN: Final = """
UPDATE foreign_orders SET gone_at = clock_timestamp()
WHERE account_id = $1 AND symbol = $2 AND gone_at IS NULL AND NOT exchange_order_id = ANY($3)
"""


class PostgresLedger:
    """Reads the ledger. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def scope(
        self, closed_for_ms: int, account_ids: Collection[str] | None = None
    ) -> list[tuple[Account, list[str]]]:
        """Accounts with their symbols: of open brackets, and of those closed within `closed_for_ms`."""
        rows = await self._rows(_SCOPE, closed_for_ms, None if account_ids is None else list(account_ids))
        return [
            (Account(row["account_id"], row["user_id"], Exchange(row["exchange"])), list(row["symbols"]))
            for row in rows
        ]

    async def unfinished(self, account_id: str, symbol: str, itemise_for_ms: int) -> list[LedgerOrder]:
        """Orders that are not ended, however old; and younger ones of whose trades some are not known."""
        return [_order(row) for row in await self._rows(_UNFINISHED, account_id, symbol, itemise_for_ms)]

    async def named(self, account_id: str, client_order_ids: Collection[str]) -> list[LedgerOrder]:
        """The account's orders with these ids."""
        if not client_order_ids:
            return []
        return [_order(row) for row in await self._rows(_NAMED, account_id, list(client_order_ids))]

    async def overdue(self, exchange: Exchange, older_than_ms: int, of_an_account: int, most: int) -> list[LedgerOrder]:
        """Orders sent so long ago and not confirmed: the oldest of every account first, a few of each."""
        rows = await self._rows(_OVERDUE, exchange, older_than_ms, of_an_account, most)
        return [_order(row) for row in rows]

    async def numbers(self, account_id: str, symbol: str) -> tuple[str, ...]:
        """The exchange's ids of our newest orders."""
        return tuple(row["order_id"] for row in await self._rows(_NUMBERS, account_id, symbol))

    async def holdings(self, account_id: str) -> list[Holding]:
        """What the account's open brackets count as held, the oldest first."""
        return [
            Holding(
                bracket_id=row["bracket_id"],
                account_id=row["account_id"],
                exchange=Exchange(row["exchange"]),
                symbol=row["symbol"],
                version=row["version"],
                base_asset=row["base_asset"],
                lot_size=row["lot_size"],
                held_qty=row["held_qty"],
                created_ms=_ms(row["created_at"]),
            )
            for row in await self._rows(_HOLDINGS, account_id)
        ]

    async def _rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        try:
            with typed_errors():
                return list(await self._pool.fetch(query, *values))
        except asyncpg.UndefinedTableError as error:  # The order-engine has not migrated yet.
            raise Unavailable("the order-engine's ledger") from error


class PostgresForeign:
    """Keeps the orders that nobody placed through us."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def seen(self, account: Account, symbol: str, orders: Sequence[OrderSnapshot]) -> None:
        """These are open now, and no others of the symbol. Raises Unavailable."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                numbers = [order.exchange_order_id for order in orders if order.exchange_order_id is not None]
                await connection.execute(_MISS_FOREIGN, account.account_id, symbol, numbers)
                rows = [_foreign_row(account, order) for order in orders if order.exchange_order_id is not None]
                if rows:
                    await connection.executemany(_SEE_FOREIGN, rows)


def _foreign_row(account: Account, order: OrderSnapshot) -> tuple[Any, ...]:
    return (
        account.account_id,
        account.user_id,
        account.exchange,
        order.symbol,
        order.exchange_order_id,
        order.client_order_id,
        order.side,
        order.order_type,
        order.qty,
        order.price,
        order.trigger_px,
        order.cum_qty or ZERO,
        order.status or OrderStatus.NEW,
    )


def _order(row: asyncpg.Record) -> LedgerOrder:
    created_ms = _ms(row["created_at"])
    return LedgerOrder(
        account_id=row["account_id"],
        exchange=Exchange(row["exchange"]),
        symbol=row["symbol"],
        client_order_id=row["client_order_id"],
        exchange_order_id=row["order_id"],
        side=Side(row["side"]),
        order_type=OrderType(row["type"]),
        qty=row["quantity"],
        price=row["price"],
        trigger_px=row["trigger_price"],
        status=None if row["status"] == "PENDING" else OrderStatus(row["status"]),
        cum_qty=row["executed_qty"],
        itemised_qty=row["itemised_qty"] or ZERO,
        submitted_ms=created_ms,
        valid_until_ms=_ms(row["valid_until"]) if row["valid_until"] is not None else created_ms + _LONGEST_VALIDITY_MS,
        updated_ms=_ms(row["updated_at"]),
    )


_LONGEST_VALIDITY_MS: Final = 600_000
"""For orders of a ledger that did not yet tell: the most a gateway may set (`CGT_INTENT_VALID_MS`)."""


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
