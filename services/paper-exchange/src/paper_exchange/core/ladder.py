"""Synthetic liquidity around a mark price: the same seeded shape wherever the mark stands."""

import random
from collections.abc import Iterator
from decimal import Decimal

from paper_exchange.core.instruments import Instrument
from paper_exchange.core.money import floor_to
from paper_exchange.core.orders import Side

LEVELS = 50
SPACING = Decimal("0.00001")  # of the price between two levels


class Ladder:
    """Fifty levels on each side, dearer further out. It refills after every order: an order sees all of it, once."""

    def __init__(self, instrument: Instrument, rng: random.Random) -> None:
        self._tick = instrument.tick
        self._gap = max(instrument.tick, floor_to(instrument.start_px * SPACING, instrument.tick))
        worth = instrument.min_notional * 2000
        self._qtys = [
            max(
                instrument.min_qty,
                floor_to(worth * (10 + i) * rng.randrange(50, 150) / (1000 * instrument.start_px), instrument.step),
            )
            for i in range(LEVELS)
        ]

    def levels(self, mark: Decimal, maker_side: Side) -> Iterator[tuple[Decimal, Decimal]]:
        """(price, quantity) of the house's `maker_side` orders, best first; never a price below one tick."""
        sign = 1 if maker_side == "SELL" else -1
        px = mark + sign * self._tick
        for qty in self._qtys:
            if px < self._tick:
                return
            yield px, qty
            px += sign * self._gap
