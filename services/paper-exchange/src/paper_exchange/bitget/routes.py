"""Which path is what, who may ask, and how often a second (section 4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from paper_exchange.bitget import plans, public, queries, strategies, trading, uta
from paper_exchange.bitget.call import Call

Access = Literal["public", "read", "trade"]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint; private ones belong to one kind of account."""

    run: Callable[[Call], Any]
    access: Access
    per_second: int
    world: Literal["any", "classic", "uta"] = "any"


def _v2(path: str, run: Callable[[Call], Any], access: Access, per_second: int) -> tuple[str, Route]:
    return f"/api/v2/{path}", Route(run, access, per_second, "any" if access == "public" else "classic")


def _v3(path: str, run: Callable[[Call], Any], access: Access, per_second: int) -> tuple[str, Route]:
    return f"/api/v3/{path}", Route(run, access, per_second, "any" if access == "public" else "uta")


GET = dict(
    (
        _v2("public/time", public.server_time, "public", 20),
        _v2("spot/public/coins", public.coins, "public", 3),
        _v2("spot/public/symbols", public.symbols, "public", 20),
        _v2("spot/market/tickers", public.tickers, "public", 20),
        _v2("spot/market/orderbook", public.orderbook, "public", 20),
        _v2("spot/market/candles", public.candles, "public", 20),
        _v2("spot/market/history-candles", public.candles, "public", 20),
        _v2("spot/market/fills", public.market_fills, "public", 10),
        _v2("margin/currencies", public.nothing, "public", 10),
        _v2("mix/market/contracts", public.nothing, "public", 20),
        _v2("spot/account/assets", queries.assets, "read", 10),
        _v2("spot/account/info", queries.account_info, "read", 1),
        _v2("common/trade-rate", queries.trade_rate, "read", 10),
        _v2("spot/trade/orderInfo", queries.order_info, "read", 20),
        _v2("spot/trade/unfilled-orders", queries.unfilled_orders, "read", 20),
        _v2("spot/trade/history-orders", queries.history_orders, "read", 20),
        _v2("spot/trade/fills", queries.fills, "read", 10),
        _v2("spot/trade/current-plan-order", plans.current_plan_order, "read", 20),
        _v2("spot/trade/history-plan-order", plans.history_plan_order, "read", 20),
        _v2("spot/trade/plan-sub-order", plans.plan_sub_order, "read", 20),
        _v3("market/instruments", uta.instruments, "public", 20),
        _v3("market/tickers", uta.tickers, "public", 20),
        _v3("market/orderbook", uta.book, "public", 20),
        _v3("market/candles", uta.candles, "public", 20),
        _v3("market/fills", uta.market_fills, "public", 20),
        _v3("account/assets", uta.assets, "read", 10),
        _v3("account/settings", uta.settings, "read", 10),
        _v3("account/fee-rate", uta.fee_rate, "read", 10),
        _v3("trade/order-info", uta.order_info, "read", 20),
        _v3("trade/unfilled-orders", uta.unfilled_orders, "read", 20),
        _v3("trade/history-orders", uta.history_orders, "read", 20),
        _v3("trade/fills", uta.fills, "read", 20),
        _v3("trade/unfilled-strategy-orders", strategies.unfilled_strategy_orders, "read", 20),
        _v3("trade/history-strategy-orders", strategies.history_strategy_orders, "read", 20),
    )
)
POST = dict(
    (
        _v2("spot/trade/place-order", trading.place_order, "trade", 10),
        _v2("spot/trade/batch-orders", trading.batch_orders, "trade", 5),
        _v2("spot/trade/cancel-order", trading.cancel_order, "trade", 10),
        _v2("spot/trade/batch-cancel-order", trading.batch_cancel_order, "trade", 10),
        _v2("spot/trade/cancel-symbol-order", trading.cancel_symbol_order, "trade", 5),
        _v2("spot/trade/cancel-replace-order", trading.cancel_replace_order, "trade", 5),
        _v2("spot/trade/place-plan-order", plans.place_plan_order, "trade", 20),
        _v2("spot/trade/modify-plan-order", plans.modify_plan_order, "trade", 20),
        _v2("spot/trade/cancel-plan-order", plans.cancel_plan_order, "trade", 20),
        _v2("spot/trade/batch-cancel-plan-order", plans.batch_cancel_plan_order, "trade", 5),
        _v3("trade/place-order", uta.place_order, "trade", 10),
        _v3("trade/place-batch", uta.place_batch, "trade", 5),
        _v3("trade/cancel-order", uta.cancel_order, "trade", 10),
        _v3("trade/cancel-batch", uta.cancel_batch, "trade", 5),
        _v3("trade/cancel-symbol-order", uta.cancel_symbol_order, "trade", 5),
        _v3("trade/modify-order", uta.modify_order, "trade", 10),
        _v3("trade/place-strategy-order", strategies.place_strategy_order, "trade", 10),
        _v3("trade/modify-strategy-order", strategies.modify_strategy_order, "trade", 10),
        _v3("trade/cancel-strategy-order", strategies.cancel_strategy_order, "trade", 10),
    )
)
ROUTES = {"GET": GET, "POST": POST}
