"""Market data as Binance prints it, shared by REST, WebSocket API and streams."""

from decimal import Decimal
from typing import Any

from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, num
from paper_exchange.core.orders import Side

Json = dict[str, Any]


def levels(market: Market, side: Side, limit: int) -> list[list[str]]:
    """[[price, quantity], …] best first."""
    return [[num(px), num(qty)] for px, qty in market.depth(side, limit)]


def depth(market: Market, limit: int) -> Json:
    """The book; `lastUpdateId` fits the diff stream's `u`."""
    return {
        "lastUpdateId": market.version,
        "bids": levels(market, "BUY", limit),
        "asks": levels(market, "SELL", limit),
    }


def trade(trade: MarketTraded) -> Json:
    """One public trade."""
    return {
        "id": trade.trade_id,
        "price": num(trade.px),
        "qty": num(trade.qty),
        "quoteQty": num(trade.quote),
        "time": trade.ts_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def agg_trade(trade: MarketTraded) -> Json:
    """One aggregate of one trade."""
    return {
        "a": trade.trade_id,
        "p": num(trade.px),
        "q": num(trade.qty),
        "f": trade.trade_id,
        "l": trade.trade_id,
        "T": trade.ts_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def kline(candle: Candle) -> list[Any]:
    """The twelve elements of a candle."""
    return [
        candle.open_ms, num(candle.open), num(candle.high), num(candle.low), num(candle.close), num(candle.volume),
        candle.close_ms, num(candle.quote), candle.count, num(candle.taker_volume), num(candle.taker_quote), "0",
    ]  # fmt: skip


def book_ticker(market: Market) -> Json:
    """Best bid and ask."""
    bid, ask = market.best("BUY"), market.best("SELL")
    return {
        "symbol": market.instrument.symbol,
        "bidPrice": num(bid[0]),
        "bidQty": num(bid[1]),
        "askPrice": num(ask[0]),
        "askQty": num(ask[1]),
    }


def day(market: Market, now_ms: int, *, mini: bool = False) -> Json:
    """24-hour figures of one market."""
    total = market.day(now_ms)
    body: Json = {
        "symbol": market.instrument.symbol,
        "openPrice": num(total.open),
        "highPrice": num(total.high),
        "lowPrice": num(total.low),
        "lastPrice": num(market.last),
        "volume": num(total.volume),
        "quoteVolume": num(total.quote),
        "openTime": total.open_ms,
        "closeTime": now_ms,
        "firstId": total.first_id,
        "lastId": total.last_id,
        "count": total.count,
    }
    if mini:
        return body
    book = book_ticker(market)
    return {
        **body,
        **changes(market, total),
        "prevClosePrice": num(total.open),
        "lastQty": num(market.last_qty),
        **{name: book[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")},
    }


def changes(market: Market, total: Candle) -> Json:
    """How the price moved over `total`, and its average."""
    change = market.last - total.open
    return {
        "priceChange": num(change),
        "priceChangePercent": f"{change / total.open * Decimal(100):.3f}",
        "weightedAvgPrice": num(total.quote / total.volume if total.volume else ZERO),
    }
