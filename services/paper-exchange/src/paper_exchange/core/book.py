"""Users' orders sorted by a price: resting ones by limit, waiting ones by stop, armed triggers by trigger price."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal
from typing import Generic, Protocol, TypeVar


class Queued(Protocol):
    """What can wait in a queue; a lower id is older."""

    order_id: int


T = TypeVar("T", bound=Queued)


class PriceQueue(Generic[T]):
    """Orders by price, then by age; `ascending` puts the lowest price first."""

    def __init__(self, *, ascending: bool) -> None:
        self._sign = 1 if ascending else -1
        self._keys: list[tuple[Decimal, int]] = []
        self._orders: dict[int, T] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[T]:
        return (self._orders[order_id] for _, order_id in self._keys)

    def add(self, px: Decimal, order: T) -> None:
        """Queue `order` behind the older ones of its price."""
        insort(self._keys, (self._sign * px, order.order_id))
        self._orders[order.order_id] = order

    def discard(self, px: Decimal, order: T) -> None:
        """Take `order`, added at `px`, out of the queue if it is there."""
        if self._orders.pop(order.order_id, None) is not None:
            del self._keys[bisect_left(self._keys, (self._sign * px, order.order_id))]

    def best_px(self) -> Decimal | None:
        """The first price, or None when empty."""
        return self._sign * self._keys[0][0] if self._keys else None

    def best(self) -> T | None:
        """The first order, or None when empty."""
        return self._orders[self._keys[0][1]] if self._keys else None
