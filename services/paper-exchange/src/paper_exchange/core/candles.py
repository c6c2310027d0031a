"""Candles from trades, with a seeded past so that charts and 24-hour figures have something to show at the start."""

import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from paper_exchange.core.instruments import Instrument
from paper_exchange.core.money import ZERO, floor_to

MINUTE_MS = 60_000
DAY_MS = 1440 * MINUTE_MS
KEPT = 1600
UNSEEN_KEPT = 1000
INTERVALS_MS = {
    "1s": 1000, "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS, "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS, "1h": 60 * MINUTE_MS, "2h": 120 * MINUTE_MS, "4h": 240 * MINUTE_MS, "6h": 360 * MINUTE_MS,
    "8h": 480 * MINUTE_MS, "12h": 720 * MINUTE_MS, "1d": DAY_MS, "3d": 3 * DAY_MS, "1w": 7 * DAY_MS, "1M": 31 * DAY_MS,
}  # fmt: skip


@dataclass(slots=True)
class Candle:
    """One interval of one market; `taker_*` is what buyers took."""

    open_ms: int
    close_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    count: int = 0
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1

    def absorb(self, other: "Candle") -> None:
        """Add a later candle (or trade) to this one."""
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.volume += other.volume
        self.quote += other.quote
        self.count += other.count
        self.taker_volume += other.taker_volume
        self.taker_quote += other.taker_quote
        self.first_id = self.first_id if self.first_id >= 0 else other.first_id
        self.last_id = other.last_id if other.last_id >= 0 else self.last_id


def bounds(interval: str, ts_ms: int) -> tuple[int, int]:
    """First and last millisecond of the interval around `ts_ms`: weeks begin on Monday, months on the first."""
    if interval == "1M":
        start = datetime.fromtimestamp(ts_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        later = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
        return int(start.timestamp() * 1000), int(later.timestamp() * 1000) - 1
    span = INTERVALS_MS[interval]
    offset = 4 * DAY_MS if interval == "1w" else 0  # 1970-01-05 was a Monday
    first = (ts_ms - offset) // span * span + offset
    return first, first + span - 1


class Series:
    """The last candles of one interval, the unfinished one included."""

    def __init__(self, interval: str) -> None:
        self.interval = interval
        self.candles: deque[Candle] = deque(maxlen=KEPT)

    def add(self, piece: Candle) -> None:
        """Add a trade or a finer candle; pieces come in order of time."""
        last = self.candles[-1] if self.candles else None
        if last is not None and piece.open_ms <= last.close_ms:
            last.absorb(piece)
            return
        first, end = bounds(self.interval, piece.open_ms)
        self.candles.append(Candle(first, end, piece.open, piece.high, piece.low, piece.close))
        opened = self.candles[-1]
        opened.absorb(piece)

    def roll(self, now_ms: int) -> None:
        """Open the candle of `now_ms`, and flat ones for intervals in which nothing traded."""
        last = self.candles[-1]
        while last.close_ms < now_ms:
            first, end = bounds(self.interval, last.close_ms + 1)
            last = Candle(first, end, last.close, last.close, last.close, last.close)
            self.candles.append(last)


class Charts:
    """Every interval of one market, each kept only once somebody asks for it; others are built from the minutes."""

    def __init__(self, instrument: Instrument, rng: random.Random, now_ms: int) -> None:
        self._instrument = instrument
        self._seed = rng.getrandbits(64)
        self._born_ms = now_ms
        self._series: dict[str, Series] = {}
        self._unseen: list[Candle] = []

    @property
    def minutes(self) -> Series:
        """The minutes; their past is invented when somebody first looks, or when trades begin to pile up."""
        found = self._series.get("1m")
        if found is None:
            found = self._series["1m"] = Series("1m")
            found.candles.extend(self._past("1m", self._born_ms, KEPT - 160, self._instrument.start_px))
            for piece in self._unseen:
                found.add(piece)
            self._unseen.clear()
        return found

    def add_trade(self, piece: Candle) -> None:
        """Add one trade, in the form of a candle of a moment."""
        if "1m" not in self._series and len(self._unseen) < UNSEEN_KEPT:
            self._unseen.append(piece)
            return
        for series in ({"1m": self.minutes} | self._series).values():
            series.add(piece)

    def series(self, interval: str) -> Series:
        """The candles of `interval`, built from the minutes (and an invented older past) when first asked for."""
        if interval == "1m":
            return self.minutes
        found = self._series.get(interval)
        if found is None:
            found = self._series[interval] = self._build(interval)
        return found

    def _build(self, interval: str) -> Series:
        series = Series(interval)
        # Seconds have nothing finer to be built from, so they start with the minute that is running.
        known = islice(self.minutes.candles, len(self.minutes.candles) - 1, None) if interval == "1s" else None
        minutes = list(known if known is not None else self.minutes.candles)
        series.candles.extend(self._past(interval, minutes[0].open_ms, 500, minutes[0].open))
        for minute in minutes:
            series.add(minute)
        return series

    def _past(self, interval: str, until_ms: int, count: int, last_px: Decimal) -> list[Candle]:
        """`count` invented candles that end before the interval of `until_ms`, the last one closing at `last_px`."""
        rng = random.Random(f"{self._seed}{interval}")  # noqa: S311 - a market, not a secret
        tick, step, px = self._instrument.tick, self._instrument.step, last_px
        swing = 0.0004 * (INTERVALS_MS[interval] / MINUTE_MS) ** 0.5
        end_ms, candles = bounds(interval, until_ms)[0] - 1, []
        for _ in range(count):
            first, last = bounds(interval, end_ms)
            open_px = max(tick, floor_to(px * Decimal(1 + rng.gauss(0, swing)), tick))
            reach = floor_to(px * Decimal(abs(rng.gauss(0, swing / 2))), tick)
            low = max(tick, min(px, open_px) - reach)
            volume = floor_to(self._instrument.min_notional * rng.randrange(1000, 20000) / px, step)
            candle = Candle(first, last, open_px, max(px, open_px) + reach, low, px, volume, volume * px, 40)
            candle.taker_volume, candle.taker_quote = volume / 2, volume * px / 2
            candles.append(candle)
            px, end_ms = open_px, first - 1
        return candles[::-1]
