"""Users' orders sorted by a price: resting ones by limit, waiting ones by stop."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from paper_exchange.core.orders import Order


class PriceQueue:
    """Orders by price, then by age; `ascending` puts the lowest price first."""

    def __init__(self, *, ascending: bool) -> None:
        self._sign = 1 if ascending else -1
        self._keys: list[tuple[Decimal, int]] = []
        self._orders: dict[int, Order] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Order]:
        return (self._orders[order_id] for _, order_id in self._keys)

    def add(self, px: Decimal, order: Order) -> None:
        """Queue `order` behind the older ones of its price."""
        insort(self._keys, (self._sign * px, order.order_id))
        self._orders[order.order_id] = order

    def discard(self, px: Decimal, order: Order) -> None:
        """Take `order`, added at `px`, out of the queue if it is there."""
        if self._orders.pop(order.order_id, None) is not None:
            del self._keys[bisect_left(self._keys, (self._sign * px, order.order_id))]

    def best_px(self) -> Decimal | None:
        """The first price, or None when empty."""
        return self._sign * self._keys[0][0] if self._keys else None

    def best(self) -> Order | None:
        """The first order, or None when empty."""
        return self._orders[self._keys[0][1]] if self._keys else None
