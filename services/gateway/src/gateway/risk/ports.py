"""What the risk guards ask of their store."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.ports import StoredIntent
from gateway.risk.rules import Limits, Scope, SetBy, Stake, Switch, Usage


class OpenEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A buy of the user that works, or may still reach the exchange."""

    account_id: str
    exchange: str
    symbol: str
    client_order_id: str
    exchange_order_id: str | None


class RiskStore(Protocol):
    """Limits, switches and what they are measured against. Every method raises Unavailable."""

    async def limits(self, user_id: str) -> dict[SetBy, Limits]:
        """The limits that are set, by whose word."""

    async def set_limits(self, user_id: str, set_by: SetBy, limits: Limits) -> None:
        """Replace them; limits without any limit are none."""

    async def usage(self, user_id: str, now_ms: int) -> Usage: ...

    async def check(self, stake: Stake, now_ms: int) -> None:
        """Whether a buy would be admitted now, reserving nothing. Raises Refused."""

    async def switches(self, user_id: str | None) -> Sequence[Switch]:
        """The engaged switches that concern the user; of everybody for None. Oldest first."""

    async def engage(self, switch: Switch) -> Switch:
        """Engage it; one that is engaged already stays as it is. The switch as it stands."""

    async def release(self, scope: Scope, target: str, set_by: SetBy) -> bool:
        """False when it was not engaged."""

    async def open_entries(self, user_id: str, now_ms: int) -> Sequence[OpenEntry]:
        """The user's buys that work, or that the ledger does not know yet."""

    async def add_all(self, stored: Sequence[StoredIntent]) -> None:
        """Store intents that nothing may hold back, in one transaction; those stored before are left as they are."""
