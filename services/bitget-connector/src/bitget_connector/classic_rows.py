"""Rows of Classic accounts, over REST and pushed, in the shape both families share: here v2's field names end."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from bitget_connector import classic_frames as frames
from bitget_connector.facts import charged, side_of, status_of, time_ms
from bitget_connector.rows import OrderRow, PlanRow, PlanStatus, TradeRow
from common.accounts import AssetBalance
from common.connector.amounts import amount, decimal, positive, some
from common.errors import UnreadableFrame
from common.orders import Side

_PLAN_STATUSES = {
    "live": PlanStatus.ARMED,
    "not_trigger": PlanStatus.ARMED,
    "executing": PlanStatus.FIRING,
    "executed": PlanStatus.FIRED,
    "fail_execute": PlanStatus.FAILED,
    "cancelled": PlanStatus.CANCELED,
    "canceled": PlanStatus.CANCELED,
}
# Which words TP/SL orders have is not documented: those of plans, or those of orders.
_TPSL_STATUSES = _PLAN_STATUSES | {
    "new": PlanStatus.ARMED,
    "init": PlanStatus.ARMED,
    "partially_filled": PlanStatus.FIRED,
    "filled": PlanStatus.FIRED,
    "reject": PlanStatus.FAILED,
}


def kind_of(word: str) -> str:
    """limit or market. Raises UnreadableFrame for anything else."""
    if word.lower() not in {"limit", "market"}:
        raise UnreadableFrame(f"orderType: {word!r} is not documented")
    return word.lower()


def order(row: frames.Order) -> OrderRow:
    """An order, over REST. Raises UnreadableFrame."""
    side, kind = side_of(row.side), kind_of(row.order_type)
    listed = row.base_price is not msgspec.UNSET
    price = row.price_avg if listed else row.price
    mean = row.base_price if isinstance(row.base_price, str | int) else None if listed else row.price_avg
    event_ms = time_ms(row.u_time or row.c_time, "uTime")
    return OrderRow(
        order_id=row.order_id,
        client_oid=row.client_oid or "",
        symbol=row.symbol,
        side=side,
        kind=kind,
        post_only=(row.force or "").lower() == "post_only",
        status=status_of(row.status),
        price=some(price, "price") if kind == "limit" else None,
        qty=None if kind == "market" and side is Side.BUY else some(row.size, "size"),
        cum_qty=amount(row.base_volume, "baseVolume"),
        avg_px=some(mean, "priceAvg"),
        event_ms=event_ms,
        created_ms=time_ms(row.c_time, "cTime") if row.c_time else event_ms,
    )


def tpsl(row: frames.TpslOrder) -> PlanRow:
    """A TP/SL order, which an entry brought along or somebody placed by itself. Raises UnreadableFrame."""
    status = _TPSL_STATUSES.get(row.status.lower())
    if status is None:
        raise UnreadableFrame(f"status: {row.status!r} of a TP/SL order is not documented")
    kind = kind_of(row.order_type)
    event_ms = time_ms(row.u_time or row.c_time, "uTime")
    return PlanRow(
        plan_id=row.order_id,
        client_oid=row.client_oid or "",
        symbol=row.symbol,
        side=side_of(row.side),
        kind=kind,
        trigger_px=some(row.trigger_price, "triggerPrice"),
        price=some(row.price_avg, "priceAvg") if kind == "limit" else None,
        qty=some(row.size, "size"),
        status=status,
        reason=row.status,
        event_ms=event_ms,
        created_ms=time_ms(row.c_time, "cTime") if row.c_time else event_ms,
    )


def _plan_fields(row: frames.Plan | frames.WsPlan, symbol: str) -> PlanRow:
    status = _PLAN_STATUSES.get(row.status.lower())
    if status is None:
        raise UnreadableFrame(f"status: {row.status!r} of a plan is not documented")
    kind = kind_of(row.order_type)
    in_base = (row.plan_type or "amount").lower() == "amount"
    event_ms = time_ms(row.u_time or row.c_time, "uTime")
    return PlanRow(
        plan_id=row.order_id,
        client_oid=row.client_oid or "",
        symbol=symbol,
        side=side_of(row.side),
        kind=kind,
        trigger_px=some(row.trigger_price, "triggerPrice"),
        price=some(row.execute_price, "executePrice") if kind == "limit" else None,
        qty=some(row.size, "size") if in_base else None,
        status=status,
        reason=row.status,
        event_ms=event_ms,
        created_ms=time_ms(row.c_time, "cTime") if row.c_time else event_ms,
    )


def plan(row: frames.Plan) -> PlanRow:
    """A plan order, over REST. Raises UnreadableFrame."""
    return _plan_fields(row, row.symbol)


def pushed_plan(row: frames.WsPlan) -> PlanRow:
    """A row of `orders-algo`. Raises UnreadableFrame."""
    return _plan_fields(row, row.inst_id)


def trade(row: frames.Fill) -> TradeRow:
    """A trade, over REST or on `fill`. Raises UnreadableFrame."""
    fee, coin = fee_of(row.fee_detail, lambda detail: detail.total_fee)
    return TradeRow(
        trade_id=row.trade_id,
        order_id=row.order_id,
        symbol=row.symbol,
        side=side_of(row.side),
        px=positive(row.price_avg, "priceAvg"),
        qty=positive(row.size, "size"),
        fee=fee,
        fee_asset=coin,
        event_ms=time_ms(row.c_time or row.u_time, "cTime"),
    )


def fee_of(
    detail: frames.FeeDetail | list[frames.FeeDetail] | str | None, value: Callable[[frames.FeeDetail], Any]
) -> tuple[Decimal, str | None]:
    """A fee and its asset, whatever its sign and shape. Of several the largest counts, the others are coupons."""
    details = detail if isinstance(detail, list) else [detail] if isinstance(detail, frames.FeeDetail) else []
    fees = [(charged(value(each), "fee"), each.fee_coin) for each in details]
    return max(fees, key=lambda each: each[0], default=(Decimal(0), None))


def balance(row: frames.Asset) -> AssetBalance:
    """One coin, over REST or on `account`. Raises UnreadableFrame."""
    locked = decimal(row.frozen, "frozen") + decimal(row.locked, "locked")
    return AssetBalance(asset=row.coin, free=decimal(row.available, "available"), locked=locked)


def pushed_order(row: frames.WsOrder) -> OrderRow:
    """A row of `orders`. Raises UnreadableFrame."""
    side, kind = side_of(row.side), kind_of(row.order_type)
    event_ms = time_ms(row.u_time or row.c_time, "uTime")
    return OrderRow(
        order_id=row.order_id,
        client_oid=row.client_oid or "",
        symbol=row.inst_id,
        side=side,
        kind=kind,
        post_only=(row.force or "").lower() == "post_only",
        status=status_of(row.status),
        price=some(row.price, "price") if kind == "limit" else None,
        # Of a buy `newSize` has been money and base by turns; a sale's is base.
        qty=None if side is Side.BUY else some(row.new_size, "newSize"),
        cum_qty=amount(row.acc_base_volume, "accBaseVolume"),
        avg_px=some(row.price_avg, "priceAvg"),
        event_ms=event_ms,
        created_ms=time_ms(row.c_time, "cTime") if row.c_time else event_ms,
    )


def pushed_trade(row: frames.WsOrder) -> TradeRow | None:
    """Zero volume is no trade, even where a trade id is named."""
    qty = some(row.base_volume, "baseVolume")
    if qty is None or not row.trade_id:
        return None
    return TradeRow(
        trade_id=row.trade_id,
        order_id=row.order_id,
        symbol=row.inst_id,
        side=side_of(row.side),
        px=positive(row.fill_price, "fillPrice"),
        qty=qty,
        fee=charged(row.fill_fee, "fillFee"),
        fee_asset=row.fill_fee_coin,
        event_ms=time_ms(row.fill_time or row.u_time, "fillTime"),
    )
