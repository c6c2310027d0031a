"""Balances as rows of change (section 14.6): what moved, why, and the number of the change."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.events import (
    BalanceAdjusted,
    BalancesChanged,
    Event,
    OrderAccepted,
    OrderEvent,
    OrderTraded,
    TriggerChanged,
)
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Fill


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """One change of one currency, with what there is afterwards."""

    currency: str
    change: Decimal
    available: Decimal
    freeze: Decimal
    freeze_change: Decimal
    change_type: str


@dataclass(frozen=True, slots=True)
class BalanceRows:
    """The rows that one event made; it takes the place of the core's BalancesChanged."""

    uid: int
    ts_ms: int
    rows: tuple[BalanceRow, ...]


class BalanceBook:
    """Remembers every balance as last told, so that the next telling can say what changed."""

    def __init__(self) -> None:
        self._last: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}
        self._update_ids: dict[tuple[int, str], int] = {}
        self._causes: dict[int, tuple[str, Fill | None]] = {}

    def seed(self, account: Account) -> None:
        """Take an account's balances as told."""
        for currency, balance in account.balances.items():
            self._last[account.uid, currency] = balance.free, balance.locked
            self._update_ids[account.uid, currency] = 1

    def update_id(self, uid: int, currency: str) -> int:
        """How often this balance has changed."""
        return self._update_ids.get((uid, currency), 0)

    def hear(self, event: Event) -> None:
        """Remember what the next change of balances will be due to."""
        match event:
            case OrderTraded():
                self._causes[event.order.uid] = "order-match", event.fill
            case OrderAccepted():
                self._causes[event.order.uid] = "order-create", None
            case OrderEvent():
                self._causes[event.order.uid] = "order-update", None
            case TriggerChanged():
                cause = "order-create" if event.status == "ARMED" else "order-update"
                self._causes[event.trigger.uid] = cause, None
            case BalanceAdjusted():
                self._causes[event.uid] = "deposit" if event.delta > 0 else "withdraw", None

    def changes(self, event: BalancesChanged) -> BalanceRows:
        """What `event` changed since the last telling; a trade's fee is a row of its own."""
        cause, fill = self._causes.get(event.uid, ("other", None))
        rows: list[BalanceRow] = []
        for currency, free, locked in event.balances:
            was_free, was_locked = self._last.get((event.uid, currency), (ZERO, ZERO))
            if (free, locked) == (was_free, was_locked):
                continue
            self._last[event.uid, currency] = free, locked
            change, freeze_change = free + locked - was_free - was_locked, locked - was_locked
            made = list(_rows(currency, change, free, locked, freeze_change, cause, fill))
            self._update_ids[event.uid, currency] = self.update_id(event.uid, currency) + len(made)
            rows += made
        return BalanceRows(event.uid, event.ts_ms, tuple(rows))


def _rows(
    currency: str, change: Decimal, free: Decimal, locked: Decimal, freeze_change: Decimal, cause: str,
    fill: Fill | None,
) -> Iterator[BalanceRow]:  # fmt: skip
    if fill is None or fill.fee_asset != currency or not fill.fee:
        yield BalanceRow(currency, change, free, locked, freeze_change, cause)
        return
    # A fee in a currency that did not trade (GT) has nothing but its own row.
    if change + fill.fee:
        yield BalanceRow(currency, change + fill.fee, free + fill.fee, locked, freeze_change, cause)
    yield BalanceRow(currency, -fill.fee, free, locked, ZERO, "trade-fee-deduct")
