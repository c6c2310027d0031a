"""The tables of numbers, and their rows as bytes that can be compared. Pure.

`canonical` is the same for a row that was just computed and for one that was read from the database, so that equal
numbers are equal bytes.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson

from common.codec import plain


class Table(NamedTuple):
    """A table of numbers: its name, what makes a row one, and its columns with their types."""

    name: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    def canonical(self, row: Sequence[Any]) -> bytes:
        """A row as bytes."""
        pairs = zip(self.columns, row, strict=True)
        told = {name: _plain(value, type_) for (name, type_), value in pairs}
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


POSITIONS: Final = Table(
    "positions",
    ("account_id", "symbol"),
    (
        ("account_id", "text"),
        ("symbol", "text"),
        ("exchange", "text"),
        ("base", "text"),
        ("quote", "text"),
        ("named", "jsonb"),
        ("qty", "numeric"),
        ("cost", "numeric"),
        ("avg_entry_px", "numeric"),
        ("realised_pnl", "numeric"),
        ("fees", "jsonb"),
        ("fees_worth", "numeric"),
        ("fees_unvalued", "jsonb"),
        ("fees_unknown", "bigint"),
        ("unmatched_qty", "numeric"),
        ("unmatched_quote", "numeric"),
        ("fills", "bigint"),
        ("first_ms", "bigint"),
        ("last_ms", "bigint"),
    ),
)
FILLS: Final = Table(
    "fills",
    ("account_id", "symbol", "trade_id", "side"),
    (
        ("account_id", "text"),
        ("symbol", "text"),
        ("trade_id", "text"),
        ("side", "text"),
        ("exchange", "text"),
        ("place", "text"),
        ("bracket_id", "text"),
        ("at_ms", "bigint"),
        ("qty", "numeric"),
        ("px", "numeric"),
        ("fee", "numeric"),
        ("fee_asset", "text"),
        ("fee_state", "text"),
        ("fee_px", "numeric"),
        ("fee_worth", "numeric"),
        ("realised_pnl", "numeric"),
        ("told", "jsonb"),
        ("standing", "jsonb"),
    ),
)
TRADES: Final = Table(
    "trades",
    ("account_id", "symbol", "trade_id"),
    (
        ("account_id", "text"),
        ("symbol", "text"),
        ("trade_id", "text"),
        ("exchange", "text"),
        ("quote", "text"),
        ("touched", "text"),
        ("state", "text"),
        ("entry_qty", "numeric"),
        ("entry_avg_px", "numeric"),
        ("exit_qty", "numeric"),
        ("exit_avg_px", "numeric"),
        ("held_qty", "numeric"),
        ("held_cost", "numeric"),
        ("dust_qty", "numeric"),
        ("dust_cost", "numeric"),
        ("realised_pnl", "numeric"),
        ("fees", "jsonb"),
        ("fees_worth", "numeric"),
        ("fees_unvalued", "jsonb"),
        ("fees_unknown", "bigint"),
        ("opened_ms", "bigint"),
        ("closed_ms", "bigint"),
        ("hold_ms", "bigint"),
    ),
)
SNAPSHOTS: Final = Table(
    "snapshots",
    ("account_id", "day"),
    (
        ("account_id", "text"),
        ("day", "text"),
        ("exchange", "text"),
        ("at_ms", "bigint"),
        ("currency", "text"),
        ("equity", "numeric"),
        ("unpriced", "jsonb"),
        ("told", "jsonb"),
    ),
)
PERFORMANCE: Final = Table(
    "performance",
    ("account_id", "quote"),
    (
        ("account_id", "text"),
        ("quote", "text"),
        ("exchange", "text"),
        ("trades", "bigint"),
        ("wins", "bigint"),
        ("losses", "bigint"),
        ("incomplete", "bigint"),
        ("win_rate", "numeric"),
        ("net", "numeric"),
        ("gross_profit", "numeric"),
        ("gross_loss", "numeric"),
        ("profit_factor", "numeric"),
        ("expectancy", "numeric"),
        ("max_drawdown", "numeric"),
        ("sharpe", "numeric"),
        ("average_hold_ms", "bigint"),
    ),
)
NUMBERS: Final = (POSITIONS, FILLS, TRADES, SNAPSHOTS, PERFORMANCE)
"""Everything that is compared with a rebuild."""


def _plain(value: Any, type_: str) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    return orjson.loads(value) if type_ == "jsonb" and value is not None else value
