"""The sync service and its views, as the gateway uses them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

import msgspec

from common.checks import Report
from gateway.ports import Account, After


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

    async def report(self, run_id: str) -> Report | None:
        """What a run has come to; None for one that does not exist any more."""

    async def foreign_orders(
        self, account_ids: Sequence[str], limit: int | None, after: After | None
    ) -> Sequence[ForeignOrder]:
        """Open orders of these accounts that are not ours, as sync last saw them, by `place`; those after this one."""
