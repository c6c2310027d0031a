"""The shapes of what is public: symbols, prices, candles, books and trades, over REST and sockets. Lenient."""

import msgspec

from bitget_connector.classic_frames import Frame
from common.connector.amounts import Num


class ServerTime(Frame, frozen=True, kw_only=True):
    server_time: Num


class Symbol(Frame, frozen=True, kw_only=True):
    """Precisions are counts of decimals; `minTradeUSDT` is the minimum that counts."""

    symbol: str
    base_coin: str
    quote_coin: str
    price_precision: Num = None
    quantity_precision: Num = None
    min_trade_amount: Num = None
    max_trade_amount: Num = None
    taker_fee_rate: Num = None
    status: str = ""
    min_trade_usdt: Num = msgspec.field(name="minTradeUSDT", default=None)
    max_limit_order_value: Num = None
    order_quantity: Num = None
    area_symbol: str | None = None


class Ticker(Frame, frozen=True, kw_only=True):
    """Over REST it names its `symbol`, on the channel `ticker` its `instId`."""

    symbol: str = ""
    inst_id: str = ""
    last_pr: Num = None
    open: Num = None
    open24h: Num = None
    high24h: Num = None
    low24h: Num = None
    bid_pr: Num = None
    ask_pr: Num = None
    bid_sz: Num = None
    ask_sz: Num = None
    base_volume: Num = None
    quote_volume: Num = None
    change24h: Num = None
    ts: Num = None


class CandleRow(msgspec.Struct, frozen=True, array_like=True):
    """Over REST the seventh is the volume in USDT and the eighth in quote; on sockets the other way round."""

    open_ms: Num
    open_px: Num
    high_px: Num
    low_px: Num
    close_px: Num
    volume: Num
    seventh: Num = None
    eighth: Num = None


class Book(Frame, frozen=True, kw_only=True):
    bids: tuple[tuple[Num, Num], ...] = ()
    asks: tuple[tuple[Num, Num], ...] = ()
    ts: Num = None
    seq: Num = None


class PublicTrade(Frame, frozen=True, kw_only=True):
    trade_id: str
    price: Num
    size: Num
    side: str
    ts: Num


class Arg(Frame, frozen=True, kw_only=True):
    """What a frame is about: `channel` and `instId` in v2, `topic` in v3."""

    inst_type: str | None = None
    channel: str | None = None
    topic: str | None = None
    inst_id: str | None = None
    coin: str | None = None
    symbol: str | None = None


class SocketFrame(Frame, frozen=True, kw_only=True):
    """Any frame of any socket: data of a channel, or the answer to an operation (`code` is a number or a text)."""

    event: str | None = None
    code: Num = None
    msg: str | None = None
    action: str | None = None
    arg: Arg | None = None
    op: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    ts: Num = None
