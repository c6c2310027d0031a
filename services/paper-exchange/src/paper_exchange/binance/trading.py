"""Calls that place and cancel (sections 6.1, 6.3, 6.4 and 6.6)."""

from typing import Any

from paper_exchange.binance import intake, render
from paper_exchange.binance.call import Call
from paper_exchange.binance.errors import ApiError, no_id, refusal
from paper_exchange.binance.params import Params
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import num
from paper_exchange.core.orders import Order, OrderList, OrderRequest
from paper_exchange.core.refusals import Reason, Refused

Json = dict[str, Any]


def place(call: Call) -> Json:
    """POST /api/v3/order."""
    market = call.market()
    request = intake.read_order(call.params)
    response_type = intake.read_response_type(call.params, intake.default_response_type(request.type))
    call.params.done()
    return _place(call, market.instrument.symbol, request, response_type)


def _place(call: Call, symbol: str, request: OrderRequest, response_type: str) -> Json:
    call.check_room(1)
    order = call.exchange.place(call.account.uid, symbol, request, call.now_ms)
    call.count_orders(1)
    return render.placed(order, call.now_ms, response_type)


def test(call: Call) -> Json:
    """POST /api/v3/order/test: every check, no order."""
    market = call.market()
    request = intake.read_order(call.params)
    intake.read_response_type(call.params, "ACK")
    wants_rates = call.params.flag("computeCommissionRates")
    call.params.done()
    call.exchange.validate(call.account.uid, market.instrument.symbol, request, call.now_ms)
    if not wants_rates:
        return {}
    rates, none = render.rates(call.account), {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": {"maker": rates["maker"], "taker": rates["taker"]},
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": discount(call),
    }


def discount(call: Call) -> Json:
    """How fees are reduced when paid in the discount asset."""
    return {
        "enabledForAccount": call.account.pays_with_discount_asset,
        "enabledForSymbol": True,
        "discountAsset": call.exchange.habits.discount_asset,
        "discount": num(call.exchange.habits.discount),
    }


# -- canceling ------------------------------------------------------------------------------------------------------


def find_order(account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
    """By order id, or else by client id (the newest of that name). Raises: -2039 when they do not belong together."""
    if order_id is None:
        return account.by_client_id.get((symbol, client_id or ""))
    order = account.orders.get((symbol, order_id))
    if order is not None and client_id is not None and order.client_order_id != client_id:
        raise ApiError(-2039, "Client order ID is not correct for this order ID.")
    return order


def cancel(call: Call) -> Json:
    """DELETE /api/v3/order; a leg takes its list along."""
    symbol, params = call.market().instrument.symbol, call.params
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise no_id("origClientOrderId", "orderId")
    cancel_id, restriction = _read_cancel(params, "newClientOrderId")
    params.done()
    return _cancel(call, find_order(call.account, symbol, order_id, client_id), cancel_id, restriction)


def _read_cancel(params: Params, name: str) -> tuple[str, str | None]:
    legal = ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")
    restriction = params.choice("cancelRestrictions", legal, -1145, "Invalid cancelRestrictions")
    return params.client_id(name) or intake.new_client_id(), restriction


def _cancel(call: Call, order: Order | None, cancel_id: str, restriction: str | None) -> Json:
    if order is None or not order.is_open:
        raise refusal(Reason.NOT_OPEN)
    if restriction is not None and order.status != restriction.removeprefix("ONLY_"):
        raise ApiError(-2011, "Order was not canceled due to cancel restrictions.")
    call.exchange.cancel(order, cancel_id, call.now_ms)
    if order.order_list is not None:
        return render.list_canceled(order.order_list, cancel_id)
    return render.canceled(order, cancel_id)


def cancel_all(call: Call) -> list[Json]:
    """DELETE /api/v3/openOrders of one symbol."""
    symbol = call.market().instrument.symbol
    call.params.done()
    mine = [order for order in call.account.open_orders.values() if order.symbol == symbol]
    if not mine:
        raise refusal(Reason.NOT_OPEN)
    cancel_id = intake.new_client_id()
    return [_cancel(call, order, cancel_id, None) for order in mine if order.is_open]


def cancel_list(call: Call) -> Json:
    """DELETE /api/v3/orderList."""
    symbol, params = call.market().instrument.symbol, call.params
    found = find_list(call, "listClientOrderId")
    cancel_id = params.client_id("newClientOrderId") or intake.new_client_id()
    params.done()
    if found is None or found.symbol != symbol:
        raise refusal(Reason.NOT_OPEN)
    call.exchange.cancel_list(found, cancel_id, call.now_ms)
    return render.list_canceled(found, cancel_id)


def find_list(call: Call, client_id_name: str) -> OrderList | None:
    """By `orderListId` or by the client id under this name, newest first. Raises: -1102 when neither is there."""
    list_id, client_id = call.params.integer("orderListId"), call.params.text(client_id_name)
    if list_id is not None:
        return call.account.lists.get(list_id)
    if client_id is None:
        raise no_id(client_id_name, "orderListId")
    return call.account.list_by_client_id.get(client_id)


def cancel_replace(call: Call) -> Json:
    """POST /api/v3/order/cancelReplace: the table of section 6.6."""
    symbol, params = call.market().instrument.symbol, call.params
    params.need("cancelReplaceMode")
    mode = params.choice("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
    order_id, client_id = params.integer("cancelOrderId"), params.text("cancelOrigClientOrderId")
    if order_id is None and client_id is None:
        raise no_id("cancelOrigClientOrderId", "cancelOrderId")
    cancel_id, restriction = _read_cancel(params, "cancelNewClientOrderId")
    params.choice("orderRateLimitExceededMode", ("DO_NOTHING", "CANCEL_ONLY"))
    request = intake.read_order(params)
    response_type = intake.read_response_type(params, intake.default_response_type(request.type))
    params.done()
    call.check_room(1)
    call.count_orders(1)
    canceled = _attempt(
        lambda: _cancel(call, find_order(call.account, symbol, order_id, client_id), cancel_id, restriction)
    )
    if isinstance(canceled, ApiError) and mode == "STOP_ON_FAILURE":
        raise _failed_replace(canceled, None)
    placed = _attempt(lambda: _replacement(call, symbol, request, response_type))
    if isinstance(canceled, ApiError) or isinstance(placed, ApiError):
        raise _failed_replace(canceled, placed)
    return _replace_result(canceled, placed)


def _replacement(call: Call, symbol: str, request: OrderRequest, response_type: str) -> Json:
    order = call.exchange.place(call.account.uid, symbol, request, call.now_ms)
    return render.placed(order, call.now_ms, response_type)


def _attempt(action: Any) -> Json | ApiError:
    try:
        result: Json = action()
    except ApiError as error:
        return error
    except Refused as refused:
        return refusal(refused.reason)
    return result


def _replace_result(canceled: Json | ApiError, placed: Json | ApiError | None) -> Json:
    def outcome(result: Json | ApiError | None) -> str:
        if result is None:
            return "NOT_ATTEMPTED"
        return "FAILURE" if isinstance(result, ApiError) else "SUCCESS"

    return {
        "cancelResult": outcome(canceled),
        "newOrderResult": outcome(placed),
        "cancelResponse": canceled.body() if isinstance(canceled, ApiError) else canceled,
        "newOrderResponse": placed.body() if isinstance(placed, ApiError) else placed,
    }


def _failed_replace(canceled: Json | ApiError, placed: Json | ApiError | None) -> ApiError:
    data = _replace_result(canceled, placed)
    if "SUCCESS" in {data["cancelResult"], data["newOrderResult"]}:
        return ApiError(-2021, "Order cancel-replace partially failed.", 409, data=data)
    return ApiError(-2022, "Order cancel-replace failed.", data=data)
