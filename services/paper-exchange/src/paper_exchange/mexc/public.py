"""Public calls (section 5)."""

from collections.abc import Callable
from typing import Any

from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.core.money import plain
from paper_exchange.core.orders import Side
from paper_exchange.mexc import catalog
from paper_exchange.mexc.call import Call
from paper_exchange.mexc.catalog import State
from paper_exchange.mexc.errors import ApiError, bad_combination

Json = dict[str, Any]
HOUR_MS = 3_600_000
INTERVALS = {
    "1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "60m": "1h", "4h": "4h", "1d": "1d", "1W": "1w", "1M": "1M",
}  # fmt: skip


def ping(_: Call) -> Json:
    """Nothing, to show that it is there."""
    return {}


def time(call: Call) -> Json:
    """The exchange's clock."""
    return {"serverTime": call.now_ms}


def default_symbols(call: Call) -> Json:
    """What is open to the API in general."""
    states = call.venue.states
    return call.wrapped([symbol for symbol, state in states.items() if state is not State.API_CLOSED])


def offline(call: Call) -> Json:
    """What is suspended."""
    rows = [symbol for symbol, state in call.venue.states.items() if state is State.SUSPENDED]
    return {"data": [{"symbol": symbol, "state": 2} for symbol in rows]}


def exchange_info(call: Call) -> Json:
    """All symbols, or those asked for."""
    symbol, symbols = call.params.text("symbol"), call.params.text("symbols")
    if symbol is not None and symbols is not None:
        raise bad_combination()
    wanted = (symbols or symbol or "").split(",") if symbols or symbol else list(call.venue.states)
    names = [call.market_of(name).instrument.symbol for name in wanted]
    return catalog.exchange_info(names, call.venue.states, call.now_ms)


def depth(call: Call) -> Json:
    """The book, best first; its version fits the diff channel's."""
    market, limit = call.market(), call.params.limit(100, 5000)
    return {
        "lastUpdateId": market.version,
        "bids": _levels(market, "BUY", limit),
        "asks": _levels(market, "SELL", limit),
        "timestamp": call.now_ms,
    }


def _levels(market: Market, side: Side, limit: int) -> list[list[str]]:
    return [[plain(px), plain(qty)] for px, qty in market.depth(side, limit)]


def trades(call: Call) -> list[Json]:
    """The last trades, newest first."""
    market, limit = call.market(), call.params.limit(500, 1000)
    return [_trade(trade) for trade in reversed(list(market.tape)[-limit:])]


def _trade(trade: MarketTraded) -> Json:
    return {
        "id": None,
        "price": plain(trade.px),
        "qty": plain(trade.qty),
        "quoteQty": plain(trade.quote),
        "time": trade.ts_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
        "tradeType": "ASK" if trade.buyer_is_maker else "BID",
    }


def agg_trades(call: Call) -> list[Json]:
    """The last trades with whole seconds, newest first."""
    market, limit, params = call.market(), call.params.limit(500, 1000), call.params
    start, end = params.integer("startTime"), params.integer("endTime")
    if (start is None) != (end is None):
        raise bad_combination()
    if start is not None and end is not None and end - start > HOUR_MS:
        raise ApiError(-1127, "More than 1 hours between startTime and endTime.")
    rows = [trade for trade in market.tape if start is None or end is None or start <= trade.ts_ms <= end]
    return [_agg_trade(trade) for trade in reversed(rows[-limit:])]


def _agg_trade(trade: MarketTraded) -> Json:
    body: Json = {"a": None, "f": None, "l": None, "p": plain(trade.px), "q": plain(trade.qty)}
    return body | {"T": trade.ts_ms // 1000 * 1000, "m": trade.buyer_is_maker, "M": True}


def klines(call: Call) -> list[list[Any]]:
    """Candles of eight elements, the unfinished one last."""
    market, params = call.market(), call.params
    interval = INTERVALS.get(params.need("interval"))
    if interval is None:
        raise ApiError(-1121, "Invalid interval.")
    start, end, limit = params.integer("startTime"), params.integer("endTime"), params.limit(500, 1000)
    series = market.charts.series(interval)
    series.roll(call.now_ms)
    rows = [
        candle
        for candle in series.candles
        if (start is None or candle.open_ms >= start) and (end is None or candle.open_ms <= end)
    ]
    return [_kline(candle) for candle in (rows[:limit] if start is not None else rows[-limit:])]


def _kline(candle: Candle) -> list[Any]:
    # A row closes where the next one opens, not a millisecond before.
    prices = [plain(px) for px in (candle.open, candle.high, candle.low, candle.close, candle.volume)]
    return [candle.open_ms, *prices, candle.close_ms + 1, plain(candle.quote)]


def average_px(call: Call) -> Json:
    """Volume-weighted price of five minutes."""
    market = call.market()
    px = market.average_px(call.now_ms).quantize(market.instrument.tick)
    return {"mins": 5, "price": plain(px)}


def _each(call: Call, render: Callable[[Market], Json]) -> Json | list[Json]:
    """An object for `symbol`, an array for all."""
    symbol = call.optional_symbol()
    markets = call.venue.exchange.markets
    return render(markets[symbol]) if symbol is not None else [render(market) for market in markets.values()]


def ticker_24hr(call: Call) -> Json | list[Json]:
    """The last 24 hours; the change in percent is a fraction."""
    return _each(call, lambda market: _day(market, call.now_ms))


def _day(market: Market, now_ms: int) -> Json:
    total, book = market.day(now_ms), _book(market)
    change = market.last - total.open
    return {
        "symbol": market.instrument.symbol,
        "priceChange": plain(change),
        "priceChangePercent": f"{change / total.open:.4f}",
        "prevClosePrice": plain(total.open),
        "lastPrice": plain(market.last),
        **{name: book[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")},
        "openPrice": plain(total.open),
        "highPrice": plain(total.high),
        "lowPrice": plain(total.low),
        "volume": plain(total.volume),
        "quoteVolume": plain(total.quote),
        "openTime": total.open_ms,
        "closeTime": now_ms,
        "count": None,
    }


def ticker_price(call: Call) -> Json | list[Json]:
    """The last price."""
    return _each(call, lambda market: {"symbol": market.instrument.symbol, "price": plain(market.last)})


def ticker_book(call: Call) -> Json | list[Json]:
    """The best bid and ask."""
    return _each(call, _book)


def _book(market: Market) -> Json:
    bid, ask = market.best("BUY"), market.best("SELL")
    return {
        "symbol": market.instrument.symbol,
        "bidPrice": plain(bid[0]),
        "bidQty": plain(bid[1]),
        "askPrice": plain(ask[0]),
        "askQty": plain(ask[1]),
    }


def coins(call: Call) -> list[Json]:
    """Every asset of the exchange."""
    instruments = [market.instrument for market in call.venue.exchange.markets.values()]
    return catalog.coins(sorted({asset for i in instruments for asset in (i.base, i.quote)}))


def no_contracts(_: Call) -> Json:
    """The futures listing that clients read along: there are none here."""
    return {"success": True, "code": 0, "data": []}
