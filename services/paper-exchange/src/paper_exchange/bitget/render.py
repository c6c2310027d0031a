"""Orders, fills, plans and balances as v2 prints them in its REST answers (sections 5 to 7)."""

from decimal import Decimal
from typing import Any

from paper_exchange.bitget.notes import Note, note_of
from paper_exchange.bitget.numbers import java_double, long, places, short
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import ZERO, num
from paper_exchange.core.orders import Fill, Order
from paper_exchange.core.trigger import Trigger, TriggerRequest

Json = dict[str, Any]
_STATUSES = {"NEW": "live", "PARTIALLY_FILLED": "partially_filled", "FILLED": "filled"}
_PLAN_STATUSES = {
    "ARMED": "live", "FIRING": "executing", "FIRED": "executed", "FAILED": "fail_execute", "CANCELED": "cancelled",
    "EXPIRED": "cancelled",
}  # fmt: skip
STP_MODES = {
    "none": "NONE",
    "cancel_taker": "EXPIRE_TAKER",
    "cancel_maker": "EXPIRE_MAKER",
    "cancel_both": "EXPIRE_BOTH",
}
_STP_NAMES = {mode: name for name, mode in STP_MODES.items()}


def status_of(status: str) -> str:
    """The status of an order (section 6.8); whatever ends without being filled is `cancelled`."""
    return _STATUSES.get(status, "cancelled")


def plan_status(trigger: Trigger) -> str:
    """The status of a plan (section 7.5)."""
    return _PLAN_STATUSES[trigger.status]


def order_type(order: Order) -> str:
    """`market` or `limit`; post-only is a force, not a type."""
    return "market" if order.type == "MARKET" else "limit"


def force(order: Order) -> str:
    """How long it works."""
    return "post_only" if order.type == "LIMIT_MAKER" else order.request.time_in_force.lower()


def stp_mode(order: Order) -> str:
    """What is done against trading with oneself."""
    return _STP_NAMES[order.request.self_trade_mode]


def size_of(order: Order) -> Decimal:
    """What was asked for: money for a market purchase, base for everything else."""
    return order.request.quote_qty or order.qty


def average(cum_quote: Decimal, cum_qty: Decimal) -> Decimal:
    """The average price, zero before the first fill."""
    return cum_quote / cum_qty if cum_qty else ZERO


def fees_by_coin(fills: list[Fill]) -> dict[str, Decimal]:
    """What was paid in each coin, positive."""
    fees: dict[str, Decimal] = {}
    for fill in fills:
        fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
    return fees


def _fee_detail(order: Order) -> str:
    """JSON inside a text: negative numbers, some with exponents; empty before the first fill."""
    fees = fees_by_coin(order.fills)
    if not fees:
        return ""
    total = java_double(-sum(fees.values(), ZERO))
    new = f'"newFees":{{"c":0,"d":0,"deduction":false,"r":{total},"t":{total},"totalDeductionFee":0}}'
    coins = [
        f'"{coin}":{{"deduction":false,"feeCoinCode":"{coin}","totalDeductionFee":0,"totalFee":{java_double(-fee)}}}'
        for coin, fee in fees.items()
    ]
    return "{" + ",".join([new, *coins]) + "}"


def _cancel_reason(order: Order) -> str:
    return {"CANCELED": "normal_cancel", "EXPIRED_IN_MATCH": "stp_cancel"}.get(order.status, "")


def order_row(order: Order, base: str, quote: str) -> Json:
    """A row of orderInfo."""
    return {
        **history_row(order),
        "baseCoin": base,
        "quoteCoin": quote,
    }


def history_row(order: Order) -> Json:
    """A row of history-orders."""
    return {
        "userId": str(order.uid),
        "symbol": order.symbol,
        "orderId": str(order.order_id),
        "clientOid": order.client_order_id,
        "price": long(order.px),
        "size": long(size_of(order)),
        "orderType": order_type(order),
        "side": order.side.lower(),
        "status": status_of(order.status),
        "priceAvg": long(average(order.cum_quote, order.cum_qty)),
        "baseVolume": places(order.cum_qty, 16),
        "quoteVolume": places(order.cum_quote, 16),
        "enterPointSource": "API",
        "feeDetail": _fee_detail(order),
        "orderSource": "market" if order.type == "MARKET" else "normal",
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
        "tpslType": "normal",
        "cancelReason": _cancel_reason(order),
        "triggerPrice": None,
    }


def unfilled_row(order: Order, exits: tuple[TriggerRequest, ...]) -> Json:
    """A row of unfilled-orders, where `priceAvg` is the limit price and `basePrice` the average (section 6.5)."""
    return {
        "userId": str(order.uid),
        "symbol": order.symbol,
        "orderId": str(order.order_id),
        "clientOid": order.client_order_id,
        "priceAvg": short(order.px),
        "size": short(size_of(order)),
        "orderType": order_type(order),
        "side": order.side.lower(),
        "status": status_of(order.status),
        "force": force(order),
        "basePrice": short(average(order.cum_quote, order.cum_qty)),
        "baseVolume": short(order.cum_qty),
        "quoteVolume": short(order.cum_quote),
        "enterPointSource": "API",
        "orderSource": "market" if order.type == "MARKET" else "normal",
        **_presets(exits),
        "cTime": str(order.created_ms),
        "uTime": str(order.updated_ms),
        "tpslType": "normal",
        "triggerPrice": None,
    }


def _presets(exits: tuple[TriggerRequest, ...]) -> Json:
    row = dict.fromkeys(
        ("presetTakeProfitPrice", "executeTakeProfitPrice", "presetStopLossPrice", "executeStopLossPrice"), ""
    )
    for request in exits:
        name = "TakeProfit" if isinstance(request.note, Note) and request.note.leg == "takeProfit" else "StopLoss"
        row[f"preset{name}Price"] = short(request.px)
        row[f"execute{name}Price"] = short(request.child.px) if request.child.px else ""
    return row


def tpsl_row(trigger: Trigger) -> Json:
    """A pending TP/SL order in unfilled-orders."""
    child = trigger.request.child
    return {
        "userId": str(trigger.uid),
        "symbol": trigger.symbol,
        "orderId": str(trigger.order_id),
        "clientOid": trigger.client_id,
        "priceAvg": short(child.px),
        "size": short(plan_size(trigger)),
        "orderType": "limit" if child.px else "market",
        "side": child.side.lower(),
        "status": plan_status(trigger),
        "basePrice": "0",
        "baseVolume": "0",
        "quoteVolume": "0",
        "enterPointSource": "API",
        "orderSource": "normal" if child.px else "market",
        **_presets(()),
        "cTime": str(trigger.created_ms),
        "uTime": str(trigger.updated_ms),
        "tpslType": "tpsl",
        "triggerPrice": short(trigger.px),
    }


def fill_row(order: Order, fill: Fill) -> Json:
    """A row of fills: the fee is an object, and negative."""
    return {
        "userId": str(order.uid),
        "symbol": order.symbol,
        "orderId": str(order.order_id),
        "tradeId": str(fill.trade_id),
        "orderType": order_type(order),
        "side": order.side.lower(),
        "priceAvg": short(fill.px),
        "size": short(fill.qty),
        "amount": short(fill.quote),
        "feeDetail": {
            "deduction": "no",
            "feeCoin": fill.fee_asset,
            "totalDeductionFee": "",
            "totalFee": short(-fill.fee),
        },
        "tradeScope": "maker" if fill.is_maker else "taker",
        "cTime": str(fill.ts_ms),
        "uTime": str(fill.ts_ms),
    }


def plan_size(trigger: Trigger) -> Decimal:
    """The size in the unit of its planType."""
    child = trigger.request.child
    if note_of(trigger).plan_type == "total":
        return child.quote_qty or child.qty * child.px
    return child.qty


def plan_row(trigger: Trigger) -> Json:
    """A row of current- and history-plan-order; planType is in upper case there (section 7.5)."""
    child, note = trigger.request.child, note_of(trigger)
    return {
        "orderId": str(trigger.order_id),
        "clientOid": trigger.client_id,
        "symbol": trigger.symbol,
        "size": short(plan_size(trigger)),
        "planType": note.plan_type.upper(),
        "executePrice": short(child.px),
        "triggerPrice": short(trigger.px),
        "status": plan_status(trigger),
        "orderType": "limit" if child.px else "market",
        "side": child.side.lower(),
        "triggerType": note.trigger_type,
        "enterPointSource": "API",
        "cTime": str(trigger.created_ms),
        "uTime": str(trigger.updated_ms),
    }


def asset_row(account: Account, coin: str) -> Json:
    """The balance of a coin."""
    balance = account.balance(coin)
    return {
        "coin": coin,
        "available": num(balance.free),
        "frozen": num(balance.locked),
        "locked": num(ZERO),
        "limitAvailable": "0",
        "uTime": str(account.updated_ms),
    }
