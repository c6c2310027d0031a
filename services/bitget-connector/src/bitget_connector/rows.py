"""Orders, plan orders, trades and balances in one shape for both families of accounts, before they become facts.

A plan order (v3: strategy order) waits for a price and then spawns a plain order, its child. To everybody outside
this package the two are one order, under the client id the plan was placed with.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

import msgspec

from common.orders import OrderStatus, Side

T = TypeVar("T")


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """A plain order. Of a child, `client_oid` is the id of the plan that spawned it."""

    order_id: str
    client_oid: str
    symbol: str
    side: Side
    kind: str
    """limit or market, as Bitget says."""
    post_only: bool = False
    status: OrderStatus
    price: Decimal | None
    qty: Decimal | None
    """In base asset; None where Bitget tells the value instead (a market buy)."""
    cum_qty: Decimal
    avg_px: Decimal | None
    event_ms: int
    created_ms: int


class PlanStatus(StrEnum):
    """Where a plan order stands."""

    ARMED = "armed"
    FIRING = "firing"
    FIRED = "fired"
    """It spawned its child; this does not mean filled."""
    FAILED = "failed"
    """Its price was reached, and no order came out: this leg protects nothing any more."""
    CANCELED = "canceled"


class PlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """A plan order."""

    plan_id: str
    client_oid: str
    symbol: str
    side: Side
    kind: str
    """limit or market: what it spawns."""
    trigger_px: Decimal | None
    price: Decimal | None
    qty: Decimal | None
    status: PlanStatus
    reason: str
    """The exchange's word for the status."""
    event_ms: int
    created_ms: int


class TradeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of one of our orders; it names the order by the exchange's id only."""

    trade_id: str
    order_id: str
    symbol: str
    side: Side
    px: Decimal
    qty: Decimal
    fee: Decimal
    fee_asset: str | None
    event_ms: int


class ChildRow(msgspec.Struct, frozen=True, kw_only=True):
    """What `plan-sub-order` says of a child."""

    order_id: str
    failed: bool


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Rows, newest first, and where older ones begin; None at the end."""

    rows: tuple[T, ...]
    older: str | None = None
