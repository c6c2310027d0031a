"""Symbols and market data, over REST and from the sockets, in our shapes."""

from collections.abc import Sequence
from decimal import Decimal

from bitget_connector.facts import side_of, time_ms
from bitget_connector.public_frames import Arg, Book, CandleRow, PublicTrade, Symbol, Ticker
from bitget_connector.replies import parse
from common import market
from common.connector.amounts import ZERO, Num, amount, decimal, positive, some
from common.connector.ports import MarketChannel
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderType

CHANNELS = {
    MarketChannel.TICKER: "ticker",
    # The ticker names the best prices too; there is no smaller channel that names the last price with them.
    MarketChannel.BOOK_TICKER: "ticker",
    MarketChannel.CANDLES: "candle1m",
    # Whole books, so nothing has to be stitched or can have a gap.
    MarketChannel.DEPTH: "books15",
    MarketChannel.TRADES: "trade",
}
MINUTE_MS = 60_000
_LENGTH_MS = {"m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 1_440 * MINUTE_MS, "w": 10_080 * MINUTE_MS}
_MONTH_MS = 43_200 * MINUTE_MS
_PLANS_PER_SYMBOL = 0
"""The cap exists (43071), its number is not published."""
_TYPES = (
    OrderType.LIMIT,
    OrderType.LIMIT_MAKER,
    OrderType.MARKET,
    OrderType.STOP_LOSS,
    OrderType.STOP_LOSS_LIMIT,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_LIMIT,
)


def instruments(rows: Sequence[Symbol]) -> tuple[Instrument, ...]:
    """All symbols we can read. One with a broken rule is left out: it must not be traded."""
    found = []
    for row in rows:
        try:
            found.append(instrument(row))
        except UnreadableFrame:
            continue
    return tuple(found)


def instrument(row: Symbol) -> Instrument:
    """The rules of one symbol. Raises UnreadableFrame if a rule we follow is not a number."""
    minimum = amount(row.min_trade_usdt, "minTradeUSDT")
    return Instrument(
        exchange=Exchange.BITGET,
        symbol=row.symbol,
        exchange_symbol=row.symbol,
        base=row.base_coin,
        quote=row.quote_coin,
        tick_size=_step(row.price_precision, "pricePrecision"),
        lot_size=_step(row.quantity_precision, "quantityPrecision"),
        min_qty=amount(row.min_trade_amount, "minTradeAmount"),
        max_qty=_most(row.max_trade_amount, "maxTradeAmount"),
        # It is a worth in USDT: of pairs with another quote the exchange has the last word (45110).
        min_notional=minimum if row.quote_coin in {"USDT", "USDC"} else ZERO,
        max_notional=amount(row.max_limit_order_value, "maxLimitOrderValue") if row.quote_coin == "USDT" else ZERO,
        market_min_notional=minimum if row.quote_coin in {"USDT", "USDC"} else ZERO,
        max_algo_orders=_PLANS_PER_SYMBOL,
        max_orders=int(amount(row.order_quantity, "orderQuantity")),
        order_types=_TYPES,
        tradable=row.status == "online",
        taker_fee_rate=amount(row.taker_fee_rate, "takerFeeRate"),
    )


def _step(places: Num, name: str) -> Decimal:
    count = amount(places, name)
    if places in (None, "") or count != int(count) or count > 30:
        raise UnreadableFrame(f"{name}: not a count of decimals")
    return Decimal(1).scaleb(-int(count))


def _most(value: Num, name: str) -> Decimal:
    """Absurdly large maxima mean that there is none."""
    most = amount(value, name)
    return ZERO if most > Decimal("1e15") else most


def ticker(row: Ticker, now_ms: int) -> market.Ticker:
    """A 24-hour ticker with the best prices. Raises UnreadableFrame."""
    change = None if row.change24h in (None, "") else decimal(row.change24h, "change24h") * 100
    symbol = row.symbol or row.inst_id
    if not symbol:
        raise UnreadableFrame("a ticker without a symbol")
    return market.Ticker(
        exchange=Exchange.BITGET,
        symbol=symbol,
        ts_event_ms=time_ms(row.ts, "ts") if row.ts not in (None, "") else now_ms,
        ts_init_ms=now_ms,
        last_px=some(row.last_pr, "lastPr"),
        bid_px=some(row.bid_pr, "bidPr"),
        bid_qty=some(row.bid_sz, "bidSz"),
        ask_px=some(row.ask_pr, "askPr"),
        ask_qty=some(row.ask_sz, "askSz"),
        open_px=some(row.open24h if row.open24h is not None else row.open, "open"),
        high_px=some(row.high24h, "high24h"),
        low_px=some(row.low24h, "low24h"),
        volume=amount(row.base_volume, "baseVolume"),
        quote_volume=amount(row.quote_volume, "quoteVolume"),
        change_pct=change,
    )


def interval_ms(interval: str) -> int:
    """The length of a candle. Raises UnreadableFrame."""
    if interval == "1M":
        return _MONTH_MS
    number, unit = interval[:-1], interval[-1:].lower()
    if not (number.isascii() and number.isdecimal() and len(number) < 4 and unit in _LENGTH_MS):
        raise UnreadableFrame(f"interval: {interval!r}")
    return int(number) * _LENGTH_MS[unit]


def candles(
    rows: Sequence[CandleRow], symbol: str, interval: str, now_ms: int, *, pushed: bool = False
) -> tuple[market.Candle, ...]:
    """Candles, oldest first; none says whether it is closed, so the time does. Raises UnreadableFrame."""
    length_ms = interval_ms(interval)
    facts = [_candle(row, symbol, interval, length_ms, now_ms, pushed) for row in rows]
    return tuple(sorted(facts, key=lambda fact: fact.open_ms))


def _candle(row: CandleRow, symbol: str, interval: str, length_ms: int, now_ms: int, pushed: bool) -> market.Candle:
    open_ms = time_ms(row.open_ms, "candle")
    close_ms = open_ms + length_ms - 1
    return market.Candle(
        exchange=Exchange.BITGET,
        symbol=symbol,
        ts_event_ms=min(now_ms, close_ms) if now_ms else open_ms,
        ts_init_ms=now_ms,
        interval=interval,
        open_ms=open_ms,
        close_ms=close_ms,
        open_px=positive(row.open_px, "open"),
        high_px=positive(row.high_px, "high"),
        low_px=positive(row.low_px, "low"),
        close_px=positive(row.close_px, "close"),
        volume=amount(row.volume, "volume"),
        quote_volume=amount(row.seventh if pushed else row.eighth, "quote volume"),
        closed=now_ms > close_ms,
    )


def depth(body: Book, symbol: str, now_ms: int) -> market.Depth:
    """A whole book. Raises UnreadableFrame."""
    ts_ms = time_ms(body.ts, "ts") if body.ts not in (None, "") else now_ms
    return market.Depth(
        exchange=Exchange.BITGET,
        symbol=symbol,
        ts_event_ms=ts_ms,
        ts_init_ms=now_ms,
        # Over REST a book has no number; its time grows as one would.
        last_id=int(amount(body.seq, "seq")) or ts_ms,
        bids=_levels(body.bids),
        asks=_levels(body.asks),
    )


def _levels(levels: Sequence[tuple[Num, Num]]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((positive(px, "price"), amount(qty, "size")) for px, qty in levels)


def public_trade(row: PublicTrade, symbol: str, now_ms: int) -> market.PublicTrade:
    """One public trade; its side is the taker's. Raises UnreadableFrame."""
    return market.PublicTrade(
        exchange=Exchange.BITGET,
        symbol=symbol,
        ts_event_ms=time_ms(row.ts, "ts"),
        ts_init_ms=now_ms,
        trade_id=row.trade_id,
        px=positive(row.price, "price"),
        qty=positive(row.size, "size"),
        taker_side=side_of(row.side),
    )


def pushed(arg: Arg, action: str | None, data: bytes, now_ms: int) -> tuple[market.MarketFact, ...] | None:
    """The rows of a market frame; None for channels we have no use for. Raises UnreadableFrame."""
    channel, symbol = arg.channel or "", arg.inst_id or ""
    if channel == "ticker":
        return tuple(ticker(row, now_ms) for row in parse(data, list[Ticker]))
    if channel == "trade":
        return tuple(reversed([public_trade(row, symbol, now_ms) for row in parse(data, list[PublicTrade])]))
    if channel.startswith("candle"):
        return candles(parse(data, list[CandleRow]), symbol, channel.removeprefix("candle"), now_ms, pushed=True)
    if channel in {"books1", "books5", "books15"} or (channel == "books" and action == "snapshot"):
        return tuple(depth(row, symbol, now_ms) for row in parse(data, list[Book]))
    return None
