"""The fast lane: orders that nobody has confirmed for longer than the engine and its connector need to settle them.

Both ask by themselves, but their questions can be lost: a connector that ends forgets what it was asking, and the
engine asks ever more rarely. An order that its connector is asking about is left to it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection
from typing import Final, Protocol

import structlog

from common.bus.topics import shard_of
from common.clock import Clock
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id
from sync.check import Checker
from sync.connectors import NotAnswered
from sync.ledger import LedgerOrder
from sync.metrics import UNSETTLED

MOST: Final = 500
_FIRST_PAUSE_MS: Final = 2_000
_PAUSE_CEILING_MS: Final = 60_000

_log = structlog.get_logger(__name__)


class Overdue(Protocol):
    """Which orders are overdue."""

    async def overdue(self, older_than_ms: int, limit: int) -> list[LedgerOrder]: ...


class FastLane:
    """Asks about overdue orders of our shards, each ever more rarely."""

    def __init__(
        self,
        ledger: Overdue,
        checker: Checker,
        held: Callable[[], Collection[int]],
        clock: Clock,
        *,
        partitions: int,
        after_ms: int,
        every_ms: int,
    ) -> None:
        self._ledger = ledger
        self._checker = checker
        self._held = held
        self._clock = clock
        self._partitions = partitions
        self._after_ms = after_ms
        self._every_ms = every_ms
        self._asked: dict[str, tuple[int, int]] = {}
        """By client order id: how often it was asked about, and when it is next."""

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except Unavailable as error:
                _log.warning("overdue_orders_not_read", error=str(error))
            await asyncio.sleep(self._every_ms / 1000)

    async def look(self) -> None:
        """Ask about every overdue order whose time has come; exchanges do not wait for each other."""
        held = self._held()
        orders = [
            order
            for order in await self._ledger.overdue(self._after_ms, MOST)
            if shard_of(order.account_id, self._partitions) in held
        ]
        UNSETTLED.set(len(orders))
        self._asked = {o.client_order_id: self._asked.get(o.client_order_id, (0, 0)) for o in orders}
        by_exchange: defaultdict[Exchange, list[LedgerOrder]] = defaultdict(list)
        for order in orders:
            if self._asked[order.client_order_id][1] <= self._clock.now_ms():
                by_exchange[order.exchange].append(order)
        await asyncio.gather(*(self._settle(each) for each in by_exchange.values()))

    async def _settle(self, orders: Collection[LedgerOrder]) -> None:
        for order in orders:
            times, _ = self._asked[order.client_order_id]
            pause_ms = min(_FIRST_PAUSE_MS << min(times, 10), _PAUSE_CEILING_MS)
            self._asked[order.client_order_id] = (times + 1, self._clock.now_ms() + pause_ms)
            try:
                settled = await self._checker.settle(order, f"sync/{new_id()}")
            except NotAnswered as error:
                _log.info("overdue_order_not_answered", client_order_id=order.client_order_id, error=str(error))
            except Unavailable as error:
                _log.warning("overdue_order_not_asked", client_order_id=order.client_order_id, error=str(error))
                return  # The others of this exchange would wait as long for nothing.
            else:
                if settled.findings:
                    drift = settled.findings[0].drift.value
                    _log.warning("overdue_order_settled", client_order_id=order.client_order_id, drift=drift)
