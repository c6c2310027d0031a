"""Public market data calls (section 5)."""

from collections.abc import Callable
from typing import Any

from paper_exchange.binance import catalog, quotes
from paper_exchange.binance.call import Call
from paper_exchange.binance.errors import ApiError, bad_symbol
from paper_exchange.core.candles import INTERVALS_MS
from paper_exchange.core.market import Market
from paper_exchange.core.money import num

Json = dict[str, Any]


def ping(call: Call) -> Json:
    """Nothing, quickly."""
    call.params.done()
    return {}


def time(call: Call) -> Json:
    """The exchange's clock."""
    call.params.done()
    return {"serverTime": call.now_ms}


def exchange_info(call: Call) -> Json:
    """All symbols, or those asked for."""
    symbol, symbols = call.params.text("symbol"), call.params.names("symbols")
    permissions, status = call.params.text("permissions"), call.params.text("symbolStatus")
    show_sets = call.params.text("showPermissionSets") != "false"
    call.params.done()
    if symbol is not None and symbols is not None:
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    wanted = symbols if symbols is not None else [symbol] if symbol is not None else None
    markets = [_market(call, name) for name in wanted] if wanted is not None else list(call.exchange.markets.values())
    if permissions is not None and "SPOT" not in permissions:
        markets = []
    if status is not None:
        markets = [market for market in markets if (status == "TRADING") == market.is_open]
    return catalog.exchange_info(markets, call.limits, call.now_ms, permission_sets=show_sets)


def _market(call: Call, symbol: str) -> Market:
    market = call.exchange.markets.get(symbol)
    if market is None:
        raise bad_symbol()
    return market


def depth(call: Call) -> Json:
    """The book, best first."""
    market, limit = call.market(), call.params.limit(100, 5000)
    call.params.ignore("symbolStatus")
    call.params.done()
    return quotes.depth(market, limit)


def trades(call: Call) -> list[Json]:
    """The last public trades, oldest first."""
    market, limit = call.market(), call.params.limit(500, 1000)
    call.params.done()
    return [quotes.trade(trade) for trade in list(market.tape)[-limit:]]


def agg_trades(call: Call) -> list[Json]:
    """The last trades; here every trade is its own aggregate."""
    market, limit, params = call.market(), call.params.limit(500, 1000), call.params
    from_id, start, end = params.integer("fromId"), params.integer("startTime"), params.integer("endTime")
    params.done()
    rows = [
        quotes.agg_trade(trade)
        for trade in market.tape
        if (from_id is None or trade.trade_id >= from_id)
        and (start is None or trade.ts_ms >= start)
        and (end is None or trade.ts_ms <= end)
    ]
    return rows[:limit] if from_id is not None or start is not None else rows[-limit:]


def klines(call: Call) -> list[list[Any]]:
    """Candles, the unfinished one last."""
    market, params = call.market(), call.params
    params.need("interval")
    interval = params.choice("interval", INTERVALS_MS, -1120, "Invalid interval.")
    start, end, limit = params.integer("startTime"), params.integer("endTime"), params.limit(500, 1000)
    params.ignore("timeZone")
    params.done()
    assert interval is not None
    series = market.charts.series(interval)
    series.roll(call.now_ms)
    rows = [
        candle
        for candle in series.candles
        if (start is None or candle.open_ms >= start) and (end is None or candle.open_ms <= end)
    ]
    return [quotes.kline(candle) for candle in (rows[:limit] if start is not None else rows[-limit:])]


def average_px(call: Call) -> Json:
    """Volume-weighted price of five minutes."""
    market = call.market()
    call.params.done()
    closed_ms = market.tape[-1].ts_ms if market.tape else call.now_ms
    return {"mins": 5, "price": num(market.average_px(call.now_ms)), "closeTime": closed_ms}


def _each(call: Call, render: Callable[[Market], Json]) -> Json | list[Json]:
    """An object for `symbol`, an array for `symbols` or for neither."""
    symbol, symbols = call.params.text("symbol"), call.params.names("symbols")
    call.params.ignore("symbolStatus")
    call.params.done()
    if symbol is not None and symbols is not None:
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    if symbol is not None:
        return render(_market(call, symbol))
    if symbols is not None:
        return [render(_market(call, name)) for name in symbols]
    return [render(market) for market in call.exchange.markets.values()]


def ticker_24hr(call: Call) -> Json | list[Json]:
    """The last 24 hours."""
    mini = call.params.choice("type", ("FULL", "MINI")) == "MINI"
    return _each(call, lambda market: quotes.day(market, call.now_ms, mini=mini))


def ticker_price(call: Call) -> Json | list[Json]:
    """The last price."""
    return _each(call, lambda market: {"symbol": market.instrument.symbol, "price": num(market.last)})


def ticker_book(call: Call) -> Json | list[Json]:
    """The best bid and ask."""
    return _each(call, quotes.book_ticker)


def coins(call: Call) -> list[Json]:
    """Every asset of the exchange."""
    call.params.done()
    instruments = [market.instrument for market in call.exchange.markets.values()]
    return catalog.coins(sorted({asset for i in instruments for asset in (i.base, i.quote)}))


def nothing(call: Call) -> list[Json]:
    """A listing of something that this exchange does not have."""
    call.params.ignore("symbol", "symbols")
    call.params.done()
    return []


def no_contracts(call: Call) -> Json:
    """An exchangeInfo without symbols."""
    return catalog.no_contracts(call.now_ms)
