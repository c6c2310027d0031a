"""TP/SL orders of v2 (section 6.10): preset on an entry, or placed by themselves with tpslType=tpsl."""

from dataclasses import replace
from decimal import Decimal

from paper_exchange.bitget.call import Call
from paper_exchange.bitget.errors import ApiError, wrong
from paper_exchange.bitget.intake import check_px, read_plan_child, read_side
from paper_exchange.bitget.notes import Leg, Note
from paper_exchange.bitget.params import Params
from paper_exchange.core.market import Market
from paper_exchange.core.orders import OrderRequest, Side
from paper_exchange.core.refusals import Refused
from paper_exchange.core.trigger import BalanceRule, Trigger, TriggerRequest


def rises(leg: Leg, side: Side) -> bool | None:
    """From where the trigger of a leg is reached; None for an order that is neither target nor stop."""
    return None if not leg else (leg == "takeProfit") == (side == "SELL")


def check_side(call: Call, leg: Leg, side: Side, px: Decimal, market: Market) -> None:
    """If such things are refused: a trigger that the price has passed, or stands on. Raises: 43034, 43035."""
    if not call.switches.reject_wrong_side:
        return
    is_up = rises(leg, side)
    if px == market.last or (is_up is not None and (px > market.last) != is_up):
        if is_up is False:
            raise ApiError("43034", "The trigger price should be lower than the current market price")
        raise ApiError("43035", "The trigger price should be higher than the current market price")


def read_presets(call: Call, params: Params, entry: OrderRequest, market: Market) -> list[TriggerRequest]:
    """The target and the stop that an entry brings along. Raises: 40020, 43034, 43035, 45115."""
    named: tuple[tuple[Leg, str], ...] = (("takeProfit", "TakeProfit"), ("stopLoss", "StopLoss"))
    side: Side = "SELL" if entry.side == "BUY" else "BUY"
    exits = []
    for leg, name in named:
        px, execute_px = params.decimal(f"preset{name}Price"), params.decimal(f"execute{name}Price")
        if not px:
            if execute_px:
                raise wrong(f"preset{name}Price")
            continue
        check_px(px, market.instrument)
        check_side(call, leg, side, px, market)
        if execute_px:
            check_px(execute_px, market.instrument)
        child = OrderRequest("", side, "LIMIT" if execute_px else "MARKET", px=execute_px, self_trade_mode="NONE")
        request = TriggerRequest(call.venue.new_number(), px, child, rises(leg, side), note=Note("tpsl", leg=leg))
        exits.append(replace(request, balance=balance_rule(locks=call.switches.tpsl_locks_balance)))
    return exits


def balance_rule(*, locks: bool, checks: bool = False) -> BalanceRule:
    """What arming asks of the balance, as the switches stand."""
    return "LOCK" if locks else "CHECK" if checks else "IGNORE"


def arm_tpsl(call: Call, params: Params, market: Market) -> Trigger:
    """Arm one TP/SL order; it has no name of its owner's choosing. Raises: ApiError."""
    if params.text("clientOid") is not None:
        raise wrong("clientOid")
    side, px = read_side(params), params.need_decimal("triggerPrice")
    check_px(px, market.instrument)
    check_side(call, "", side, px, market)
    is_total = side == "BUY" and params.text("orderType") == "market"
    fields = {**params.values, "executePrice": params.values.get("price")}
    child = read_plan_child(Params(fields), side, "total" if is_total else "amount", market)
    note = Note("tpsl", "total" if is_total else "amount")
    rule = balance_rule(locks=call.switches.tpsl_locks_balance)
    request = TriggerRequest(call.venue.new_number(), px, child, balance=rule, note=note)
    return arm(call, market, [request])[0]


def arm(call: Call, market: Market, requests: list[TriggerRequest]) -> list[Trigger]:
    """Arm one or more triggers as a group. Raises: ApiError."""
    try:
        return call.exchange.arm_group(call.uid, market.instrument.symbol, requests, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
