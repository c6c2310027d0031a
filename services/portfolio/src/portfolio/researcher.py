"""Looks up what the books lack and publishes it as facts, from which the books then take it like any other.

Nothing of it is kept beside: what is missing in the books is asked for until its fact has come back. An answer that was
published and not read yet is not asked for again for a while; if it is, the earlier of the two counts.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final, Protocol

import structlog
from prometheus_client import Gauge

from common.bus.messages import Outgoing
from common.bus.topics import PORTFOLIO_EVENTS
from common.clock import Clock
from common.codec import encode
from common.errors import Unavailable, UnreadableMessage
from common.exchanges import Exchange as Name
from common.orders import type_of
from common.portfolio import PortfolioFact
from portfolio import answers
from portfolio.exchanges import Exchange
from portfolio.missing import Gaps, Wanted

SOURCE: Final = "portfolio"
UNVALUED: Final = Gauge("cgt_portfolio_fees_unvalued", "Fees in an asset whose price is not known yet, at most 500")

_LOOK_EVERY_S: Final = 1.0
_ANSWERED_MS: Final = 30_000
_FIRST_PAUSE_MS: Final = 1_000
_PAUSE_CEILING_MS: Final = 60_000

_log = structlog.get_logger(__name__)


class Bus(Protocol):
    """Publishes; raises Unavailable when some of it may not have arrived."""

    async def publish(self, messages: Sequence[Outgoing]) -> None: ...


class Researcher:
    """Answers what is missing in our shards' books."""

    def __init__(self, missing: Gaps, exchanges: Mapping[Name, Exchange], bus: Bus, clock: Clock) -> None:
        self._missing = missing
        self._exchanges = exchanges
        self._bus = bus
        self._clock = clock
        self._later: dict[str, tuple[int, int]] = {}
        """By question: not before when, and how long the pause was."""

    async def run(self, shards: Callable[[], Collection[int]], changed: asyncio.Event) -> None:
        """Look whenever the books have changed, and every second, for ever."""
        while True:
            changed.clear()
            try:
                await self.look(shards())
            except Unavailable as error:
                _log.warning("research_waits", error=repr(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _LOOK_EVERY_S)

    async def look(self, shards: Collection[int]) -> None:
        """Ask once for everything that is missing and due. Raises Unavailable when the database does not answer."""
        if not shards:
            return
        now_ms = self._clock.now_ms()
        self._later = {key: due for key, due in self._later.items() if now_ms < due[0] + _PAUSE_CEILING_MS}
        unvalued = await self._missing.values(shards)
        UNVALUED.set(len(unvalued))
        unseen = await self._missing.snapshots(shards, answers.day_of(now_ms))
        gaps: list[Wanted] = [*await self._missing.names(shards), *unvalued, *unseen]
        for wanted in gaps:
            await self._ask(wanted)

    async def _ask(self, wanted: Wanted) -> None:
        now_ms = self._clock.now_ms()
        due_ms, pause_ms = self._later.get(wanted.question, (0, _FIRST_PAUSE_MS))
        if now_ms < due_ms or wanted.exchange not in self._exchanges:
            return
        try:
            fact = await answers.answer(self._exchanges[wanted.exchange], wanted, now_ms)
            if fact is not None:
                await self._bus.publish([_message(wanted, fact)])
                self._later[wanted.question] = (now_ms + _ANSWERED_MS, _FIRST_PAUSE_MS)
                return
            _log.warning("no_answer_to_be_had", question=wanted.question)
        except (Unavailable, UnreadableMessage) as error:
            _log.info("question_waits", question=wanted.question, error=str(error))
        self._later[wanted.question] = (now_ms + pause_ms, min(2 * pause_ms, _PAUSE_CEILING_MS))


def _message(wanted: Wanted, fact: PortfolioFact) -> Outgoing:
    return Outgoing(
        topic=PORTFOLIO_EVENTS.name,
        key=fact.account_id,
        value=encode(fact),
        ce_id=f"{fact.exchange}/{wanted.question}/{fact.ts_init_ms}",
        ce_type=type_of(fact),
        ce_source=SOURCE,
        ce_time_ms=fact.ts_init_ms,
        correlation_id=None,
        causation_id=wanted.cause,
    )
