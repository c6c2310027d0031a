"""Market data as the API shows it: one shape for all exchanges, decimals as strings, times in ms."""

from collections.abc import Sequence
from typing import Any

from common.instruments import Instrument
from common.market import Candle, Depth, PublicTrade, Ticker


def ticker_shown(ticker: Ticker) -> dict[str, Any]:
    """Best prices, and the last 24 hours where the exchange tells them."""
    return {
        "exchange": ticker.exchange.value.upper(),
        "symbol": ticker.symbol,
        "lastPrice": ticker.last_px,
        "bidPrice": ticker.bid_px,
        "bidQty": ticker.bid_qty,
        "askPrice": ticker.ask_px,
        "askQty": ticker.ask_qty,
        "openPrice": ticker.open_px,
        "highPrice": ticker.high_px,
        "lowPrice": ticker.low_px,
        "volume": ticker.volume,
        "quoteVolume": ticker.quote_volume,
        "priceChangePercent": ticker.change_pct,
        "time": ticker.ts_event_ms,
    }


def candle_shown(candle: Candle) -> dict[str, Any]:
    """One candle."""
    return {
        "openTime": candle.open_ms,
        "closeTime": candle.close_ms,
        "open": candle.open_px,
        "high": candle.high_px,
        "low": candle.low_px,
        "close": candle.close_px,
        "volume": candle.volume,
        "quoteVolume": candle.quote_volume,
        "trades": candle.trades,
        "closed": candle.closed,
    }


def depth_shown(depth: Depth) -> dict[str, Any]:
    """The best levels, each price and quantity."""
    return {
        "exchange": depth.exchange.value.upper(),
        "symbol": depth.symbol,
        "lastUpdateId": depth.last_id,
        "bids": depth.bids,
        "asks": depth.asks,
        "time": depth.ts_event_ms,
    }


def trade_shown(trade: PublicTrade) -> dict[str, Any]:
    """One public trade."""
    return {
        "id": trade.trade_id,
        "price": trade.px,
        "qty": trade.qty,
        "side": trade.taker_side,
        "time": trade.ts_event_ms,
    }


def instrument_shown(instrument: Instrument) -> dict[str, Any]:
    """A symbol with the rules an order keeps; a bound of 0 is none."""
    return {
        "symbol": instrument.symbol,
        "exchangeSymbol": instrument.exchange_symbol,
        "base": instrument.base,
        "quote": instrument.quote,
        "tickSize": instrument.tick_size,
        "lotSize": instrument.lot_size,
        "minQty": instrument.min_qty,
        "maxQty": instrument.max_qty,
        "minNotional": instrument.min_notional,
        "tradable": instrument.tradable,
        "orderTypes": instrument.order_types,
    }


def currencies_shown(instruments: Sequence[Instrument]) -> list[dict[str, Any]]:
    """Every currency that is bought or paid with, by name."""
    against: dict[str, set[str]] = {}
    for each in instruments:
        against.setdefault(each.base, set()).add(each.quote)
        against.setdefault(each.quote, set())
    tradable = {each.base for each in instruments if each.tradable}
    return [
        {"currency": name, "tradable": name in tradable, "quotes": sorted(quotes)}
        for name, quotes in sorted(against.items())
    ]
