"""Cancels the buys of a user that still work; exits, which protect what is held, are left where they are."""

from collections.abc import Sequence

import structlog

from common.clock import Clock
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id
from common.intents import CancelOrderIntent
from gateway.ports import StoredIntent
from gateway.risk.ports import OpenEntry, RiskStore
from gateway.trading.service import Publishes, intent_message

REQUEST: str = "risk/cancel-entries"

_log = structlog.get_logger(__name__)


class Entries:
    """The open entries of users."""

    def __init__(self, store: RiskStore, bus: Publishes, clock: Clock, valid_ms: int) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._valid_ms = valid_ms

    async def cancel_all(self, user_id: str) -> Sequence[CancelOrderIntent]:
        """One cancel for each open entry; all are stored before the first is published. Raises Unavailable."""
        now_ms = self._clock.now_ms()
        entries = await self._store.open_entries(user_id, now_ms)
        intents = [_cancel(user_id, entry, now_ms, now_ms + self._valid_ms) for entry in entries]
        await self._store.add_all(
            [StoredIntent(intent=each, idempotency_key=None, request_hash=REQUEST) for each in intents]
        )
        try:
            await self._bus.publish([intent_message(each) for each in intents])
        except Unavailable as error:
            _log.warning("cancels_left_to_the_relay", user_id=user_id, count=len(intents), error=str(error))
        return intents


def _cancel(user_id: str, entry: OpenEntry, now_ms: int, valid_until_ms: int) -> CancelOrderIntent:
    return CancelOrderIntent(
        intent_id=new_id(),
        user_id=user_id,
        account_id=entry.account_id,
        exchange=Exchange(entry.exchange),
        symbol=entry.symbol,
        ts_init_ms=now_ms,
        valid_until_ms=valid_until_ms,
        client_order_id=entry.client_order_id,
        exchange_order_id=entry.exchange_order_id,
    )
