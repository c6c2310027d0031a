"""Unified accounts (UTA): the requests of `/api/v3` and the reading of their answers and pushes.

Sizes are as in v2. Trigger orders are strategy orders of type `trigger`. Fees are positive. Lists are
paged by a cursor. What a strategy order spawned is nowhere documented: `finding.py` finds it among the orders.
"""

from typing import Any

from bitget_connector import unified_frames as frames
from bitget_connector.classic import DAY_MS, PAGE
from bitget_connector.classic_rows import fee_of, kind_of
from bitget_connector.facts import side_of, status_of, time_ms
from bitget_connector.replies import parse
from bitget_connector.rows import ChildRow, OrderRow, Page, PlanRow, PlanStatus, TradeRow
from bitget_connector.wishes import NewOrder, NewPlan
from common.accounts import AssetBalance
from common.codec import plain
from common.connector.amounts import amount, decimal, positive, some
from common.connector.ports import HttpRequest
from common.errors import UnreadableFrame
from common.orders import Side

TRADE = "/api/v3/trade"
_WINDOW_MS = 29 * DAY_MS
"""History windows may span 30 days; a day is left for clocks that differ."""

_STRATEGY_STATUSES = {
    "pending": PlanStatus.ARMED,
    "submitting": PlanStatus.FIRING,
    "success": PlanStatus.FIRED,
    "failed": PlanStatus.FAILED,
    "cancelled": PlanStatus.CANCELED,
    "canceled": PlanStatus.CANCELED,
}


class Unified:
    """The words of v3."""

    kind = "UTA"
    has_children_query = False
    takes_presets = False

    # --- placing and cancelling -------------------------------------------------------------------------------------

    def place(self, order: NewOrder) -> HttpRequest:
        """POST place-order."""
        body = {
            "category": "SPOT",
            "symbol": order.symbol,
            "side": order.side.value.lower(),
            "orderType": order.kind,
            "qty": plain(order.size),
            "price": None if order.price is None else plain(order.price),
            "timeInForce": order.force if order.kind == "limit" else None,
            "clientOid": order.client_oid,
        }
        return _post("place-order", body, order_count=1)

    def place_plan(self, plan: NewPlan) -> HttpRequest:
        """POST place-strategy-order of type `trigger`, by the last price."""
        body = {
            "category": "SPOT",
            "symbol": plan.symbol,
            "side": plan.side.value.lower(),
            "type": "trigger",
            "qty": plain(plan.qty),
            "triggerBy": "market",
            "triggerPrice": plain(plan.trigger_px),
            "triggerOrderType": plan.kind,
            "triggerOrderPrice": None if plan.price is None else plain(plan.price),
            "clientOid": plan.client_oid,
        }
        return _post("place-strategy-order", body, order_count=1)

    def placed(self, data: bytes) -> str:
        """The exchange's id of what was placed. Raises UnreadableFrame."""
        return parse(data, frames.Placed).order_id

    def cancel(self, symbol: str, *, order_id: str | None = None, client_oid: str | None = None) -> HttpRequest:
        """POST cancel-order."""
        return _post("cancel-order", {"category": "SPOT", "orderId": order_id, "clientOid": client_oid})

    def cancel_plan(self, *, plan_id: str | None = None, client_oid: str | None = None) -> HttpRequest:
        """POST cancel-strategy-order."""
        return _post("cancel-strategy-order", {"orderId": plan_id, "clientOid": client_oid})

    def plan_canceled(self, data: bytes) -> bool:
        """Its answer holds nothing: the code of success says all."""
        return True

    def cancel_plans(self, symbol: str) -> HttpRequest | None:
        """There is no such request: they are cancelled one by one."""
        return None

    def cancel_symbol(self, symbol: str) -> HttpRequest:
        """POST cancel-symbol-order."""
        return _post("cancel-symbol-order", {"category": "SPOT", "symbol": symbol})

    # --- orders -----------------------------------------------------------------------------------------------------

    def order(self, *, order_id: str | None = None, client_oid: str | None = None) -> HttpRequest:
        """GET order-info."""
        target = ("orderId", order_id) if order_id is not None else ("clientOid", client_oid or "")
        return _get("order-info", (target,))

    def read_order(self, data: bytes) -> OrderRow | None:
        """The order, an object here; None where nothing was found. Raises UnreadableFrame."""
        return None if data in (b"null", b"{}", b"[]") else _order(parse(data, frames.Order))

    def open_orders(self, symbol: str | None, older: str | None = None) -> HttpRequest:
        """GET unfilled-orders."""
        return _get("unfilled-orders", _page(symbol, older))

    def history(self, symbol: str | None, now_ms: int, older: str | None = None) -> HttpRequest:
        """GET history-orders."""
        return _get("history-orders", (*_page(symbol, older), *_window(now_ms)))

    def read_orders(self, data: bytes) -> Page[OrderRow]:
        """A page of orders. Raises UnreadableFrame."""
        if data in (b"null", b"[]"):
            return Page(())
        body = parse(data, frames.Orders)
        rows = tuple(_order(row) for row in body.list or ())
        return Page(rows, (body.cursor or None) if len(rows) >= PAGE else None)

    # --- strategy orders --------------------------------------------------------------------------------------------

    def open_plans(self, symbol: str | None, older: str | None = None) -> HttpRequest:
        """GET unfilled-strategy-orders."""
        return _get("unfilled-strategy-orders", _page(symbol, older))

    def plan_history(self, symbol: str | None, now_ms: int, older: str | None = None) -> HttpRequest:
        """GET history-strategy-orders."""
        return _get("history-strategy-orders", (*_page(symbol, older), *_window(now_ms)))

    def read_plans(self, data: bytes) -> Page[PlanRow]:
        """A page: of what waits a bare list, of history a list with a cursor. Raises UnreadableFrame."""
        if data == b"null":
            return Page(())
        if data.startswith(b"["):
            return Page(tuple(_plan(row) for row in parse(data, list[frames.Strategy])))
        body = parse(data, frames.Strategies)
        rows = tuple(_plan(row) for row in body.list or ())
        return Page(rows, (body.cursor or None) if len(rows) >= PAGE else None)

    def presets(self, symbol: str | None, older: str | None = None) -> HttpRequest:
        """Not asked here: see `takes_presets`."""
        raise AssertionError("presets are not used in unified accounts")

    def preset_history(self, symbol: str | None, now_ms: int, older: str | None = None) -> HttpRequest:
        """Not asked here."""
        raise AssertionError("presets are not used in unified accounts")

    def read_presets(self, data: bytes) -> Page[PlanRow]:
        """Not asked here."""
        return Page(())

    def cancel_preset(self, order_id: str) -> HttpRequest:
        """Not asked here."""
        raise AssertionError("presets are not used in unified accounts")

    def children(self, plan_id: str) -> HttpRequest:
        """Not asked here: see `has_children_query`."""
        raise AssertionError("v3 has no question for the children of a strategy order")

    def read_children(self, data: bytes) -> tuple[ChildRow, ...]:
        """Not asked here."""
        return ()

    # --- trades, balances, the account ------------------------------------------------------------------------------

    def trades(
        self, symbol: str, *, since_ms: int | None, order_id: str | None, older: str | None = None
    ) -> HttpRequest:
        """GET fills."""
        params = list(_page(symbol, older))
        if order_id is not None:
            params.append(("orderId", order_id))
        elif since_ms is not None:
            params.append(("startTime", str(since_ms)))
        return _get("fills", tuple(params))

    def read_trades(self, data: bytes) -> Page[TradeRow]:
        """A page of trades. Raises UnreadableFrame."""
        if data in (b"null", b"[]"):
            return Page(())
        body = parse(data, frames.Fills)
        rows = tuple(_trade(row) for row in body.list or ())
        return Page(rows, (body.cursor or None) if len(rows) >= PAGE else None)

    def balances(self) -> HttpRequest:
        """GET account assets."""
        return HttpRequest(method="GET", path="/api/v3/account/assets", signed=True, read=True, bucket="account/assets")

    def read_balances(self, data: bytes) -> tuple[AssetBalance, ...]:
        """Absolute balances. Raises UnreadableFrame."""
        return tuple(_balance(coin) for coin in parse(data, frames.Assets).assets)

    def account(self) -> HttpRequest:
        """v3 does not say what a key may do: that it may read is all that can be asked."""
        return self.balances()

    # --- pushes -----------------------------------------------------------------------------------------------------

    def subscriptions(self) -> list[dict[str, str]]:
        """The private topics."""
        return [{"instType": "UTA", "topic": topic} for topic in ("order", "strategy-order", "fill", "account")]

    def pushed_orders(self, rows: bytes) -> tuple[tuple[OrderRow, TradeRow | None], ...]:
        """Rows of `order`; they tell totals only, the trades come on `fill`. Raises UnreadableFrame."""
        return tuple((_order(row), None) for row in parse(rows, list[frames.Order]) if _is_spot(row.category))

    def pushed_plans(self, rows: bytes) -> tuple[PlanRow, ...]:
        """Rows of `strategy-order`. Raises UnreadableFrame."""
        return tuple(_plan(row) for row in parse(rows, list[frames.Strategy]) if _is_spot(row.category))

    def pushed_trades(self, rows: bytes) -> tuple[TradeRow, ...]:
        """Rows of `fill`. Raises UnreadableFrame."""
        return tuple(_trade(row) for row in parse(rows, list[frames.Fill]) if _is_spot(row.category))

    def pushed_balances(self, rows: bytes) -> tuple[AssetBalance, ...]:
        """Rows of `account`. Raises UnreadableFrame."""
        return tuple(_balance(coin) for row in parse(rows, list[frames.Assets]) for coin in (*row.assets, *row.coin))


def _is_spot(category: str | None) -> bool:
    """A unified account pushes its futures on the same topics."""
    return category is None or category.lower() == "spot"


def _get(path: str, params: tuple[tuple[str, str], ...]) -> HttpRequest:
    return HttpRequest(method="GET", path=f"{TRADE}/{path}", params=params, signed=True, read=True, bucket=f"v3/{path}")


def _post(path: str, body: dict[str, Any], *, order_count: int = 0) -> HttpRequest:
    said = {name: value for name, value in body.items() if value is not None}
    return HttpRequest(
        method="POST", path=f"{TRADE}/{path}", body=said, signed=True, bucket=f"v3/{path}", order_count=order_count
    )


def _page(symbol: str | None, cursor: str | None) -> tuple[tuple[str, str], ...]:
    params = [("category", "SPOT")]
    if symbol is not None:
        params.append(("symbol", symbol))
    params.append(("limit", str(PAGE)))
    if cursor is not None:
        params.append(("cursor", cursor))
    return tuple(params)


def _window(now_ms: int) -> tuple[tuple[str, str], ...]:
    return (("startTime", str(max(now_ms - _WINDOW_MS, 0))), ("endTime", str(now_ms + DAY_MS)))


def _order(row: frames.Order) -> OrderRow:
    side, kind = side_of(row.side), kind_of(row.order_type)
    event_ms = time_ms(row.updated_time or row.created_time, "updatedTime")
    return OrderRow(
        order_id=row.order_id,
        client_oid=row.client_oid or "",
        symbol=row.symbol,
        side=side,
        kind=kind,
        post_only=(row.time_in_force or "").lower() == "post_only",
        status=status_of(row.order_status),
        price=some(row.price, "price") if kind == "limit" else None,
        qty=None if kind == "market" and side is Side.BUY else some(row.qty, "qty"),
        cum_qty=amount(row.cum_exec_qty, "cumExecQty"),
        avg_px=some(row.avg_price, "avgPrice"),
        event_ms=event_ms,
        created_ms=time_ms(row.created_time, "createdTime") if row.created_time else event_ms,
    )


def _plan(row: frames.Strategy) -> PlanRow:
    status = _STRATEGY_STATUSES.get(row.status.lower())
    if status is None:
        raise UnreadableFrame(f"status: {row.status!r} of a strategy order is not documented")
    waits, kind, price = _terms(row)
    event_ms = time_ms(row.updated_time or row.created_time, "updatedTime")
    return PlanRow(
        plan_id=row.order_id,
        client_oid=row.client_oid or "",
        symbol=row.symbol,
        side=side_of(row.side),
        kind=kind,
        trigger_px=some(waits, "triggerPrice"),
        price=some(price, "price") if kind == "limit" else None,
        qty=some(row.qty, "qty"),
        status=status,
        reason=row.status,
        event_ms=event_ms,
        created_ms=time_ms(row.created_time, "createdTime") if row.created_time else event_ms,
    )


def _terms(row: frames.Strategy) -> tuple[Any, str, Any]:
    """(trigger price, kind of child, its price). A tpsl waits for two prices; until one fired it has no single one."""
    if row.type != "tpsl":
        return row.trigger_price, row.trigger_order_type or "market", row.trigger_order_price
    if row.trigger_type == "stopLoss" or not row.take_profit:
        return row.stop_loss, row.sl_order_type or "market", row.sl_limit_price
    if row.trigger_type == "takeProfit" or not row.stop_loss:
        return row.take_profit, row.tp_order_type or "market", row.tp_limit_price
    return None, "market", None


def _trade(row: frames.Fill) -> TradeRow:
    fee, coin = fee_of(row.fee_detail, lambda detail: detail.fee if detail.fee is not None else detail.total_fee)
    return TradeRow(
        trade_id=row.exec_id,
        order_id=row.order_id,
        symbol=row.symbol,
        side=side_of(row.side),
        px=positive(row.exec_price, "execPrice"),
        qty=positive(row.exec_qty, "execQty"),
        fee=fee,
        fee_asset=coin,
        event_ms=time_ms(row.exec_time or row.created_time or row.updated_time, "execTime"),
    )


def _balance(coin: frames.Coin) -> AssetBalance:
    return AssetBalance(
        asset=coin.coin, free=decimal(coin.available, "available"), locked=decimal(coin.locked, "locked")
    )
