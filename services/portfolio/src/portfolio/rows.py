"""Books, snapshots and results as rows: values in the order of the columns of their table. Pure."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from common.codec import encode_sorted
from common.exact import quotient
from common.exchanges import Exchange
from common.performance import Performance, Result, measure
from common.portfolio import SnapshotTaken, SymbolNamed
from portfolio.book import BookKey, Page
from portfolio.fees import Fees
from portfolio.lots import Lot
from portfolio.standing import Standing

Row = tuple[Any, ...]

CHECKPOINT_EVERY: Final = 16
"""Fills of a book from one stored standing to the next: a standing grows with the trades that are open."""


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
    """A fill with its fee and what it realised; with every so-many-th the standing, from which one can go on."""
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
        _json(step.after) if step and step.after.fills % CHECKPOINT_EVERY == 0 else None,
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
