"""Facts that wait: an order's end for the trades it counts, an order without a name for whoever placed it."""

from collections import OrderedDict
from decimal import Decimal
from typing import Final

from common.connector.amounts import ZERO
from common.orders import OrderFact, OrderFilled

TRADES_WITHIN_MS: Final = 1_500
"""Trades and orders are pushed apart; a trade that comes later than this is read instead."""
ASK_AGAIN_MS: Final = 900
ASKS: Final = 4
_ORDERS_KEPT: Final = 5_000


class Endings:
    """Ends of orders whose trades have not all been told, so that nobody asks for what is about to arrive."""

    def __init__(self) -> None:
        self._traded: OrderedDict[str, Decimal] = OrderedDict()
        self._ends: dict[str, tuple[OrderFact, int]] = {}

    def hold(self, order_id: str, end: OrderFact, now_ms: int) -> bool:
        """Keep an end back if it counts more than was told; False if it may be told now."""
        if (end.cum_qty or ZERO) <= self._traded.get(order_id, ZERO):
            self._traded.pop(order_id, None)
            return False
        self._ends[order_id] = (end, now_ms)
        return True

    def traded(self, order_id: str, fill: OrderFilled) -> tuple[OrderFact, ...]:
        """A trade of the order was told; its end, if that was all it waited for."""
        told = self._traded[order_id] = self._traded.get(order_id, ZERO) + (fill.last_qty or ZERO)
        self._traded.move_to_end(order_id)
        if len(self._traded) > _ORDERS_KEPT:
            self._traded.popitem(last=False)
        end = self._ends.get(order_id)
        if end is None or (end[0].cum_qty or ZERO) > told:
            return ()
        del self._ends[order_id]
        return (end[0],)

    def overdue(self, now_ms: int) -> tuple[OrderFact, ...]:
        """Ends that waited long enough: whoever hears one asks for the trades that are missing."""
        late = [order_id for order_id, (_, since_ms) in self._ends.items() if now_ms - since_ms >= TRADES_WITHIN_MS]
        return tuple(self._ends.pop(order_id)[0] for order_id in late)


class Held:
    """Facts about orders that carry no id of ours, until it is known whether a price order placed them."""

    def __init__(self) -> None:
        self._facts: dict[str, list[OrderFact]] = {}
        self._asked: dict[str, tuple[str, int, int]] = {}

    def hold(self, order_id: str, pair: str, facts: tuple[OrderFact, ...], now_ms: int) -> bool:
        """Keep facts back; True where this order is new, so that its owner is asked for."""
        fresh = order_id not in self._facts
        self._facts.setdefault(order_id, []).extend(facts)
        if fresh:
            self._asked[order_id] = (pair, now_ms, 1)
        return fresh

    def release(self, order_id: str) -> tuple[OrderFact, ...]:
        """What was kept back of an order, in the order it came."""
        self._asked.pop(order_id, None)
        return tuple(self._facts.pop(order_id, ()))

    def due(self, now_ms: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Pairs to ask about again, and orders that no price order claims after all."""
        again: dict[str, None] = {}
        given_up = []
        for order_id, (pair, since_ms, asks) in list(self._asked.items()):
            if now_ms - since_ms < ASK_AGAIN_MS:
                continue
            if asks >= ASKS:
                given_up.append(order_id)
                continue
            again[pair] = None
            self._asked[order_id] = (pair, now_ms, asks + 1)
        return tuple(again), tuple(given_up)
