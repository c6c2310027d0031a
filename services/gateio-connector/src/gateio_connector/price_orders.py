"""Price orders to facts. To everybody else a price order and the order it becomes are one order, the price order's.

`finish` means that an order was placed, not that it was filled: its truth is that order's. `failed` and `expired`
ended without one, and nothing retries them.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec

from common.commands import SubmitOrder
from common.connector.amounts import ZERO, decimal, some
from common.connector.triggers import fires_below
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import (
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderSnapshot,
    OrderStatus,
    OrderTriggered,
    OrderType,
    Side,
)
from gateio_connector.frames import OrderRow, PriceOrderRow
from gateio_connector.names import exchange_id_of
from gateio_connector.numbers import seconds_as_ms, side_of
from gateio_connector.orders import Reader
from gateio_connector.pairs import symbol_of

BELOW: Final = "<="
ABOVE: Final = ">="
CREATED_BEFORE_SENT_MS: Final = 5_000
"""How much earlier than our sending the exchange's clock may say a price order was created."""

_STATUSES: Final = {
    "": OrderStatus.NEW,
    "open": OrderStatus.NEW,
    "cancelled": OrderStatus.CANCELED,
    "canceled": OrderStatus.CANCELED,  # Recorded from the live server, whatever the documents say.
    "failed": OrderStatus.EXPIRED,
    "expired": OrderStatus.EXPIRED,
}
FIRED: Final = "finish"


def rule_of(order_type: OrderType, side: Side) -> str:
    """The rule that fires this kind of order."""
    return BELOW if fires_below(order_type, side) else ABOVE


def order_type_of(row: PriceOrderRow) -> OrderType:
    """Stop or take-profit, by the rule and the side; limited or not, by what it places. Raises UnreadableFrame."""
    if row.trigger.rule not in {BELOW, ABOVE}:
        raise UnreadableFrame(f"trigger.rule: {row.trigger.rule!r} is not documented")
    stop = (row.trigger.rule == BELOW) is (side_of(row.put.side) is Side.SELL)
    limited = row.put.type != "market"
    if stop:
        return OrderType.STOP_LOSS_LIMIT if limited else OrderType.STOP_LOSS
    return OrderType.TAKE_PROFIT_LIMIT if limited else OrderType.TAKE_PROFIT


def fields(row: PriceOrderRow, reader: Reader, client_order_id: str | None) -> dict[str, Any]:
    """What any fact about this price order says, its status apart. Raises UnreadableFrame."""
    order_type = order_type_of(row)
    return {
        "account_id": reader.account_id,
        "exchange": Exchange.GATEIO,
        "symbol": symbol_of(row.market),
        "client_order_id": client_order_id,
        "exchange_order_id": exchange_id_of(row.id),
        "side": side_of(row.put.side),
        "order_type": order_type,
        "qty": some(row.put.amount, "put.amount"),
        "price": some(row.put.price, "put.price"),
        "trigger_px": some(row.trigger.price, "trigger.price"),
        "cum_qty": ZERO,
        "ts_event_ms": seconds_as_ms(row.ftime if row.ftime and int(row.ftime) > 0 else row.ctime, "ctime"),
        "ts_init_ms": reader.now_ms,
    }


def snapshot(row: PriceOrderRow, reader: Reader, client_order_id: str | None = None) -> OrderSnapshot:
    """A price order that has placed nothing. Raises UnreadableFrame for one that has, and for unknown states."""
    status = _STATUSES.get(row.status)
    if status is None:
        raise UnreadableFrame(f"status: {row.status!r} of a price order says nothing by itself")
    return OrderSnapshot(**fields(row, reader, client_order_id), status=status)


def followed(row: PriceOrderRow, child: OrderRow, reader: Reader, client_order_id: str | None = None) -> OrderSnapshot:
    """A price order that has fired, by the order it became. Raises UnreadableFrame."""
    told = reader.fields(child)
    about = fields(row, reader, client_order_id)
    keys = ("status", "cum_qty", "avg_px", "qty", "price", "ts_event_ms")
    return OrderSnapshot(**{**about, **{key: told[key] for key in keys}})


def triggered(row: PriceOrderRow, reader: Reader, client_order_id: str | None = None) -> OrderTriggered:
    """It has fired."""
    return OrderTriggered(**fields(row, reader, client_order_id), status=OrderStatus.NEW)


def ended(row: PriceOrderRow, reader: Reader, client_order_id: str | None = None) -> tuple[OrderFact, ...]:
    """How a price order ended that has placed nothing; of one that waits, how it stands. Raises UnreadableFrame."""
    stands = snapshot(row, reader, client_order_id)
    about = fields(row, reader, client_order_id)
    match stands.status:
        case OrderStatus.CANCELED:
            return (OrderCanceled(**about, status=OrderStatus.CANCELED),)
        case OrderStatus.EXPIRED:
            reason = row.status if row.status == "expired" else row.reason or row.status
            return (OrderExpired(**about, status=OrderStatus.EXPIRED, reason=reason),)
        case _:
            return (stands,)


def as_price_order(fact: OrderFact, exchange_order_id: str) -> OrderFact | None:
    """A fact about the order a price order became, as one about the price order; None for what says nothing new."""
    if not isinstance(fact, OrderFilled | OrderCanceled | OrderExpired | OrderSnapshot):
        return None  # That it was placed is told as triggered.
    if isinstance(fact, OrderFilled):
        return msgspec.structs.replace(fact, exchange_order_id=exchange_order_id)
    # An order type of its own would say that it waits no more, or never did.
    return msgspec.structs.replace(fact, exchange_order_id=exchange_order_id, order_type=None)


def matching(
    rows: Iterable[PriceOrderRow], terms: SubmitOrder, instrument: Instrument, taken: Iterable[str]
) -> PriceOrderRow | None:
    """The price order that was placed with these terms: the oldest created since, of those that are no other's.

    Equal terms mean equal orders: of two such it does not matter which is which, as long as each is taken once.
    """
    others = set(taken)
    found = [row for row in rows if exchange_id_of(row.id) not in others and _has(row, terms, instrument)]
    return min(found, key=lambda row: row.id, default=None)


def _has(row: PriceOrderRow, terms: SubmitOrder, instrument: Instrument) -> bool:
    qty = instrument.floor_qty(terms.qty or Decimal(0))
    return (
        row.market == instrument.exchange_symbol
        and row.trigger.rule == rule_of(terms.order_type, terms.side)
        and side_of(row.put.side) is terms.side
        and decimal(row.trigger.price, "trigger.price") == terms.trigger_px
        and decimal(row.put.amount, "put.amount") == qty
        and seconds_as_ms(row.ctime, "ctime") >= terms.ts_init_ms - CREATED_BEFORE_SENT_MS
    )
