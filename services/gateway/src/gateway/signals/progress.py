"""Tells a signal's admin how far it has come: what changes within a moment is one event, with the counts of all."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Final, Protocol

import structlog

from common.clock import Clock
from common.errors import Unavailable
from common.ids import new_id
from gateway.signals.model import Receipt
from gateway.signals.ports import SignalStore
from gateway.signals.shown import progress_event
from gateway.stream.events import LiveEvent

GATHER_S: Final = 0.2

_log = structlog.get_logger(__name__)


class Tells(Protocol):
    """How a user is told something that no topic tells."""

    async def __call__(self, user_id: str, event: LiveEvent, source: str) -> None:
        """One `source` is one event. Raises Unavailable."""


class Progress:
    """Gathers what has changed and tells it to the admins; run `run()`."""

    def __init__(self, store: SignalStore, tells: Tells, clock: Clock) -> None:
        self._store = store
        self._tells = tells
        self._clock = clock
        self._changed: set[str] = set()
        self._news = asyncio.Event()

    def tell(self, receipts: Iterable[Receipt]) -> None:
        """These have changed."""
        self._changed.update(receipt.signal_id for receipt in receipts)
        if self._changed:
            self._news.set()

    async def run(self) -> None:
        """Tell for ever. Progress that cannot be told is only logged: the receipts are there to be read."""
        while True:
            await self._news.wait()
            await asyncio.sleep(GATHER_S)
            self._news.clear()
            changed, self._changed = self._changed, set()
            try:
                await self._tell(changed)
            except Unavailable as error:
                _log.warning("signal_progress_not_told", signals=len(changed), error=str(error))

    async def _tell(self, signal_ids: Collection[str]) -> None:
        counts = await self._store.counts(list(signal_ids))
        for signal_id in signal_ids:
            signal = await self._store.get(signal_id)
            assert signal is not None, "a receipt's signal is stored with it"
            event = progress_event(signal, counts.get(signal_id, {}), self._clock.now_ms())
            # It says how things stood at its moment, so each is one of its own.
            await self._tells(signal.admin_id, event, f"{signal_id}/{new_id()}")
