"""v3 strategy orders (section 10.3): a target and a stop in one object that the venue keeps, or a single trigger."""

from collections.abc import Sequence

from paper_exchange.bitget.call import Call, Json
from paper_exchange.bitget.errors import ApiError, missing, wrong
from paper_exchange.bitget.exits import arm, balance_rule, check_side, rises
from paper_exchange.bitget.intake import check_px, read_client_oid, read_plan_child, read_side
from paper_exchange.bitget.notes import Leg, Note, note_of
from paper_exchange.bitget.params import Params
from paper_exchange.core.market import Market
from paper_exchange.core.orders import Side
from paper_exchange.core.refusals import Refused
from paper_exchange.core.trigger import Trigger, TriggerRequest

TERMS = (
    "tpTriggerBy", "slTriggerBy", "takeProfit", "stopLoss", "tpOrderType", "slOrderType", "tpLimitPrice",
    "slLimitPrice", "triggerBy", "triggerPrice", "triggerOrderType", "triggerOrderPrice",
)  # fmt: skip
# (leg, its trigger price, its order type, its limit price)
_LEGS: tuple[tuple[Leg, str, str, str], ...] = (
    ("takeProfit", "takeProfit", "tpOrderType", "tpLimitPrice"),
    ("stopLoss", "stopLoss", "slOrderType", "slLimitPrice"),
    ("", "triggerPrice", "triggerOrderType", "triggerOrderPrice"),
)


def not_found() -> ApiError:
    """A v3 order, or strategy order, that does not exist or is over."""
    return ApiError("25204", "Order does not exist")


def status_of(members: Sequence[Trigger]) -> str:
    """The status of the whole: what became of the leg that fired, else whether any leg is left."""
    statuses = {trigger.status for trigger in members}
    for status, name in (("FIRED", "success"), ("FAILED", "failed"), ("FIRING", "submitting"), ("ARMED", "pending")):
        if status in statuses:
            return name
    return "cancelled"


def row(members: Sequence[Trigger]) -> Json:
    """One strategy order, under the id of its first leg; `triggerType` says which leg fired."""
    first = members[0]
    note = note_of(first)
    fired = next((note_of(t).leg for t in members if t.status in {"FIRING", "FIRED", "FAILED"}), "")
    child = first.request.child
    return {
        "orderId": str(first.order_id),
        "clientOid": first.client_id,
        "category": "SPOT",
        "symbol": first.symbol,
        "qty": f"{child.quote_qty or child.qty:f}",
        "side": child.side.lower(),
        "posSide": "",
        "reduceOnly": "no",
        "type": note.terms["type"],
        "status": status_of(members),
        "triggerType": fired,
        **{name: note.terms.get(name, "") for name in TERMS},
        "createdTime": str(first.created_ms),
        "updatedTime": str(max(trigger.updated_ms for trigger in members)),
    }


def read_legs(
    call: Call, params: Params, market: Market, side: Side, kind: str, client_oid: str
) -> list[TriggerRequest]:
    """The triggers of a strategy order. Raises: ApiError."""
    wanted = [leg for leg in _LEGS if bool(leg[0]) == (kind == "tpsl") and params.text(leg[1]) is not None]
    if not wanted:
        raise missing("takeProfit" if kind == "tpsl" else "triggerPrice")
    defaults = {"tpTriggerBy": "market", "slTriggerBy": "market", "tpOrderType": "market", "slOrderType": "market"}
    given = {name: text for name in TERMS if (text := params.text(name)) is not None}
    terms = {"type": kind, **(defaults if kind == "tpsl" else {}), **given}
    rule, requests = balance_rule(locks=call.switches.strategy_locks_balance), []
    for leg, px_name, type_name, limit_name in wanted:
        px = params.need_decimal(px_name)
        check_px(px, market.instrument)
        check_side(call, leg, side, px, market)
        shape = {
            "size": params.text("qty"), "orderType": params.text(type_name) or "market",
            "executePrice": params.text(limit_name),
        }  # fmt: skip
        is_money = side == "BUY" and shape["orderType"] == "market"
        child = read_plan_child(Params(shape), side, "total" if is_money else "amount", market)
        note = Note("strategy", "total" if is_money else "amount", leg=leg, terms=terms)
        requests.append(TriggerRequest(client_oid, px, child, rises(leg, side), balance=rule, note=note))
    return requests


def read_attached(call: Call, params: Params, side: Side, market: Market) -> list[TriggerRequest]:
    """The target and the stop that a v3 entry brings along; none if it has neither. Raises: ApiError."""
    if params.text("takeProfit") is None and params.text("stopLoss") is None:
        return []
    exit_side: Side = "SELL" if side == "BUY" else "BUY"
    # Their size is what the entry will have delivered, so the least one stands in for it here.
    sized = Params({**params.values, "qty": f"{market.instrument.min_qty:f}"})
    return read_legs(call, sized, market, exit_side, "tpsl", call.venue.new_number())


def place_strategy_order(call: Call) -> Json:
    """Arm a strategy order; its legs are one group, of which the first to fire ends the other."""
    params = call.params
    params.choice("category", ("spot",))
    market, side = call.market(params), read_side(params)
    kind = params.choice("type", ("tpsl", "trigger"), "tpsl")
    client_oid = read_client_oid(call, params) or call.venue.new_number()
    first = arm(call, market, read_legs(call, params, market, side, kind, client_oid))[0]
    return {"orderId": str(first.order_id), "clientOid": first.client_id}


def _find(call: Call) -> list[Trigger]:
    params = call.params
    order_id, client_oid = params.text("orderId"), params.text("clientOid")
    if order_id is None and client_oid is None:
        raise missing("orderId")
    trigger = call.venue.trigger(call.uid, "strategy", order_id, client_oid)
    if trigger is None or status_of(trigger.group.members) != "pending":
        raise not_found()
    return trigger.group.members


def modify_strategy_order(call: Call) -> Json:
    """Give a pending strategy order other prices and another size; the legs it has stay the legs it has."""
    members = _find(call)
    params, first = call.params, members[0]
    market, note = call.exchange.markets[first.symbol], note_of(first)
    merged = Params({**note.terms, **params.values, "qty": params.need("qty")})
    kind, side = note.terms["type"], first.request.child.side
    requests = read_legs(call, merged, market, side, kind, first.client_id)
    if [note_of(trigger).leg for trigger in members] != [_leg_of(request) for request in requests]:
        raise wrong("takeProfit")
    try:
        for trigger, request in zip(members, requests, strict=True):
            call.exchange.modify(trigger, request, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
    return {"orderId": str(first.order_id), "clientOid": first.client_id}


def _leg_of(request: TriggerRequest) -> Leg:
    assert isinstance(request.note, Note)
    return request.note.leg


def cancel_strategy_order(call: Call) -> None:
    """Cancel every leg; answers nothing."""
    for trigger in _find(call):
        if trigger.is_armed:
            call.exchange.cancel_trigger(trigger, call.now_ms)


def _listed(call: Call, *, pending: bool) -> list[Json]:
    symbol, params = call.params.text("symbol"), call.params
    rows = [
        row(trigger.group.members)
        for trigger in call.venue.newest_triggers(call.uid, "strategy")
        if trigger is trigger.group.members[0]
        and symbol in {None, trigger.symbol}
        and (status_of(trigger.group.members) in {"pending", "submitting"}) == pending
    ]
    return rows[: params.limit(100, 100)]


def unfilled_strategy_orders(call: Call) -> list[Json]:
    """The strategy orders that are pending, newest first."""
    return _listed(call, pending=True)


def history_strategy_orders(call: Call) -> Json:
    """The strategy orders that are over, newest first."""
    rows = _listed(call, pending=False)
    return {"list": rows, "cursor": rows[-1]["orderId"] if rows else ""}
