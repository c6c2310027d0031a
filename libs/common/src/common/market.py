"""Market data in one shape for all exchanges. Prices in quote asset, volumes in base asset, times in ms."""

from decimal import Decimal

import msgspec

from common.exchanges import Exchange
from common.orders import Side


class MarketBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    exchange: Exchange
    symbol: str
    ts_event_ms: int
    ts_init_ms: int


class Ticker(MarketBase, frozen=True, kw_only=True, tag="market.ticker"):
    """Best prices, and the last 24 hours where the frame has them."""

    last_px: Decimal | None = None
    bid_px: Decimal | None = None
    bid_qty: Decimal | None = None
    ask_px: Decimal | None = None
    ask_qty: Decimal | None = None
    open_px: Decimal | None = None
    high_px: Decimal | None = None
    low_px: Decimal | None = None
    volume: Decimal | None = None
    quote_volume: Decimal | None = None
    change_pct: Decimal | None = None


class Candle(MarketBase, frozen=True, kw_only=True, tag="market.candle"):
    """One candle; the last one changes until it is `closed`."""

    interval: str
    open_ms: int
    close_ms: int
    open_px: Decimal
    high_px: Decimal
    low_px: Decimal
    close_px: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int | None = None
    closed: bool


class PublicTrade(MarketBase, frozen=True, kw_only=True, tag="market.trade"):
    """One public trade."""

    trade_id: str
    px: Decimal
    qty: Decimal
    taker_side: Side


class Depth(MarketBase, frozen=True, kw_only=True, tag="market.depth"):
    """A snapshot, or with `first_id` a difference in which quantity zero deletes a level."""

    first_id: int | None = None
    last_id: int
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]


MarketFact = Ticker | Candle | PublicTrade | Depth
