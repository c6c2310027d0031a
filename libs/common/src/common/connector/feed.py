"""Where a stream's facts go: to memory, to whoever waits for them, and to the topics."""

import base64
from typing import Final

import orjson

from common.bus.messages import Outgoing
from common.bus.topics import DEAD_LETTERS
from common.clock import Clock
from common.connector.facts import Bus, FactPublisher
from common.connector.nameless import Nameless
from common.connector.ports import FactsReceived, Unreadable
from common.connector.recovery import Recovery
from common.connector.settling import Settler
from common.connector.tasks import TaskGroup
from common.connector.trail import Correlations, Trails
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id, parse
from common.orders import OrderFact

_MAX_RAW: Final = 100_000


class AccountFeed:
    """Implements the stream listener."""

    def __init__(
        self,
        exchange: Exchange,
        source: str,
        facts: FactPublisher,
        trails: Trails,
        correlations: Correlations,
        settler: Settler,
        recovery: Recovery,
        bus: Bus,
        tasks: TaskGroup,
        clock: Clock,
        nameless: Nameless | None = None,
    ) -> None:
        self._exchange = exchange
        self._source = source
        self._facts = facts
        self._trails = trails
        self._correlations = correlations
        self._settler = settler
        self._recovery = recovery
        self._bus = bus
        self._tasks = tasks
        self._clock = clock
        self._nameless = nameless

    def facts(self, event: FactsReceived, received: float) -> None:
        """Publish first, remember afterwards: a trade may be waiting."""
        orders = event.orders if self._nameless is None else self._named(event.orders, self._nameless)
        for fact in orders:
            self._facts.orders((fact,), correlation_id=self._correlation(fact), received=received)
        self._facts.balances(event.balances)
        self._trails.note(orders)
        self._settler.hurry(orders)

    def _named(self, orders: tuple[OrderFact, ...], nameless: Nameless) -> tuple[OrderFact, ...]:
        """Facts under our ids. What may be ours and is not known yet is not told nameless: the account is read."""
        named = tuple(nameless.named(fact) for fact in orders)
        known = tuple(fact for fact in named if not nameless.unclaimed(fact))
        if len(known) < len(named):
            self._recovery.start(named[0].account_id)
        return known

    def subscribed(self, account_id: str) -> None:
        """Close the gap before the account is live."""
        self._recovery.start(account_id)

    def lost(self, account_id: str) -> None:
        """It is not live any more; the gap begins at its last fact."""
        self._recovery.interrupted(account_id)
        self._trails.of(account_id).open_gap()

    def gap(self, account_id: str) -> None:
        """Read the account."""
        self._recovery.start(account_id)

    def unreadable(self, event: Unreadable) -> None:
        """Keep the frame for an operator."""
        self._tasks.spawn(self._dead_letter(event))

    def _correlation(self, fact: OrderFact) -> str | None:
        known = self._correlations.of(fact)
        if known is not None or fact.client_order_id is None:
            return known
        key = parse(fact.client_order_id)
        return None if key is None else key.bracket_id

    async def _dead_letter(self, event: Unreadable) -> None:
        letter = Outgoing(
            topic=DEAD_LETTERS.name,
            key=event.account_id or self._exchange.value,
            value=orjson.dumps(
                {
                    "service": self._source,
                    "reason": event.reason,
                    "exchange": self._exchange.value,
                    "account_id": event.account_id,
                    "value_base64": base64.b64encode(event.raw[:_MAX_RAW]).decode(),
                }
            ),
            ce_id=f"dead/{self._source}/frame/{new_id()}",
            ce_type="cgt.dead-letter.v1",
            ce_source=self._source,
            ce_time_ms=self._clock.now_ms(),
            correlation_id=None,
            causation_id=None,
        )
        try:
            await self._bus.publish((letter,))
        except Unavailable:
            return  # The account is read anyway, and the frame is counted; letters must not pile up in memory.
