"""Commands to unsigned requests. Weights are the documented ones ("Limits" and each endpoint's page).

Since 2026-04 a successful placement or cancel costs no weight, a refused one costs one.
`newOrderRespType` is always said: its default is FULL for limit and market orders, but ACK for all others.
"""

from decimal import Decimal

from binance_connector.names import MAX_CLIENT_ID, cancel_id
from common.codec import plain
from common.commands import CancelAllOrders, CancelOrder, ListLeg, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.instruments import Instrument
from common.orders import OrderType, Side, TimeInForce

Params = list[tuple[str, str]]

FULL = ("newOrderRespType", "FULL")

_LIMITED = {OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
# The other types refuse a time in force (-1106).
_TIMED = {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
_LIST_TAKE_PROFITS = {OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}
_LIST_STOPS = {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}


def submit_order(command: SubmitOrder, instrument: Instrument) -> HttpRequest:
    """Unsigned POST /api/v3/order; floored to the lot, so an exit never sells more than is held. Raises Refused."""
    params: Params = [
        ("symbol", instrument.exchange_symbol),
        ("side", command.side.value),
        ("type", command.order_type.value),
    ]
    params += _terms("", command.order_type, command.price, command.trigger_px, command.time_in_force)
    params += _quantity(command, instrument)
    params += [("newClientOrderId", _legal("client_order_id", command.client_order_id)), FULL]
    return HttpRequest(
        method="POST",
        path="/api/v3/order",
        params=tuple(params),
        signed=True,
        order_count=1,
        free_when_accepted=True,
        channel="order.place",
    )


def submit_order_list(command: SubmitOrderList, instrument: Instrument) -> HttpRequest:
    """Unsigned POST /api/v3/orderList/oco. Raises Refused.

    Legs are named by where their prices lie: a sale takes its profit above and stops below, a purchase the reverse.
    """
    _check_list(command)
    up, down = command.take_profit, command.stop_loss
    if command.side is Side.BUY:
        up, down = down, up
    params: Params = [
        ("symbol", instrument.exchange_symbol),
        ("listClientOrderId", _legal("list_client_order_id", command.list_client_order_id)),
        ("side", command.side.value),
        ("quantity", plain(instrument.floor_qty(command.qty))),
        *_leg("above", up),
        *_leg("below", down),
        FULL,
    ]
    return HttpRequest(
        method="POST",
        path="/api/v3/orderList/oco",
        params=tuple(params),
        signed=True,
        order_count=2,
        free_when_accepted=True,
        channel="orderList.place.oco",
    )


def cancel_order(command: CancelOrder) -> HttpRequest:
    """Unsigned DELETE of an order, or of the whole list where the command names one. Raises Refused.

    The cancel has an id of its own, which may replace the order's: it is derived, so that the order keeps a name we
    can look it up by (see `names`).
    """
    if command.list_client_order_id is not None:
        return HttpRequest(
            method="DELETE",
            path="/api/v3/orderList",
            params=(
                ("symbol", command.symbol),
                ("listClientOrderId", command.list_client_order_id),
                ("newClientOrderId", cancel_id(command.list_client_order_id)),
            ),
            signed=True,
            free_when_accepted=True,
            channel="orderList.cancel",
        )
    # By the exchange's id alone is fastest, and cannot name a later order that reuses the client id.
    if command.exchange_order_id is not None:
        target = ("orderId", command.exchange_order_id)
    elif command.client_order_id is not None:
        target = ("origClientOrderId", command.client_order_id)
    else:
        raise _refused("client_order_id", "a cancel names what it cancels", "give one of the order's ids")
    return HttpRequest(
        method="DELETE",
        path="/api/v3/order",
        params=(
            ("symbol", command.symbol),
            target,
            ("newClientOrderId", cancel_id(command.client_order_id or target[1])),
        ),
        signed=True,
        free_when_accepted=True,
        channel="order.cancel",
    )


def cancel_all_orders(command: CancelAllOrders) -> HttpRequest:
    """Unsigned DELETE /api/v3/openOrders: everything open on the symbol, lists too."""
    return HttpRequest(
        method="DELETE",
        path="/api/v3/openOrders",
        params=(("symbol", command.symbol),),
        signed=True,
        free_when_accepted=True,
        channel="openOrders.cancelAll",
    )


def _quantity(command: SubmitOrder, instrument: Instrument) -> Params:
    if command.quote_qty is not None:
        if command.order_type is not OrderType.MARKET or command.qty is not None:
            raise _refused("quote_qty", "only a MARKET order may be given by value, and then without qty", "give qty")
        return [("quoteOrderQty", plain(command.quote_qty))]
    if command.qty is None:
        raise _refused("qty", "an order has a quantity", "give qty (or, for a MARKET order, quote_qty)")
    return [("quantity", plain(instrument.floor_qty(command.qty)))]


def _terms(
    prefix: str,
    order_type: OrderType,
    price: Decimal | None,
    trigger_px: Decimal | None,
    time_in_force: TimeInForce | None,
) -> Params:
    """Exactly the prices the type asks for: one too many is refused (-1106), one missing too (-1102)."""
    params: Params = []
    if order_type in _TIMED:
        params.append((_glued(prefix, "timeInForce"), (time_in_force or TimeInForce.GTC).value))
    if order_type in _LIMITED:
        params.append((_glued(prefix, "price"), _price("price", order_type, price)))
    elif price is not None:
        raise _refused("price", f"{order_type} has no limit price", "leave price out")
    if order_type.waits_for_trigger:
        params.append((_glued(prefix, "stopPrice"), _price("trigger_px", order_type, trigger_px)))
    elif trigger_px is not None:
        raise _refused("trigger_px", f"{order_type} has no trigger", "leave trigger_px out")
    return params


def _leg(prefix: str, leg: ListLeg) -> Params:
    return [
        (f"{prefix}Type", leg.order_type.value),
        *_terms(prefix, leg.order_type, leg.price, leg.trigger_px, leg.time_in_force),
        (f"{prefix}ClientOrderId", _legal("client_order_id", leg.client_order_id)),
    ]


def _check_list(command: SubmitOrderList) -> None:
    if command.take_profit.order_type not in _LIST_TAKE_PROFITS:
        raise _refused("take_profit.order_type", "LIMIT_MAKER, TAKE_PROFIT or TAKE_PROFIT_LIMIT", "use one of them")
    if command.stop_loss.order_type not in _LIST_STOPS:
        raise _refused("stop_loss.order_type", "STOP_LOSS or STOP_LOSS_LIMIT", "use one of them")
    if command.take_profit.client_order_id == command.stop_loss.client_order_id:
        raise _refused("client_order_id", "the legs of a list have different ids", "give each leg its own id")


def _glued(prefix: str, name: str) -> str:
    return f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name


def _price(field: str, order_type: OrderType, value: Decimal | None) -> str:
    if value is None:
        raise _refused(field, f"{order_type} needs {field}", f"give {field}")
    return plain(value)


def _legal(field: str, client_id: str) -> str:
    """`^[a-zA-Z0-9-_]{1,36}$`: no dot, colon, slash or space (-1100)."""
    bare = client_id.replace("-", "").replace("_", "")
    if not 1 <= len(client_id) <= MAX_CLIENT_ID or not (bare == "" or (bare.isascii() and bare.isalnum())):
        raise _refused(field, "1 to 36 of letters, digits, - and _", "choose an id of this alphabet")
    return client_id


def _refused(field: str, rule: str, fix: str) -> Refused:
    return Refused(code="bad_order", title="Binance would refuse this order", field=field, rule=rule, fix=fix)
