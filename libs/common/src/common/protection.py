"""Protection facts: what the order-engine did about a bracket, and which fact caused it."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.exchanges import Exchange, Residency
from common.exits import ExitPlan


class BracketState(StrEnum):
    """Where a bracket stands, in the words the API shows."""

    OPENING = "OPENING"
    """The entry works; nothing is held yet."""
    UNPROTECTED = "UNPROTECTED"
    """Something is held that no confirmed exit covers yet."""
    PROTECTED = "PROTECTED"
    CLOSED = "CLOSED"


class ProtectionBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every protection fact says."""

    bracket_id: str
    account_id: str
    user_id: str
    exchange: Exchange
    symbol: str
    version: int
    """The bracket's version after this; with `position` it numbers a bracket's facts."""
    position: int
    """The place of this fact among those of the same version."""
    cause: str
    """The `ce_id` of the message that led here."""
    ts_event_ms: int
    state: BracketState
    held_qty: Decimal
    """What the entry delivered and the exits have not sold: the sum of the four below."""
    protected_qty: Decimal
    """Covered by a confirmed exit on the exchange."""
    guarded_qty: Decimal
    """Watched over by the engine, where the exchange cannot hold a stop."""
    unprotected_qty: Decimal
    dust_qty: Decimal
    """Too little for the exchange to take an order for it."""


class BracketOpened(ProtectionBase, frozen=True, kw_only=True, tag="bracket.opened"):
    """An intent was accepted: its plan is fixed, and its entry (if it has one) is on its way."""

    intent_id: str
    entry_client_order_id: str | None
    plan: ExitPlan | None
    algo_orders_in_use: int = 0
    """How many waiting orders the account's other brackets kept on the symbol when this was decided."""


class BracketDenied(ProtectionBase, frozen=True, kw_only=True, tag="bracket.denied"):
    """An intent that was not carried out: nothing was sent to the exchange."""

    intent_id: str
    code: str
    reason: str
    algo_orders_in_use: int = 0
    """As in `BracketOpened`."""


class ExitLegView(msgspec.Struct, frozen=True, kw_only=True):
    """One exit leg as facts and API answers show it."""

    client_order_id: str
    role: str
    order_type: str
    price: Decimal | None
    trigger_px: Decimal | None
    residency: Residency
    residency_reason: str


class ProtectionPlaced(ProtectionBase, frozen=True, kw_only=True, tag="protection.placed"):
    """The exchange confirmed an exit."""

    list_client_order_id: str | None
    level: int
    qty: Decimal
    legs: tuple[ExitLegView, ...]


class ProtectionReduced(ProtectionBase, frozen=True, kw_only=True, tag="protection.reduced"):
    """An exit ended: it sold, or it was canceled, expired or given up."""

    list_client_order_id: str | None
    level: int
    sold_qty: Decimal
    returned_qty: Decimal
    reason: str


class ProtectionFailed(ProtectionBase, frozen=True, kw_only=True, tag="protection.failed"):
    """The exchange refused an exit, or its outcome is unknown; `next_step` says what the engine does about it."""

    client_order_id: str | None
    category: str
    code: str | None
    reason: str | None
    next_step: str


class StopLatched(ProtectionBase, frozen=True, kw_only=True, tag="protection.stop_latched"):
    """The engine decided to sell at market now, and will until it is done."""

    qty: Decimal
    reason: str
    px: Decimal | None = None
    """The price that reached a stop which the engine holds."""


class ProtectionOverdue(ProtectionBase, frozen=True, kw_only=True, tag="protection.overdue"):
    """What is unprotected has been so for longer than the reaction bound: somebody should look. Never told of dust."""

    bare_since_ms: int
    """When it last was fully covered."""
    notional: Decimal
    """What is unprotected, in quote asset at the last known price."""
    quote_asset: str


class ProtectionRestored(ProtectionBase, frozen=True, kw_only=True, tag="protection.restored"):
    """What was told as overdue is covered again, or is held no more."""

    bare_since_ms: int


class BracketNoted(ProtectionBase, frozen=True, kw_only=True, tag="bracket.noted"):
    """A bracket was changed by something that is no order's fact: time, a price, its user's wish. For audits.

    It comes last of what is told of such a version, and says between which facts that happened.
    """

    read_to: int
    """The offset of the last order event of the bracket's partition that had been decided before; -1 before any."""
    px: Decimal | None = None
    """The price that was seen, where it was a price."""


class BracketClosed(ProtectionBase, frozen=True, kw_only=True, tag="bracket.closed"):
    """Nothing is held any more but declared dust. PnL is in quote asset, net of fees where they are valued."""

    entry_qty: Decimal
    entry_avg_px: Decimal | None
    exit_qty: Decimal
    exit_avg_px: Decimal | None
    fees: dict[str, Decimal]
    realised_pnl: Decimal | None
    reason: str


ProtectionNews = (
    BracketOpened
    | BracketDenied
    | ProtectionPlaced
    | ProtectionReduced
    | ProtectionFailed
    | StopLatched
    | ProtectionOverdue
    | ProtectionRestored
    | BracketClosed
)
"""What is worth telling a trader."""

ProtectionFact = ProtectionNews | BracketNoted
