"""One market: where its price stands, who rests in it, who waits for a price, and what traded."""

import random
from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from paper_exchange.core.book import PriceQueue
from paper_exchange.core.candles import DAY_MS, Candle, Charts
from paper_exchange.core.events import MarketTraded
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.ladder import Ladder
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Order, Side

Level = tuple[Decimal, Decimal]
TAPE_LENGTH = 1000
AVERAGE_MS = 5 * 60_000


class Counters:
    """Ids of orders, trades and prevented self-trades. Binance counts them per symbol, others over all symbols."""

    def __init__(self, after: int = 0) -> None:
        self._last_order_id = self._last_trade_id = self._last_prevented_id = after

    def next_order_id(self) -> int:
        """The next order's (or trigger's) id."""
        self._last_order_id += 1
        return self._last_order_id

    def next_trade_id(self) -> int:
        """The next trade's id."""
        self._last_trade_id += 1
        return self._last_trade_id

    def next_prevented_id(self) -> int:
        """The id of the next prevented self-trade."""
        self._last_prevented_id += 1
        return self._last_prevented_id


class Average:
    """The volume-weighted price of the last five minutes, kept as sums: it is asked for with every order."""

    def __init__(self) -> None:
        self._trades: deque[MarketTraded] = deque()
        self._volume = self._quote = ZERO

    def add(self, trade: MarketTraded) -> None:
        """Count a trade that is newer than those before."""
        self._trades.append(trade)
        self._volume += trade.qty
        self._quote += trade.quote

    def px(self, now_ms: int) -> Decimal | None:
        """The average, with what is older forgotten; None when nothing traded."""
        while self._trades and self._trades[0].ts_ms < now_ms - AVERAGE_MS:
            old = self._trades.popleft()
            self._volume -= old.qty
            self._quote -= old.quote
        return self._quote / self._volume if self._volume else None


class Market:
    """The book is the synthetic ladder around `mark` plus users' resting orders; `last` is the last trade price."""

    def __init__(
        self, instrument: Instrument, rng: random.Random, now_ms: int, counters: Counters | None = None
    ) -> None:
        self.instrument = instrument
        self.mark = self.last = instrument.start_px
        self.last_qty = ZERO
        self.is_open = True
        self.version = 1
        self.tape: deque[MarketTraded] = deque(maxlen=TAPE_LENGTH)
        self.bids: PriceQueue[Order] = PriceQueue(ascending=False)
        self.asks: PriceQueue[Order] = PriceQueue(ascending=True)
        self.on_rise: PriceQueue[Order] = PriceQueue(ascending=True)
        self.on_fall: PriceQueue[Order] = PriceQueue(ascending=False)
        self.ids = counters or Counters()
        self.charts = Charts(instrument, rng, now_ms)
        self._average = Average()
        self._ladder = Ladder(instrument, rng)

    def resting(self, side: Side) -> PriceQueue[Order]:
        """Users' working orders of `side`."""
        return self.bids if side == "BUY" else self.asks

    def waiting(self, order: Order) -> PriceQueue[Order]:
        """Where `order` waits for its stop price."""
        return self.on_rise if order.request.triggers_on_rise() else self.on_fall

    def has_reached(self, order: Order) -> bool:
        """Whether the last trade price is at or beyond the stop price of `order`."""
        return self.last >= order.stop_px if order.request.triggers_on_rise() else self.last <= order.stop_px

    def add(self, order: Order) -> None:
        """Rest a working order, or queue a contingent one for its trigger."""
        if order.awaits_trigger:
            self.waiting(order).add(order.stop_px, order)
        else:
            self.resting(order.side).add(order.px, order)
            self.version += 1

    def remove(self, order: Order) -> None:
        """Take an order out of wherever it is."""
        self.waiting(order).discard(order.stop_px, order)
        self.resting(order.side).discard(order.px, order)
        self.version += 1

    def house_levels(self, side: Side) -> Iterator[Level]:
        """The ladder's levels of `side` that no user's resting order has already passed, best first."""
        opposite = self.resting("SELL" if side == "BUY" else "BUY").best_px()
        for px, qty in self._ladder.levels(self.mark, side):
            passed = opposite is not None and (px <= opposite if side == "SELL" else px >= opposite)
            if not passed:
                yield px, qty

    def depth(self, side: Side, limit: int) -> list[Level]:
        """Price levels of `side`, best first, users' orders and ladder added up."""
        totals = dict(self.house_levels(side))
        for order in self.resting(side):
            totals[order.px] = totals.get(order.px, ZERO) + order.leaves_qty
        return sorted(totals.items(), reverse=side == "BUY")[:limit]

    def best(self, side: Side) -> Level:
        """Best price of `side` and its quantity; (0, 0) if there is none."""
        top, house = self._top(side)
        qty = house[1] if house is not None and house[0] == top else ZERO
        for order in self.resting(side):
            if order.px != top:
                break
            qty += order.leaves_qty
        return top, qty

    def best_px(self, side: Side) -> Decimal:
        """Best price of `side`, 0 if there is none, without counting who all stands there."""
        return self._top(side)[0]

    def _top(self, side: Side) -> tuple[Decimal, Level | None]:
        """The best price of users and ladder together, and the ladder's best level."""
        user_px, house = self.resting(side).best_px(), next(self.house_levels(side), None)
        if user_px is None or house is None:
            return user_px or (house[0] if house is not None else ZERO), house
        return (max if side == "BUY" else min)(user_px, house[0]), house

    def record(self, trade: MarketTraded) -> None:
        """Move the last price and add the trade to tape and charts."""
        self.last, self.last_qty = trade.px, trade.qty
        self.version += 1
        self.tape.append(trade)
        self._average.add(trade)
        taken = ZERO if trade.buyer_is_maker else trade.qty
        piece = Candle(trade.ts_ms, trade.ts_ms, trade.px, trade.px, trade.px, trade.px, trade.qty, trade.quote, 1)
        piece.taker_volume, piece.taker_quote = taken, ZERO if trade.buyer_is_maker else trade.quote
        piece.first_id = piece.last_id = trade.trade_id
        self.charts.add_trade(piece)

    def average_px(self, now_ms: int) -> Decimal:
        """Volume-weighted price of the last five minutes; the last price when nothing traded."""
        return self._average.px(now_ms) or self.last

    def day(self, now_ms: int) -> Candle:
        """The last 24 hours as one candle."""
        minutes = [candle for candle in self.charts.minutes.candles if candle.open_ms > now_ms - DAY_MS]
        if not minutes:
            return Candle(now_ms - DAY_MS, now_ms, self.last, self.last, self.last, self.last)
        first = minutes[0]
        total = Candle(now_ms - DAY_MS, now_ms, first.open, first.high, first.low, first.close)
        for minute in minutes:
            total.absorb(minute)
        return total
