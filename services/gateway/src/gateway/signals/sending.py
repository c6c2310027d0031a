"""One recipient's step: an order in the size of its account, stored with its receipt in one transaction, and published.

The step may be cut off at any instruction and begun again by anybody. Before the transaction nothing has happened;
after it the intent is in the table from which the relay publishes what nobody has read.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from common.accounts import AccountState
from common.clock import Clock
from common.errors import Refused, Unavailable
from common.exchanges import Exchange
from gateway.ports import Account, Connector, StoredIntent, Vault
from gateway.signals.model import Reason, Receipt, Signal, sent, skipped
from gateway.signals.ports import SignalStore
from gateway.signals.requests import wish_of
from gateway.signals.shared import Shared
from gateway.trading.defaults import DefaultsStore
from gateway.trading.gather import Listing, composed, free_of, listing_of
from gateway.trading.intents import Stamp
from gateway.trading.service import Publishes, intent_message

REQUEST: Final = "signal"
"""Stands where other intents keep the hash of their request: this one cannot be repeated by its user."""

_INACTIVE: Final = Reason(
    code="CREDENTIALS_PAUSED",
    reason="The account is no longer active.",
    fix="Activate it with PATCH /api-credentials/{id}/toggle.",
)

_log = structlog.get_logger(__name__)


class Sender:
    """Makes, stores and publishes the orders of signals."""

    def __init__(
        self,
        store: SignalStore,
        vault: Vault,
        connectors: Mapping[Exchange, Connector],
        defaults: DefaultsStore,
        bus: Publishes,
        clock: Clock,
    ) -> None:
        self._store = store
        self._vault = vault
        self._connectors = connectors
        self._defaults = defaults
        self._bus = bus
        self._clock = clock
        self._shared = Shared()

    async def step(self, receipt: Receipt, signal: Signal) -> Receipt | None:
        """The receipt after the step; None when somebody else took it. Raises Unavailable: it is as it was."""
        try:
            return await self._send(receipt, signal)
        except Refused as refused:
            why = Reason(code=refused.code, reason=refused.rule, fix=refused.fix)
            return await self._skip(receipt, why)

    async def listing(self, exchange: Exchange, symbol: str) -> Listing:
        """The symbol as everybody sees it, at most a moment old. Raises Refused, Unavailable."""
        connector = self._connectors[exchange]
        return await self._shared.get((exchange, symbol), lambda: listing_of(connector, symbol))

    async def active(self, exchange: Exchange) -> Mapping[str, Account]:
        """The accounts on the exchange that trade, by id. Raises Unavailable."""

        async def ask() -> Mapping[str, Account]:
            found: Sequence[Account] = await self._vault.of_exchange(exchange)
            return {each.account_id: each for each in found if each.state is AccountState.ACTIVE}

        return await self._shared.get(exchange, ask)

    async def _send(self, receipt: Receipt, signal: Signal) -> Receipt | None:
        account = (await self.active(receipt.exchange)).get(receipt.account_id)
        if account is None:
            return await self._skip(receipt, _INACTIVE)
        listing = await self.listing(receipt.exchange, signal.symbol)
        free, own = await asyncio.gather(
            free_of(self._connectors[receipt.exchange], receipt.account_id),
            self._defaults.of(receipt.user_id, receipt.exchange),
        )
        now_ms = self._clock.now_ms()
        stamp = Stamp(intent_id=receipt.intent_id, account=account, now_ms=now_ms, valid_until_ms=signal.valid_until_ms)
        order = composed(wish_of(signal).completed_by(own), stamp, listing, free)
        stored = StoredIntent(intent=order.intent, idempotency_key=None, request_hash=REQUEST)
        if not await self._store.send(receipt, stored, order.stake, now_ms):
            return None
        try:
            await self._bus.publish([intent_message(order.intent)])
        except Unavailable as error:
            _log.warning("intent_left_to_the_relay", intent_id=receipt.intent_id, error=str(error))
        return sent(receipt, now_ms)

    async def _skip(self, receipt: Receipt, why: Reason) -> Receipt | None:
        changed = await self._store.change([(receipt, skipped(receipt, why, self._clock.now_ms()))])
        return changed[0] if changed else None
