"""What the ledger says, as far as it is held against an exchange. Frozen, no I/O."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common import ids
from common.commands import SubmitOrder
from common.exchanges import Exchange
from common.orders import OrderFact, OrderStatus, OrderType, Side


class Account(msgspec.Struct, frozen=True):
    """One account that is checked."""

    account_id: str
    user_id: str
    exchange: Exchange


class LedgerOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order of ours as the ledger knows it."""

    account_id: str
    exchange: Exchange
    symbol: str
    client_order_id: str
    exchange_order_id: str | None
    side: Side
    order_type: OrderType
    qty: Decimal | None
    price: Decimal | None
    trigger_px: Decimal | None
    status: OrderStatus | None
    """None while the exchange has not confirmed it."""
    cum_qty: Decimal
    itemised_qty: Decimal
    """What the single trades the ledger knows add up to."""
    submitted_ms: int
    valid_until_ms: int
    updated_ms: int

    @property
    def live(self) -> bool:
        """Whether it may still trade, as far as the ledger knows."""
        return self.status is None or not self.status.terminal

    @property
    def adopted(self) -> bool:
        """Whether the exchange placed it by itself: its size is the exchange's choice, its id is learned later."""
        key = ids.parse(self.client_order_id)
        return key is not None and key.leg in {ids.Leg.PRESET_TAKE_PROFIT, ids.Leg.PRESET_STOP_LOSS}

    @property
    def terms(self) -> SubmitOrder:
        """What it was placed with, for exchanges that keep no id of ours."""
        return SubmitOrder(
            command_id=self.client_order_id,
            bracket_id="",
            account_id=self.account_id,
            exchange=self.exchange,
            symbol=self.symbol,
            ts_init_ms=self.submitted_ms,
            valid_until_ms=self.valid_until_ms,
            client_order_id=self.client_order_id,
            side=self.side,
            order_type=self.order_type,
            qty=self.qty,
            price=self.price,
            trigger_px=self.trigger_px,
        )


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What an open bracket counts as held."""

    bracket_id: str
    account_id: str
    exchange: Exchange
    symbol: str
    version: int
    base_asset: str
    lot_size: Decimal
    held_qty: Decimal
    created_ms: int


class Drift(StrEnum):
    """How ledger and exchange differed; the label of `cgt_reconcile_drift_total`."""

    FILLED = "filled"
    """It traded, and the ledger had not heard of it."""
    CANCELED = "canceled"
    """It was cancelled, by hand or unheard."""
    EXPIRED = "expired"
    TRIGGERED = "triggered"
    """Its price was reached unheard."""
    ARRIVED = "arrived"
    """It is there, and the ledger did not know whether it arrived."""
    NEVER_ARRIVED = "never_arrived"
    GONE = "gone"
    """It was there, and provably is no more."""
    CHANGED = "changed"
    """Its quantity or price was changed by hand."""
    LEFT_OVER = "left_over"
    """It is open although the ledger has it as ended."""
    TRADES_MISSING = "trades_missing"
    """The ledger knows how much it traded, and not by which trades."""
    HOLDING_SHORT = "holding_short"
    """The account holds less than its brackets count."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One difference, and the facts that mend it."""

    drift: Drift
    symbol: str
    client_order_id: str | None
    facts: tuple[OrderFact, ...]
