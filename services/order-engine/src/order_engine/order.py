"""One order of ours: what was asked for, and all that its facts have told."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.derived import derived
from common.errors import ErrorCategory
from common.exchanges import Residency
from common.instruments import ZERO
from common.orders import OrderStatus, OrderType, Side, TimeInForce


class Role(StrEnum):
    """The part an order plays."""

    ENTRY = "ENTRY"
    TAKE_PROFIT = "TP"
    STOP_LOSS = "SL"
    EXIT = "EXIT"
    """A market sell by the engine's decision."""


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of an order, counted once by its trade id."""

    trade_id: str
    qty: Decimal
    px: Decimal
    fee: Decimal
    fee_asset: str | None
    ts_ms: int


class Order(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One order of ours and all that its facts have told."""

    client_order_id: str
    role: Role
    level: int | None
    """The exit pair it belongs to, counted from zero."""
    side: Side
    order_type: OrderType
    qty: Decimal | None
    quote_qty: Decimal | None = None
    price: Decimal | None = None
    trigger_px: Decimal | None = None
    time_in_force: TimeInForce | None = None
    list_client_order_id: str | None = None
    residency: Residency = Residency.EXCHANGE
    """An order the engine holds is never sent: its price is watched for."""
    status: OrderStatus | None = None
    """None while the exchange has not confirmed it."""
    exchange_order_id: str | None = None
    cum_qty: Decimal = ZERO
    avg_px: Decimal | None = None
    fills: tuple[Fill, ...] = ()
    triggered: bool = False
    cancel_wanted: bool = False
    cancel_sent_ms: int = 0
    submitted_ms: int
    valid_until_ms: int
    updated_ms: int
    ask_at_ms: int | None = None
    """When to ask the exchange what became of it."""
    asked: int = 0
    refusal: ErrorCategory | None = None
    refusal_code: str | None = None
    refusal_reason: str | None = None
    adopted: bool = False
    """The exchange places it by itself: it is looked for and given our id, never sent."""
    available_qty: Decimal | None = None
    """The free balance the exchange showed when it refused for lack of it."""

    @property
    def sent(self) -> bool:
        """Whether the exchange knows it; a stop that the engine holds is never sent."""
        return self.residency is Residency.EXCHANGE

    @derived
    def live(self) -> bool:
        """Whether it may still trade (in flight counts: we do not know better)."""
        return self.status is None or not self.status.terminal

    @derived
    def confirmed(self) -> bool:
        return self.status is not None

    @derived
    def filled_qty(self) -> Decimal:
        """What has traded, by the larger of the exchange's total and the trades we saw."""
        return max(self.cum_qty, self.itemised_qty)

    @derived
    def itemised_qty(self) -> Decimal:
        return sum((fill.qty for fill in self.fills), ZERO)

    @derived
    def leaves_qty(self) -> Decimal:
        """What it may still trade, in base asset; nothing of an order given by value."""
        return max((self.qty or ZERO) - self.filled_qty, ZERO) if self.live else ZERO

    @property
    def fired(self) -> bool:
        """Whether a waiting order's price was reached."""
        return (self.triggered or self.filled_qty > 0) and self.order_type.waits_for_trigger

    @derived
    def quote_filled(self) -> Decimal:
        """What the trades were worth, in quote asset, before fees."""
        known = sum((fill.qty * fill.px for fill in self.fills), ZERO)
        missing = self.filled_qty - self.itemised_qty
        if missing <= 0:
            return known
        if self.avg_px is not None:
            return self.avg_px * self.filled_qty
        mean_px = known / self.itemised_qty if self.itemised_qty > 0 else self.price or ZERO
        return known + missing * mean_px

    def fee_in(self, asset: str) -> Decimal:
        """Fees of the trades we saw, as far as they were charged in `asset`."""
        return sum((fill.fee for fill in self.fills if fill.fee_asset == asset), ZERO)
