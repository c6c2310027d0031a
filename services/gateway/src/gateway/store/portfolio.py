"""The portfolio's published views, read as they are promised: never its tables."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import asyncpg
import msgspec
import orjson

from common.db.errors import typed_errors
from common.errors import Unavailable
from gateway.portfolio.views import (
    FeeTotal,
    FeeView,
    Filter,
    PerformanceView,
    PositionView,
    SnapshotView,
    TradeView,
)
from gateway.ports import After

V = TypeVar("V")

_MINE: Final = """
user_id = $1 AND ($2::text IS NULL OR exchange = $2) AND ($3::text IS NULL OR account_id = $3)
"""
_OF_SYMBOL: Final = "AND ($4::text IS NULL OR symbol = $4)"
_BETWEEN: Final = "AND ($5::bigint IS NULL OR at_ms >= $5) AND ($6::bigint IS NULL OR at_ms < $6)"
_POSITIONS: Final = f"""
SELECT * FROM portfolio.positions_v1 WHERE {_MINE} {_OF_SYMBOL} ORDER BY exchange, symbol, account_id
"""  # noqa: S608 - expressions from this module
_TRADES: Final = f"""
SELECT * FROM portfolio.trades_v1 WHERE {_MINE} {_OF_SYMBOL} {_BETWEEN} AND ($7::text IS NULL OR state = $7)
AND ($9::bigint IS NULL OR (at_ms, account_id, symbol, trade_id) < ($9, $10::text, $11::text, $12::text))
ORDER BY at_ms DESC, account_id DESC, symbol DESC, trade_id DESC LIMIT $8
"""  # noqa: S608
_TRADES_OF: Final = "SELECT * FROM portfolio.trades_v1 WHERE account_id = $1 AND trade_id = ANY($2)"
_FEES: Final = f"""
SELECT * FROM portfolio.fees_v1 WHERE {_MINE} {_OF_SYMBOL} {_BETWEEN}
AND ($8::text IS NULL OR (place, account_id, symbol) < ($8, $9::text, $10::text))
ORDER BY place DESC, account_id DESC, symbol DESC LIMIT $7
"""  # noqa: S608
_FEE_TOTALS: Final = f"""
SELECT exchange, fee_asset, quote, fee_state, count(*) AS fills, sum(fee) AS fee, sum(fee_worth) AS fee_worth
FROM portfolio.fees_v1 WHERE {_MINE} {_OF_SYMBOL} {_BETWEEN} AND fee_state IS DISTINCT FROM 'none'
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""  # noqa: S608
_SNAPSHOTS: Final = f"SELECT * FROM portfolio.snapshots_v1 WHERE {_MINE} ORDER BY day, account_id"  # noqa: S608
_PERFORMANCE: Final = f"SELECT * FROM portfolio.performance_v1 WHERE {_MINE} ORDER BY account_id, quote"  # noqa: S608

_JSON: Final = ("fees", "fees_unvalued", "prices", "unpriced", "holdings")


class PostgresPortfolio:
    """Reads the views. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def positions(self, wanted: Filter) -> Sequence[PositionView]:
        """By exchange and symbol."""
        return await self._views(PositionView, _POSITIONS, *_mine(wanted), wanted.symbol)

    async def trades(
        self, wanted: Filter, state: str | None, limit: int | None, after: After | None
    ) -> Sequence[TradeView]:
        """The latest closed or opened first."""
        page = after or (None, None, None, None)
        return await self._views(TradeView, _TRADES, *_mine(wanted), *_when(wanted), state, limit, *page)

    async def trades_of(self, account_id: str, trade_ids: Sequence[str]) -> Sequence[TradeView]:
        """The trades with these ids, in whatever order."""
        return await self._views(TradeView, _TRADES_OF, account_id, list(trade_ids))

    async def fees(self, wanted: Filter, limit: int, after: After | None) -> Sequence[FeeView]:
        """The latest first."""
        page = after or (None, None, None)
        return await self._views(FeeView, _FEES, *_mine(wanted), *_when(wanted), limit, *page)

    async def fee_totals(self, wanted: Filter) -> Sequence[FeeTotal]:
        """By exchange, asset, quote asset and whether they are valued."""
        return await self._views(FeeTotal, _FEE_TOTALS, *_mine(wanted), *_when(wanted))

    async def snapshots(self, wanted: Filter) -> Sequence[SnapshotView]:
        """The earliest first."""
        return await self._views(SnapshotView, _SNAPSHOTS, *_mine(wanted))

    async def performance(self, wanted: Filter) -> Sequence[PerformanceView]:
        """Each account's, over all its time."""
        return await self._views(PerformanceView, _PERFORMANCE, *_mine(wanted))

    async def _views(self, type_: type[V], query: str, *values: Any) -> list[V]:
        try:
            with typed_errors():
                found = await self._pool.fetch(query, *values)
        except asyncpg.UndefinedTableError as error:  # The portfolio has not migrated yet.
            raise Unavailable("the portfolio") from error
        return [_view(row, type_) for row in found]


def _mine(wanted: Filter) -> tuple[str | None, ...]:
    return wanted.user_id, wanted.exchange.value if wanted.exchange else None, wanted.account_id


def _when(wanted: Filter) -> tuple[str | int | None, ...]:
    return wanted.symbol, wanted.from_ms, wanted.to_ms


def _view(row: asyncpg.Record, type_: type[V]) -> V:
    fields = dict(row)
    for name in _JSON:
        if isinstance(fields.get(name), str):
            fields[name] = orjson.loads(fields[name])
    return msgspec.convert(fields, type_)
