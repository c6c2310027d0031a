"""Books and snapshots as rows, and rows as bytes that can be compared. Pure.

Each table is a tuple of columns; a row has its values in that order. `canonical` is the same for a row that was just
computed and for one that was read from the database, so that equal numbers are equal bytes.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson

from common.codec import encode_sorted, plain
from common.exact import quotient
from common.exchanges import Exchange
from common.performance import Performance, Result, measure
from common.portfolio import SnapshotTaken, SymbolNamed
from portfolio.book import BookKey, Page
from portfolio.fees import Fees
from portfolio.lots import Lot
from portfolio.standing import Standing

Row = tuple[Any, ...]


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


def position_row(key: BookKey, exchange: Exchange, name: SymbolNamed | None, standing: Standing) -> Row:
    """A position; without the symbol's name only that there is one."""
    return (
        *key,
        exchange.value,
        name.base if name else None,
        name.quote if name else None,
        _json(name) if name else None,
        standing.qty,
        standing.cost,
        quotient(standing.cost, standing.qty) if standing.qty > 0 else None,
        standing.realised,
        *_fees(standing.fees),
        standing.unmatched_qty,
        standing.unmatched_quote,
        standing.fills,
        standing.first_ms,
        standing.last_ms,
    )


def fill_row(page: Page) -> Row:
    """A fill with its fee and what it realised."""
    fill, charge, step = page.fill, page.charge, page.step
    return (
        fill.account_id,
        fill.symbol,
        fill.trade_id,
        fill.side.value,
        fill.exchange.value,
        fill.place,
        fill.bracket_id,
        fill.at_ms,
        fill.qty,
        fill.px,
        fill.fee,
        fill.fee_asset,
        charge.state.value if charge else None,
        charge.px if charge and charge.asset else None,
        charge.worth if charge and charge.asset else None,
        step.realised if step else None,
        _json(fill),
        _json(step.after) if step else None,
    )


def trade_row(key: BookKey, exchange: Exchange, quote: str, lot: Lot) -> Row:
    """A trade."""
    closed_ms = lot.closed_ms
    return (
        *key,
        lot.trade_id,
        exchange.value,
        quote,
        lot.touched,
        "OPEN" if closed_ms is None else "CLOSED",
        lot.entry_qty,
        _average(lot.entry_quote, lot.entry_qty),
        lot.exit_qty,
        _average(lot.exit_quote, lot.exit_qty),
        lot.qty,
        lot.cost,
        lot.dust_qty,
        lot.dust_cost,
        lot.realised,
        *_fees(lot.fees),
        lot.opened_ms,
        closed_ms,
        None if closed_ms is None else closed_ms - lot.opened_ms,
    )


def snapshot_row(taken: SnapshotTaken) -> Row:
    """A day's snapshot."""
    unpriced = {each.asset: each.qty for each in taken.holdings if each.px is None}
    return (
        taken.account_id,
        taken.day,
        taken.exchange.value,
        taken.ts_event_ms,
        taken.currency,
        taken.equity,
        _json(unpriced),
        _json(taken),
    )


def performance_rows(trades: Iterable[Mapping[str, Any]]) -> list[Row]:
    """What the closed ones among these rows of `trades` come to, by account and quote asset."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for trade in trades:
        result = _result(trade)
        if result is not None:
            groups.setdefault((trade["account_id"], trade["quote"], trade["exchange"]), []).append(result)
    return [_performance_row(*key, measure(results)) for key, results in groups.items()]


def _performance_row(account_id: str, quote: str, exchange: str, figures: Performance) -> Row:
    return (
        account_id,
        quote,
        exchange,
        figures.trades,
        figures.wins,
        figures.losses,
        figures.incomplete,
        figures.win_rate,
        figures.net,
        figures.gross_profit,
        figures.gross_loss,
        figures.profit_factor,
        figures.expectancy,
        figures.max_drawdown,
        figures.sharpe,
        figures.average_hold_ms,
    )


def _result(trade: Mapping[str, Any]) -> Result | None:
    """None for a trade that is open, or of which nothing was sold."""
    if trade["closed_ms"] is None or trade["exit_qty"] == 0:
        return None
    complete = trade["fees_unvalued"] == "{}" and trade["fees_unknown"] == 0
    return Result(
        net=trade["realised_pnl"], opened_ms=trade["opened_ms"], closed_ms=trade["closed_ms"], complete=complete
    )


def _average(quote: Decimal, qty: Decimal) -> Decimal | None:
    return quotient(quote, qty) if qty > 0 else None


def _fees(fees: Fees) -> tuple[str, Decimal, str, int]:
    return _json(fees.amounts), fees.worth, _json(fees.unvalued), fees.unknown


def _json(value: object) -> str:
    return encode_sorted(value).decode()


def _plain(value: Any, type_: str) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    return orjson.loads(value) if type_ == "jsonb" and value is not None else value
