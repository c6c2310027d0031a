"""Market data, over REST and from binary pushes, in our shapes."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.market import Candle, Depth, MarketFact, PublicTrade, Ticker
from common.orders import Side
from mexc_connector.facts import PUSHED_SIDES, amount, number, positive, positive_or_none
from mexc_connector.frames import AggTradeBody, DepthBody, KlineRow, Num, PublicTradeBody, TickerBody

HUNDRED = Decimal(100)
_INTERVALS = {
    "Min1": "1m", "Min5": "5m", "Min15": "15m", "Min30": "30m", "Min60": "1h", "Hour4": "4h", "Hour8": "8h",
    "Day1": "1d", "Week1": "1w", "Month1": "1M",
}  # fmt: skip
"""Names of intervals in pushes to ours."""


def market_facts(push: Any, body: str | None, now_ms: int) -> tuple[MarketFact, ...]:
    """One public push; empty for kinds we have no use for. Raises UnreadableFrame."""
    about = {
        "exchange": Exchange.MEXC,
        "symbol": push.symbol,
        "ts_event_ms": push.sendTime or push.createTime or now_ms,
        "ts_init_ms": now_ms,
    }
    if body not in _PUSHES:
        return ()
    if not push.symbol:
        raise UnreadableFrame("symbol: a public push names one")
    return tuple(_PUSHES[body](getattr(push, body), about))


def _book_tickers(body: Any, about: dict[str, Any]) -> Iterable[Ticker]:
    yield Ticker(
        **about,
        bid_px=positive_or_none(body.bidPrice, "bidPrice"),
        bid_qty=number(body.bidQuantity, "bidQuantity"),
        ask_px=positive_or_none(body.askPrice, "askPrice"),
        ask_qty=number(body.askQuantity, "askQuantity"),
    )


def _book_ticker_batch(body: Any, about: dict[str, Any]) -> Iterable[Ticker]:
    for item in body.items:
        yield from _book_tickers(item, about)


def _deals(body: Any, about: dict[str, Any]) -> Iterable[PublicTrade]:
    for deal in body.deals:
        side = PUSHED_SIDES.get(deal.tradeType)
        if side is None:
            raise UnreadableFrame(f"tradeType: {deal.tradeType} is not documented")
        # Trade ids exist since June 2026 only, and may be absent.
        trade_id = getattr(deal, "tradeId", "") or _nameless(deal.time, deal.price, deal.quantity)
        yield PublicTrade(
            **{**about, "ts_event_ms": deal.time or about["ts_event_ms"]},
            trade_id=trade_id,
            px=positive(deal.price, "price"),
            qty=amount(deal.quantity, "quantity"),
            taker_side=side,
        )


def _depths(body: Any, about: dict[str, Any]) -> Iterable[Depth]:
    yield Depth(
        **about,
        first_id=_version(body.fromVersion),
        last_id=_version(body.toVersion),
        bids=_pushed_levels(body.bids),
        asks=_pushed_levels(body.asks),
    )


def _whole_depth(body: Any, about: dict[str, Any]) -> Iterable[Depth]:
    yield Depth(
        **about,
        last_id=_version(body.version),
        bids=_pushed_levels(body.bids),
        asks=_pushed_levels(body.asks),
    )


def _klines(body: Any, about: dict[str, Any]) -> Iterable[Candle]:
    interval = _INTERVALS.get(body.interval)
    if interval is None:
        raise UnreadableFrame(f"interval: {body.interval!r} is not documented")
    close_ms = body.windowEnd * 1000  # Windows are in seconds, all other times in ms.
    yield Candle(
        **about,
        interval=interval,
        open_ms=body.windowStart * 1000,
        close_ms=close_ms,
        open_px=amount(body.openingPrice, "openingPrice"),
        high_px=amount(body.highestPrice, "highestPrice"),
        low_px=amount(body.lowestPrice, "lowestPrice"),
        close_px=amount(body.closingPrice, "closingPrice"),
        volume=amount(body.volume, "volume"),
        quote_volume=amount(body.amount, "amount"),
        closed=about["ts_event_ms"] >= close_ms,
    )


def _mini_tickers(body: Any, about: dict[str, Any]) -> Iterable[Ticker]:
    rate = number(body.rate, "rate")
    yield Ticker(
        **about,
        last_px=positive_or_none(body.price, "price"),
        high_px=positive_or_none(body.high, "high"),
        low_px=positive_or_none(body.low, "low"),
        volume=number(body.quantity, "quantity"),
        quote_volume=number(body.volume, "volume"),  # What it calls volume is in quote asset.
        change_pct=None if rate is None else rate * HUNDRED,
    )


_PUSHES: dict[str, Callable[[Any, dict[str, Any]], Iterable[MarketFact]]] = {
    "publicAggreBookTicker": _book_tickers,
    "publicBookTickerBatch": _book_ticker_batch,
    "publicAggreDeals": _deals,
    "publicAggreDepths": _depths,
    "publicLimitDepths": _whole_depth,
    "publicSpotKline": _klines,
    "publicMiniTicker": _mini_tickers,
}


def last_price(trades: Sequence[PublicTrade]) -> Ticker:
    """The newest of some trades of one symbol as a ticker: MEXC documents no stream of last prices.

    Of several in one millisecond the last one told; that a frame tells them in their order is not verified.
    """
    newest = max(reversed(trades), key=lambda trade: trade.ts_event_ms)
    return Ticker(
        exchange=newest.exchange,
        symbol=newest.symbol,
        ts_event_ms=newest.ts_event_ms,
        ts_init_ms=newest.ts_init_ms,
        last_px=newest.px,
    )


def ticker(body: TickerBody, now_ms: int) -> Ticker:
    """Any of the three REST tickers; the change is a fraction on the wire, and a side of the book may be empty text."""
    change = number(body.price_change_percent, "priceChangePercent")
    return Ticker(
        exchange=Exchange.MEXC,
        symbol=body.symbol,
        ts_event_ms=body.close_time if body.close_time is not None else now_ms,
        ts_init_ms=now_ms,
        last_px=positive_or_none(body.price if body.last_price is None else body.last_price, "lastPrice"),
        bid_px=positive_or_none(body.bid_price, "bidPrice"),
        bid_qty=number(body.bid_qty, "bidQty"),
        ask_px=positive_or_none(body.ask_price, "askPrice"),
        ask_qty=number(body.ask_qty, "askQty"),
        open_px=positive_or_none(body.open_price, "openPrice"),
        high_px=positive_or_none(body.high_price, "highPrice"),
        low_px=positive_or_none(body.low_price, "lowPrice"),
        volume=number(body.volume, "volume"),
        quote_volume=number(body.quote_volume, "quoteVolume"),
        change_pct=None if change is None else change * HUNDRED,
    )


def candles(rows: Sequence[KlineRow], symbol: str, interval: str, now_ms: int) -> tuple[Candle, ...]:
    """Oldest first; a row closes where the next one opens, and the last is usually unfinished."""
    return tuple(
        Candle(
            exchange=Exchange.MEXC,
            symbol=symbol,
            ts_event_ms=row.close_ms,
            ts_init_ms=now_ms,
            interval=interval,
            open_ms=row.open_ms,
            close_ms=row.close_ms,
            open_px=amount(row.open_px, "open"),
            high_px=amount(row.high_px, "high"),
            low_px=amount(row.low_px, "low"),
            close_px=amount(row.close_px, "close"),
            volume=amount(row.volume, "volume"),
            quote_volume=amount(row.quote_volume, "quote volume"),
            closed=row.close_ms <= now_ms,
        )
        for row in rows
    )


def depth(body: DepthBody, symbol: str, now_ms: int) -> Depth:
    """A whole book, best prices first."""
    return Depth(
        exchange=Exchange.MEXC,
        symbol=symbol,
        ts_event_ms=body.timestamp if body.timestamp is not None else now_ms,
        ts_init_ms=now_ms,
        last_id=body.last_update_id,
        bids=_levels(body.bids),
        asks=_levels(body.asks),
    )


def public_trades(rows: Sequence[PublicTradeBody], symbol: str, now_ms: int) -> tuple[PublicTrade, ...]:
    """Oldest first; the exchange tells the newest first, and no ids."""
    return tuple(
        _public_trade(symbol, row.price, row.qty, row.time, row.is_buyer_maker, now_ms) for row in reversed(rows)
    )


def aggregate_trades(rows: Sequence[AggTradeBody], symbol: str, now_ms: int) -> tuple[PublicTrade, ...]:
    """The same of `aggTrades`."""
    return tuple(_public_trade(symbol, row.p, row.q, row.time, row.m, now_ms) for row in reversed(rows))


def _public_trade(symbol: str, price: Num, qty: Num, time_ms: int, buyer_made: bool, now_ms: int) -> PublicTrade:
    return PublicTrade(
        exchange=Exchange.MEXC,
        symbol=symbol,
        ts_event_ms=time_ms,
        ts_init_ms=now_ms,
        trade_id=_nameless(time_ms, price, qty),
        px=positive(price, "price"),
        qty=amount(qty, "qty"),
        taker_side=Side.SELL if buyer_made else Side.BUY,
    )


def _nameless(time_ms: int, price: Num, qty: Num) -> str:
    """A name for a trade that has none, from what both ways of telling it have."""
    return f"{time_ms}-{price}-{qty}"


def _levels(rows: Iterable[tuple[Num, Num]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((amount(px, "price"), amount(qty, "quantity")) for px, qty in rows)


def _pushed_levels(items: Any) -> tuple[tuple[Decimal, Decimal], ...]:
    return _levels((item.price, item.quantity) for item in items)


def _version(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 30):
        raise UnreadableFrame(f"version: {text!r} is not a number")
    return int(text)
