"""Calls that place and cancel (sections 6.1 to 6.5)."""

import secrets
from collections.abc import Mapping
from typing import Any

import orjson

from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.orders import Order, OrderRequest
from paper_exchange.core.refusals import Reason, Refused
from paper_exchange.mexc import ids, intake, render
from paper_exchange.mexc.call import Call
from paper_exchange.mexc.errors import ApiError, bad_combination, malformed, no_id, refusal
from paper_exchange.mexc.params import Params

Json = dict[str, Any]
MOST_IN_BATCH, MOST_SYMBOLS = 20, 5


def place(call: Call) -> Json:
    """POST order."""
    return render.ack(_place(call, call.params))


def _place(call: Call, params: Params) -> Order:
    market, request = _read(call, params)
    return call.venue.place(call.account, market.instrument.symbol, request, call.now_ms)


def _read(call: Call, params: Params) -> tuple[Market, OrderRequest]:
    market = call.market_of(params.need("symbol"))
    symbol = market.instrument.symbol
    if call.signer.symbols is not None and symbol not in call.signer.symbols:
        raise ApiError(10007, "symbol not support api")
    try:
        return market, intake.read_order(params, market, call.venue.states[symbol])
    except Refused as refused:
        raise refusal(refused.reason) from None


def test(call: Call) -> Json:
    """POST order/test: every check but the balance's, no order."""
    market, request = _read(call, call.params)
    try:
        call.venue.check(call.account, market.instrument.symbol, request, call.now_ms)
    except Refused as refused:
        raise call.venue.worded(refused, request) from None
    return {}


def place_batch(call: Call) -> list[Json]:
    """POST batchOrders: each order for itself, in order (section 6.4)."""
    call.venue.meter.count_call(call.signer.uid, "batch", call.venue.switches.batch_calls_per_s, call.now_ms)
    orders = _read_batch(call.params.need("batchOrders"))
    if len({order.get("symbol") for order in orders}) != 1:
        raise bad_combination()
    return [_place_one(call, order) for order in orders]


def _read_batch(text: str) -> list[Mapping[str, str]]:
    try:
        orders = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise malformed("batchOrders") from None
    if not isinstance(orders, list) or not 1 <= len(orders) <= MOST_IN_BATCH:
        raise malformed("batchOrders")
    for order in orders:
        # Numbers must be quoted, as everywhere.
        if not isinstance(order, dict) or not all(isinstance(value, str) for value in order.values()):
            raise malformed("batchOrders")
    return orders


def _place_one(call: Call, order: Mapping[str, str]) -> Json:
    try:
        return render.batch_ack(_place(call, Params(order)))
    except ApiError as error:
        name = {"newClientOrderId": order["newClientOrderId"]} if order.get("newClientOrderId") else {}
        return {**name, "msg": error.msg, "code": error.code}


# -- canceling ------------------------------------------------------------------------------------------------------


def find_order(call: Call, symbol: str | None) -> Order | None:
    """By `orderId`, or else by `origClientOrderId` (the newest of that name). Raises: 700004 when neither was sent."""
    order_id, client_id = call.params.text("orderId"), call.params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise no_id()
    symbols = [symbol] if symbol is not None else list(call.venue.states)
    account = call.account
    found = (_find(account, name, order_id, client_id or "") for name in symbols)
    return next((order for order in found if order is not None), None)


def _find(account: Account, symbol: str, order_id: str | None, client_id: str) -> Order | None:
    if order_id is None:
        return account.by_client_id.get((symbol, client_id))
    return account.orders.get((symbol, ids.read_order_id(order_id)))


def cancel(call: Call) -> Json:
    """DELETE order: answers what it was, cancels a moment later."""
    order = find_order(call, call.market().instrument.symbol)
    if order is None or not order.is_open:
        raise refusal(Reason.NOT_OPEN)
    return _cancel(call, order, call.params.client_id("newClientOrderId"))


def _cancel(call: Call, order: Order, cancel_id: str | None) -> Json:
    name = cancel_id or secrets.token_urlsafe(16)
    answer = render.canceled(order, name, call.venue.switches.cancel_answer)
    call.venue.cancel(order, call.now_ms)
    return answer


def cancel_open(call: Call) -> list[Json]:
    """DELETE openOrders of up to five symbols; an empty list when nothing is open."""
    names = call.params.need("symbol").split(",")
    if len(names) > MOST_SYMBOLS:
        raise malformed("symbol")
    symbols = {call.market_of(name).instrument.symbol for name in names}
    mine = [order for order in call.account.open_orders.values() if order.symbol in symbols]
    return [_cancel(call, order, None) for order in mine]


def cancel_all(call: Call) -> Json:
    """DELETE order/all: the whole account."""
    for order in list(call.account.open_orders.values()):
        call.venue.cancel(order, call.now_ms)
    return {"code": call.venue.switches.success_code, "msg": "success", "timestamp": call.now_ms}
