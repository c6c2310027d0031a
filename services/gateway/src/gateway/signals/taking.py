"""Takes a signal in: checks that its order can be carried out at all, fixes who gets it, and stores both at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from common.clock import Clock
from common.errors import Refused
from common.exchanges import Exchange
from gateway.ports import Account
from gateway.signals.model import Signal, State, receipt_for, signal_id
from gateway.signals.ports import SignalStore
from gateway.signals.requests import SignalBody
from gateway.signals.sending import Sender
from gateway.trading.intents import check_wish, market_of
from gateway.trading.service import Ticket, key_reused


class Signals:
    """What the endpoints ask for."""

    def __init__(self, store: SignalStore, sender: Sender, clock: Clock, valid_ms: int) -> None:
        self.store = store
        self.sender = sender
        self._clock = clock
        self._valid_ms = valid_ms
        self.wake: Callable[[], None] = lambda: None
        """Tells the worker of this instance that there is something to do; the others find it by themselves."""

    async def take(self, ticket: Ticket, body: SignalBody, exchanges: Sequence[Exchange], said: bytes) -> Signal:
        """The signal, stored now or before. Raises Refused; then nothing is stored."""
        assert ticket.idempotency_key is not None, "checked by the caller"
        signal = self._signal(ticket, body, said)
        known = await self.store.get(signal.signal_id)
        if known is None:
            accounts = await self.recipients(body, exchanges)
            receipts = [
                receipt_for(signal.signal_id, account, ordinal, signal.created_ms)
                for ordinal, account in enumerate(accounts)
            ]
            if await self.store.add(signal, receipts):
                self.wake()
                return signal
            known = await self.store.get(signal.signal_id)
            assert known is not None, "what stood in the way is there"
        if known.request_hash != ticket.request_hash:
            raise key_reused()
        return known

    async def recipients(self, body: SignalBody, exchanges: Sequence[Exchange]) -> Sequence[Account]:
        """Every active account on the exchanges, if the order can be carried out there. Raises Refused."""
        wish = body.wished(credential_id=None, signal_id=None)
        listings = await asyncio.gather(*(self.sender.listing(exchange, wish.symbol) for exchange in exchanges))
        for listing in listings:
            check_wish(wish, listing.instrument, market_of(listing.ticker, wish.symbol))
        found = await asyncio.gather(*(self.sender.active(exchange) for exchange in exchanges))
        accounts = [account for each in found for account in each.values()]
        if not accounts:
            names = ", ".join(exchange.value.upper() for exchange in exchanges)
            raise Refused(
                code="NO_RECIPIENTS",
                title="Nobody to trade for",
                field="exchanges",
                rule=f"There is no active account on {names}.",
                fix="Name an exchange on which somebody trades.",
                status=409,
            )
        return accounts

    async def counts(self, signals: Sequence[Signal]) -> Mapping[str, Mapping[State, int]]:
        """How many receipts of each are in which state."""
        return await self.store.counts([signal.signal_id for signal in signals])

    def _signal(self, ticket: Ticket, body: SignalBody, said: bytes) -> Signal:
        key, now_ms = ticket.idempotency_key or "", self._clock.now_ms()
        seconds = body.valid_for_seconds
        return Signal(
            signal_id=signal_id(ticket.user_id, key),
            admin_id=ticket.user_id,
            idempotency_key=key,
            request_hash=ticket.request_hash,
            body=said,
            symbol=body.symbol,
            side=body.side,
            created_ms=now_ms,
            valid_until_ms=now_ms + (self._valid_ms if seconds is None else seconds * 1000),
        )
