"""What holding accounts against their exchange came to: the report of the sync service to whoever asked for it."""

import msgspec

from common.exchanges import Exchange
from common.orders import OrderStatus


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between ledger and exchange that was mended."""

    kind: str
    exchange: Exchange
    account_id: str
    symbol: str
    client_order_id: str | None = None
    bracket_id: str | None = None
    status: OrderStatus | None = None
    """What the exchange says of the order."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """An account that could not be checked."""

    account_id: str
    exchange: Exchange
    reason: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run over some accounts has come to so far."""

    run_id: str
    requested_by: str
    everyone: bool
    state: str
    """RUNNING, then DONE."""
    created_ms: int
    finished_ms: int | None = None
    """None until every account is done or failed."""
    accounts: int
    checked: int
    """Orders of ours that were held against their exchange."""
    corrected: int
    by_kind: dict[str, int]
    unsettled: int
    """Orders whose fate no look could settle yet: they are asked about again by themselves."""
    foreign_orders: int
    """Open orders that nobody placed through us."""
    corrections: tuple[Correction, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing more will come of it."""
        return self.finished_ms is not None
