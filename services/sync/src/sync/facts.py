"""Findings as messages: facts like those of the connectors, from the source `sync`."""

from collections.abc import Sequence
from typing import Final

from common import ids
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS
from common.codec import encode
from common.connector.fact_ids import fact_id
from common.orders import HoldingShort, OrderFact, type_of
from sync.ledger import Finding
from sync.metrics import DRIFT

SOURCE: Final = "sync"


class FactPublisher:
    """Publishes what was found missing. A crash before that loses nothing: the next check finds it again."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish(self, findings: Sequence[Finding], cause: str) -> None:
        """Return when the broker has all of it. Raises Unavailable."""
        await self._publisher.publish([message(fact, cause) for finding in findings for fact in finding.facts])
        for finding in findings:
            DRIFT.labels(finding.drift).inc()


def message(fact: OrderFact, cause: str) -> Outgoing:
    """One fact; a trade has the id it has from whoever else tells it."""
    return Outgoing(
        topic=ORDER_EVENTS.name,
        key=fact.account_id,
        value=encode(fact),
        ce_id=_id(fact, cause),
        ce_type=type_of(fact),
        ce_source=SOURCE,
        ce_time_ms=fact.ts_init_ms,
        correlation_id=_bracket(fact),
        causation_id=None,
    )


def _id(fact: OrderFact, cause: str) -> str:
    if isinstance(fact, HoldingShort):
        return f"{fact.exchange}/{fact.account_id}/{fact.bracket_id}/{type_of(fact)}/{fact.bracket_version}"
    return fact_id(fact, cause)


def _bracket(fact: OrderFact) -> str | None:
    if isinstance(fact, HoldingShort):
        return fact.bracket_id
    key = ids.parse(fact.client_order_id) if fact.client_order_id is not None else None
    return None if key is None else key.bracket_id
