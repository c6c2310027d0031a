"""Market data as Gate.io prints it, shared by REST and streams (sections 4 and 14)."""

from decimal import Decimal
from typing import Any

from paper_exchange.core.candles import Candle
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.market import Market
from paper_exchange.core.orders import Side
from paper_exchange.gateio.instruments import pair_of
from paper_exchange.gateio.numbers import micros, plain, seconds
from paper_exchange.gateio.render import sequence_id

Json = dict[str, Any]
INTERVALS = {
    "1s": "1s", "1m": "1m", "3m": "3m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "1h", "2h": "2h", "4h": "4h",
    "6h": "6h", "8h": "8h", "12h": "12h", "1d": "1d", "7d": "1w", "30d": "1M",
}  # fmt: skip


def levels(market: Market, side: Side, limit: int) -> list[tuple[str, str]]:
    """[[price, amount], …] best first."""
    return [(plain(px), plain(qty)) for px, qty in market.depth(side, limit)]


def ticker(market: Market, now_ms: int) -> Json:
    """24-hour figures and the best prices."""
    day = market.day(now_ms)
    return {
        "currency_pair": pair_of(market.instrument),
        "last": plain(market.last),
        "lowest_ask": plain(market.best("SELL")[0]),
        "highest_bid": plain(market.best("BUY")[0]),
        "change_percentage": plain(((market.last - day.open) / day.open * 100).quantize(Decimal("0.01"))),
        "base_volume": plain(day.volume),
        "quote_volume": plain(day.quote),
        "high_24h": plain(day.high),
        "low_24h": plain(day.low),
    }


def trade(print_: MarketTraded, pair: str) -> Json:
    """One public trade of REST; the side is the taker's."""
    return {
        "id": str(print_.trade_id),
        "create_time": seconds(print_.ts_ms),
        "create_time_ms": micros(print_.ts_ms),
        "currency_pair": pair,
        "side": taker_side(print_),
        "amount": plain(print_.qty),
        "price": plain(print_.px),
        "sequence_id": str(sequence_id(print_.trade_id)),
    }


def taker_side(print_: MarketTraded) -> str:
    """Who took: buy or sell."""
    return "sell" if print_.buyer_is_maker else "buy"


def candle(found: Candle, now_ms: int) -> list[str]:
    """The eight elements of a candle, which are not in the usual order."""
    return [
        seconds(found.open_ms), plain(found.quote), plain(found.close), plain(found.high), plain(found.low),
        plain(found.open), plain(found.volume), "true" if found.close_ms < now_ms else "false",
    ]  # fmt: skip
