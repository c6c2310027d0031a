"""Publishes again what the order-engine may not have: intents its ledger does not know, while they may be carried out.

The broker may have lost an intent that it had acknowledged (the embedded one forgets everything when it restarts), so
the ledger is asked, not the broker. The engine knows a repetition by the intent's id.
"""

import asyncio
from typing import Final

import structlog

from common.clock import Clock
from common.errors import Unavailable
from gateway.ports import IntentStore, Ledger
from gateway.trading.service import Publishes, intent_message

EVERY_MS: Final = 500
OLDER_THAN_MS: Final = 1_000
BATCH: Final = 200

_log = structlog.get_logger(__name__)


class Redelivery:
    """The relay of intents."""

    def __init__(self, intents: IntentStore, ledger: Ledger, bus: Publishes, clock: Clock) -> None:
        self._intents = intents
        self._ledger = ledger
        self._bus = bus
        self._clock = clock

    async def run(self) -> None:
        """Sweep for ever."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                _log.warning("redelivery_waits", error=str(error))
            await asyncio.sleep(EVERY_MS / 1000)

    async def sweep(self) -> int:
        """Publish what the ledger does not know and what still counts; how many. Raises Unavailable."""
        now_ms = self._clock.now_ms()
        open_ones = await self._intents.unknown_to_the_ledger(now_ms - OLDER_THAN_MS, BATCH)
        if not open_ones:
            return 0
        known = await self._ledger.knows([stored.intent.intent_id for stored in open_ones])
        unknown = [stored for stored in open_ones if stored.intent.intent_id not in known]
        void = {stored.intent.intent_id for stored in unknown if stored.void(now_ms)}
        if known or void:
            await self._intents.handed_over(sorted(known | void))
        again = [stored for stored in unknown if stored.intent.valid_until_ms >= now_ms]
        if again:
            await self._bus.publish([intent_message(stored.intent, redelivery=True) for stored in again])
            _log.info("intents_published_again", count=len(again))
        return len(again)
