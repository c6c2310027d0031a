"""Market data, over REST and from the streams, in our shapes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from binance_connector.facts import positive_or_none
from binance_connector.read_frames import (
    AggTradeEvent,
    BookTickerFrame,
    DepthBody,
    DepthEvent,
    KlineEvent,
    KlineRow,
    MarketEvent,
    MarketFrame,
    MiniTickerEvent,
    PublicTradeBody,
    TickerBody,
    TickerEvent,
    TradeEvent,
)
from common.connector.amounts import finite
from common.connector.bodies import parse
from common.connector.ports import MarketChannel
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.market import Candle, Depth, MarketFact, PublicTrade, Ticker
from common.orders import Side

CHANNELS = {
    MarketChannel.TICKER: "ticker",
    MarketChannel.BOOK_TICKER: "bookTicker",
    MarketChannel.CANDLES: "kline_1m",
    # The twenty best levels every second: each frame is whole, so nothing has to be stitched or can have a gap.
    MarketChannel.DEPTH: "depth20",
    MarketChannel.TRADES: "trade",
}

_event: msgspec.json.Decoder[MarketEvent] = msgspec.json.Decoder(MarketEvent)
_MARKET_EVENTS = frozenset({"trade", "aggTrade", "kline", "24hrTicker", "24hrMiniTicker", "depthUpdate"})


Told = TypeVar("Told", bound=MarketFact)


def checked(fact: Told) -> Told:
    """The fact, if all its amounts are numbers of ordinary size. Raises UnreadableFrame."""
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if isinstance(value, Decimal):
            finite(value, name)
        elif isinstance(value, tuple):
            for px, qty in value:
                finite(px, name)
                finite(qty, name)
    return fact


def stream_name(symbol: str, channel: MarketChannel) -> str:
    """The name to subscribe to: the symbol in lower case."""
    return f"{symbol.lower()}@{CHANNELS[channel]}"


def symbol_of_stream(stream: str) -> str:
    """The symbol a stream is about: the only place where partial books say it."""
    return stream.partition("@")[0].upper()


def market_fact(raw: bytes, frame: MarketFrame, symbol: str | None, now_ms: int) -> MarketFact | None:
    """One frame's data as a fact; None for kinds we have no use for. Raises UnreadableFrame."""
    if frame.e is None:
        if frame.last_update_id is not None and symbol is not None:
            return depth(parse(raw, DepthBody), symbol, now_ms)
        if frame.u is not None:
            return checked(_book_ticker(parse(raw, BookTickerFrame), now_ms))
        raise UnreadableFrame("a market frame without a type")
    if frame.e not in _MARKET_EVENTS:
        return None
    try:
        return checked(_fact(_event.decode(raw), now_ms))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFrame(f"{frame.e}: {error}") from error


def _fact(event: MarketEvent, now_ms: int) -> MarketFact:
    match event:
        case TradeEvent():
            return _public_trade(event, str(event.trade_id), now_ms)
        case AggTradeEvent():
            # Aggregates are numbered apart from trades: their ids must not meet.
            return _public_trade(event, f"agg-{event.aggregate_id}", now_ms)
        case KlineEvent():
            return _candle_event(event, now_ms)
        case TickerEvent() | MiniTickerEvent():
            return _ticker_event(event, now_ms)
        case DepthEvent():
            return Depth(
                exchange=Exchange.BINANCE,
                symbol=event.symbol,
                ts_event_ms=event.event_time_ms,
                ts_init_ms=now_ms,
                first_id=event.first_id,
                last_id=event.last_id,
                bids=event.bids,
                asks=event.asks,
            )


def _public_trade(event: TradeEvent | AggTradeEvent, trade_id: str, now_ms: int) -> PublicTrade:
    return PublicTrade(
        exchange=Exchange.BINANCE,
        symbol=event.symbol,
        ts_event_ms=event.time_ms,
        ts_init_ms=now_ms,
        trade_id=trade_id,
        px=event.price,
        qty=event.qty,
        taker_side=_taker(event.is_buyer_maker),
    )


def _taker(is_buyer_maker: bool) -> Side:
    return Side.SELL if is_buyer_maker else Side.BUY


def _candle_event(event: KlineEvent, now_ms: int) -> Candle:
    k = event.kline
    return Candle(
        exchange=Exchange.BINANCE,
        symbol=event.symbol,
        ts_event_ms=event.event_time_ms,
        ts_init_ms=now_ms,
        interval=k.interval,
        open_ms=k.open_ms,
        close_ms=k.close_ms,
        open_px=k.open_px,
        high_px=k.high_px,
        low_px=k.low_px,
        close_px=k.close_px,
        volume=k.volume,
        quote_volume=k.quote_volume,
        trades=k.trades,
        closed=k.closed,
    )


def _ticker_event(event: TickerEvent | MiniTickerEvent, now_ms: int) -> Ticker:
    full = event if isinstance(event, TickerEvent) else None
    return Ticker(
        exchange=Exchange.BINANCE,
        symbol=event.symbol,
        ts_event_ms=event.event_time_ms,
        ts_init_ms=now_ms,
        last_px=event.last_px,
        bid_px=positive_or_none(full.bid_px, "b") if full else None,
        bid_qty=full.bid_qty if full else None,
        ask_px=positive_or_none(full.ask_px, "a") if full else None,
        ask_qty=full.ask_qty if full else None,
        open_px=event.open_px,
        high_px=event.high_px,
        low_px=event.low_px,
        volume=event.volume,
        quote_volume=event.quote_volume,
        change_pct=full.change_pct if full else None,
    )


def _book_ticker(frame: BookTickerFrame, now_ms: int) -> Ticker:
    return Ticker(
        exchange=Exchange.BINANCE,
        symbol=frame.symbol,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
        bid_px=positive_or_none(frame.bid_px, "b"),
        bid_qty=frame.bid_qty,
        ask_px=positive_or_none(frame.ask_px, "a"),
        ask_qty=frame.ask_qty,
    )


def ticker(body: TickerBody, now_ms: int) -> Ticker:
    """Any of the three REST tickers; an empty side of the book is zero on the wire and None here."""
    fact = Ticker(
        exchange=Exchange.BINANCE,
        symbol=body.symbol,
        ts_event_ms=body.close_time if body.close_time is not None else now_ms,
        ts_init_ms=now_ms,
        last_px=body.last_price if body.last_price is not None else body.price,
        bid_px=positive_or_none(body.bid_price, "bidPrice"),
        bid_qty=body.bid_qty,
        ask_px=positive_or_none(body.ask_price, "askPrice"),
        ask_qty=body.ask_qty,
        open_px=body.open_price,
        high_px=body.high_price,
        low_px=body.low_price,
        volume=body.volume,
        quote_volume=body.quote_volume,
        change_pct=body.price_change_percent,
    )
    return checked(fact)


def candles(rows: Sequence[KlineRow], symbol: str, interval: str, now_ms: int) -> tuple[Candle, ...]:
    """Oldest first; the last row is usually the unfinished candle."""
    return tuple(
        checked(
            Candle(
                exchange=Exchange.BINANCE,
                symbol=symbol,
                ts_event_ms=row.close_ms,
                ts_init_ms=now_ms,
                interval=interval,
                open_ms=row.open_ms,
                close_ms=row.close_ms,
                open_px=row.open_px,
                high_px=row.high_px,
                low_px=row.low_px,
                close_px=row.close_px,
                volume=row.volume,
                quote_volume=row.quote_volume,
                trades=row.trades,
                closed=row.close_ms < now_ms,
            )
        )
        for row in rows
    )


def depth(body: DepthBody, symbol: str, now_ms: int) -> Depth:
    """A whole book, best prices first; it has no time of its own."""
    fact = Depth(
        exchange=Exchange.BINANCE,
        symbol=symbol,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
        last_id=body.last_update_id,
        bids=body.bids,
        asks=body.asks,
    )
    return checked(fact)


def public_trade(body: PublicTradeBody, symbol: str, now_ms: int) -> PublicTrade:
    """One public trade; the taker is the side that did not wait in the book."""
    fact = PublicTrade(
        exchange=Exchange.BINANCE,
        symbol=symbol,
        ts_event_ms=body.time,
        ts_init_ms=now_ms,
        trade_id=str(body.id),
        px=body.price,
        qty=body.qty,
        taker_side=_taker(body.is_buyer_maker),
    )
    return checked(fact)
