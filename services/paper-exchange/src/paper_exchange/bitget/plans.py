"""v2 plan orders (section 7)."""

from dataclasses import replace
from decimal import Decimal

from paper_exchange.bitget.call import Call, Json
from paper_exchange.bitget.errors import ApiError, missing, no_plan, plan_closed
from paper_exchange.bitget.exits import arm, balance_rule, check_side
from paper_exchange.bitget.intake import check_px, check_value, read_client_oid, read_plan_child, read_side
from paper_exchange.bitget.notes import Note, note_of
from paper_exchange.bitget.numbers import short
from paper_exchange.bitget.params import Params
from paper_exchange.bitget.render import plan_row
from paper_exchange.bitget.trading import ids
from paper_exchange.core.market import Market
from paper_exchange.core.orders import OrderRequest
from paper_exchange.core.refusals import Refused
from paper_exchange.core.trigger import Trigger, TriggerRequest

_TRIGGER_TYPES = ("fill_price", "mark_price")


def place_plan_order(call: Call) -> Json:
    """Arm a plan; nothing is frozen unless a switch says so. Its direction follows from where the price is."""
    params = call.params
    market, side = call.market(params), read_side(params)
    trigger_type = params.choice("triggerType", _TRIGGER_TYPES)
    plan_type = params.choice("planType", ("amount", "total"), "amount")
    client_oid = read_client_oid(call, params) or call.venue.new_number()
    child = read_plan_child(params, side, plan_type, market)
    note = Note("plan", "total" if plan_type == "total" else "amount", trigger_type)
    request = TriggerRequest(client_oid, params.need_decimal("triggerPrice"), child, note=note)
    trigger = arm(call, market, [_checked(call, request, market)])[0]
    return ids(trigger.order_id, trigger.client_id)


def _checked(call: Call, request: TriggerRequest, market: Market) -> TriggerRequest:
    """The request with what the switches ask of balance, value and side. Raises: ApiError."""
    check_px(request.px, market.instrument)
    check_side(call, "", request.child.side, request.px, market)
    if call.switches.plan_minimum_check:
        check_value(_value(request.child, request), market, is_market=not request.child.px)
    rule = balance_rule(locks=call.switches.plan_locks_balance, checks=call.switches.plan_balance_check)
    return replace(request, balance=rule)


def _value(child: OrderRequest, request: TriggerRequest) -> Decimal:
    return child.quote_qty or child.qty * (child.px or request.px)


def _find(call: Call, params: Params) -> Trigger:
    order_id, client_oid = params.text("orderId"), params.text("clientOid")
    if order_id is None and client_oid is None:
        raise missing("orderId")
    trigger = call.venue.trigger(call.uid, "plan", order_id, client_oid)
    if trigger is None:
        raise no_plan()
    return trigger


def modify_plan_order(call: Call) -> Json:
    """Give a plan other terms, all of them; it keeps its id, and the size the unit of its planType."""
    params = call.params
    trigger = _find(call, params)
    if not trigger.is_armed:
        raise plan_closed()
    market, note = call.exchange.markets[trigger.symbol], note_of(trigger)
    child = read_plan_child(params, trigger.request.child.side, note.plan_type, market)
    rises = None if call.switches.modify_turns_direction else trigger.rises
    px = params.need_decimal("triggerPrice")
    request = _checked(call, replace(trigger.request, px=px, child=child, rises=rises), market)
    try:
        call.exchange.modify(trigger, request, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
    return ids(trigger.order_id, trigger.client_id)


def cancel_plan_order(call: Call) -> Json:
    """Cancel a plan; `failure` says that it is over already, perhaps because it has fired."""
    trigger = _find(call, call.params)
    if not trigger.is_armed:
        if call.switches.cancel_fired_plan == "43026":
            raise plan_closed()
        return {"result": "failure"}
    call.exchange.cancel_trigger(trigger, call.now_ms)
    return {"result": "success"}


def batch_cancel_plan_order(call: Call) -> Json:
    """Cancel every plan of some symbols, or of all."""
    symbols = call.params.values.get("symbolList") or list(call.exchange.markets)
    if isinstance(symbols, str) or not isinstance(symbols, list):
        raise ApiError("40020", "Parameter symbolList error")
    plans = [trigger for trigger in call.venue.newest_triggers(call.uid, "plan") if trigger.is_armed]
    done = [trigger for trigger in plans if trigger.symbol in symbols]
    for trigger in done:
        call.exchange.cancel_trigger(trigger, call.now_ms)
    return {"successList": [ids(t.order_id, t.client_id) for t in done], "failureList": []}


def current_plan_order(call: Call) -> Json:
    """The plans that are pending, newest first."""
    return _page(call, [t for t in _listed(call) if t.status in {"ARMED", "FIRING"}], 20)


def history_plan_order(call: Call) -> Json:
    """The plans that are over, newest first."""
    return _page(call, [t for t in _listed(call) if t.status not in {"ARMED", "FIRING"}], 100)


def _listed(call: Call) -> list[Trigger]:
    params = call.params
    symbol = params.text("symbol")
    if symbol is not None:
        call.market_of(symbol)
    start, end, below = params.integer("startTime"), params.integer("endTime"), params.integer("idLessThan")
    return [
        trigger
        for trigger in call.venue.newest_triggers(call.uid, "plan")
        if symbol in {None, trigger.symbol}
        and (start is None or trigger.created_ms >= start)
        and (end is None or trigger.created_ms <= end)
        and (below is None or trigger.order_id < below)
    ]


def _page(call: Call, triggers: list[Trigger], default: int) -> Json:
    limit = call.params.limit(default, 100)
    rows = [plan_row(trigger) for trigger in triggers[:limit]]
    last = rows[-1]["orderId"] if rows else None
    return {"nextFlag": len(triggers) > limit, "idLessThan": last, "orderList": rows}


def plan_sub_order(call: Call) -> list[Json]:
    """What a plan has become: one row once it has fired. Raises: 43025, 40307."""
    trigger = call.venue.trigger(call.uid, "plan", call.params.need("planOrderId"), None)
    if trigger is None:
        raise no_plan()
    if trigger.status == "FAILED":
        kind = "limit" if trigger.request.child.px else "market"
        return [{"orderId": "", "price": short(trigger.request.child.px), "type": kind, "status": "fail"}]
    if trigger.order is None:
        raise ApiError("40307", "This order can only be queried after it is triggered")
    order = trigger.order
    is_dead = not order.is_open and order.status != "FILLED"
    status = "cancelled" if is_dead and not order.cum_qty else "success"
    kind = "limit" if order.px else "market"
    return [{"orderId": str(order.order_id), "price": short(order.px), "type": kind, "status": status}]
