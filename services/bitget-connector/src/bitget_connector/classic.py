"""Classic accounts: the requests of `/api/v2/spot` and the reading of their answers and pushes.

A market buy is sized in quote asset, everything else in base. Rows come newest first; `idLessThan` asks for older.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from bitget_connector import classic_frames as frames
from bitget_connector import classic_rows as told
from bitget_connector.replies import parse
from bitget_connector.rows import ChildRow, OrderRow, Page, PlanRow, TradeRow
from bitget_connector.wishes import NewOrder, NewPlan
from common.accounts import AssetBalance
from common.codec import plain
from common.commands import Preset
from common.connector.ports import HttpRequest

T = TypeVar("T")
PAGE = 100
SPOT = "/api/v2/spot"
DAY_MS = 86_400_000
_HISTORY_MS = 89 * DAY_MS
"""History windows may span 90 days; a day is left for clocks that differ."""


class Classic:
    """The words of v2."""

    kind = "CLASSIC"
    has_children_query = True
    takes_presets = True

    # --- placing and cancelling -------------------------------------------------------------------------------------

    def place(self, order: NewOrder) -> HttpRequest:
        """POST place-order."""
        body = {
            "symbol": order.symbol,
            "side": order.side.value.lower(),
            "orderType": order.kind,
            "force": order.force,
            "price": None if order.price is None else plain(order.price),
            "size": plain(order.size),
            "clientOid": order.client_oid,
            **_presets(order.preset),
        }
        return _post("trade/place-order", body, order_count=1)

    def place_plan(self, plan: NewPlan) -> HttpRequest:
        """POST place-plan-order: it waits for the last trade's price and then spawns its child."""
        body = {
            "symbol": plan.symbol,
            "side": plan.side.value.lower(),
            "triggerPrice": plain(plan.trigger_px),
            "orderType": plan.kind,
            "executePrice": None if plan.price is None else plain(plan.price),
            "planType": "amount",
            "size": plain(plan.qty),
            "triggerType": "fill_price",
            "clientOid": plan.client_oid,
        }
        return _post("trade/place-plan-order", body, order_count=1)

    def placed(self, data: bytes) -> str:
        """The exchange's id of what was placed. Raises UnreadableFrame."""
        return parse(data, frames.Placed).order_id

    def cancel(self, symbol: str, *, order_id: str | None = None, client_oid: str | None = None) -> HttpRequest:
        """POST cancel-order; its answer is an acceptance, not the end of the order."""
        return _post("trade/cancel-order", {"symbol": symbol, "orderId": order_id, "clientOid": client_oid})

    def cancel_plan(self, *, plan_id: str | None = None, client_oid: str | None = None) -> HttpRequest:
        """POST cancel-plan-order."""
        return _post("trade/cancel-plan-order", {"orderId": plan_id, "clientOid": client_oid})

    def plan_canceled(self, data: bytes) -> bool:
        """Whether it was; `failure` stands under the code of success. Raises UnreadableFrame."""
        return parse(data, frames.PlanCanceled).result.lower() == "success"

    def cancel_plans(self, symbol: str) -> HttpRequest | None:
        """POST batch-cancel-plan-order. The list is never left out: without it all plans of the account would end."""
        return _post("trade/batch-cancel-plan-order", {"symbolList": [symbol]})

    def cancel_symbol(self, symbol: str) -> HttpRequest:
        """POST cancel-symbol-order: begins to cancel all plain orders of the symbol."""
        return _post("trade/cancel-symbol-order", {"symbol": symbol})

    # --- orders -----------------------------------------------------------------------------------------------------

    def order(self, *, order_id: str | None = None, client_oid: str | None = None) -> HttpRequest:
        """GET orderInfo; by client id it finds orders of about the last two hours only."""
        target = ("orderId", order_id) if order_id is not None else ("clientOid", client_oid or "")
        return _get("trade/orderInfo", (target,))

    def read_order(self, data: bytes) -> OrderRow | None:
        """The order; None for an empty list, which is how an unknown id is said. Raises UnreadableFrame."""
        rows = _rows(data, frames.Order)
        return told.order(rows[0]) if rows else None

    def open_orders(self, symbol: str | None, older: str | None = None) -> HttpRequest:
        """GET unfilled-orders: children of plans are among them, waiting plans are not."""
        return _get("trade/unfilled-orders", _page(symbol, older))

    def history(self, symbol: str | None, now_ms: int, older: str | None = None) -> HttpRequest:
        """GET history-orders."""
        return _get("trade/history-orders", (*_page(symbol, older), *_window(now_ms)))

    def read_orders(self, data: bytes) -> Page[OrderRow]:
        """A page of orders. Raises UnreadableFrame."""
        rows = tuple(told.order(row) for row in _rows(data, frames.Order))
        return Page(rows, min((row.order_id for row in rows), key=_number) if len(rows) >= PAGE else None)

    # --- plans ------------------------------------------------------------------------------------------------------

    def open_plans(self, symbol: str | None, older: str | None = None) -> HttpRequest:
        """GET current-plan-order."""
        return _get("trade/current-plan-order", _page(symbol, older))

    def plan_history(self, symbol: str | None, now_ms: int, older: str | None = None) -> HttpRequest:
        """GET history-plan-order."""
        return _get("trade/history-plan-order", (*_page(symbol, older), *_window(now_ms)))

    def read_plans(self, data: bytes) -> Page[PlanRow]:
        """A page of plan orders. Raises UnreadableFrame."""
        if data in (b"null", b"[]"):
            return Page(())
        body = parse(data, frames.Plans)
        rows = tuple(told.plan(row) for row in body.order_list or ())
        if not (body.next_flag and rows):
            return Page(rows)
        return Page(rows, body.id_less_than or min((row.plan_id for row in rows), key=_number))

    def presets(self, symbol: str | None, older: str | None = None) -> HttpRequest:
        """GET unfilled-orders of TP/SL orders, which no other list shows."""
        return _get("trade/unfilled-orders", (*_page(symbol, older), _TPSL))

    def preset_history(self, symbol: str | None, now_ms: int, older: str | None = None) -> HttpRequest:
        """GET history-orders of TP/SL orders."""
        return _get("trade/history-orders", (*_page(symbol, older), *_window(now_ms), _TPSL))

    def read_presets(self, data: bytes) -> Page[PlanRow]:
        """A page of TP/SL orders, without plain ones should the server not tell them apart. Raises UnreadableFrame."""
        listed = _rows(data, frames.TpslOrder)
        rows = tuple(told.tpsl(row) for row in listed if row.tpsl_type in {None, "tpsl"})
        return Page(rows, min((row.order_id for row in listed), key=_number) if len(listed) >= PAGE else None)

    def cancel_preset(self, order_id: str) -> HttpRequest:
        """POST cancel-order of a TP/SL order: by the exchange's id alone."""
        return _post("trade/cancel-order", {"orderId": order_id, "tpslType": "tpsl"})

    def children(self, plan_id: str) -> HttpRequest:
        """GET plan-sub-order: what a plan spawned."""
        return _get("trade/plan-sub-order", (("planOrderId", plan_id),))

    def read_children(self, data: bytes) -> tuple[ChildRow, ...]:
        """The children of a plan. Raises UnreadableFrame."""
        return tuple(
            ChildRow(order_id=row.order_id, failed=row.status.lower() == "fail") for row in _rows(data, frames.Child)
        )

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
        return _get("trade/fills", tuple(params))

    def read_trades(self, data: bytes) -> Page[TradeRow]:
        """A page of trades. Raises UnreadableFrame."""
        rows = tuple(told.trade(row) for row in _rows(data, frames.Fill))
        return Page(rows, min((row.trade_id for row in rows), key=_number) if len(rows) >= PAGE else None)

    def balances(self) -> HttpRequest:
        """GET assets, all of them: what was sold while nobody listened must be told as zero, not left out."""
        return _get("account/assets", (("assetType", "all"),))

    def read_balances(self, data: bytes) -> tuple[AssetBalance, ...]:
        """Absolute balances. Raises UnreadableFrame."""
        return tuple(told.balance(row) for row in _rows(data, frames.Asset))

    def account(self) -> HttpRequest:
        """GET account info: what the key may do. One request a second."""
        return _get("account/info", ())

    # --- pushes -----------------------------------------------------------------------------------------------------

    def subscriptions(self) -> list[dict[str, str]]:
        """The private channels."""
        by_symbol = [
            {"instType": "SPOT", "channel": channel, "instId": "default"}
            for channel in ("orders", "orders-algo", "fill")
        ]
        return [*by_symbol, {"instType": "SPOT", "channel": "account", "coin": "default"}]

    def pushed_orders(self, rows: bytes) -> tuple[tuple[OrderRow, TradeRow | None], ...]:
        """Rows of `orders`, each with the trade it tells of, if it does. Raises UnreadableFrame."""
        return tuple((told.pushed_order(row), told.pushed_trade(row)) for row in _rows(rows, frames.WsOrder))

    def pushed_plans(self, rows: bytes) -> tuple[PlanRow, ...]:
        """Rows of `orders-algo`. Raises UnreadableFrame."""
        return tuple(told.pushed_plan(row) for row in _rows(rows, frames.WsPlan))

    def pushed_trades(self, rows: bytes) -> tuple[TradeRow, ...]:
        """Rows of `fill`. Raises UnreadableFrame."""
        return tuple(told.trade(row) for row in _rows(rows, frames.Fill))

    def pushed_balances(self, rows: bytes) -> tuple[AssetBalance, ...]:
        """Rows of `account`. Raises UnreadableFrame."""
        return tuple(told.balance(row) for row in _rows(rows, frames.Asset))


_TPSL = ("tpslType", "tpsl")


def _presets(preset: Preset | None) -> dict[str, str | None]:
    """One target and one stop; without an execution price they sell at market."""
    if preset is None:
        return {}
    return {
        "presetTakeProfitPrice": plain(preset.take_profit_px),
        "presetStopLossPrice": plain(preset.stop_loss_px),
        "executeStopLossPrice": None if preset.stop_limit_px is None else plain(preset.stop_limit_px),
    }


def _get(path: str, params: tuple[tuple[str, str], ...]) -> HttpRequest:
    return HttpRequest(method="GET", path=f"{SPOT}/{path}", params=params, signed=True, read=True, bucket=path)


def _post(path: str, body: dict[str, Any], *, order_count: int = 0) -> HttpRequest:
    said = {name: value for name, value in body.items() if value is not None}
    return HttpRequest(
        method="POST", path=f"{SPOT}/{path}", body=said, signed=True, bucket=path, order_count=order_count
    )


def _page(symbol: str | None, older: str | None) -> tuple[tuple[str, str], ...]:
    params = [] if symbol is None else [("symbol", symbol)]
    params.append(("limit", str(PAGE)))
    if older is not None:
        params.append(("idLessThan", older))
    return tuple(params)


def _window(now_ms: int) -> tuple[tuple[str, str], ...]:
    return (("startTime", str(max(now_ms - _HISTORY_MS, 0))), ("endTime", str(now_ms + DAY_MS)))


def _number(order_id: str) -> int:
    return int(order_id) if order_id.isascii() and order_id.isdecimal() else 0


def _rows(data: bytes, type_: type[T]) -> Sequence[T]:
    """A list; an empty answer may also be null."""
    decoded: list[T] | None = parse(data, _LISTS[type_])
    return decoded or ()


_LISTS: dict[Any, Any] = {
    frames.Order: list[frames.Order] | None,
    frames.TpslOrder: list[frames.TpslOrder] | None,
    frames.Child: list[frames.Child] | None,
    frames.Fill: list[frames.Fill] | None,
    frames.Asset: list[frames.Asset] | None,
    frames.WsOrder: list[frames.WsOrder] | None,
    frames.WsPlan: list[frames.WsPlan] | None,
}
