"""Market data, of REST and of the pushes, to the language's types.

Candles of REST are rows in an order of their own: open time, quote volume, close, high, low, open, base volume, closed.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

import msgspec

from common.connector.amounts import Num, amount, decimal, positive, some
from common.connector.bodies import parse
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.market import Candle, Depth, MarketFact, PublicTrade, Ticker
from gateio_connector.frames import (
    BookChange,
    BookPush,
    BookRow,
    BookTickerPush,
    CandlePush,
    Levels,
    PublicTradeRow,
    TickerRow,
    WsFrame,
)
from gateio_connector.numbers import ms, seconds_as_ms, side_of
from gateio_connector.pairs import symbol_of

T = TypeVar("T")
CandleRow = list[str]

_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FIELDS_OF_OLD_ROWS: Final = 7


def interval_ms(interval: str) -> int:
    """The length of a candle; of `30d`, which is a calendar month, thirty days. Raises UnreadableFrame."""
    number, unit = interval[:-1], _UNIT_MS.get(interval[-1:])
    if unit is None or not (number.isascii() and number.isdecimal()) or len(number) > 4:
        raise UnreadableFrame(f"interval: {interval!r} is not documented")
    return int(number) * unit


def ticker(row: TickerRow, now_ms: int) -> Ticker:
    """A ticker. It has no time of its own. Raises UnreadableFrame."""
    return Ticker(
        exchange=Exchange.GATEIO,
        symbol=symbol_of(row.currency_pair),
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
        last_px=some(row.last, "last"),
        bid_px=some(row.highest_bid, "highest_bid"),
        bid_qty=_told(row.highest_size, "highest_size"),
        ask_px=some(row.lowest_ask, "lowest_ask"),
        ask_qty=_told(row.lowest_size, "lowest_size"),
        high_px=some(row.high_24h, "high_24h"),
        low_px=some(row.low_24h, "low_24h"),
        volume=_told(row.base_volume, "base_volume"),
        quote_volume=_told(row.quote_volume, "quote_volume"),
        change_pct=None if row.change_percentage is None else decimal(row.change_percentage, "change_percentage"),
    )


def tickers(rows: Sequence[TickerRow], now_ms: int) -> tuple[Ticker, ...]:
    """All that can be read: one odd market must not hide the others."""
    found = []
    for row in rows:
        try:
            found.append(ticker(row, now_ms))
        except UnreadableFrame:
            if len(rows) == 1:
                raise
    return tuple(found)


def candles(rows: Sequence[CandleRow], symbol: str, interval: str, now_ms: int) -> tuple[Candle, ...]:
    """Oldest first; the last one is usually unfinished. Raises UnreadableFrame."""
    return tuple(_candle(row, symbol, interval, now_ms) for row in rows)


def _candle(row: CandleRow, symbol: str, interval: str, now_ms: int) -> Candle:
    if len(row) < _FIELDS_OF_OLD_ROWS:
        raise UnreadableFrame("a candle has seven fields or more")
    open_ms = seconds_as_ms(row[0], "open time")
    close_ms = open_ms + interval_ms(interval) - 1
    told_closed = row[_FIELDS_OF_OLD_ROWS] if len(row) > _FIELDS_OF_OLD_ROWS else None
    return Candle(
        exchange=Exchange.GATEIO,
        symbol=symbol,
        ts_event_ms=close_ms,
        ts_init_ms=now_ms,
        interval=interval,
        open_ms=open_ms,
        close_ms=close_ms,
        quote_volume=amount(row[1], "quote volume"),
        close_px=amount(row[2], "close"),
        high_px=amount(row[3], "high"),
        low_px=amount(row[4], "low"),
        open_px=amount(row[5], "open"),
        volume=amount(row[6], "base volume"),
        closed=close_ms < now_ms if told_closed is None else told_closed == "true",
    )


def depth(row: BookRow, symbol: str, now_ms: int) -> Depth:
    """A whole book. Raises UnreadableFrame."""
    return Depth(
        exchange=Exchange.GATEIO,
        symbol=symbol,
        ts_event_ms=now_ms if row.update is None else ms(row.update, "update"),
        ts_init_ms=now_ms,
        last_id=row.id,
        bids=_levels(row.bids),
        asks=_levels(row.asks),
    )


def public_trade(row: PublicTradeRow, now_ms: int) -> PublicTrade:
    """One public trade. Raises UnreadableFrame."""
    return PublicTrade(
        exchange=Exchange.GATEIO,
        symbol=symbol_of(row.currency_pair),
        ts_event_ms=ms(row.create_time_ms, "create_time_ms"),
        ts_init_ms=now_ms,
        trade_id=str(row.id),
        px=positive(row.price, "price"),
        qty=positive(row.amount, "amount"),
        taker_side=side_of(row.side),
    )


def pushed(frame: WsFrame, now_ms: int) -> tuple[MarketFact, ...] | None:
    """The market data of a push; None for a channel that carries none. Raises UnreadableFrame."""
    reader = _CHANNELS.get(frame.channel)
    return None if reader is None else (reader(bytes(frame.result), frame.time_ms or now_ms, now_ms),)


def _ticker(body: bytes, event_ms: int, now_ms: int) -> Ticker:
    told = ticker(parse(body, TickerRow), now_ms)
    return _at(told, event_ms)


def _at(told: Ticker, event_ms: int) -> Ticker:
    return msgspec.structs.replace(told, ts_event_ms=event_ms)


def _book_ticker(body: bytes, event_ms: int, now_ms: int) -> Ticker:
    row = parse(body, BookTickerPush)
    return Ticker(
        exchange=Exchange.GATEIO,
        symbol=symbol_of(row.s),
        ts_event_ms=ms(row.t, "t"),
        ts_init_ms=now_ms,
        bid_px=some(row.b, "b"),
        bid_qty=_told(row.B, "B"),
        ask_px=some(row.a, "a"),
        ask_qty=_told(row.A, "A"),
    )


def _trade(body: bytes, event_ms: int, now_ms: int) -> PublicTrade:
    return public_trade(parse(body, PublicTradeRow), now_ms)


def _candle_push(body: bytes, event_ms: int, now_ms: int) -> Candle:
    row = parse(body, CandlePush)
    interval, _, pair = row.n.partition("_")
    open_ms = seconds_as_ms(row.t, "t")
    return Candle(
        exchange=Exchange.GATEIO,
        symbol=symbol_of(pair),
        ts_event_ms=event_ms,
        ts_init_ms=now_ms,
        interval=interval,
        open_ms=open_ms,
        close_ms=open_ms + interval_ms(interval) - 1,
        open_px=amount(row.o, "o"),
        high_px=amount(row.h, "h"),
        low_px=amount(row.l, "l"),
        close_px=amount(row.c, "c"),
        volume=amount(row.a, "a"),
        quote_volume=amount(row.v, "v"),
        closed=row.w,
    )


def _book(body: bytes, event_ms: int, now_ms: int) -> Depth:
    row = parse(body, BookPush)
    return _depth(row.s, row.t, now_ms, None, row.lastUpdateId, row.bids, row.asks)


def _book_change(body: bytes, event_ms: int, now_ms: int) -> Depth:
    row = parse(body, BookChange)
    first_id = None if row.full else row.U
    # `spot.obu` calls its stream ob.<pair>.<levels>.
    pair = row.s.removeprefix("ob.").partition(".")[0]
    return _depth(pair, row.t, now_ms, first_id, row.u, row.b, row.a)


def _depth(pair: str, time: Num, now_ms: int, first_id: int | None, last_id: int, bids: Levels, asks: Levels) -> Depth:
    return Depth(
        exchange=Exchange.GATEIO,
        symbol=symbol_of(pair),
        ts_event_ms=ms(time, "t"),
        ts_init_ms=now_ms,
        first_id=first_id,
        last_id=last_id,
        bids=_levels(bids),
        asks=_levels(asks),
    )


def _levels(levels: Levels) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((amount(px, "price"), amount(qty, "amount")) for px, qty in levels)


def _told(value: Num, name: str) -> Decimal | None:
    return None if value in (None, "") else amount(value, name)


_CHANNELS: Final[dict[str, Callable[[bytes, int, int], Any]]] = {
    "spot.tickers": _ticker,
    "spot.book_ticker": _book_ticker,
    "spot.trades": _trade,
    "spot.candlesticks": _candle_push,
    "spot.order_book": _book,
    "spot.order_book_update": _book_change,
    "spot.obu": _book_change,
}
