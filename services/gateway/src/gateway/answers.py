"""The shapes of answers: `{"status": "Success", "data": ...}`, decimals as strings, names as the spec spells them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import orjson
from fastapi import Response

from common.codec import plain
from common.exchanges import CAPABILITIES, Exchange, ExitStyle, Residency
from common.exits import ExitPlan, ExitSlices
from common.orders import OrderSnapshot, OrderStatus
from common.protection import ExitLegView
from gateway.ports import Account, OrderView
from gateway.trading.progress import Progress

SUCCESS: Final = "Success"
_CENTS: Final = Decimal("0.00000001")


def success(data: Any, **beside: Any) -> bytes:
    """The body of a success; `beside` are fields next to `data`."""
    return orjson.dumps({"status": SUCCESS, "data": data, **beside}, default=_default)


def json_response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON body as an answer."""
    return Response(body, status, headers=dict(headers or {}), media_type="application/json")


def number(value: Decimal | None) -> Any:
    """A decimal as a JSON number with its exact digits, for the few fields the spec shows as numbers."""
    if value is None:
        return None
    rounded = value.quantize(_CENTS, rounding=ROUND_HALF_EVEN) if value.is_finite() else value
    return orjson.Fragment(plain(rounded))


def _default(value: object) -> Any:
    if isinstance(value, Decimal):
        return plain(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def account_shown(account: Account) -> dict[str, Any]:
    """Stored credentials as their owner sees them: a hint of the key, and no secret."""
    return {
        "id": account.account_id,
        "exchange": account.exchange.value.upper(),
        "label": account.label,
        "apiKeyHint": account.api_key_hint,
        "accountKind": account.account_kind,
        "activeTrading": account.state == "active",
        "isDefault": account.is_default,
        "keyVersion": account.key_version,
        "createdAt": account.created_ms,
        "updatedAt": account.ts_init_ms,
    }


def placed_order(asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """An order as its request is answered: what was asked, and what the exchange says of it."""
    return {
        "orderId": progress.exchange_order_id,
        **asked,
        "status": progress.status or OrderStatus.NEW,
        "executedQty": progress.executed_qty,
        "avgPrice": progress.avg_px,
    }


def plan_shown(plan: ExitPlan, exits: ExitSlices, exchange: Exchange) -> dict[str, Any]:
    """The exits a full fill will call for; fewer slices than levels means that small ones were merged."""
    known = CAPABILITIES[exchange]
    style = plan.style or known.exit_style
    held = style is ExitStyle.HELD_STOP
    return {
        "exitStyle": style,
        "tpType": plan.take_profit_type,
        "stopType": plan.stop_loss_type,
        "tpResidency": Residency.EXCHANGE,
        "stopResidency": Residency.ENGINE if held else Residency.EXCHANGE,
        "residencyReason": known.why_engine_held if held else "waits on the exchange",
        "merged": len(exits.slices) < len(plan.levels),
        "expectedDust": exits.dust,
        "exits": [
            {
                "level": each.level + 1,
                "quantity": each.qty,
                "tpPrice": each.take_profit_trigger_px or each.take_profit_px,
                "tpLimitPrice": each.take_profit_px if each.take_profit_trigger_px else None,
                "slPrice": each.stop_loss_px,
                "slLimitPrice": each.stop_limit_px,
            }
            for each in exits.slices
        ],
    }


def leg_shown(leg: ExitLegView) -> dict[str, Any]:
    """One confirmed exit leg."""
    return {
        "clientOrderId": leg.client_order_id,
        "orderRole": leg.role,
        "type": leg.order_type,
        "price": leg.price,
        "stopPrice": leg.trigger_px,
        "residency": leg.residency,
        "residencyReason": leg.residency_reason,
    }


def open_order_shown(order: OrderSnapshot, ours: OrderView | None) -> dict[str, Any]:
    """An order that rests on the exchange, with its part in a bracket when it is one of ours."""
    return {
        "orderId": order.exchange_order_id,
        "clientOrderId": order.client_order_id,
        "orderListId": order.exchange_list_id,
        "exchange": order.exchange.value.upper(),
        "symbol": order.symbol,
        "side": order.side,
        "type": order.order_type,
        "status": order.status,
        "price": order.price,
        "stopPrice": order.trigger_px,
        "origQty": order.qty,
        "quantity": order.qty,
        "executedQty": order.cum_qty,
        "time": order.ts_event_ms,
        "orderRole": ours.order_role if ours else None,
        "pair": ours.pair if ours else None,
        "orderGroupId": ours.order_group_id if ours else None,
        "residency": ours.residency if ours else Residency.EXCHANGE,
        "residencyReason": ours.residency_reason if ours else "Placed outside this system.",
    }


def held_order_shown(order: OrderView) -> dict[str, Any]:
    """An exit that the engine holds: no exchange knows of it, so it has no order id."""
    return {
        "orderId": None,
        "clientOrderId": order.client_order_id,
        "orderListId": None,
        "exchange": order.exchange.upper(),
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "status": order.status,
        "price": order.price,
        "stopPrice": order.trigger_price,
        "origQty": order.quantity,
        "quantity": order.quantity,
        "executedQty": order.executed_qty,
        "time": int(order.created_at.timestamp() * 1000),
        "orderRole": order.order_role,
        "pair": order.pair,
        "orderGroupId": order.order_group_id,
        "residency": order.residency,
        "residencyReason": order.residency_reason,
    }


def order_shown(order: OrderView) -> dict[str, Any]:
    """An order of the ledger."""
    return {
        "id": order.id,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "exchange": order.exchange.upper(),
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "quantity": order.quantity,
        "price": order.price,
        "stopPrice": order.trigger_price,
        "status": order.status,
        "executedQty": order.executed_qty,
        "avgPrice": order.avg_price,
        "orderRole": order.order_role,
        "pair": order.pair,
        "orderGroupId": order.order_group_id,
        "parentOrderId": order.parent_order_id,
        "tpLevels": order.tp_levels,
        "slPrice": order.sl_price,
        "residency": order.residency,
        "residencyReason": order.residency_reason,
        "fees": order.fees,
        "filledTimestamp": order.filled_timestamp,
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
    }
