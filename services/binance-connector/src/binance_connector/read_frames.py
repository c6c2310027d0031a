"""The shapes of what is read (account, symbols, prices) and of the market streams: mostly lenient, they describe."""

from decimal import Decimal
from typing import Any

import msgspec

from binance_connector.frames import Frame, RateLimitBody


class AccountBalance(Frame, frozen=True, kw_only=True):
    asset: str
    free: Decimal
    locked: Decimal


class AccountBody(Frame, frozen=True, kw_only=True):
    balances: tuple[AccountBalance, ...]
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    update_time: int | None = None
    uid: int | None = None
    account_type: str | None = None


class ApiRestrictions(Frame, frozen=True, kw_only=True):
    """`GET /sapi/v1/account/apiRestrictions`: what the key may do; the flags of `account` say what the account may."""

    enable_reading: bool = False
    enable_spot_and_margin_trading: bool = False
    enable_withdrawals: bool = False
    ip_restrict: bool = False


class SymbolBody(Frame, frozen=True, kw_only=True):
    """A missing flag means false; filters stay untyped, because unknown ones appear."""

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    order_types: tuple[str, ...] = ()
    oco_allowed: bool = False
    is_spot_trading_allowed: bool = False
    filters: tuple[dict[str, Any], ...] = ()


class ExchangeInfoBody(Frame, frozen=True, kw_only=True):
    symbols: tuple[SymbolBody, ...]
    rate_limits: tuple[RateLimitBody, ...] = ()
    server_time: int | None = None


class ServerTimeBody(Frame, frozen=True, kw_only=True):
    server_time: int


# Prices over REST.


class TickerBody(Frame, frozen=True, kw_only=True):
    """`ticker/24hr`, `ticker/bookTicker` and `ticker/price` in one: each fills what it knows."""

    symbol: str
    price: Decimal | None = None
    last_price: Decimal | None = None
    bid_price: Decimal | None = None
    bid_qty: Decimal | None = None
    ask_price: Decimal | None = None
    ask_qty: Decimal | None = None
    open_price: Decimal | None = None
    high_price: Decimal | None = None
    low_price: Decimal | None = None
    volume: Decimal | None = None
    quote_volume: Decimal | None = None
    price_change_percent: Decimal | None = None
    close_time: int | None = None


class KlineRow(msgspec.Struct, frozen=True, array_like=True):
    """A candle as the exchange sends it: a row of twelve, of which the first nine mean something to us."""

    open_ms: int
    open_px: Decimal
    high_px: Decimal
    low_px: Decimal
    close_px: Decimal
    volume: Decimal
    close_ms: int
    quote_volume: Decimal
    trades: int


Level = tuple[Decimal, Decimal]


class DepthBody(Frame, frozen=True, kw_only=True):
    """A book snapshot, over REST or as `@depth5/10/20`: it does not say whose."""

    last_update_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class PublicTradeBody(Frame, frozen=True, kw_only=True):
    id: int
    price: Decimal
    qty: Decimal
    time: int
    is_buyer_maker: bool


# Market streams: the tag is `e`, but book tickers and partial books have none.


class TradeEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="trade"):
    symbol: str = msgspec.field(name="s")
    trade_id: int = msgspec.field(name="t")
    price: Decimal = msgspec.field(name="p")
    qty: Decimal = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    is_buyer_maker: bool = msgspec.field(name="m")


class AggTradeEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="aggTrade"):
    symbol: str = msgspec.field(name="s")
    aggregate_id: int = msgspec.field(name="a")
    price: Decimal = msgspec.field(name="p")
    qty: Decimal = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    is_buyer_maker: bool = msgspec.field(name="m")


class Kline(Frame, frozen=True, kw_only=True):
    open_ms: int = msgspec.field(name="t")
    close_ms: int = msgspec.field(name="T")
    interval: str = msgspec.field(name="i")
    open_px: Decimal = msgspec.field(name="o")
    close_px: Decimal = msgspec.field(name="c")
    high_px: Decimal = msgspec.field(name="h")
    low_px: Decimal = msgspec.field(name="l")
    volume: Decimal = msgspec.field(name="v")
    quote_volume: Decimal = msgspec.field(name="q")
    trades: int | None = msgspec.field(name="n", default=None)
    closed: bool = msgspec.field(name="x")


class KlineEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="kline"):
    event_time_ms: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    kline: Kline = msgspec.field(name="k")


class TickerEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="24hrTicker"):
    event_time_ms: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    last_px: Decimal = msgspec.field(name="c")
    bid_px: Decimal | None = msgspec.field(name="b", default=None)
    bid_qty: Decimal | None = msgspec.field(name="B", default=None)
    ask_px: Decimal | None = msgspec.field(name="a", default=None)
    ask_qty: Decimal | None = msgspec.field(name="A", default=None)
    open_px: Decimal | None = msgspec.field(name="o", default=None)
    high_px: Decimal | None = msgspec.field(name="h", default=None)
    low_px: Decimal | None = msgspec.field(name="l", default=None)
    volume: Decimal | None = msgspec.field(name="v", default=None)
    quote_volume: Decimal | None = msgspec.field(name="q", default=None)
    change_pct: Decimal | None = msgspec.field(name="P", default=None)


class MiniTickerEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="24hrMiniTicker"):
    event_time_ms: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    last_px: Decimal = msgspec.field(name="c")
    open_px: Decimal | None = msgspec.field(name="o", default=None)
    high_px: Decimal | None = msgspec.field(name="h", default=None)
    low_px: Decimal | None = msgspec.field(name="l", default=None)
    volume: Decimal | None = msgspec.field(name="v", default=None)
    quote_volume: Decimal | None = msgspec.field(name="q", default=None)


class DepthEvent(Frame, frozen=True, kw_only=True, tag_field="e", tag="depthUpdate"):
    event_time_ms: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    first_id: int = msgspec.field(name="U")
    last_id: int = msgspec.field(name="u")
    bids: tuple[Level, ...] = msgspec.field(name="b")
    asks: tuple[Level, ...] = msgspec.field(name="a")


class BookTickerFrame(Frame, frozen=True, kw_only=True):
    """`@bookTicker` has neither a type nor a time."""

    symbol: str = msgspec.field(name="s")
    bid_px: Decimal = msgspec.field(name="b")
    bid_qty: Decimal = msgspec.field(name="B")
    ask_px: Decimal = msgspec.field(name="a")
    ask_qty: Decimal = msgspec.field(name="A")


MarketEvent = TradeEvent | AggTradeEvent | KlineEvent | TickerEvent | MiniTickerEvent | DepthEvent


class MarketFrame(Frame, frozen=True, kw_only=True):
    """What is needed to see what a frame of the market streams is: wrapped data, an event, an answer, an error."""

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    e: str | None = None
    code: int | None = None
    id: int | str | None = None
    last_update_id: int | None = None
    u: int | None = None
