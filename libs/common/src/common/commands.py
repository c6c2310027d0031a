"""Order commands: what the order-engine tells a connector to do. Imperative; keyed by account."""

from decimal import Decimal

import msgspec

from common.exchanges import Exchange
from common.orders import OrderType, Side, TimeInForce


class CommandBase(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every command says."""

    command_id: str
    """Unique and deterministic: the same decision always has the same id."""
    bracket_id: str
    account_id: str
    exchange: Exchange
    symbol: str
    ts_init_ms: int
    valid_until_ms: int
    """After this a connector must not send it any more; it answers `OrderRejected(expired)` instead."""


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """The target and the stop that an entry brings along: the exchange is to sell at market, or with a limit."""

    take_profit_px: Decimal
    stop_loss_px: Decimal
    stop_limit_px: Decimal | None = None


class SubmitOrder(CommandBase, frozen=True, kw_only=True, tag="command.submit_order"):
    """Place one order. `qty` is in base asset; `quote_qty`, in quote asset, only for a MARKET buy by value."""

    client_order_id: str
    side: Side
    order_type: OrderType
    qty: Decimal | None = None
    quote_qty: Decimal | None = None
    price: Decimal | None = None
    trigger_px: Decimal | None = None
    time_in_force: TimeInForce | None = None
    lifetime_ms: int | None = None
    """How long a trigger order may wait, where the exchange asks for it; whoever placed it renews it before that."""
    preset: Preset | None = None
    """Exits that the exchange places by itself when this entry has ended, where it can."""


class AdoptOrder(SubmitOrder, frozen=True, kw_only=True, tag="command.adopt_order"):
    """Never sent: find the order that the exchange has placed with these terms, and call it by this id from now on.

    `OrderRejected(not_found)` says that there is none so far.
    """

    since_ms: int
    """It was created after this."""


class ListLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of an order list."""

    client_order_id: str
    order_type: OrderType
    price: Decimal | None = None
    trigger_px: Decimal | None = None
    time_in_force: TimeInForce | None = None


class SubmitOrderList(CommandBase, frozen=True, kw_only=True, tag="command.submit_order_list"):
    """Place a take-profit and a stop of one quantity; the exchange cancels one when the other executes."""

    list_client_order_id: str
    side: Side
    qty: Decimal
    take_profit: ListLeg
    stop_loss: ListLeg


class CancelOrder(CommandBase, frozen=True, kw_only=True, tag="command.cancel_order"):
    """Cancel one order by either id; of an order list, cancel the whole list."""

    client_order_id: str | None = None
    exchange_order_id: str | None = None
    list_client_order_id: str | None = None


class CancelAllOrders(CommandBase, frozen=True, kw_only=True, tag="command.cancel_all_orders"):
    """Cancel every open order of the account on the symbol, also those placed by hand."""


class QueryOrder(CommandBase, frozen=True, kw_only=True, tag="command.query_order"):
    """Ask what became of an order. Answered by a snapshot with its missing fills, or `OrderRejected(not_found)`."""

    client_order_id: str
    exchange_order_id: str | None = None
    list_client_order_id: str | None = None
    submitted_ms: int
    """When the request that placed it may last have left us: "not found" is conclusive only some time after."""


Command = SubmitOrder | AdoptOrder | SubmitOrderList | CancelOrder | CancelAllOrders | QueryOrder
