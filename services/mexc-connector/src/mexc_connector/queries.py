"""Questions to unsigned requests: orders, balances, prices, listen keys. Weights are the documented ones."""

from collections.abc import Sequence

from common.connector.ports import HttpRequest
from common.errors import Refused

PAGE = 100
"""Trades a page: the documentation's maximum; a newer client believes in more, none in less."""
ACCOUNT_BUCKET = "account"
LISTEN_KEY_PATH = "/api/v3/userDataStream"
KEY_INFO_PATH = "/api/v3/apiKeyInfo"

INTERVALS = {
    "1m": "1m", "5m": "5m", "15m": "15m", "30m": "30m", "1h": "60m", "60m": "60m", "4h": "4h", "1d": "1d",
    "1w": "1W", "1W": "1W", "1M": "1M",
}  # fmt: skip
"""Our names of intervals to those of REST, which are case-sensitive."""


def order(symbol: str, *, client_order_id: str | None = None, exchange_order_id: str | None = None) -> HttpRequest:
    """By the exchange's id where it is known: a client id may have been used twice."""
    by_client = ("origClientOrderId", client_order_id or "")
    target = ("orderId", exchange_order_id) if exchange_order_id is not None else by_client
    return _private("/api/v3/order", (("symbol", symbol), target), weight=2)


def open_orders(symbol: str | None) -> HttpRequest:
    """All symbols when None."""
    return _private("/api/v3/openOrders", () if symbol is None else (("symbol", symbol),), weight=3)


def my_trades(
    symbol: str, *, exchange_order_id: str | None = None, start_ms: int | None = None, end_ms: int | None = None
) -> HttpRequest:
    """One page."""
    params = [("symbol", symbol)]
    if exchange_order_id is not None:
        params.append(("orderId", exchange_order_id))
    params += _span(start_ms, end_ms)
    return _private("/api/v3/myTrades", (*params, ("limit", str(PAGE))), weight=10)


def account() -> HttpRequest:
    """At most two a second for an account."""
    return _private("/api/v3/account", (), weight=10, bucket=ACCOUNT_BUCKET)


def api_key_info() -> HttpRequest:
    """What the key may do; `accessKey`, the key itself, is filled in when it is signed."""
    return _private(KEY_INFO_PATH, (), weight=1)


def new_listen_key() -> HttpRequest:
    """A key for the private socket, valid for 60 minutes."""
    return HttpRequest(method="POST", path=LISTEN_KEY_PATH, signed=True)


def extend_listen_key(listen_key: str) -> HttpRequest:
    """Another 60 minutes from now; refused for a key that is lost."""
    return HttpRequest(method="PUT", path=LISTEN_KEY_PATH, params=(("listenKey", listen_key),), signed=True)


def time() -> HttpRequest:
    return _public("/api/v3/time", ())


def exchange_info() -> HttpRequest:
    return _public("/api/v3/exchangeInfo", (), weight=10)


def tickers(symbols: Sequence[str]) -> HttpRequest:
    """The 24-hour ticker has last, bid and ask in one; it takes one symbol, or tells all."""
    if len(symbols) == 1:
        return _public("/api/v3/ticker/24hr", (("symbol", symbols[0]),))
    return _public("/api/v3/ticker/24hr", (), weight=40)


def candles(symbol: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None) -> HttpRequest:
    """At most 1000 rows. Raises Refused for an interval MEXC does not have."""
    name = INTERVALS.get(interval)
    if name is None:
        known = ", ".join(INTERVALS)
        raise Refused(
            code="bad_interval", title="MEXC has no such interval", field="interval", rule=f"one of {known}",
            fix="choose one of them",
        )  # fmt: skip
    params = (("symbol", symbol), ("interval", name), *_span(start_ms, end_ms), ("limit", str(min(limit, 1000))))
    return _public("/api/v3/klines", params)


def depth(symbol: str, limit: int) -> HttpRequest:
    return _public("/api/v3/depth", (("symbol", symbol), ("limit", str(min(limit, 5000)))))


def public_trades(symbol: str, limit: int) -> HttpRequest:
    return _public("/api/v3/trades", (("symbol", symbol), ("limit", str(min(limit, 1000)))), weight=5)


def _span(start_ms: int | None, end_ms: int | None) -> list[tuple[str, str]]:
    named = (("startTime", start_ms), ("endTime", end_ms))
    return [(name, str(value)) for name, value in named if value is not None]


def _private(path: str, params: tuple[tuple[str, str], ...], *, weight: int, bucket: str = "") -> HttpRequest:
    return HttpRequest(method="GET", path=path, params=params, signed=True, read=True, weight=weight, bucket=bucket)


def _public(path: str, params: tuple[tuple[str, str], ...], *, weight: int = 1) -> HttpRequest:
    return HttpRequest(method="GET", path=path, params=params, read=True, weight=weight)
