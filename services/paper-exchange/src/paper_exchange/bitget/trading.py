"""v2 orders: placing, canceling, replacing, one by one and in batches (sections 6.1 to 6.3)."""

from collections.abc import Callable
from decimal import Decimal

from paper_exchange.bitget.call import Call, Json
from paper_exchange.bitget.errors import ApiError, missing, no_order, wrong
from paper_exchange.bitget.exits import arm_tpsl, read_presets
from paper_exchange.bitget.intake import check_base, check_px, check_value, read_client_oid, read_order
from paper_exchange.bitget.params import Params
from paper_exchange.bitget.render import order_type
from paper_exchange.core.orders import Order, OrderRequest
from paper_exchange.core.refusals import Refused


def ids(order_id: int, client_oid: str) -> Json:
    """What every acknowledgement says."""
    return {"orderId": str(order_id), "clientOid": client_oid}


def place_order(call: Call) -> Json:
    """Accept one order, or one TP/SL order."""
    return _place(call, call.params, call.params.need("symbol"))


def _place(call: Call, params: Params, symbol: str) -> Json:
    market = call.market_of(symbol)
    if params.choice("tpslType", ("normal", "tpsl"), "normal") == "tpsl":
        trigger = arm_tpsl(call, params, market)
        return ids(trigger.order_id, trigger.client_id)
    request = read_order(call, params, market)
    exits = read_presets(call, params, request, market)
    try:
        order = call.exchange.place(call.uid, symbol, request, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
    if exits and call.switches.preset_exits_armed:
        call.exchange.attach(order, exits, linked=call.switches.preset_exits_linked)
    return ids(order.order_id, order.client_order_id)


def each(rows: list[Params], act: Callable[[Params], Json]) -> Json:
    """Do something for every row; code 00000 whatever became of them (rule 18)."""
    done: list[Json] = []
    failed: list[Json] = []
    for row in rows:
        try:
            done.append(act(row))
        except ApiError as error:
            named = {"orderId": row.text("orderId") or "", "clientOid": row.text("clientOid") or ""}
            failed.append({**named, "errorMsg": error.msg, "errorCode": error.code})
    return {"successList": done, "failureList": failed}


def batch_orders(call: Call) -> Json:
    """Up to fifty orders, of one symbol or of many."""
    params = call.params
    is_single = params.choice("batchMode", ("single", "multiple"), "single") == "single"
    symbol = params.need("symbol") if is_single else ""
    return each(params.rows("orderList"), lambda row: _place(call, row, symbol or row.need("symbol")))


def find_open(call: Call, params: Params) -> Order:
    """The order to cancel. Raises: 40019, 43001, 45129."""
    order_id, client_oid = params.text("orderId"), params.text("clientOid")
    if order_id is None and client_oid is None:
        raise missing("orderId")
    order = call.venue.order(call.account, order_id, client_oid)
    if order is None:
        raise no_order()
    call.venue.check_cancel_pace(order.order_id, call.now_ms)
    if not order.is_open:
        raise no_order()
    return order


def _cancel(call: Call, params: Params) -> Json:
    if params.choice("tpslType", ("normal", "tpsl"), "normal") == "tpsl":
        trigger = call.venue.trigger(call.uid, "tpsl", params.need("orderId"), None)
        if trigger is None or not trigger.is_armed:
            raise no_order()
        call.exchange.cancel_trigger(trigger, call.now_ms)
        return ids(trigger.order_id, trigger.client_id)
    order = find_open(call, params)
    call.exchange.cancel(order, "", call.now_ms)
    return ids(order.order_id, order.client_order_id)


def cancel_order(call: Call) -> Json:
    """Cancel one order."""
    params = call.params
    if params.text("tpslType") != "tpsl":
        call.market(params)
    return _cancel(call, params)


def batch_cancel_order(call: Call) -> Json:
    """Cancel up to fifty orders, named by id or by client id but not both ways."""
    rows = call.params.rows("orderList")
    by_id = [row.text("orderId") is not None for row in rows]
    if any(by_id) and not all(by_id):
        raise wrong("orderList")
    return each(rows, lambda row: _cancel(call, row))


def cancel_symbol_order(call: Call) -> Json:
    """Begin to cancel every order of a symbol; plans and TP/SL orders stay."""
    symbol = call.market().instrument.symbol
    call.venue.sweep_later(call.uid, symbol, call.now_ms)
    return {"symbol": symbol}


def cancel_replace_order(call: Call) -> Json:
    """Cancel a limit order and place another; the first may be gone although the second failed."""
    params = call.params
    call.market(params)
    px, size = params.need_decimal("price"), params.need_decimal("size")
    order = find_open(call, params)
    if order_type(order) != "limit":
        raise wrong("orderId")
    call.exchange.cancel(order, "", call.now_ms)
    try:
        replaced = _replace(call, params, order, px, size)
    except ApiError as error:
        return {"orderId": str(order.order_id), "clientOid": None, "success": "failure", "msg": error.msg}
    new_oid = params.text("newClientOid")
    return {"orderId": str(replaced.order_id), "clientOid": new_oid, "success": "success", "msg": None}


def _replace(call: Call, params: Params, order: Order, px: Decimal, size: Decimal) -> Order:
    market, before = call.exchange.markets[order.symbol], order.request
    client_oid = read_client_oid(call, params, "newClientOid") or call.venue.new_number()
    check_px(px, market.instrument)
    check_base(size, market.instrument)
    check_value(px * size, market, is_market=False)
    request = OrderRequest(
        client_oid, before.side, before.type, size, px, time_in_force=before.time_in_force,
        self_trade_mode=before.self_trade_mode,
    )  # fmt: skip
    try:
        placed = call.exchange.place(call.uid, order.symbol, request, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
    exits = read_presets(call, params, request, market)
    if exits and call.switches.preset_exits_armed:
        call.exchange.attach(placed, exits, linked=call.switches.preset_exits_linked)
    return placed
