"""Core facts to user data events (section 8)."""

from typing import Any

import orjson

from paper_exchange.binance.render import list_id
from paper_exchange.core.events import (
    BalanceAdjusted,
    BalancesChanged,
    Event,
    ListChanged,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderTraded,
    TradePrevented,
)
from paper_exchange.core.money import num

Json = dict[str, Any]
_NONE = "0.00000000"


def owner(event: Event) -> int | None:
    """Whose user data stream this goes to; None for market data."""
    if isinstance(event, OrderEvent):
        return event.order.uid
    if isinstance(event, ListChanged):
        return event.order_list.uid
    if isinstance(event, BalancesChanged | BalanceAdjusted):
        return event.uid
    return None


def kind(event: Event) -> str:
    """The event's `e`."""
    if isinstance(event, OrderEvent):
        return "executionReport"
    if isinstance(event, ListChanged):
        return "listStatus"
    return "outboundAccountPosition" if isinstance(event, BalancesChanged) else "balanceUpdate"


def encode(event: Event) -> bytes:
    """The JSON of one event, without the subscription's envelope."""
    if isinstance(event, OrderEvent):
        return orjson.dumps(execution_report(event))
    if isinstance(event, ListChanged):
        return orjson.dumps(_list_status(event))
    if isinstance(event, BalancesChanged):
        return orjson.dumps(_position(event))
    assert isinstance(event, BalanceAdjusted)
    return orjson.dumps(
        {"e": "balanceUpdate", "E": event.ts_ms, "a": event.asset, "d": num(event.delta), "T": event.ts_ms}
    )


def execution_report(event: OrderEvent) -> Json:
    """One change of one order."""
    order, request = event.order, event.order.request
    fill = event.fill if isinstance(event, OrderTraded) else None
    is_cancel = isinstance(event, OrderCanceled)
    report: Json = {
        "e": "executionReport",
        "E": event.ts_ms,
        "s": order.symbol,
        # A cancel's report carries the cancel's id in `c` and the order's own in `C`.
        "c": event.cancel_id if isinstance(event, OrderCanceled) else order.client_order_id,
        "S": order.side,
        "o": order.type,
        "f": request.time_in_force,
        "q": num(event.qty),
        "p": num(order.px) if order.px else _NONE,
        "P": num(order.stop_px) if order.stop_px else _NONE,
        "F": _NONE,
        "g": list_id(order),
        "C": order.client_order_id if is_cancel else "",
        "x": _execution_type(event),
        "X": event.status,
        "r": "NONE",
        "i": order.order_id,
        "l": num(fill.qty) if fill is not None else _NONE,
        "z": num(event.cum_qty),
        "L": num(fill.px) if fill is not None else _NONE,
        "n": num(fill.fee) if fill is not None else "0",
        "N": fill.fee_asset if fill is not None else None,
        "T": event.ts_ms,
        "t": fill.trade_id if fill is not None else -1,
        "I": event.execution_id,
        # After a fill only a maker's rest is on the book; a taker is still on its way.
        "w": event.is_working and (fill is None or fill.is_maker),
        "m": fill is not None and fill.is_maker,
        "M": fill is not None,
        "O": order.created_ms,
        "Z": num(event.cum_quote),
        "Y": num(fill.quote) if fill is not None else _NONE,
        "Q": num(request.quote_qty) if request.quote_qty else _NONE,
    }
    if event.working_ms != -1:
        report["W"] = event.working_ms
    report["V"] = request.self_trade_mode
    return _with_extras(report, event)


def _execution_type(event: OrderEvent) -> str:
    match event:
        case OrderAccepted():
            return "NEW"
        case OrderTraded():
            return "TRADE"
        case OrderCanceled():
            return "CANCELED"
        case OrderExpired():
            return "EXPIRED"
        case _:
            return "TRADE_PREVENTION"


def _with_extras(report: Json, event: OrderEvent) -> Json:
    request = event.order.request
    if request.strategy_id is not None:
        report["j"] = request.strategy_id
    if request.strategy_type is not None:
        report["J"] = request.strategy_type
    if isinstance(event, OrderExpired):
        report["eR"] = event.reason
    if isinstance(event, TradePrevented):
        report |= {
            "v": event.prevented_match_id,
            "A": num(event.prevented_qty),
            "B": num(event.prevented_qty),
            "u": event.prevented_match_id,
            "U": event.counter_order_id,
            "Cs": event.order.symbol,
            "pl": num(event.prevented_qty),
            "pL": num(event.px),
            "pY": num(event.px * event.prevented_qty),
        }
    return report


def _list_status(event: ListChanged) -> Json:
    found = event.order_list
    return {
        "e": "listStatus",
        "E": event.ts_ms,
        "s": found.symbol,
        "g": found.list_id,
        "c": found.contingency,
        "l": "ALL_DONE" if event.is_done else "EXEC_STARTED",
        "L": "ALL_DONE" if event.is_done else "EXECUTING",
        "r": "NONE",
        "C": found.client_list_id,
        "T": event.ts_ms,
        "O": [{"s": leg.symbol, "i": leg.order_id, "c": leg.client_order_id} for leg in found.legs],
    }


def _position(event: BalancesChanged) -> Json:
    return {
        "e": "outboundAccountPosition",
        "E": event.ts_ms,
        "u": event.ts_ms,
        "B": [{"a": asset, "f": num(free), "l": num(locked)} for asset, free, locked in event.balances],
    }
