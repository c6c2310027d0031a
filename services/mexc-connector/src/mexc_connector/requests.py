"""Commands to unsigned requests, with their documented weights.

Time in force is part of the order type here. Parameters that MEXC does not know are dropped without a word, so a
`stopPrice` would turn a waiting stop into an immediate sale: what only other exchanges can do is refused here.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

import orjson

from common.codec import plain
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.instruments import Instrument
from common.orders import OrderType, TimeInForce

Params = list[tuple[str, str]]

ORDER_PATH = "/api/v3/order"
BATCH_BUCKET = "batchOrders"
MAX_BATCH = 20

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_LIMITS = {
    None: "LIMIT",
    TimeInForce.GTC: "LIMIT",
    TimeInForce.IOC: "IMMEDIATE_OR_CANCEL",
    TimeInForce.FOK: "FILL_OR_KILL",
}


def submit_order(command: SubmitOrder, instrument: Instrument) -> HttpRequest:
    """Unsigned POST order; floored to the lot, so an exit never sells more than is held. Raises Refused."""
    return HttpRequest(
        method="POST", path=ORDER_PATH, params=tuple(_order(command, instrument)), signed=True, order_count=1
    )


def batch_orders(commands: Sequence[SubmitOrder], instrument: Instrument) -> HttpRequest:
    """Unsigned POST batchOrders: up to twenty orders of one symbol, each with its own fate. Raises Refused."""
    if not 1 <= len(commands) <= MAX_BATCH:
        raise _refused("orders", f"a batch has 1 to {MAX_BATCH} orders", "split it")
    if any(command.symbol != instrument.symbol for command in commands):
        raise _refused("orders", "the orders of a batch are of one symbol", "send one batch a symbol")
    orders = [dict(_order(command, instrument)) for command in commands]
    return HttpRequest(
        method="POST",
        path="/api/v3/batchOrders",
        params=(("batchOrders", orjson.dumps(orders).decode()),),
        signed=True,
        order_count=len(orders),
        bucket=BATCH_BUCKET,
    )


def cancel_order(command: CancelOrder) -> HttpRequest:
    """Unsigned DELETE order, by the exchange's own id where it is known. Raises Refused."""
    if command.list_client_order_id is not None:
        raise _refused("list_client_order_id", "MEXC has no order lists", "cancel the order by its own id")
    if command.exchange_order_id is not None:
        target = ("orderId", command.exchange_order_id)
    elif command.client_order_id is not None:
        target = ("origClientOrderId", command.client_order_id)
    else:
        raise _refused("client_order_id", "a cancel names what it cancels", "give one of the order's ids")
    return HttpRequest(method="DELETE", path=ORDER_PATH, params=(("symbol", command.symbol), target), signed=True)


def cancel_all_orders(command: CancelAllOrders) -> HttpRequest:
    """Unsigned DELETE openOrders: also the stops that were placed by hand in the web interface."""
    return HttpRequest(method="DELETE", path="/api/v3/openOrders", params=(("symbol", command.symbol),), signed=True)


def _order(command: SubmitOrder, instrument: Instrument) -> Params:
    return [
        ("symbol", instrument.exchange_symbol),
        ("side", command.side.value),
        ("type", _type(command)),
        *_amounts(command, instrument),
        ("newClientOrderId", _legal(command.client_order_id)),
    ]


def _type(command: SubmitOrder) -> str:
    if command.order_type.waits_for_trigger or command.trigger_px is not None:
        raise Refused(
            code="unsupported_order_type",
            title="MEXC spot has no stop or trigger orders",
            field="order_type",
            rule="MARKET, LIMIT and LIMIT_MAKER only, without trigger_px",
            fix="let the order-engine hold the stop",
        )
    if command.order_type is OrderType.LIMIT:
        return _LIMITS[command.time_in_force]
    if command.time_in_force not in {None, TimeInForce.GTC}:
        raise _refused("time_in_force", f"{command.order_type} has none", "leave time_in_force out")
    return command.order_type.value


def _amounts(command: SubmitOrder, instrument: Instrument) -> Params:
    if command.order_type is OrderType.MARKET:
        if command.price is not None:
            raise _refused("price", "a MARKET order has no price", "leave price out")
        if command.quote_qty is not None:
            if command.qty is not None:
                raise _refused("quote_qty", "an order is given by quantity or by value", "give one of the two")
            return [("quoteOrderQty", _positive("quote_qty", command.quote_qty))]
    elif command.quote_qty is not None:
        raise _refused("quote_qty", "only a MARKET order may be given by value", "give qty")
    if command.qty is None:
        raise _refused("qty", "an order has a quantity", "give qty (or, for a MARKET order, quote_qty)")
    quantity = ("quantity", _positive("qty", instrument.floor_qty(command.qty)))
    if command.order_type is OrderType.MARKET:
        return [quantity]
    if command.price is None:
        raise _refused("price", f"{command.order_type} needs price", "give price")
    return [quantity, ("price", _positive("price", command.price))]


def _positive(field: str, value: Decimal) -> str:
    if not value.is_finite() or value <= 0:
        raise _refused(field, "above zero, in whole steps of the symbol", f"give a larger {field}")
    return plain(value)


def _legal(client_id: str) -> str:
    """Length and alphabet are not documented: this is what every client is known to get through."""
    if not _CLIENT_ID.fullmatch(client_id):
        raise _refused("client_order_id", "1 to 32 of letters, digits, - and _", "choose an id of this alphabet")
    return client_id


def _refused(field: str, rule: str, fix: str) -> Refused:
    return Refused(code="bad_order", title="MEXC would refuse this order", field=field, rule=rule, fix=fix)
