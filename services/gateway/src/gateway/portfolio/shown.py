"""Rows of the portfolio as the API shows them. Pure.

Amounts and prices are decimal strings. What is not known is null and says why; it is never shown as zero.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from common.exact import exact, quotient
from common.exchanges import Exchange
from common.performance import Performance, Result, measure
from gateway.portfolio.views import (
    FeeSums,
    FeeTotal,
    FeeView,
    PerformanceView,
    PositionView,
    SnapshotView,
    TradeView,
)


class Price(NamedTuple):
    """What the market says of a symbol now, or why it says nothing."""

    px: Decimal | None
    at_ms: int | None
    reason: str | None


def position_shown(position: PositionView, price: Price) -> dict[str, Any]:
    """A position; what is held is worth what the market says, and nothing is said where it does not."""
    with exact():
        value = position.qty * price.px if price.px is not None else None
        unrealised = value - position.cost if value is not None else None
    return {
        "credentialId": position.account_id,
        "exchange": position.exchange.value.upper(),
        "symbol": position.symbol,
        "asset": position.base,
        "quoteAsset": position.quote,
        "quantity": position.qty,
        "avgEntryPrice": position.avg_entry_px,
        "cost": position.cost,
        "price": price.px,
        "priceTime": price.at_ms,
        "priceMissing": price.reason,
        "value": value,
        "unrealisedPnL": unrealised,
        "unrealisedPnLPercentage": _percentage(unrealised, position.cost),
        "realisedPnL": position.realised_pnl,
        **_fees_shown(position),
        "soldNotBoughtHere": {"quantity": position.unmatched_qty, "proceeds": position.unmatched_quote},
        "fills": position.fills,
        "firstFillTime": position.first_ms,
        "lastFillTime": position.last_ms,
    }


def trade_shown(trade: TradeView) -> dict[str, Any]:
    """A trade with its entry, its exit and how long it was held."""
    with exact():
        sold_cost = trade.exit_qty * trade.entry_avg_px if trade.entry_avg_px is not None else Decimal(0)
    return {
        "tradeId": trade.trade_id,
        "credentialId": trade.account_id,
        "exchange": trade.exchange.value.upper(),
        "symbol": trade.symbol,
        "quoteAsset": trade.quote,
        "side": "LONG",
        "state": trade.state,
        "entry": {"quantity": trade.entry_qty, "avgPrice": trade.entry_avg_px, "time": trade.opened_ms},
        "exit": {"quantity": trade.exit_qty, "avgPrice": trade.exit_avg_px, "time": trade.closed_ms},
        "heldQuantity": trade.held_qty,
        "heldCost": trade.held_cost,
        "dust": {"quantity": trade.dust_qty, "cost": trade.dust_cost},
        "realisedPnL": trade.realised_pnl,
        "realisedPnLPercentage": _percentage(trade.realised_pnl, sold_cost),
        **_fees_shown(trade),
        "holdMs": trade.hold_ms,
    }


def fee_shown(fee: FeeView) -> dict[str, Any]:
    """One fill's fee, what it was worth, and the prices that say so."""
    return {
        "tradeId": fee.trade_id,
        "credentialId": fee.account_id,
        "exchange": fee.exchange.value.upper(),
        "symbol": fee.symbol,
        "side": fee.side,
        "orderGroupId": fee.bracket_id,
        "time": fee.at_ms,
        "quantity": fee.qty,
        "price": fee.px,
        "fee": fee.fee,
        "feeAsset": fee.fee_asset,
        "feeState": fee.fee_state or "unvalued",
        "feePrice": fee.fee_px,
        "feeValue": fee.fee_worth,
        "feeValueAsset": fee.quote,
        "pricesUsed": [
            {"symbol": each["symbol"], "price": each["px"], "time": each["ts_ms"], "source": each["source"]}
            for each in fee.prices or ()
        ],
        "realisedPnL": fee.realised_pnl,
    }


def fee_total_shown(total: FeeTotal) -> dict[str, Any]:
    """Fees in one asset."""
    return {
        "exchange": total.exchange.value.upper(),
        "feeAsset": total.fee_asset,
        "feeState": total.fee_state or "unvalued",
        "fills": total.fills,
        "fee": total.fee,
        "feeValue": total.fee_worth,
        "feeValueAsset": total.quote,
    }


def equity_shown(snapshots: Sequence[SnapshotView], from_day: str | None, to_day: str | None) -> list[dict[str, Any]]:
    """The equity curve, a point a day; an account that was not seen on a day counts with what was seen of it last.

    `snapshots` come the earliest first and from the beginning, so that the first point shown can stand on them.
    """
    days: defaultdict[str, list[SnapshotView]] = defaultdict(list)
    for each in snapshots:
        days[each.day].append(each)
    known: dict[str, SnapshotView] = {}
    points = []
    for day, seen in days.items():
        known |= {each.account_id: each for each in seen}
        if (from_day is None or day >= from_day) and (to_day is None or day <= to_day):
            points.append(_point(day, list(known.values())))
    return points


def performance_shown(trades: Sequence[TradeView], stored: Sequence[PerformanceView] | None) -> dict[str, Any]:
    """Figures over all the closed trades that are asked for, and for each account; one set for each quote asset.

    `stored` are the accounts' figures over all their time; None computes them from the trades.
    """
    by_quote: defaultdict[str, list[Result]] = defaultdict(list)
    by_account: defaultdict[tuple[str, Exchange, str], list[Result]] = defaultdict(list)
    for trade in trades:
        if trade.result is not None:
            by_quote[trade.quote].append(trade.result)
            by_account[trade.account_id, trade.exchange, trade.quote].append(trade.result)
    of_accounts: Mapping[tuple[str, Exchange, str], Performance] = (
        {key: measure(results) for key, results in by_account.items()}
        if stored is None
        else {(each.account_id, each.exchange, each.quote): each for each in stored}
    )
    return {
        "overall": [{"quoteAsset": quote, **_figures(measure(each))} for quote, each in sorted(by_quote.items())],
        "accounts": [
            {"credentialId": account_id, "exchange": exchange.value.upper(), "quoteAsset": quote, **_figures(figures)}
            for (account_id, exchange, quote), figures in sorted(of_accounts.items())
        ],
    }


def _point(day: str, accounts: Sequence[SnapshotView]) -> dict[str, Any]:
    with exact():
        equity = sum((each.equity for each in accounts), Decimal(0))
    return {
        "day": day,
        "equity": equity,
        "currency": accounts[0].currency,
        "accounts": [
            {
                "credentialId": each.account_id,
                "exchange": each.exchange.value.upper(),
                "equity": each.equity,
                "time": each.at_ms,
                "carriedFrom": None if each.day == day else each.day,
                "notPriced": each.unpriced,
            }
            for each in accounts
        ],
    }


def _figures(figures: Performance) -> dict[str, Any]:
    return {
        "trades": figures.trades,
        "wins": figures.wins,
        "losses": figures.losses,
        "tradesWithFeesNotValued": figures.incomplete,
        "winRate": figures.win_rate,
        "netPnL": figures.net,
        "grossProfit": figures.gross_profit,
        "grossLoss": figures.gross_loss,
        "profitFactor": figures.profit_factor,
        "expectancy": figures.expectancy,
        "maxDrawdown": figures.max_drawdown,
        "sharpe": figures.sharpe,
        "averageHoldMs": figures.average_hold_ms,
    }


def _fees_shown(sums: FeeSums) -> dict[str, Any]:
    return {
        "fees": sums.fees,
        "feesValue": sums.fees_worth,
        "feesNotValued": sums.fees_unvalued,
        "feesNotTold": sums.fees_unknown,
        "complete": sums.complete,
    }


def _percentage(amount: Decimal | None, of: Decimal) -> Decimal | None:
    return None if amount is None or of <= 0 else quotient(amount * 100, of)
