"""Rows to facts. A plan order and its child are told as one order, under the client id of the plan."""

from decimal import Decimal
from typing import Any

from bitget_connector.rows import OrderRow, PlanRow, PlanStatus, TradeRow
from common import ids
from common.accounts import AssetBalance, BalanceChanged
from common.connector.amounts import ZERO
from common.exchanges import Exchange
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderSnapshot,
    OrderStatus,
    OrderTriggered,
    OrderType,
)

_PLAN_STATES = {
    PlanStatus.ARMED: OrderStatus.NEW,
    PlanStatus.FIRING: OrderStatus.NEW,
    PlanStatus.FIRED: OrderStatus.NEW,
    PlanStatus.FAILED: OrderStatus.EXPIRED,
    PlanStatus.CANCELED: OrderStatus.CANCELED,
}


def plan_type(name: str | None, kind: str) -> OrderType | None:
    """What kind of exit a plan is: Bitget's plans have no direction, our ids say it; None for a stranger's plan."""
    key = ids.parse(name or "")
    if key is None:
        return None
    if key.leg in {ids.Leg.TAKE_PROFIT, ids.Leg.PRESET_TAKE_PROFIT}:
        return OrderType.TAKE_PROFIT_LIMIT if kind == "limit" else OrderType.TAKE_PROFIT
    if key.leg in {ids.Leg.STOP_LOSS, ids.Leg.PRESET_STOP_LOSS}:
        return OrderType.STOP_LOSS_LIMIT if kind == "limit" else OrderType.STOP_LOSS
    return None


def is_child(row: OrderRow, name: str | None) -> bool:
    """Whether a plan spawned the order: it carries the plan's number, or the name of an exit, which only plans have."""
    return (name is not None and name != row.client_oid) or plan_type(name, row.kind) is not None


def order_type(row: OrderRow, name: str | None) -> OrderType | None:
    """The type of a plain order; of a child the type of the plan it came from."""
    if is_child(row, name):
        return plan_type(name, row.kind)
    if row.post_only:
        return OrderType.LIMIT_MAKER
    return OrderType.LIMIT if row.kind == "limit" else OrderType.MARKET


def order_fields(row: OrderRow, name: str | None, account_id: str, now_ms: int) -> dict[str, Any]:
    """What every fact about an order row says."""
    return {
        "account_id": account_id,
        "exchange": Exchange.BITGET,
        "symbol": row.symbol,
        "client_order_id": name or None,
        "exchange_order_id": row.order_id,
        "side": row.side,
        "order_type": order_type(row, name),
        "status": row.status,
        "qty": row.qty,
        "price": row.price,
        "cum_qty": row.cum_qty,
        "avg_px": row.avg_px if row.cum_qty else None,
        "ts_event_ms": row.event_ms,
        "ts_init_ms": now_ms,
    }


def snapshot(row: OrderRow, name: str | None, account_id: str, now_ms: int) -> OrderSnapshot:
    """An order as the exchange shows it."""
    return OrderSnapshot(**order_fields(row, name, account_id, now_ms))


def plan_fields(row: PlanRow, account_id: str, now_ms: int) -> dict[str, Any]:
    """What every fact about a plan says; it never holds fills, those are its child's."""
    return {
        "account_id": account_id,
        "exchange": Exchange.BITGET,
        "symbol": row.symbol,
        "client_order_id": row.client_oid or None,
        "exchange_order_id": row.plan_id,
        "side": row.side,
        "order_type": plan_type(row.client_oid, row.kind),
        "status": _PLAN_STATES[row.status],
        "qty": row.qty,
        "price": row.price,
        "cum_qty": ZERO,
        "trigger_px": row.trigger_px,
        "ts_event_ms": row.event_ms,
        "ts_init_ms": now_ms,
    }


def plan_snapshot(row: PlanRow, account_id: str, now_ms: int) -> OrderSnapshot:
    """A plan as the exchange shows it, where no child stands in its place."""
    return OrderSnapshot(**plan_fields(row, account_id, now_ms))


def plan_fact(row: PlanRow, account_id: str, now_ms: int) -> OrderFact:
    """What a push says of a plan. That it fired does not mean that anything was filled."""
    fields = plan_fields(row, account_id, now_ms)
    match row.status:
        case PlanStatus.ARMED:
            return OrderAccepted(**fields)
        case PlanStatus.FIRING | PlanStatus.FIRED:
            return OrderTriggered(**fields)
        case PlanStatus.FAILED:
            return OrderExpired(**fields, reason=row.reason)
        case PlanStatus.CANCELED:
            return OrderCanceled(**fields)


def standing(row: OrderRow, name: str | None, account_id: str, now_ms: int) -> OrderFact | None:
    """What a push says of an order's state, apart from its trades; None where the trades say all of it."""
    fields = order_fields(row, name, account_id, now_ms)
    match row.status:
        case OrderStatus.NEW if is_child(row, name):
            return OrderTriggered(**fields)  # A child stands in the book: its plan has fired.
        case OrderStatus.NEW:
            return OrderAccepted(**fields)
        case OrderStatus.CANCELED:
            return OrderCanceled(**fields)
        case OrderStatus.EXPIRED | OrderStatus.REJECTED:
            return OrderSnapshot(**fields)
        case _:
            return None


def trade_fact(
    row: TradeRow, account_id: str, now_ms: int, order: OrderRow | None = None, name: str | None = None
) -> OrderFilled:
    """One trade, with what the order's row beside it knows, if there is one."""
    known: dict[str, Any] = {
        "account_id": account_id,
        "exchange": Exchange.BITGET,
        "symbol": row.symbol,
        "client_order_id": name or None,
        "exchange_order_id": row.order_id,
        "side": row.side,
    }
    if order is not None:
        known = order_fields(order, name, account_id, now_ms)
    return OrderFilled(
        **{
            **known,
            "trade_id": row.trade_id,
            "last_qty": row.qty,
            "last_px": row.px,
            "fee": row.fee if row.fee_asset else Decimal(0),
            "fee_asset": row.fee_asset,
            "ts_event_ms": row.event_ms,
            "ts_init_ms": now_ms,
        }
    )


def balances(rows: tuple[AssetBalance, ...], account_id: str, ts_ms: int, now_ms: int) -> BalanceChanged:
    """Absolute balances of the assets that are told."""
    return BalanceChanged(
        account_id=account_id, exchange=Exchange.BITGET, balances=rows, ts_event_ms=ts_ms, ts_init_ms=now_ms
    )
