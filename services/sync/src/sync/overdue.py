"""The fast lane: orders that nobody has confirmed for longer than the engine and its connector need to settle them.

Both ask by themselves, but their questions can be lost: a connector that ends forgets what it was asking, and the
engine asks ever more rarely. An order that its connector is asking about is left to it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
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

MOST_OF_AN_ACCOUNT: Final = 20
"""At a time: an account with hundreds of such orders (a revoked key) must not keep the others waiting."""
MOST: Final = 200
_FIRST_PAUSE_MS: Final = 2_000
_PAUSE_CEILING_MS: Final = 60_000

_log = structlog.get_logger(__name__)


class Overdue(Protocol):
    """Which orders are overdue."""

    async def overdue(
        self, exchange: Exchange, older_than_ms: int, of_an_account: int, most: int
    ) -> list[LedgerOrder]: ...


class FastLane:
    """Asks about overdue orders of our shards, each ever more rarely; exchanges do not wait for each other."""

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
        self._asked: dict[Exchange, dict[str, tuple[int, int]]] = {exchange: {} for exchange in Exchange}
        """By exchange and client order id: how often it was asked about, and when it is next."""

    async def run(self) -> None:
        """Look for ever."""
        async with asyncio.TaskGroup() as lanes:
            for exchange in Exchange:
                lanes.create_task(self._run(exchange))

    async def look(self, exchange: Exchange) -> None:
        """Ask about every overdue order of the exchange whose time has come. Raises Unavailable."""
        held, asked = self._held(), self._asked[exchange]
        orders = [
            order
            for order in await self._ledger.overdue(exchange, self._after_ms, MOST_OF_AN_ACCOUNT, MOST)
            if shard_of(order.account_id, self._partitions) in held
        ]
        UNSETTLED.labels(exchange).set(len(orders))
        asked = self._asked[exchange] = {o.client_order_id: asked.get(o.client_order_id, (0, 0)) for o in orders}
        await self._settle([o for o in orders if asked[o.client_order_id][1] <= self._clock.now_ms()], asked)

    async def _run(self, exchange: Exchange) -> None:
        while True:
            try:
                await self.look(exchange)
            except Unavailable as error:
                _log.warning("overdue_orders_wait", exchange=exchange, error=str(error))
            await asyncio.sleep(self._every_ms / 1000)

    async def _settle(self, orders: Sequence[LedgerOrder], asked: dict[str, tuple[int, int]]) -> None:
        for order in orders:
            times, _ = asked[order.client_order_id]
            pause_ms = min(_FIRST_PAUSE_MS << min(times, 10), _PAUSE_CEILING_MS)
            asked[order.client_order_id] = (times + 1, self._clock.now_ms() + pause_ms)
            about = {"account_id": order.account_id, "client_order_id": order.client_order_id}
            try:
                settled = await self._checker.settle(order, f"sync/{new_id()}")
            except Unavailable:
                raise  # The others of this exchange would wait as long for nothing.
            except NotAnswered as error:
                _log.info("overdue_order_not_answered", **about, error=str(error))
            except Exception:  # A defect that one order shows must not end the lane of all.
                _log.exception("overdue_order_broke", **about)
            else:
                for finding in settled.findings:
                    _log.warning("overdue_order_settled", **about, drift=finding.drift.value)
