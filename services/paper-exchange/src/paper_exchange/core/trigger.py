"""A trigger: an order in waiting, which some exchanges keep apart from the orders it becomes."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from paper_exchange.core.money import ZERO, up
from paper_exchange.core.orders import Order, OrderRequest
from paper_exchange.core.refusals import Reason

TriggerStatus = Literal["ARMED", "FIRING", "FIRED", "FAILED", "CANCELED", "EXPIRED"]
BalanceRule = Literal["IGNORE", "CHECK", "LOCK"]


@dataclass(frozen=True, slots=True)
class TriggerRequest:
    """What somebody wants armed: at the last trade price `px`, `child` is placed (MARKET, LIMIT or LIMIT_MAKER).

    `rises` says from where `px` is reached; None lets the price at the time of arming decide. `balance` says whether
    what the child will need is looked at when arming, or even locked. `note` is the face's own: how it was put.
    """

    client_id: str
    px: Decimal
    child: OrderRequest
    rises: bool | None = None
    expires_ms: int | None = None
    balance: BalanceRule = "IGNORE"
    note: object = None

    def needs(self) -> Decimal:
        """What the child would pay with: base for a sale, quote for a purchase."""
        child = self.child
        return child.qty if child.side == "SELL" else child.quote_qty or up((child.px or self.px) * child.qty)


@dataclass(slots=True, eq=False)
class Trigger:
    """One trigger through its life; compared by identity. `order_id` counts together with the orders' ids.

    `order` is the child once it fired, `reason` why there is none.
    """

    uid: int
    symbol: str
    order_id: int
    request: TriggerRequest
    rises: bool
    group: "TriggerGroup"
    created_ms: int
    updated_ms: int
    status: TriggerStatus = "ARMED"
    order: Order | None = None
    reason: Reason | None = None

    @property
    def px(self) -> Decimal:
        """The trigger price."""
        return self.request.px

    @property
    def client_id(self) -> str:
        """The owner's name for it."""
        return self.request.client_id

    @property
    def is_armed(self) -> bool:
        """Whether it can still fire, be modified or be canceled."""
        return self.status == "ARMED"


@dataclass(slots=True, eq=False)
class TriggerGroup:
    """Triggers of which the first to fire ends the others; they share one lock, as large as the dearest needs."""

    members: list[Trigger] = field(default_factory=list)
    locked: Decimal = ZERO

    def needs(self) -> Decimal:
        """What must stay locked for those that are armed."""
        armed = (t.request for t in self.members if t.is_armed and t.request.balance == "LOCK")
        return max((request.needs() for request in armed), default=ZERO)
