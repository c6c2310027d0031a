"""Portfolio facts: what the portfolio service had to look up, said once, so that its numbers depend on facts alone.

Which assets a symbol trades, what a fee in a third asset was worth, what an account held at the start of a day: asked
again tomorrow, an exchange might answer otherwise. Published here, a rebuild reads the same answer.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.exchanges import Exchange
from common.orders import Side


class PriceSource(StrEnum):
    """Where a price comes from."""

    MINUTE_OPEN = "minute_open"
    """The opening price of the one-minute candle in which it happened: the same whenever it is asked for."""
    EARLIER_CLOSE = "earlier_close"
    """The closing price of the last minute before it in which there was a trade."""


class PriceUsed(msgspec.Struct, frozen=True, kw_only=True):
    """A price that went into a value."""

    symbol: str
    px: Decimal
    ts_ms: int
    """When the price stood there."""
    source: PriceSource


class PortfolioBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every portfolio fact says."""

    account_id: str
    exchange: Exchange
    ts_event_ms: int
    """The time it speaks of."""
    ts_init_ms: int
    """When it was looked up; of two answers to one question the earlier one counts."""


class SymbolNamed(PortfolioBase, frozen=True, kw_only=True, tag="portfolio.symbol_named"):
    """Which two assets a symbol trades that the account has filled orders on."""

    symbol: str
    base: str
    quote: str


class FeeValued(PortfolioBase, frozen=True, kw_only=True, tag="portfolio.fee_valued"):
    """What one unit of a fee's asset was worth in the trade's quote asset when the trade happened."""

    symbol: str
    trade_id: str
    side: Side
    fee_asset: str
    quote: str
    px: Decimal
    """Quote asset per fee asset: the prices used, multiplied or divided, to 18 places."""
    prices: tuple[PriceUsed, ...]


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One asset of a snapshot; without a price it is not part of the equity."""

    asset: str
    qty: Decimal
    """Free and locked."""
    px: Decimal | None


class SnapshotTaken(PortfolioBase, frozen=True, kw_only=True, tag="portfolio.snapshot_taken"):
    """What an account held, and at which prices, when a day of UTC began (or when the account was first seen on it)."""

    day: str
    """2026-11-22"""
    currency: str
    """What `px` and `equity` are in."""
    holdings: tuple[Holding, ...]
    equity: Decimal
    """The sum of qty x px over what has a price, exact."""


PortfolioFact = SymbolNamed | FeeValued | SnapshotTaken
