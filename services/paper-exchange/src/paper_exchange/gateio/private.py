"""Private subscriptions: which connection follows which channel of which account."""

from collections.abc import Hashable
from typing import Generic, TypeVar

from paper_exchange.gateio.frames import ANY

CHANNELS = frozenset(
    {"spot.orders", "spot.orders_v2", "spot.usertrades", "spot.usertrades_v2", "spot.balances", "spot.priceorders"}
)
L = TypeVar("L", bound=Hashable)


class Private(Generic[L]):
    """Subscriptions add up; `!all` is every pair."""

    def __init__(self) -> None:
        self._followers: dict[tuple[str, int], dict[L, set[str]]] = {}

    def add(self, listener: L, channel: str, uid: int, pairs: list[str]) -> None:
        """Follow a channel of an account on these pairs."""
        self._followers.setdefault((channel, uid), {}).setdefault(listener, set()).update(pairs)

    def remove(self, listener: L, channel: str, uid: int, pairs: list[str]) -> None:
        """Follow them no more."""
        followed = self._followers.get((channel, uid), {})
        if listener in followed:
            followed[listener] -= set(pairs)

    def followers(self, channel: str, uid: int, pair: str) -> list[L]:
        """Who is to be told."""
        followed = self._followers.get((channel, uid))
        if not followed:
            return []
        return [listener for listener, pairs in followed.items() if pair in pairs or ANY in pairs]

    def all(self) -> set[L]:
        """Every connection that follows anything."""
        return {listener for followed in self._followers.values() for listener, pairs in followed.items() if pairs}

    def close(self, listener: L) -> None:
        """The connection is gone."""
        for followed in self._followers.values():
            followed.pop(listener, None)

    def end_account(self, uid: int) -> None:
        """Nobody follows this account any more."""
        for key in [key for key in self._followers if key[1] == uid]:
            del self._followers[key]
