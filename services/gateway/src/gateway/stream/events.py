"""Facts from the topics to the events of a frontend: pure, in the field names of the spec."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from common import ids
from common.accounts import BalanceAdjusted, BalanceChanged, BalanceFact
from common.codec import to_builtins
from common.orders import FactBase, HoldingShort, ListStatus, OrderFact, OrderRejected, OrderUnknown, type_of
from common.protection import (
    BracketClosed,
    BracketDenied,
    BracketNoted,
    BracketOpened,
    ExitLegView,
    ProtectionFact,
    ProtectionFailed,
    ProtectionNews,
    ProtectionOverdue,
    ProtectionPlaced,
    ProtectionReduced,
    ProtectionRestored,
    StopLatched,
)
from gateway.stream.payloads import (
    AutoOcoPlaced,
    Balance,
    BalanceUpdate,
    ExitLeg,
    ListStatusUpdate,
    OrderUpdate,
    PositionUpdate,
    ProtectionUpdate,
)

Fact = OrderFact | BalanceFact | ProtectionFact

_ROLES: Final = {
    ids.Leg.ENTRY: "ENTRY",
    ids.Leg.TAKE_PROFIT: "TP",
    ids.Leg.STOP_LOSS: "SL",
    ids.Leg.MARKET_EXIT: "EXIT",
    ids.Leg.PRESET_TAKE_PROFIT: "TP",
    ids.Leg.PRESET_STOP_LOSS: "SL",
}


class LiveEvent(NamedTuple):
    """One event for one user's frontends."""

    name: str
    payload: dict[str, Any]


def event(name: str, payload: msgspec.Struct, **beside: Any) -> LiveEvent:
    """An event of this name; `beside` are fields whose names are made at run time."""
    return LiveEvent(name, to_builtins(payload) | beside)


def live_events(fact: Fact) -> list[LiveEvent]:
    """The events a fact causes, in the order in which they are sent."""
    match fact:
        case ListStatus():
            return [event("list_status_update", _list_status(fact))]
        case HoldingShort() | BracketNoted():
            return []  # What the order-engine makes of it is told by its protection fact.
        case FactBase():
            return [event("order_update", _order(fact))]
        case BalanceChanged() | BalanceAdjusted():
            return [event("balance_update", _balance(fact))]
        case ProtectionPlaced():
            targets = {f"{leg.role.lower()}Price": _px(leg) for leg in fact.legs if _is_target(leg)}
            return [event("auto_oco_placed", _auto_oco(fact), **targets), *_protection(fact)]
        case _:
            return _protection(fact)


def _order(fact: FactBase) -> OrderUpdate:
    key = ids.parse(fact.client_order_id) if fact.client_order_id else None
    unknown = isinstance(fact, OrderUnknown)
    return OrderUpdate(
        **_where(fact),
        event=type_of(fact),
        order_status="UNKNOWN" if unknown else fact.status,
        side=fact.side,
        type=fact.order_type,
        quantity=fact.qty,
        price=fact.price,
        stop_price=fact.trigger_px,
        executed_qty=fact.cum_qty,
        avg_price=fact.avg_px,
        last_qty=fact.last_qty,
        last_price=fact.last_px,
        trade_id=fact.trade_id,
        fee=fact.fee,
        fee_asset=fact.fee_asset,
        client_order_id=fact.client_order_id,
        order_id=fact.exchange_order_id,
        order_list_id=fact.exchange_list_id,
        order_role=_ROLES.get(key.leg) if key else None,
        order_group_id=key.bracket_id if key else None,
        category=fact.category if isinstance(fact, OrderRejected) else None,
        code=fact.code if isinstance(fact, OrderRejected | OrderUnknown) else None,
        reason=fact.reason if isinstance(fact, OrderRejected | OrderUnknown) else None,
    )


def _list_status(fact: ListStatus) -> ListStatusUpdate:
    return ListStatusUpdate(
        **_where(fact),
        list_order_status=fact.list_order_status,
        list_status_type=fact.list_status_type,
        contingency_type=fact.contingency_type,
        order_list_id=fact.exchange_list_id,
        list_client_order_id=fact.list_client_order_id,
        orders=fact.legs,
    )


def _balance(fact: BalanceFact) -> BalanceUpdate:
    if isinstance(fact, BalanceAdjusted):
        return BalanceUpdate(**_about(fact), balances=(), asset=fact.asset, delta=fact.delta, reason=fact.reason)
    balances = tuple(
        Balance(asset=each.asset, free=each.free, locked=each.locked, total=each.free + each.locked)
        for each in fact.balances
    )
    return BalanceUpdate(**_about(fact), balances=balances)


def _auto_oco(fact: ProtectionPlaced) -> AutoOcoPlaced:
    take_profit = next((leg for leg in fact.legs if _is_target(leg)), None)
    stop = next((leg for leg in fact.legs if leg.role.startswith("SL")), None)
    return AutoOcoPlaced(
        **_where(fact),
        order_group_id=fact.bracket_id,
        level=fact.level + 1,
        quantity=fact.qty,
        tp_price=_px(take_profit) if take_profit else None,
        sl_price=_px(stop) if stop else None,
        list_client_order_id=fact.list_client_order_id,
        orders=_legs(fact.legs),
    )


def _is_target(leg: ExitLegView) -> bool:
    return leg.role.startswith("TP")


def _px(leg: ExitLegView) -> Decimal | None:
    return leg.trigger_px or leg.price


def _protection(fact: ProtectionNews) -> list[LiveEvent]:
    position = _position(fact)
    update = ProtectionUpdate(**position, **_done(fact), event=type_of(fact), version=fact.version)
    events = [event("protection_update", update)]
    if not isinstance(fact, BracketDenied):
        events.append(event("position_update", PositionUpdate(**position)))
    return events


def _position(fact: ProtectionNews) -> dict[str, Any]:
    return {
        **_where(fact),
        "order_group_id": fact.bracket_id,
        "state": fact.state,
        "quantity": fact.held_qty,
        "protected_qty": fact.protected_qty,
        "guarded_qty": fact.guarded_qty,
        "unprotected_qty": fact.unprotected_qty,
        "dust_qty": fact.dust_qty,
    }


def _done(fact: ProtectionNews) -> dict[str, Any]:
    """What this kind of fact alone says."""
    match fact:
        case BracketOpened():
            return {"intent_id": fact.intent_id, "client_order_id": fact.entry_client_order_id, "plan": fact.plan}
        case BracketDenied():
            return {"intent_id": fact.intent_id, "code": fact.code, "reason": fact.reason}
        case ProtectionPlaced():
            return {**_pair(fact), "exit_qty": fact.qty, "legs": _legs(fact.legs)}
        case ProtectionReduced():
            sold = {"sold_qty": fact.sold_qty, "returned_qty": fact.returned_qty}
            return {**_pair(fact), **sold, "reason": fact.reason}
        case ProtectionFailed():
            why = {"category": fact.category, "code": fact.code, "reason": fact.reason}
            return {**why, "client_order_id": fact.client_order_id, "next_step": fact.next_step}
        case StopLatched():
            return {"exit_qty": fact.qty, "reason": fact.reason}
        case ProtectionOverdue():
            worth = {"notional": fact.notional, "quote_asset": fact.quote_asset}
            return {"unprotected_since": fact.bare_since_ms, **worth}
        case ProtectionRestored():
            return {"unprotected_since": fact.bare_since_ms}
        case BracketClosed():
            entry = {"entry_qty": fact.entry_qty, "entry_avg_price": fact.entry_avg_px}
            exits = {"exit_qty": fact.exit_qty, "exit_avg_price": fact.exit_avg_px}
            return {**entry, **exits, "fees": fact.fees, "realised_pnl": fact.realised_pnl, "reason": fact.reason}


def _pair(fact: ProtectionPlaced | ProtectionReduced) -> dict[str, Any]:
    return {"list_client_order_id": fact.list_client_order_id, "level": fact.level + 1}


def _legs(legs: Sequence[ExitLegView]) -> tuple[ExitLeg, ...]:
    return tuple(
        ExitLeg(
            client_order_id=leg.client_order_id,
            order_role=leg.role,
            type=leg.order_type,
            price=leg.price,
            stop_price=leg.trigger_px,
            residency=leg.residency,
            residency_reason=leg.residency_reason,
        )
        for leg in legs
    )


def _about(fact: Any) -> dict[str, Any]:
    return {"exchange": fact.exchange.value.upper(), "credential_id": fact.account_id, "time": fact.ts_event_ms}


def _where(fact: Any) -> dict[str, Any]:
    return {**_about(fact), "symbol": fact.symbol}
