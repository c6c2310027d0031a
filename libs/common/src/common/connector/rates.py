"""The rate gate: every request takes its cost before it leaves, and waits only where the exchange's limits are used up.

Weight is shared by all requests of our address, order counts belong to one account. Lower priorities stop a little
before the limit, so that there is always room for an order that protects a position. Taking is a few additions when
there is room; a waiting request costs one timer, however many wait.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from common.clock import Clock
from common.connector.ports import HttpRequest, LimitKind, LimitScope, LimitShape, RateLimit, Usage

DEFAULT_STOP_MS: Final = 1_000
"""How long a refusal for a limit stops us when it does not say itself."""


class Priority(IntEnum):
    """Who goes first when the limits leave room for few: the smaller number."""

    PROTECTION = 0
    """Exits, and everything that keeps a position from standing bare."""
    TRADING = 1
    """Entries and cancels."""
    QUERY = 2
    """What became of an order."""
    RECOVERY = 3
    """What a stream may have missed."""
    READ = 4
    """Balances, tickers and candles for people."""


SHARE: Final = {
    Priority.PROTECTION: 1.0,
    Priority.TRADING: 0.95,
    Priority.QUERY: 0.85,
    Priority.RECOVERY: 0.75,
    Priority.READ: 0.6,
}
"""The part of every limit that a priority may use."""


class FixedWindow:
    """Counts from the last multiple of the interval since the epoch (Binance)."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._window = -1
        self._used = 0

    def used(self, now_ms: int) -> int:
        """What this window has taken so far."""
        self._roll(now_ms)
        return self._used

    def add(self, cost: int, now_ms: int) -> None:
        """Take `cost`."""
        self._roll(now_ms)
        self._used += cost

    def told(self, used: int, now_ms: int) -> None:
        """The exchange's own count. It may lag behind requests under way, so ours is never lowered by it."""
        self._roll(now_ms)
        self._used = max(self._used, used)

    def give_back(self, cost: int, now_ms: int) -> None:
        """Undo `add`, if its window still runs."""
        self._roll(now_ms)
        self._used = max(0, self._used - cost)

    def room_at_ms(self, now_ms: int) -> int:
        """When something becomes free again."""
        return (now_ms // self._interval_ms + 1) * self._interval_ms

    def _roll(self, now_ms: int) -> None:
        window = now_ms // self._interval_ms
        if window != self._window:
            self._window, self._used = window, 0


class SlidingWindow:
    """Counts what was taken in the last interval before now."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._taken: deque[tuple[int, int]] = deque()
        self._used = 0

    def used(self, now_ms: int) -> int:
        """What the last interval has taken."""
        while self._taken and self._taken[0][0] <= now_ms - self._interval_ms:
            self._used -= self._taken.popleft()[1]
        return self._used

    def add(self, cost: int, now_ms: int) -> None:
        """Take `cost`."""
        self._taken.append((now_ms, cost))
        self._used += cost

    def told(self, used: int, now_ms: int) -> None:
        """The exchange's own count: what it saw and we did not is taken now."""
        missing = used - self.used(now_ms)
        if missing > 0:
            self.add(missing, now_ms)

    def give_back(self, cost: int, now_ms: int) -> None:
        """Undo `add`: a sliding window forgets it together with its newest entry."""
        if self.used(now_ms) >= cost and self._taken:
            self._taken[-1] = (self._taken[-1][0], self._taken[-1][1] - cost)
            self._used -= cost

    def room_at_ms(self, now_ms: int) -> int:
        """When something becomes free again."""
        return self._taken[0][0] + self._interval_ms if self._taken else now_ms + 1


Window = FixedWindow | SlidingWindow
_SHAPES: Final[dict[LimitShape, type[FixedWindow] | type[SlidingWindow]]] = {
    LimitShape.FIXED_WINDOW: FixedWindow,
    LimitShape.SLIDING_WINDOW: SlidingWindow,
}
_Owner = str | None
"""An account id, or None for the address."""


class RateGate:
    """One per egress address. `take` before a request, `observed` after its reply."""

    def __init__(self, limits: Iterable[RateLimit], clock: Clock) -> None:
        self._clock = clock
        self._limits: tuple[RateLimit, ...] = tuple(limits)
        self._windows: dict[tuple[RateLimit, _Owner, str], Window] = {}
        self._stopped_until_ms: dict[_Owner, int] = {}
        self._waiting: list[tuple[Priority, int, HttpRequest, str | None, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait for room."""
        return len(self._waiting)

    def replace_limits(self, limits: Iterable[RateLimit]) -> None:
        """What the exchange says its limits are; counts of limits that stay are kept."""
        self._limits = tuple(limits)
        kept = set(self._limits)
        self._windows = {key: window for key, window in self._windows.items() if key[0] in kept}

    def try_take(self, request: HttpRequest, account_id: str | None, priority: Priority) -> bool:
        """Take the cost of a request now, or say that there is no room."""
        now_ms = self._clock.now_ms()
        if self._stopped(account_id, now_ms) is not None:
            return False
        taken: list[tuple[Window, int]] = []
        for limit in self._limits:
            cost = _cost(request, limit)
            if cost == 0 or (limit.scope is LimitScope.ACCOUNT and account_id is None):
                continue
            window = self._window(limit, account_id, request.lane)
            # A request larger than its share must still be able to leave once, in an empty window.
            used = window.used(now_ms)
            if used and used + cost > limit.limit * SHARE[priority]:
                return False
            taken.append((window, cost))
        for window, cost in taken:
            window.add(cost, now_ms)
        return True

    async def take(self, request: HttpRequest, account_id: str | None, priority: Priority, patience_ms: int) -> bool:
        """Take the cost, waiting for room at most so long; False when there was none."""
        if self.try_take(request, account_id, priority):
            return True
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (priority, next(self._order), request, account_id, ready))
        self._arm()
        try:
            async with asyncio.timeout(max(0, patience_ms) / 1000):
                await ready
        except TimeoutError:
            return False
        return True

    def observed(self, account_id: str | None, usage: Usage) -> None:
        """Learn from a reply what the exchange counted, and whether it told us to stop."""
        now_ms = self._clock.now_ms()
        for limit in self._limits:
            for kind, interval_ms, used in usage.used:
                if (kind, interval_ms) == (limit.kind, limit.interval_ms) and not limit.bucket:
                    self._window(limit, account_id).told(used, now_ms)
        if usage.retry_after_ms is not None:
            owner = None if usage.retry_scope is LimitScope.IP else account_id
            until_ms = now_ms + (usage.retry_after_ms or DEFAULT_STOP_MS)
            self._stopped_until_ms[owner] = max(until_ms, self._stopped_until_ms.get(owner, 0))

    def accepted(self, request: HttpRequest) -> None:
        """The exchange did what was asked: some requests then weigh nothing."""
        if request.free_when_accepted:
            for limit in self._limits:
                if limit.kind is LimitKind.WEIGHT and (cost := _cost(request, limit)):
                    self._window(limit, None, request.lane).give_back(cost, self._clock.now_ms())

    def _window(self, limit: RateLimit, account_id: str | None, lane: str = "") -> Window:
        key = (limit, account_id if limit.scope is LimitScope.ACCOUNT else None, lane if limit.per_lane else "")
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = _SHAPES[limit.shape](limit.interval_ms)
        return window

    def _stopped(self, account_id: str | None, now_ms: int) -> int | None:
        """Until when this account, or everybody, must keep silent."""
        if not self._stopped_until_ms:
            return None
        for owner in (None, account_id):
            until_ms = self._stopped_until_ms.get(owner, 0)
            if until_ms > now_ms:
                return until_ms
        for owner in [owner for owner, until_ms in self._stopped_until_ms.items() if until_ms <= now_ms]:
            del self._stopped_until_ms[owner]
        return None

    def _arm(self) -> None:
        if self._timer is None and self._waiting:
            delay_ms = max(1, self._next_room_ms() - self._clock.now_ms())
            self._timer = asyncio.get_running_loop().call_later(delay_ms / 1000, self._release)

    def _next_room_ms(self) -> int:
        now_ms = self._clock.now_ms()
        moments = [until_ms for until_ms in self._stopped_until_ms.values() if until_ms > now_ms]
        moments += [window.room_at_ms(now_ms) for window in self._windows.values() if window.used(now_ms)]
        return min(moments, default=now_ms + 1)

    def _release(self) -> None:
        """Let those pass that fit now, in order of priority; one account's limit holds up nobody else."""
        self._timer = None
        still = []
        while self._waiting:
            waiter = heapq.heappop(self._waiting)
            priority, _, request, account_id, ready = waiter
            if ready.done():
                continue
            if self.try_take(request, account_id, priority):
                ready.set_result(None)
            else:
                still.append(waiter)
        self._waiting = still
        heapq.heapify(self._waiting)
        self._arm()


def _cost(request: HttpRequest, limit: RateLimit) -> int:
    if limit.bucket and limit.bucket != request.bucket:
        return 0
    match limit.kind:
        case LimitKind.WEIGHT:
            return request.weight
        case LimitKind.REQUESTS:
            return 1
        case LimitKind.ORDERS:
            return request.order_count
