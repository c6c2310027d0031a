"""Market data as Bitget prints it, for REST and for the sockets (sections 5 and 11.7)."""

from decimal import Decimal
from typing import Any

from paper_exchange.bitget.numbers import px_text, qty_text, scale_of, short
from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.core.orders import Side

Json = dict[str, Any]
# Bitget's names of intervals (REST, sockets) for the core's. The plain names from 6h on begin at UTC+8 on the real
# exchange and at UTC here, like those with "utc".
_SPANS = {"6h": "6h", "12h": "12h", "1d": "1day", "3d": "3day", "1w": "1week", "1M": "1M"}
REST_INTERVALS = {
    "1min": "1m", "3min": "3m", "5min": "5m", "15min": "15m", "30min": "30m", "1h": "1h", "4h": "4h",
    **{name: ours for ours, name in _SPANS.items()},
    "6Hutc": "6h", "12Hutc": "12h", "1Dutc": "1d", "3Dutc": "3d", "1Wutc": "1w", "1Mutc": "1M",
}  # fmt: skip
WS_INTERVALS = {
    "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1H": "1h", "4H": "4h", "6H": "6h", "12H": "12h",
    "1D": "1d", "3D": "3d", "1W": "1w", "1M": "1M",
    "6Hutc": "6h", "12Hutc": "12h", "1Dutc": "1d", "3Dutc": "3d", "1Wutc": "1w", "1Mutc": "1M",
}  # fmt: skip


def levels(market: Market, side: Side, limit: int) -> list[tuple[str, str]]:
    """(price, quantity) pairs, best first; JSON makes lists of them."""
    instrument = market.instrument
    return [(px_text(px, instrument), qty_text(qty, instrument)) for px, qty in market.depth(side, limit)]


def _change(now: Decimal, then: Decimal) -> str:
    return f"{(now - then) / then:.5f}"


def _best(market: Market) -> tuple[str, str, str, str]:
    bid, ask = market.best("BUY"), market.best("SELL")
    instrument = market.instrument
    return (
        px_text(bid[0], instrument), px_text(ask[0], instrument), qty_text(bid[1], instrument),
        qty_text(ask[1], instrument),
    )  # fmt: skip


def _day(market: Market, now_ms: int) -> Json:
    total, instrument = market.day(now_ms), market.instrument
    bid, ask, bid_size, ask_size = _best(market)
    return {
        "high24h": px_text(total.high, instrument),
        "low24h": px_text(total.low, instrument),
        "lastPr": px_text(market.last, instrument),
        "quoteVolume": short(total.quote),
        "baseVolume": short(total.volume),
        "bidPr": bid,
        "askPr": ask,
        "bidSz": bid_size,
        "askSz": ask_size,
        "openUtc": px_text(total.open, instrument),
        "ts": str(now_ms),
        "changeUtc24h": _change(market.last, total.open),
        "change24h": _change(market.last, total.open),
        "open": px_text(total.open, instrument),
    }


def ticker(market: Market, now_ms: int) -> Json:
    """A row of v2 tickers."""
    day = _day(market, now_ms)
    return {"symbol": market.instrument.symbol, **day, "usdtVolume": day["quoteVolume"]}


def ws_ticker(market: Market, now_ms: int) -> Json:
    """A push of the v2 ticker channel, where `open` is `open24h`."""
    day = _day(market, now_ms)
    return {"instId": market.instrument.symbol, "open24h": day.pop("open"), **day}


def uta_ticker(market: Market, now_ms: int) -> Json:
    """A push of the v3 ticker topic; REST adds category, symbol and time."""
    day = _day(market, now_ms)
    names = {
        "highPrice24h": "high24h", "lowPrice24h": "low24h", "openPrice24h": "open", "lastPrice": "lastPr",
        "turnover24h": "quoteVolume", "volume24h": "baseVolume", "bid1Price": "bidPr", "ask1Price": "askPr",
        "bid1Size": "bidSz", "ask1Size": "askSz", "price24hPcnt": "change24h",
    }  # fmt: skip
    return {name: day[theirs] for name, theirs in names.items()}


def taker_side(trade: MarketTraded) -> str:
    """Who took."""
    return "sell" if trade.buyer_is_maker else "buy"


def candle(row: Candle) -> list[str]:
    """A row of v2 candles: base, USDT and quote volume."""
    return [*_ohlc(row), short(row.volume), short(row.quote), short(row.quote)]


def uta_candle(row: Candle) -> list[str]:
    """A row of v3 candles."""
    return [*_ohlc(row), short(row.volume), short(row.quote)]


def _ohlc(row: Candle) -> list[str]:
    return [str(row.open_ms), short(row.open), short(row.high), short(row.low), short(row.close)]


def symbol_row(market: Market) -> Json:
    """A row of v2 symbols."""
    instrument = market.instrument
    return {
        "symbol": instrument.symbol,
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "minTradeAmount": "0",
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": "0.001",
        "makerFeeRate": "0.001",
        "pricePrecision": str(scale_of(instrument.tick)),
        "quantityPrecision": str(scale_of(instrument.step)),
        "quotePrecision": "8",
        "status": "online" if market.is_open else "halt",
        "minTradeUSDT": "1",
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "areaSymbol": "no",
        "orderQuantity": str(instrument.max_orders),
        "openTime": "1532454360000",
        "offTime": "",
        "maxLimitOrderValue": "600000",
        "maxMarketOrderValue": "400000",
    }


def instrument_row(market: Market) -> Json:
    """A row of v3 instruments."""
    instrument = market.instrument
    return {
        "symbol": instrument.symbol,
        "category": "SPOT",
        "baseCoin": instrument.base,
        "quoteCoin": instrument.quote,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "minOrderQty": short(instrument.min_qty),
        "maxOrderQty": "0",
        "pricePrecision": str(scale_of(instrument.tick)),
        "quantityPrecision": str(scale_of(instrument.step)),
        "quotePrecision": "8",
        "minOrderAmount": short(instrument.min_notional),
        "maxSymbolOrderNum": str(instrument.max_orders),
        "maxProductOrderNum": "400",
        "status": "online" if market.is_open else "offline",
        "maintainTime": "",
        "areaSymbol": "no",
    }
