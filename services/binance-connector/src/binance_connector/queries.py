"""Questions to unsigned requests: what became of an order, balances, prices. Weights are the documented ones."""

from collections.abc import Sequence

import orjson

from common.connector.ports import HttpRequest

PAGE = 1000


def order(symbol: str, *, client_order_id: str | None = None, exchange_order_id: str | None = None) -> HttpRequest:
    """By the exchange's id where it is known: after a cancel or an amend the client id may be another."""
    target = (
        ("orderId", exchange_order_id)
        if exchange_order_id is not None
        else ("origClientOrderId", client_order_id or "")
    )
    return _query("/api/v3/order", (("symbol", symbol), target), weight=4, channel="order.status")


def order_list(list_client_order_id: str) -> HttpRequest:
    """By its client id, which is called `origClientOrderId` here; there is no symbol parameter."""
    params = (("origClientOrderId", list_client_order_id),)
    return _query("/api/v3/orderList", params, weight=4, channel="orderList.status")


def open_orders(symbol: str | None) -> HttpRequest:
    """Untriggered stops and pending legs are open orders too."""
    if symbol is None:
        return _query("/api/v3/openOrders", (), weight=80, channel="openOrders.status")
    return _query("/api/v3/openOrders", (("symbol", symbol),), weight=6, channel="openOrders.status")


def my_trades(
    symbol: str, *, since_ms: int | None = None, exchange_order_id: str | None = None, from_id: int | None = None
) -> HttpRequest:
    """One page. Only documented combinations are built: the time is left out where an order or an id is named."""
    params: list[tuple[str, str]] = [("symbol", symbol)]
    if exchange_order_id is not None:
        params.append(("orderId", exchange_order_id))
    if from_id is not None:
        params.append(("fromId", str(from_id)))
    elif since_ms is not None and exchange_order_id is None:
        params.append(("startTime", str(since_ms)))
    params.append(("limit", str(PAGE)))
    weight = 20 if exchange_order_id is None else 5
    return _query("/api/v3/myTrades", tuple(params), weight=weight, channel="myTrades")


def account() -> HttpRequest:
    """Zero balances included: what was sold while nobody listened must be told as zero, not left out."""
    params = (("omitZeroBalances", "false"),)
    return _query("/api/v3/account", params, weight=20, channel="account.status")


def api_restrictions() -> HttpRequest:
    """What the key may do. Not under `/api`, so the testnet does not have it."""
    return _query("/sapi/v1/account/apiRestrictions", (), weight=1)


def time() -> HttpRequest:
    return _public("/api/v3/time", (), weight=1)


def exchange_info() -> HttpRequest:
    return _public("/api/v3/exchangeInfo", (), weight=20)


def tickers(symbols: Sequence[str]) -> HttpRequest:
    """The 24-hour ticker has last, bid and ask in one; no symbols means all."""
    if not symbols:
        return _public("/api/v3/ticker/24hr", (), weight=80)
    weight = 2 if len(symbols) <= 20 else 40 if len(symbols) <= 100 else 80
    return _public("/api/v3/ticker/24hr", (("symbols", orjson.dumps(list(symbols)).decode()),), weight=weight)


def candles(symbol: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None) -> HttpRequest:
    """At most 1000 rows, oldest first. Intervals are case-sensitive: 1m is a minute, 1M a month."""
    params = [("symbol", symbol), ("interval", interval), ("limit", str(min(limit, PAGE)))]
    if start_ms is not None:
        params.append(("startTime", str(start_ms)))
    if end_ms is not None:
        params.append(("endTime", str(end_ms)))
    return _public("/api/v3/klines", tuple(params), weight=2)


def depth(symbol: str, limit: int) -> HttpRequest:
    """At most 5000 levels a side; the weight grows with them."""
    weight = 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1000 else 250
    return _public("/api/v3/depth", (("symbol", symbol), ("limit", str(min(limit, 5000)))), weight=weight)


def public_trades(symbol: str, limit: int) -> HttpRequest:
    return _public("/api/v3/trades", (("symbol", symbol), ("limit", str(min(limit, PAGE)))), weight=25)


def _query(path: str, params: tuple[tuple[str, str], ...], *, weight: int, channel: str = "") -> HttpRequest:
    return HttpRequest(method="GET", path=path, params=params, signed=True, read=True, weight=weight, channel=channel)


def _public(path: str, params: tuple[tuple[str, str], ...], *, weight: int) -> HttpRequest:
    return HttpRequest(method="GET", path=path, params=params, read=True, weight=weight)
