"""The sync service and its views, as the gateway uses them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from gateway.ports import Account, After


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between ledger and exchange that was mended."""

    kind: str
    exchange: str
    account_id: str
    symbol: str
    client_order_id: str | None = None
    bracket_id: str | None = None
    status: str | None = None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An account that could not be checked."""

    account_id: str
    exchange: str
    reason: str | None = None


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has come to so far."""

    run_id: str
    requested_by: str
    everyone: bool
    state: str
    created_ms: int
    finished_ms: int | None = None
    accounts: int
    checked: int
    corrected: int
    by_kind: dict[str, int]
    unsettled: int
    foreign_orders: int
    corrections: tuple[Correction, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def done(self) -> bool:
        return self.state != "RUNNING"


class ForeignOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `sync.foreign_orders_v1`: an open order that nobody placed through us."""

    user_id: str
    account_id: str
    exchange: str
    symbol: str
    order_id: str
    client_order_id: str | None
    side: str | None
    type: str | None
    quantity: Decimal | None
    price: Decimal | None
    trigger_price: Decimal | None
    executed_qty: Decimal
    status: str
    first_seen: datetime
    last_seen: datetime

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Where it stands among others, for as long as it is open."""
        return self.exchange, self.symbol, self.order_id, self.account_id


class Sync(Protocol):
    """The sync service. Every method raises Unavailable."""

    async def begin(self, user_id: str, accounts: Sequence[Account] | None) -> str:
        """Have these accounts checked, or all there are; the id to ask for its report by."""

    async def report(self, run_id: str) -> SyncReport | None:
        """What a run has come to; None for one that does not exist any more."""

    async def foreign_orders(
        self, account_ids: Sequence[str], limit: int | None, after: After | None
    ) -> Sequence[ForeignOrder]:
        """Open orders of these accounts that are not ours, as sync last saw them, by `place`; those after this one."""
