"""Order intents: what a user wants, checked and sized by the gateway, decided by the order-engine.

An intent carries all that deciding needs (instrument rules, levels, the price it was sized by), so that the same
intent leads to the same orders whenever it is read.
"""

from decimal import Decimal

import msgspec

from common.exchanges import Exchange
from common.exits import ExitPlan
from common.instruments import Instrument
from common.orders import OrderType, Side, TimeInForce


class IntentBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every intent says."""

    intent_id: str
    """Chosen by the caller (from the Idempotency-Key) or fresh: one intent, at most one order."""
    user_id: str
    account_id: str
    exchange: Exchange
    symbol: str
    ts_init_ms: int
    valid_until_ms: int
    """An intent read later than this is denied: nobody wants yesterday's market order."""


class PlaceOrder(IntentBase, frozen=True, kw_only=True, tag="intent.place_order"):
    """Place an entry; a BUY has an exit plan and becomes a protected bracket, a SELL has none."""

    side: Side
    order_type: OrderType
    qty: Decimal | None = None
    quote_qty: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    plan: ExitPlan | None = None
    instrument: Instrument
    reference_px: Decimal
    """The price the gateway sized it by."""
    signal_id: str | None = None


class PlaceExits(IntentBase, frozen=True, kw_only=True, tag="intent.place_exits"):
    """Protect what the account holds already: an OCO on `qty` of the base asset."""

    qty: Decimal
    plan: ExitPlan
    instrument: Instrument
    reference_px: Decimal


class CancelOrderIntent(IntentBase, frozen=True, kw_only=True, tag="intent.cancel_order"):
    """Cancel one order by either id. Cancelling an exit gives its protection up, on the user's word."""

    client_order_id: str | None = None
    exchange_order_id: str | None = None


class CancelAllOrdersIntent(IntentBase, frozen=True, kw_only=True, tag="intent.cancel_all_orders"):
    """Cancel every open order of the account on the symbol."""


OrderIntent = PlaceOrder | PlaceExits | CancelOrderIntent | CancelAllOrdersIntent
