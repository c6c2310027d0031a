"""What the events of a frontend carry, in the spec's names: the types the AsyncAPI document is generated from.

Amounts and prices are decimal strings, times are milliseconds, absent is null. `seq` stands beside these fields in
every event and is added when the event gets its number.
"""

from decimal import Decimal

import msgspec

from common.exchanges import Residency
from common.exits import ExitPlan


class Payload(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every event about an account says."""

    exchange: str
    """As the API writes it: BINANCE, BITGET, GATEIO, MEXC."""
    credential_id: str
    """The stored key whose account this is about."""
    time: int
    """When it happened, by the exchange's clock where the exchange told it."""


class OfSymbol(Payload, frozen=True, kw_only=True, rename="camel"):
    """What every event about a symbol says."""

    symbol: str
    """As BTCUSDT."""


class OrderUpdate(OfSymbol, frozen=True, kw_only=True, rename="camel"):
    """Something happened to an order. Each update says how the order stands: a repeated or older one does no harm."""

    event: str
    """The fact behind it, as order.filled."""
    order_status: str | None
    """NEW, PARTIALLY_FILLED, FILLED, CANCELED, REJECTED, EXPIRED; UNKNOWN while the exchange's answer is missing."""
    side: str | None
    type: str | None
    quantity: Decimal | None
    price: Decimal | None
    stop_price: Decimal | None
    executed_qty: Decimal | None
    """Filled so far, in base asset."""
    avg_price: Decimal | None
    last_qty: Decimal | None
    last_price: Decimal | None
    trade_id: str | None
    fee: Decimal | None
    fee_asset: str | None
    client_order_id: str | None
    order_id: str | None
    """The exchange's id."""
    order_list_id: str | None
    order_role: str | None
    """ENTRY, TP, SL, EXIT; null for an order that is not ours."""
    order_group_id: str | None
    """The trade it belongs to: links an entry and its exits."""
    category: str | None = None
    """Why the exchange refused, in words shared by all exchanges."""
    code: str | None = None
    reason: str | None = None


class ListStatusUpdate(OfSymbol, frozen=True, kw_only=True, rename="camel"):
    """What the exchange says of an order list (OCO) as a whole."""

    list_order_status: str
    """EXECUTING, ALL_DONE, REJECT."""
    list_status_type: str
    contingency_type: str
    order_list_id: str | None
    list_client_order_id: str | None
    orders: tuple[str, ...]
    """Client order ids of the legs."""


class Balance(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One asset as it stands."""

    asset: str
    free: Decimal
    locked: Decimal
    total: Decimal


class BalanceUpdate(Payload, frozen=True, kw_only=True, rename="camel"):
    """Balances that may have changed, as they stand; or one deposit, withdrawal or transfer as a signed change."""

    balances: tuple[Balance, ...]
    asset: str | None = None
    """Of a signed change; then `balances` is empty."""
    delta: Decimal | None = None
    reason: str | None = None


class ExitLeg(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One leg of an exit pair, and where it waits."""

    client_order_id: str
    order_role: str
    type: str
    price: Decimal | None
    stop_price: Decimal | None
    residency: Residency
    residency_reason: str


class AutoOcoPlaced(OfSymbol, frozen=True, kw_only=True, rename="camel"):
    """Exits were placed by themselves: a pair, or targets that share a stop. `tp1Price`, `tp2Price` ... name each."""

    order_group_id: str
    level: int
    """1 is the target nearest to the entry."""
    quantity: Decimal
    tp_price: Decimal | None
    sl_price: Decimal | None
    list_client_order_id: str | None
    orders: tuple[ExitLeg, ...]


class PositionUpdate(OfSymbol, frozen=True, kw_only=True, rename="camel"):
    """What a trade holds, and how it is protected. Quantities are in base asset; the last four sum to `quantity`."""

    order_group_id: str
    state: str
    """OPENING, UNPROTECTED, PROTECTED, CLOSED."""
    quantity: Decimal
    protected_qty: Decimal
    """Covered by a confirmed exit on the exchange."""
    guarded_qty: Decimal
    """Watched over by the engine, where the exchange cannot hold a stop."""
    unprotected_qty: Decimal
    dust_qty: Decimal


class ProtectionUpdate(PositionUpdate, frozen=True, kw_only=True, rename="camel"):
    """What was done about a trade's protection. The fields after `version` belong to one kind of `event` each."""

    event: str
    """bracket.opened, .denied, .closed; protection.placed, .reduced, .failed, .stop_latched, .overdue, .restored."""
    version: int
    """Grows with every change of the trade."""
    intent_id: str | None = None
    plan: ExitPlan | None = None
    code: str | None = None
    reason: str | None = None
    client_order_id: str | None = None
    list_client_order_id: str | None = None
    level: int | None = None
    """1 is the target nearest to the entry."""
    exit_qty: Decimal | None = None
    """Placed, latched, or sold in all, by the kind of event."""
    legs: tuple[ExitLeg, ...] | None = None
    sold_qty: Decimal | None = None
    returned_qty: Decimal | None = None
    category: str | None = None
    next_step: str | None = None
    unprotected_since: int | None = None
    """When what is held was last fully covered."""
    notional: Decimal | None = None
    """What is unprotected, in `quoteAsset` at the last known price."""
    quote_asset: str | None = None
    entry_qty: Decimal | None = None
    entry_avg_price: Decimal | None = None
    exit_avg_price: Decimal | None = None
    fees: dict[str, Decimal] | None = None
    """By asset."""
    realised_pnl: Decimal | None = msgspec.field(default=None, name="realisedPnL")
    """In quote asset, net of the fees that are valued in it."""


class SignalUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How far one signal to all active traders has come; told to the admin who sent it."""

    signal_id: str
    status: str
    """RUNNING or DONE."""
    accounts: int
    """How many it is meant for."""
    counts: dict[str, int]
    """How many accounts have which outcome."""
    time: int


class StreamReady(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The first message of a connection, and the answer to a resync that can be granted: what follows has no hole."""

    since: int
    """The next event has the number after this one."""
    seq: int
    """The newest event at this moment: up to here it is what was missed, then it is live."""


class ResyncRequired(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was missed cannot be told event by event. Read `snapshot`, then apply what follows: it comes after `seq`."""

    reason: str
    """TOO_OLD (beyond the retention), TOO_MANY (more than is replayed), AHEAD (`since` was never given out)."""
    since: int
    oldest_seq: int
    """The oldest event that is still kept."""
    seq: int
    """The number the stream goes on after."""
    snapshot: tuple[str, ...]
    """GET these, after this message: what they say is at least as new as event `seq`."""


class StreamClosed(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The last message of a connection that the server ends."""

    code: str
    reason: str
    fix: str
    seq: int
    """The last event that was sent: connect again with `since` of what you have applied."""


EVENTS: dict[str, type[msgspec.Struct]] = {
    "order_update": OrderUpdate,
    "balance_update": BalanceUpdate,
    "list_status_update": ListStatusUpdate,
    "auto_oco_placed": AutoOcoPlaced,
    "position_update": PositionUpdate,
    "protection_update": ProtectionUpdate,
    "signal_update": SignalUpdate,
}
"""The numbered events, by name."""

CONTROL: dict[str, type[msgspec.Struct]] = {
    "stream_ready": StreamReady,
    "resync_required": ResyncRequired,
    "stream_closed": StreamClosed,
}
"""What the connection says of itself; these have no number of their own."""
