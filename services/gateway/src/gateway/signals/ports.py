"""What signals ask of their store."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from common.exchanges import Exchange
from gateway.ports import After, StoredIntent
from gateway.risk.rules import Stake
from gateway.signals.model import Receipt, Signal, State
from gateway.signals.settling import Found


class Open(NamedTuple):
    """A receipt that is not final, its signal, and what the ledger says of its order."""

    receipt: Receipt
    signal: Signal
    found: Found


Place = tuple[str, int]
"""(signal id, ordinal) of a receipt."""


class SignalStore(Protocol):
    """Signals and their receipts. Every method raises Unavailable."""

    async def add(self, signal: Signal, receipts: Sequence[Receipt]) -> bool:
        """All of it in one transaction; False when the signal is stored already, and then nothing is written."""

    async def get(self, signal_id: str) -> Signal | None: ...

    async def newest(self, after: After | None, limit: int) -> Sequence[Signal]:
        """Signals, newest first; only those after this (creation time, id), unless None."""

    async def counts(self, signal_ids: Sequence[str]) -> Mapping[str, Mapping[State, int]]:
        """How many receipts of each signal are in which state."""

    async def receipts(
        self, signal_id: str, after: After | None, limit: int, states: Collection[State] | None
    ) -> Sequence[Receipt]:
        """By their ordinals; only those after this (ordinal,), and only in these states, unless None."""

    async def pending(
        self, exchange: Exchange, shards: Collection[int], *, after: Place, limit: int
    ) -> Sequence[tuple[Receipt, Signal]]:
        """Recipients for whom nothing was done yet, from after this place on."""

    async def expire(self, shards: Collection[int], now_ms: int) -> Sequence[Receipt]:
        """End what nothing was done for before its signal's time had passed; the receipts as they are now."""

    async def send(self, receipt: Receipt, stored: StoredIntent, stake: Stake | None, now_ms: int) -> bool:
        """Store the intent and mark the receipt sent, in one transaction.

        False when somebody else did. Raises Refused where a limit or a switch holds it back.
        """

    async def open(self, shards: Collection[int], *, resting: bool, after: Place, limit: int) -> Sequence[Open]:
        """What was sent and is not final yet, with what the ledger says of it, from after this place on.

        Orders that rest on the exchange may do so for weeks, so they are asked for apart from the others.
        """

    async def change(self, changes: Sequence[tuple[Receipt, Receipt]]) -> Sequence[Receipt]:
        """Write receipts (before, after) that are still as they were before; those that were written."""
