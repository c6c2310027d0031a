"""One answer for many who ask the same within a moment: prices and accounts are looked up once for all recipients."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")

KEPT_S: Final = 1.0
"""Prices older than this are asked for again."""


class Shared:
    """Answers that are kept for a moment; a failure is kept as well, so that what is down is not asked by everybody."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._kept: dict[Hashable, tuple[asyncio.Future[Any], float]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to `key`, from `ask` if nobody asked lately. Raises what `ask` raises."""
        now_s = asyncio.get_running_loop().time()
        future, until_s = self._kept.get(key, (None, 0.0))
        if future is None or now_s >= until_s:
            self._kept = {kept: each for kept, each in self._kept.items() if now_s < each[1]}
            future = asyncio.ensure_future(ask())
            self._kept[key] = (future, now_s + self._kept_s)
        # One who is cancelled must not take the answer from the others.
        answer: T = await asyncio.shield(future)
        return answer
