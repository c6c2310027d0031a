"""Facts from the topics to the events of a frontend: pure, in the field names of the spec."""

from typing import Any, Final, NamedTuple

from common import ids
from common.accounts import BalanceAdjusted, BalanceChanged, BalanceFact
from common.codec import to_builtins
from common.orders import FactBase, HoldingShort, ListStatus, OrderFact, OrderRejected, OrderUnknown, type_of
from common.protection import BracketDenied, ProtectionFact, ProtectionPlaced

EVENTS: Final = (
    "order_update",
    "balance_update",
    "list_status_update",
    "auto_oco_placed",
    "position_update",
    "protection_update",
)
_ROLES: Final = {
    ids.Leg.ENTRY: "ENTRY",
    ids.Leg.TAKE_PROFIT: "TP",
    ids.Leg.STOP_LOSS: "SL",
    ids.Leg.MARKET_EXIT: "EXIT",
}


class LiveEvent(NamedTuple):
    """One event for one user's frontends."""

    name: str
    payload: dict[str, Any]


def live_events(fact: OrderFact | BalanceFact | ProtectionFact) -> list[LiveEvent]:
    """The events a fact causes, in the order in which they are sent."""
    match fact:
        case ListStatus():
            return [LiveEvent("list_status_update", _list_status(fact))]
        case HoldingShort():
            return []  # What the order-engine makes of it is told by its protection fact.
        case FactBase():
            return [LiveEvent("order_update", _order(fact))]
        case BalanceChanged() | BalanceAdjusted():
            return [LiveEvent("balance_update", _balance(fact))]
        case ProtectionPlaced():
            return [LiveEvent("auto_oco_placed", _auto_oco(fact)), *_protection(fact)]
        case _:
            return _protection(fact)


def _order(fact: FactBase) -> dict[str, Any]:
    key = ids.parse(fact.client_order_id) if fact.client_order_id else None
    payload = {
        "event": type_of(fact),
        "orderStatus": fact.status,
        **_where(fact),
        "side": fact.side,
        "type": fact.order_type,
        "quantity": fact.qty,
        "price": fact.price,
        "stopPrice": fact.trigger_px,
        "executedQty": fact.cum_qty,
        "avgPrice": fact.avg_px,
        "lastQty": fact.last_qty,
        "lastPrice": fact.last_px,
        "tradeId": fact.trade_id,
        "fee": fact.fee,
        "feeAsset": fact.fee_asset,
        "clientOrderId": fact.client_order_id,
        "orderId": fact.exchange_order_id,
        "orderListId": fact.exchange_list_id,
        "orderRole": _ROLES.get(key.leg) if key else None,
        "orderGroupId": key.bracket_id if key else None,
        "time": fact.ts_event_ms,
    }
    match fact:
        case OrderRejected():
            return payload | {"category": fact.category, "code": fact.code, "reason": fact.reason}
        case OrderUnknown():
            return payload | {"orderStatus": "UNKNOWN", "code": fact.code, "reason": fact.reason}
        case _:
            return payload


def _list_status(fact: ListStatus) -> dict[str, Any]:
    return {
        **_where(fact),
        "listOrderStatus": fact.list_order_status,
        "listStatusType": fact.list_status_type,
        "contingencyType": fact.contingency_type,
        "orderListId": fact.exchange_list_id,
        "listClientOrderId": fact.list_client_order_id,
        "orders": list(fact.legs),
        "time": fact.ts_event_ms,
    }


def _balance(fact: BalanceFact) -> dict[str, Any]:
    about = {"exchange": fact.exchange.value.upper(), "credentialId": fact.account_id, "time": fact.ts_event_ms}
    if isinstance(fact, BalanceAdjusted):
        return about | {"balances": [], "asset": fact.asset, "delta": fact.delta, "reason": fact.reason}
    return about | {
        "balances": [
            {"asset": each.asset, "free": each.free, "locked": each.locked, "total": each.free + each.locked}
            for each in fact.balances
        ]
    }


def _auto_oco(fact: ProtectionPlaced) -> dict[str, Any]:
    take_profit = next((leg for leg in fact.legs if leg.role.startswith("TP")), None)
    stop = next((leg for leg in fact.legs if leg.role.startswith("SL")), None)
    tp_px = (take_profit.trigger_px or take_profit.price) if take_profit else None
    return {
        **_where(fact),
        "orderGroupId": fact.bracket_id,
        "level": fact.level + 1,
        "quantity": fact.qty,
        "tpPrice": tp_px,
        f"tp{fact.level + 1}Price": tp_px,
        "slPrice": (stop.trigger_px or stop.price) if stop else None,
        "listClientOrderId": fact.list_client_order_id,
        "orders": [to_builtins(leg) for leg in fact.legs],
        "time": fact.ts_event_ms,
    }


def _protection(fact: ProtectionFact) -> list[LiveEvent]:
    # Everything a protection fact says is for its user's eyes; the plan of an opened bracket is theirs too.
    update = to_builtins(fact) | {"event": type_of(fact), **_where(fact), "orderGroupId": fact.bracket_id}
    for name in ("type", "user_id", "account_id", "cause"):
        update.pop(name, None)
    events = [LiveEvent("protection_update", update)]
    if not isinstance(fact, BracketDenied):
        events.append(LiveEvent("position_update", _position(fact)))
    return events


def _position(fact: ProtectionFact) -> dict[str, Any]:
    return {
        **_where(fact),
        "orderGroupId": fact.bracket_id,
        "state": fact.state,
        "quantity": fact.held_qty,
        "protectedQty": fact.protected_qty,
        "guardedQty": fact.guarded_qty,
        "unprotectedQty": fact.unprotected_qty,
        "dustQty": fact.dust_qty,
        "time": fact.ts_event_ms,
    }


def _where(fact: Any) -> dict[str, Any]:
    return {"exchange": fact.exchange.value.upper(), "symbol": fact.symbol, "credentialId": fact.account_id}
