"""What happened, as facts a face turns into frames. Each carries what changed at its own moment."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.orders import ExpiryReason, Fill, Order, OrderList, Status
from paper_exchange.core.refusals import Reason
from paper_exchange.core.trigger import Trigger, TriggerStatus


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One change of one order; the order's fixed properties are read from `order`, the moving ones from here."""

    order: Order
    ts_ms: int
    execution_id: int
    status: Status
    qty: Decimal
    cum_qty: Decimal
    cum_quote: Decimal
    is_working: bool
    working_ms: int


@dataclass(frozen=True, slots=True)
class OrderAccepted(OrderEvent):
    """Accepted, released from a list, or begun to work after its trigger."""


@dataclass(frozen=True, slots=True)
class OrderTraded(OrderEvent):
    """Filled, wholly or partly."""

    fill: Fill


@dataclass(frozen=True, slots=True)
class OrderCanceled(OrderEvent):
    """Canceled by its owner."""

    cancel_id: str


@dataclass(frozen=True, slots=True)
class OrderExpired(OrderEvent):
    """Ended by the exchange."""

    reason: ExpiryReason


@dataclass(frozen=True, slots=True)
class TradePrevented(OrderEvent):
    """Ended, wholly or not at all, because it would have traded with its own account."""

    prevented_match_id: int
    counter_order_id: int
    px: Decimal
    prevented_qty: Decimal


@dataclass(frozen=True, slots=True)
class ListChanged:
    """An order list began or ended."""

    order_list: OrderList
    ts_ms: int
    is_done: bool


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """Absolute balances of the assets that a change may have touched: (asset, free, locked)."""

    uid: int
    ts_ms: int
    balances: tuple[tuple[str, Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class BalanceAdjusted:
    """A deposit (positive) or a withdrawal (negative)."""

    uid: int
    ts_ms: int
    asset: str
    delta: Decimal


@dataclass(frozen=True, slots=True)
class MarketTraded:
    """A trade as everybody sees it."""

    symbol: str
    trade_id: int
    px: Decimal
    qty: Decimal
    quote: Decimal
    ts_ms: int
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class TriggerChanged:
    """A trigger was armed (or modified: armed anew), fires, has fired, failed, was canceled or expired.

    `order` is what it spawned (FIRED), `reason` why it could not (FAILED).
    """

    trigger: Trigger
    ts_ms: int
    status: TriggerStatus
    order: Order | None = None
    reason: Reason | None = None


Event = OrderEvent | ListChanged | BalancesChanged | BalanceAdjusted | MarketTraded | TriggerChanged
Emit = Callable[[Event], None]
