"""The portfolio's published views as rows, and the port they are read through."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from common.exchanges import Exchange
from common.performance import Performance, Result
from gateway.ports import After


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a user's rows are wanted; None wants all. Times in ms, the end not included."""

    user_id: str
    exchange: Exchange | None = None
    account_id: str | None = None
    symbol: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


class FeeSums(msgspec.Struct, frozen=True, kw_only=True):
    """Fees added up."""

    fees: dict[str, Decimal]
    """By asset."""
    fees_worth: Decimal
    """In quote asset, of those that are valued."""
    fees_unvalued: dict[str, Decimal]
    fees_unknown: int
    """Fills whose fee the exchange has not told."""

    @property
    def complete(self) -> bool:
        """Whether every fee is in the result."""
        return not self.fees_unvalued and not self.fees_unknown


class PositionView(FeeSums, frozen=True, kw_only=True):
    """A row of `portfolio.positions_v1`."""

    account_id: str
    exchange: Exchange
    symbol: str
    base: str
    quote: str
    qty: Decimal
    cost: Decimal
    avg_entry_px: Decimal | None
    realised_pnl: Decimal
    unmatched_qty: Decimal
    unmatched_quote: Decimal
    fills: int
    first_ms: int
    last_ms: int


class TradeView(FeeSums, frozen=True, kw_only=True):
    """A row of `portfolio.trades_v1`."""

    account_id: str
    exchange: Exchange
    symbol: str
    quote: str
    trade_id: str
    state: str
    entry_qty: Decimal
    entry_avg_px: Decimal | None
    exit_qty: Decimal
    exit_avg_px: Decimal | None
    held_qty: Decimal
    held_cost: Decimal
    dust_qty: Decimal
    dust_cost: Decimal
    realised_pnl: Decimal
    opened_ms: int
    closed_ms: int | None
    hold_ms: int | None
    at_ms: int

    @property
    def result(self) -> Result | None:
        """What it came to; None while it is open, and for one of which nothing was sold."""
        if self.closed_ms is None or self.exit_qty == 0:
            return None
        return Result(net=self.realised_pnl, opened_ms=self.opened_ms, closed_ms=self.closed_ms, complete=self.complete)


class FeeView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `portfolio.fees_v1`: one fill, its fee and what that was worth."""

    account_id: str
    exchange: Exchange
    symbol: str
    trade_id: str
    side: str
    bracket_id: str | None
    at_ms: int
    place: str
    qty: Decimal
    px: Decimal
    fee: Decimal | None
    fee_asset: str | None
    fee_state: str | None
    fee_px: Decimal | None
    fee_worth: Decimal | None
    quote: str | None
    realised_pnl: Decimal | None
    prices: list[Any] | None


class FeeTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Fees in one asset on symbols of one quote asset."""

    exchange: Exchange
    fee_asset: str | None
    quote: str | None
    fee_state: str | None
    fills: int
    fee: Decimal | None
    fee_worth: Decimal | None


class SnapshotView(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `portfolio.snapshots_v1`."""

    account_id: str
    exchange: Exchange
    day: str
    at_ms: int
    currency: str
    equity: Decimal
    unpriced: dict[str, Decimal]
    holdings: list[Any]


class PerformanceView(Performance, frozen=True, kw_only=True):
    """A row of `portfolio.performance_v1`."""

    account_id: str
    exchange: Exchange
    quote: str


class Portfolio(Protocol):
    """The portfolio's published views. Every method raises Unavailable."""

    async def positions(self, wanted: Filter) -> Sequence[PositionView]:
        """By exchange and symbol."""

    async def trades(
        self, wanted: Filter, state: str | None, limit: int | None, after: After | None
    ) -> Sequence[TradeView]:
        """The latest closed or opened first."""

    async def trades_of(self, account_id: str, trade_ids: Sequence[str]) -> Sequence[TradeView]:
        """The trades with these ids, in whatever order."""

    async def fees(self, wanted: Filter, limit: int, after: After | None) -> Sequence[FeeView]:
        """The latest first."""

    async def fee_totals(self, wanted: Filter) -> Sequence[FeeTotal]:
        """By exchange, asset, quote asset and whether they are valued."""

    async def snapshots(self, wanted: Filter) -> Sequence[SnapshotView]:
        """The earliest first."""

    async def performance(self, wanted: Filter) -> Sequence[PerformanceView]:
        """Each account's, over all its time."""
