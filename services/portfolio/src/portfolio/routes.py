"""Which prices say what one unit of an asset is worth in another, and what they say. Pure.

A fee is valued at the minute of its trade: the opening price of that minute's candle, which stays the same whenever it
is asked for. Where nothing traded in that minute, at the close of the last minute before it with a trade.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from common.exact import exact, quotient
from common.market import Candle
from common.portfolio import PriceSource, PriceUsed

MINUTE_MS: Final = 60_000
MINUTES_BACK: Final = 60
"""How old the last trade of an asset may be to price it."""
DOLLAR: Final = "USDT"


class Route(NamedTuple):
    """A way from one asset to another: the symbols whose prices are needed, and what to make of them."""

    symbols: tuple[str, ...]
    worth: Callable[..., Decimal]


def routes(asset: str, quote: str) -> Iterator[Route]:
    """The ways to price an asset in a quote asset, the best first."""
    yield Route((asset + quote,), lambda px: px)
    yield Route((quote + asset,), lambda px: quotient(Decimal(1), px))
    if DOLLAR not in {asset, quote}:
        yield Route((asset + DOLLAR, quote + DOLLAR), quotient)
        yield Route((asset + DOLLAR, DOLLAR + quote), _product)


def minute_of(at_ms: int) -> int:
    """When the minute of a moment begins."""
    return at_ms - at_ms % MINUTE_MS


def price_at(symbol: str, at_ms: int, candles: Sequence[Candle]) -> PriceUsed | None:
    """The price at a moment, by one-minute candles up to it; None when none of them is near."""
    minute_ms = minute_of(at_ms)
    near = [c for c in candles if minute_ms - MINUTES_BACK * MINUTE_MS <= c.open_ms <= minute_ms]
    if not near:
        return None
    last = max(near, key=lambda candle: candle.open_ms)
    if last.open_ms == minute_ms:
        return PriceUsed(symbol=symbol, px=last.open_px, ts_ms=last.open_ms, source=PriceSource.MINUTE_OPEN)
    return PriceUsed(symbol=symbol, px=last.close_px, ts_ms=last.close_ms, source=PriceSource.EARLIER_CLOSE)


def _product(one: Decimal, other: Decimal) -> Decimal:
    with exact():
        return one * other
