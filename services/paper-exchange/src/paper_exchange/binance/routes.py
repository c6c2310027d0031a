"""Which call answers which REST path and WebSocket API method, its weight, and who may use it (section 4.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from paper_exchange.binance import account, lists, public, trading
from paper_exchange.binance.call import Call

Security = Literal["NONE", "TRADE", "USER_DATA"]
Weight = int | Callable[[dict[str, str]], int]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `is_free_on_success` refunds its weight when it succeeds."""

    run: Callable[[Call], Any]
    security: Security = "NONE"
    weight: Weight = 1
    is_free_on_success: bool = False

    def weigh(self, params: dict[str, str]) -> int:
        """The weight of this request."""
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def _depth_weight(params: dict[str, str]) -> int:
    limit = int(params["limit"]) if params.get("limit", "").isdigit() else 100
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250


def _count(params: dict[str, str]) -> int:
    """How many symbols are asked for; 0 means all."""
    if "symbol" in params:
        return 1
    try:
        return len(orjson.loads(params.get("symbols", "[]")))
    except (orjson.JSONDecodeError, TypeError):
        return 0


def _day_weight(params: dict[str, str]) -> int:
    count = _count(params)
    return 80 if count == 0 or count > 100 else 2 if count <= 20 else 40


def _trade(run: Callable[[Call], Any]) -> Route:
    return Route(run, "TRADE", 1, is_free_on_success=True)


def _read(run: Callable[[Call], Any], weight: Weight) -> Route:
    return Route(run, "USER_DATA", weight)


_PING, _TIME, _INFO = Route(public.ping), Route(public.time), Route(public.exchange_info, weight=20)
_DEPTH, _TRADES = Route(public.depth, weight=_depth_weight), Route(public.trades, weight=25)
_AGG, _KLINES, _AVG = (
    Route(public.agg_trades, weight=4),
    Route(public.klines, weight=2),
    Route(public.average_px, weight=2),
)
_DAY = Route(public.ticker_24hr, weight=_day_weight)
_PRICE = Route(public.ticker_price, weight=lambda params: 2 if _count(params) == 1 else 4)
_BOOK = Route(public.ticker_book, weight=lambda params: 2 if _count(params) == 1 else 4)
_PLACE, _CANCEL, _CANCEL_ALL = _trade(trading.place), _trade(trading.cancel), _trade(trading.cancel_all)
_TEST = Route(trading.test, "TRADE", lambda params: 20 if "computeCommissionRates" in params else 1)
_REPLACE, _CANCEL_LIST = _trade(trading.cancel_replace), _trade(trading.cancel_list)
_OCO, _OTO, _OTOCO = _trade(lists.place_oco), _trade(lists.place_oto), _trade(lists.place_otoco)
_OPO, _OPOCO, _OLD_OCO = _trade(lists.place_opo), _trade(lists.place_opoco), _trade(lists.place_legacy_oco)
_ORDER, _ALL_ORDERS = _read(account.order, 4), _read(account.all_orders, 20)
_OPEN_ORDERS = _read(account.open_orders, lambda params: 6 if "symbol" in params else 80)
_MY_TRADES = _read(account.my_trades, lambda params: 5 if "orderId" in params else 20)
_LIST, _OPEN_LISTS, _ALL_LISTS = (
    _read(account.order_list, 4), _read(account.open_lists, 6), _read(account.all_lists, 20),
)  # fmt: skip
_ACCOUNT, _COMMISSION = _read(account.account, 20), _read(account.commission, 20)
_LIMITS = _read(account.order_limits, 40)

REST: dict[str, dict[str, Route]] = {
    "/api/v3/ping": {"GET": _PING},
    "/api/v3/time": {"GET": _TIME},
    "/api/v3/exchangeInfo": {"GET": _INFO},
    "/api/v3/depth": {"GET": _DEPTH},
    "/api/v3/trades": {"GET": _TRADES},
    "/api/v3/aggTrades": {"GET": _AGG},
    "/api/v3/klines": {"GET": _KLINES},
    "/api/v3/uiKlines": {"GET": _KLINES},
    "/api/v3/avgPrice": {"GET": _AVG},
    "/api/v3/ticker/24hr": {"GET": _DAY},
    "/api/v3/ticker/price": {"GET": _PRICE},
    "/api/v3/ticker/bookTicker": {"GET": _BOOK},
    "/api/v3/order": {"POST": _PLACE, "GET": _ORDER, "DELETE": _CANCEL},
    "/api/v3/order/test": {"POST": _TEST},
    "/api/v3/order/oco": {"POST": _OLD_OCO},
    "/api/v3/order/cancelReplace": {"POST": _REPLACE},
    "/api/v3/openOrders": {"GET": _OPEN_ORDERS, "DELETE": _CANCEL_ALL},
    "/api/v3/allOrders": {"GET": _ALL_ORDERS},
    "/api/v3/myTrades": {"GET": _MY_TRADES},
    "/api/v3/orderList": {"GET": _LIST, "DELETE": _CANCEL_LIST},
    "/api/v3/orderList/oco": {"POST": _OCO},
    "/api/v3/orderList/oto": {"POST": _OTO},
    "/api/v3/orderList/otoco": {"POST": _OTOCO},
    "/api/v3/orderList/opo": {"POST": _OPO},
    "/api/v3/orderList/opoco": {"POST": _OPOCO},
    "/api/v3/openOrderList": {"GET": _OPEN_LISTS},
    "/api/v3/allOrderList": {"GET": _ALL_LISTS},
    "/api/v3/account": {"GET": _ACCOUNT},
    "/api/v3/account/commission": {"GET": _COMMISSION},
    "/api/v3/rateLimit/order": {"GET": _LIMITS},
    "/sapi/v1/capital/config/getall": {"GET": _read(public.coins, 10)},
    "/sapi/v1/margin/allPairs": {"GET": Route(public.nothing)},
    "/sapi/v1/margin/isolated/allPairs": {"GET": Route(public.nothing)},
    "/sapi/v1/asset/tradeFee": {"GET": _read(account.trade_fee, 1)},
    "/sapi/v1/account/apiRestrictions": {"GET": _read(account.restrictions, 1)},
    "/sapi/v1/equity/market/exchangeInfo": {"GET": Route(public.no_contracts)},
    "/fapi/v1/exchangeInfo": {"GET": Route(public.no_contracts)},
    "/dapi/v1/exchangeInfo": {"GET": Route(public.no_contracts)},
    "/eapi/v1/exchangeInfo": {"GET": Route(public.no_contracts)},
}

# Gone since 2026-02-20 (section 7.4); the front end answers them with an HTML page.
REMOVED = frozenset({"/api/v3/userDataStream", "/api/v1/userDataStream"})

WS: dict[str, Route] = {
    "ping": _PING,
    "time": _TIME,
    "exchangeInfo": _INFO,
    "depth": _DEPTH,
    "trades.recent": _TRADES,
    "trades.aggregate": _AGG,
    "klines": _KLINES,
    "uiKlines": _KLINES,
    "avgPrice": _AVG,
    "ticker.24hr": _DAY,
    "ticker.price": _PRICE,
    "ticker.book": _BOOK,
    "order.place": _PLACE,
    "order.test": _TEST,
    "order.status": _ORDER,
    "order.cancel": _CANCEL,
    "order.cancelReplace": _REPLACE,
    "openOrders.status": _OPEN_ORDERS,
    "openOrders.cancelAll": _CANCEL_ALL,
    "allOrders": _ALL_ORDERS,
    "myTrades": _MY_TRADES,
    "orderList.place": _OLD_OCO,
    "orderList.place.oco": _OCO,
    "orderList.place.oto": _OTO,
    "orderList.place.otoco": _OTOCO,
    "orderList.place.opo": _OPO,
    "orderList.place.opoco": _OPOCO,
    "orderList.status": _LIST,
    "orderList.cancel": _CANCEL_LIST,
    "openOrderLists.status": _OPEN_LISTS,
    "allOrderLists": _ALL_LISTS,
    "account.status": _ACCOUNT,
    "account.commission": _COMMISSION,
    "account.rateLimits.orders": _LIMITS,
}
