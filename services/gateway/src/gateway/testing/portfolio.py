"""The portfolio's views in memory, with switches for what goes wrong; and rows of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from common.errors import Unavailable
from common.exchanges import Exchange
from common.performance import measure
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

OPENED_MS = 1_795_341_500_000
FEES: dict[str, Any] = {"fees": {"USDT": Decimal(1)}, "fees_worth": Decimal(1), "fees_unvalued": {}, "fees_unknown": 0}


class MemoryPortfolio:
    """What the portfolio would publish of each user, by user id."""

    def __init__(self) -> None:
        self.position_rows: list[tuple[str, PositionView]] = []
        self.trade_rows: list[tuple[str, TradeView]] = []
        self.fee_rows: list[tuple[str, FeeView]] = []
        self.snapshot_rows: list[tuple[str, SnapshotView]] = []
        self.away = False

    async def positions(self, wanted: Filter) -> Sequence[PositionView]:
        return self._mine(self.position_rows, wanted)

    async def trades(
        self, wanted: Filter, state: str | None, limit: int | None, after: After | None
    ) -> Sequence[TradeView]:
        found = [t for t in self._mine(self.trade_rows, wanted) if state in {None, t.state} and _in_time(t, wanted)]
        found.sort(key=_trade_key, reverse=True)
        return [t for t in found if after is None or _trade_key(t) < after][:limit]

    async def trades_of(self, account_id: str, trade_ids: Sequence[str]) -> Sequence[TradeView]:
        if self.away:
            raise Unavailable("the portfolio")
        return [t for _, t in self.trade_rows if t.account_id == account_id and t.trade_id in trade_ids]

    async def fees(self, wanted: Filter, limit: int, after: After | None) -> Sequence[FeeView]:
        found = sorted(self._mine(self.fee_rows, wanted), key=_fee_key, reverse=True)
        return [f for f in found if after is None or _fee_key(f) < after][:limit]

    async def fee_totals(self, wanted: Filter) -> Sequence[FeeTotal]:
        rows = self._mine(self.fee_rows, wanted)
        keys = sorted({(f.exchange, f.fee_asset, f.quote, f.fee_state) for f in rows}, key=str)
        return [_total(key, rows) for key in keys]

    async def snapshots(self, wanted: Filter) -> Sequence[SnapshotView]:
        return sorted(self._mine(self.snapshot_rows, wanted), key=lambda each: (each.day, each.account_id))

    async def performance(self, wanted: Filter) -> Sequence[PerformanceView]:
        trades = self._mine(self.trade_rows, wanted)
        keys = sorted({(t.account_id, t.exchange, t.quote) for t in trades})
        return [_performance(key, trades) for key in keys]

    def _mine(self, rows: Sequence[tuple[str, Any]], wanted: Filter) -> list[Any]:
        if self.away:
            raise Unavailable("the portfolio")
        return [row for user_id, row in rows if user_id == wanted.user_id and _matches(row, wanted)]


def a_position(account_id: str = "account-1", **changes: Any) -> PositionView:
    """Half a coin bought for 50,000 and a fee."""
    fields: dict[str, Any] = {
        "account_id": account_id,
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "qty": Decimal("0.5"),
        "cost": Decimal(50_001),
        "avg_entry_px": Decimal(100_002),
        "realised_pnl": Decimal(0),
        "unmatched_qty": Decimal(0),
        "unmatched_quote": Decimal(0),
        "fills": 1,
        "first_ms": OPENED_MS,
        "last_ms": OPENED_MS,
    }
    return PositionView(**(FEES | fields | changes))


def a_trade(trade_id: str, net: str = "10", *, account_id: str = "account-1", **changes: Any) -> TradeView:
    """A closed trade that was held for a second."""
    closed_ms = changes.pop("closed_ms", OPENED_MS + 1_000)
    fields: dict[str, Any] = {
        "account_id": account_id,
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "quote": "USDT",
        "trade_id": trade_id,
        "state": "OPEN" if closed_ms is None else "CLOSED",
        "entry_qty": Decimal("0.01"),
        "entry_avg_px": Decimal(100_000),
        "exit_qty": Decimal("0.01"),
        "exit_avg_px": Decimal(101_100),
        "held_qty": Decimal(0),
        "held_cost": Decimal(0),
        "dust_qty": Decimal(0),
        "dust_cost": Decimal(0),
        "realised_pnl": Decimal(net),
        "opened_ms": OPENED_MS,
        "closed_ms": closed_ms,
        "hold_ms": None if closed_ms is None else closed_ms - OPENED_MS,
        "at_ms": OPENED_MS if closed_ms is None else closed_ms,
    }
    return TradeView(**(FEES | fields | changes))


def a_fee(trade_id: str, *, account_id: str = "account-1", **changes: Any) -> FeeView:
    """A fee in BNB."""
    fields: dict[str, Any] = {
        "account_id": account_id,
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "trade_id": trade_id,
        "side": "BUY",
        "bracket_id": None,
        "at_ms": OPENED_MS,
        "place": f"{OPENED_MS:015d}/{trade_id.zfill(24)}/BUY",
        "qty": Decimal("0.01"),
        "px": Decimal(100_000),
        "fee": Decimal("0.00083"),
        "fee_asset": "BNB",
        "fee_state": "valued",
        "fee_px": Decimal("890.1"),
        "fee_worth": Decimal("0.738783"),
        "quote": "USDT",
        "realised_pnl": Decimal(0),
        "prices": [{"symbol": "BNBUSDT", "px": "890.1", "ts_ms": OPENED_MS, "source": "minute_open"}],
    }
    return FeeView(**(fields | changes))


def a_snapshot(day: str, equity: str, *, account_id: str = "account-1", **changes: Any) -> SnapshotView:
    """What an account was worth when a day began."""
    fields: dict[str, Any] = {
        "account_id": account_id,
        "exchange": Exchange.BINANCE,
        "day": day,
        "at_ms": OPENED_MS,
        "currency": "USDT",
        "equity": Decimal(equity),
        "unpriced": {},
        "holdings": [],
    }
    return SnapshotView(**(fields | changes))


def _matches(row: Any, wanted: Filter) -> bool:
    of_symbol = wanted.symbol in {None, getattr(row, "symbol", None)}
    return of_symbol and wanted.exchange in {None, row.exchange} and wanted.account_id in {None, row.account_id}


def _in_time(trade: TradeView, wanted: Filter) -> bool:
    after = wanted.from_ms is None or trade.at_ms >= wanted.from_ms
    return after and (wanted.to_ms is None or trade.at_ms < wanted.to_ms)


def _trade_key(trade: TradeView) -> After:
    return trade.at_ms, trade.account_id, trade.symbol, trade.trade_id


def _fee_key(fee: FeeView) -> After:
    return fee.place, fee.account_id, fee.symbol


def _total(key: tuple[Any, ...], rows: Sequence[FeeView]) -> FeeTotal:
    exchange, asset, quote, state = key
    these = [f for f in rows if (f.exchange, f.fee_asset, f.quote, f.fee_state) == key]
    worth = [f.fee_worth for f in these if f.fee_worth is not None]
    return FeeTotal(
        exchange=exchange,
        fee_asset=asset,
        quote=quote,
        fee_state=state,
        fills=len(these),
        fee=sum((f.fee for f in these if f.fee is not None), Decimal(0)),
        fee_worth=sum(worth, Decimal(0)) if worth else None,
    )


def _performance(key: tuple[str, Exchange, str], trades: Sequence[TradeView]) -> PerformanceView:
    account_id, exchange, quote = key
    these = [t.result for t in trades if (t.account_id, t.exchange, t.quote) == key and t.result is not None]
    figures = measure(these)
    told = {name: getattr(figures, name) for name in figures.__struct_fields__}
    return PerformanceView(account_id=account_id, exchange=exchange, quote=quote, **told)
