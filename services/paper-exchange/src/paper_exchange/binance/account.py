"""Calls that read an account: orders, lists, trades, balances, limits (sections 6.2, 6.4 and 6.8)."""

from collections.abc import Iterable
from typing import Any

from paper_exchange.binance import render
from paper_exchange.binance.call import Call
from paper_exchange.binance.errors import ApiError, bad_symbol, no_id, no_order
from paper_exchange.binance.params import Params
from paper_exchange.binance.trading import discount, find_list, find_order
from paper_exchange.core.candles import DAY_MS
from paper_exchange.core.orders import Order

Json = dict[str, Any]


def order(call: Call) -> Json:
    """GET /api/v3/order."""
    symbol, params = call.market().instrument.symbol, call.params
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    params.done()
    if order_id is None and client_id is None:
        raise no_id("origClientOrderId", "orderId")
    found = find_order(call.account, symbol, order_id, client_id)
    if found is None:
        raise no_order()
    return render.queried(found)


def open_orders(call: Call) -> list[Json]:
    """GET /api/v3/openOrders, of one symbol or of all."""
    symbol = _optional_symbol(call)
    call.params.done()
    return [render.queried(o) for o in call.account.open_orders.values() if symbol is None or o.symbol == symbol]


def _optional_symbol(call: Call) -> str | None:
    symbol = call.params.text("symbol")
    if symbol is not None and symbol not in call.exchange.markets:
        raise bad_symbol()
    return symbol


def _span(params: Params) -> tuple[int | None, int | None]:
    """startTime and endTime. Raises: -1127 when more than a day apart."""
    start, end = params.integer("startTime"), params.integer("endTime")
    if start is not None and end is not None and not 0 <= end - start <= DAY_MS:
        raise ApiError(-1127, "More than 24 hours between startTime and endTime.")
    return start, end


def _within(ts_ms: int, span: tuple[int | None, int | None]) -> bool:
    return (span[0] is None or ts_ms >= span[0]) and (span[1] is None or ts_ms <= span[1])


def _page(rows: list[Json], limit: int, *, from_start: bool) -> list[Json]:
    """Oldest first: from a given start on, or the newest ones."""
    return rows[:limit] if from_start else rows[-limit:]


def all_orders(call: Call) -> list[Json]:
    """GET /api/v3/allOrders of one symbol."""
    symbol, params = call.market().instrument.symbol, call.params
    order_id, span, limit = params.integer("orderId"), _span(params), params.limit(500, 1000)
    params.done()
    rows = [
        render.queried(o)
        for o in _orders_of(call, symbol)
        if (order_id is None or o.order_id >= order_id) and _within(o.created_ms, span)
    ]
    return _page(rows, limit, from_start=order_id is not None or span[0] is not None)


def _orders_of(call: Call, symbol: str) -> Iterable[Order]:
    return (o for o in call.account.orders.values() if o.symbol == symbol)


def my_trades(call: Call) -> list[Json]:
    """GET /api/v3/myTrades of one symbol. Raises: -1128 for a combination that is not offered."""
    symbol, params = call.market().instrument.symbol, call.params
    order_id, from_id = params.integer("orderId"), params.integer("fromId")
    span, limit = _span(params), params.limit(500, 1000)
    params.done()
    if (order_id is not None or from_id is not None) and span != (None, None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    fills = sorted(
        (
            (fill.trade_id, o, fill)
            for o in _orders_of(call, symbol)
            for fill in o.fills
            if (order_id is None or o.order_id == order_id)
            and (from_id is None or fill.trade_id >= from_id)
            and _within(fill.ts_ms, span)
        ),
        key=lambda row: (row[0], row[1].order_id),
    )
    rows = [render.my_trade(o, fill) for _, o, fill in fills]
    return _page(rows, limit, from_start=from_id is not None or span[0] is not None)


def order_list(call: Call) -> Json:
    """GET /api/v3/orderList; `origClientOrderId` is the list's client id."""
    found = find_list(call, "origClientOrderId")
    call.params.done()
    if found is None:
        raise no_order()
    return render.order_list(found)


def open_lists(call: Call) -> list[Json]:
    """GET /api/v3/openOrderList."""
    call.params.done()
    return [render.order_list(found) for found in call.account.open_lists.values()]


def all_lists(call: Call) -> list[Json]:
    """GET /api/v3/allOrderList."""
    params = call.params
    from_id, span, limit = params.integer("fromId"), _span(params), params.limit(500, 1000)
    params.done()
    if from_id is not None and span != (None, None):
        raise ApiError(-1128, "Combination of optional parameters invalid.")
    rows = [
        render.order_list(found)
        for found in call.account.lists.values()
        if (from_id is None or found.list_id >= from_id) and _within(found.created_ms, span)
    ]
    return _page(rows, limit, from_start=from_id is not None or span[0] is not None)


def account(call: Call) -> Json:
    """GET /api/v3/account."""
    omit_zero = call.params.flag("omitZeroBalances")
    call.params.done()
    return render.account_info(call.account, can_withdraw=call.signer.can_withdraw, omit_zero=omit_zero)


def commission(call: Call) -> Json:
    """GET /api/v3/account/commission."""
    symbol = call.market().instrument.symbol
    call.params.done()
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00000000")
    return {
        "symbol": symbol,
        "standardCommission": render.rates(call.account),
        "specialCommission": none,
        "taxCommission": none,
        "discount": discount(call),
    }


def trade_fee(call: Call) -> list[Json]:
    """GET /sapi/v1/asset/tradeFee, of one symbol or of all."""
    symbol = _optional_symbol(call)
    call.params.done()
    rates = render.rates(call.account)
    return [
        {"symbol": name, "makerCommission": rates["maker"], "takerCommission": rates["taker"]}
        for name in call.exchange.markets
        if symbol is None or name == symbol
    ]


def order_limits(call: Call) -> list[Json]:
    """GET /api/v3/rateLimit/order."""
    call.params.done()
    return call.meter.order_table(call.account.uid, call.now_ms)


def restrictions(call: Call) -> Json:
    """GET /sapi/v1/account/apiRestrictions: what this key may do."""
    call.params.done()
    key = call.signer
    return {
        "ipRestrict": False,
        "createTime": key.created_ms,
        "enableReading": True,
        "enableSpotAndMarginTrading": "SPOT" in key.permissions,
        "enableWithdrawals": key.can_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFutures": False,
        "enableMargin": False,
        "enablePortfolioMarginTrading": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
    }
