"""v2 market data (section 5)."""

from typing import Any

from paper_exchange.bitget import quotes
from paper_exchange.bitget.call import Call, Json
from paper_exchange.bitget.errors import wrong
from paper_exchange.bitget.numbers import short
from paper_exchange.core.candles import Candle


def server_time(call: Call) -> Json:
    """The exchange's clock."""
    return {"serverTime": str(call.now_ms)}


def coins(call: Call) -> list[Json]:
    """Every coin, or the one asked for."""
    wanted = call.params.text("coin")
    instruments = [market.instrument for market in call.exchange.markets.values()]
    names = sorted({coin for i in instruments for coin in (i.base, i.quote)})
    return [
        {"coinId": str(number), "coin": coin, "transfer": "true", "areaCoin": "no", "chains": [_chain(coin)]}
        for number, coin in enumerate(names, 1)
        if wanted in {None, coin}
    ]


def _chain(coin: str) -> Json:
    return {
        "chain": coin, "needTag": "false", "withdrawable": "false", "rechargeable": "false", "withdrawFee": "0",
        "extraWithdrawFee": "0", "depositConfirm": "1", "withdrawConfirm": "1", "minDepositAmount": "0",
        "minWithdrawAmount": "0", "browserUrl": "", "contractAddress": "", "withdrawStep": "0",
        "withdrawMinScale": "8", "congestion": "normal",
    }  # fmt: skip


def symbols(call: Call) -> list[Json]:
    """Every symbol, or the one asked for."""
    return [quotes.symbol_row(market) for market in call.markets()]


def tickers(call: Call) -> list[Json]:
    """The last 24 hours of every symbol, or of the one asked for."""
    return [quotes.ticker(market, call.now_ms) for market in call.markets()]


def orderbook(call: Call) -> Json:
    """The book, best first; every `type` shows the finest step."""
    market, limit = call.market(), call.params.limit(150, 150)
    return {
        "asks": quotes.levels(market, "SELL", limit),
        "bids": quotes.levels(market, "BUY", limit),
        "ts": str(call.now_ms),
    }


def find_candles(call: Call, intervals: dict[str, str], name: str) -> list[Candle]:
    """The candles that the parameters ask for, oldest first. Raises: 40020 for an unknown interval."""
    params = call.params
    interval = intervals.get(params.need(name))
    if interval is None:
        raise wrong(name)
    series = call.market().charts.series(interval)
    series.roll(call.now_ms)
    start, end = params.integer("startTime"), params.integer("endTime")
    rows = [
        candle
        for candle in series.candles
        if (start is None or candle.open_ms >= start) and (end is None or candle.open_ms < end)
    ]
    return rows[-params.limit(100, 1000) :]


def candles(call: Call) -> list[list[Any]]:
    """Candles, the unfinished one last."""
    return [quotes.candle(row) for row in find_candles(call, quotes.REST_INTERVALS, "granularity")]


def market_fills(call: Call) -> list[Json]:
    """The last public trades, newest first."""
    market, limit = call.market(), call.params.limit(100, 500)
    return [
        {
            "symbol": trade.symbol, "tradeId": str(trade.trade_id), "side": quotes.taker_side(trade),
            "price": short(trade.px), "size": short(trade.qty), "ts": str(trade.ts_ms),
        }
        for trade in list(market.tape)[: -limit - 1 : -1]
    ]  # fmt: skip


def nothing(_: Call) -> list[Json]:
    """A listing of something that this exchange does not have, which clients read while they load markets."""
    return []
