"""Questions to unsigned requests, and the documented limits."""

from typing import Final

from common.connector.ports import HttpRequest, LimitKind, LimitScope, LimitShape, RateLimit
from common.errors import Refused
from gateio_connector.requests import ARM, CANCEL, CREATE

PAGE: Final = 100
TRADES_PAGE: Final = 1_000
Params = list[tuple[str, str]]

INTERVALS: Final = frozenset(
    {"1s", "10s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "7d", "30d"}
)
_PUBLIC: Final = (
    "spot/time",
    "spot/currency_pairs",
    "spot/tickers",
    "spot/candlesticks",
    "spot/order_book",
    "spot/trades",
)
_PRIVATE: Final = (
    "spot/orders",
    "spot/order",
    "spot/open_orders",
    "spot/my_trades",
    "spot/accounts",
    "spot/account_book",
    "spot/price_orders",
    "spot/price_order",
    "price_orders.cancel",
    "account/detail",
    "wallet/fee",
)
# A price order too soon after another of the same market and rule is refused: 1.5 s was observed.
_REPEAT_MS: Final = 2_000


def _limit(bucket: str, interval_ms: int, limit: int, **more: object) -> RateLimit:
    kind = more.pop("kind", LimitKind.REQUESTS)
    scope = more.pop("scope", LimitScope.ACCOUNT)
    return RateLimit(
        kind=kind,  # type: ignore[arg-type]
        scope=scope,  # type: ignore[arg-type]
        interval_ms=interval_ms,
        limit=limit,
        bucket=bucket,
        shape=LimitShape.SLIDING_WINDOW,
        per_lane=bool(more.pop("per_lane", False)),
    )


DOCUMENTED_LIMITS: Final = (
    *(_limit(bucket, 10_000, 200, scope=LimitScope.IP) for bucket in _PUBLIC),
    *(_limit(bucket, 10_000, 200) for bucket in _PRIVATE),
    _limit(CREATE, 1_000, 10, kind=LimitKind.ORDERS, per_lane=True),
    _limit(CANCEL, 1_000, 200),
    _limit(ARM, 10_000, 200),
    _limit(ARM, _REPEAT_MS, 1, per_lane=True),
    _limit("wallet/transfers", 10_000, 80),
)


def _public(path: str, params: Params) -> HttpRequest:
    return HttpRequest(method="GET", path=f"/{path}", params=tuple(params), read=True, bucket=path)


def _private(path: str, params: Params, bucket: str | None = None) -> HttpRequest:
    return HttpRequest(
        method="GET", path=f"/{path}", params=tuple(params), signed=True, read=True, bucket=bucket or path
    )


def order(pair: str, order_id: str) -> HttpRequest:
    """One order, by its number, or by its `text` while it is open."""
    return _private(f"spot/orders/{order_id}", [("currency_pair", pair)], "spot/order")


def orders(pair: str, status: str, page: int = 1) -> HttpRequest:
    """A pair's orders, `open` or `finished`."""
    params = [("currency_pair", pair), ("status", status), ("page", str(page)), ("limit", str(PAGE))]
    return _private("spot/orders", params)


def open_orders(page: int = 1) -> HttpRequest:
    """Open orders of all pairs; pages count inside each pair."""
    return _private("spot/open_orders", [("page", str(page)), ("limit", str(PAGE)), ("account", "spot")])


def price_order(price_order_id: str) -> HttpRequest:
    """One price order."""
    return _private(f"spot/price_orders/{price_order_id}", [], "spot/price_order")


def price_orders(status: str, pair: str | None, offset: int = 0) -> HttpRequest:
    """Price orders, `open` or `finished`."""
    params = [("status", status)]
    if pair is not None:
        params.append(("market", pair))
    params += [("account", "normal"), ("limit", str(PAGE)), ("offset", str(offset))]
    return _private("spot/price_orders", params)


def my_trades(pair: str, *, since_ms: int | None = None, order_id: str | None = None, page: int = 1) -> HttpRequest:
    """A pair's trades since a time (whole seconds), or those of one order."""
    params = [("currency_pair", pair)]
    if order_id is not None:
        params.append(("order_id", order_id))
    elif since_ms is not None:
        params.append(("from", str(max(since_ms, 0) // 1000)))
    params += [("limit", str(TRADES_PAGE)), ("page", str(page))]
    return _private("spot/my_trades", params)


def accounts() -> HttpRequest:
    """All balances."""
    return _private("spot/accounts", [])


def account_detail() -> HttpRequest:
    """What the key belongs to."""
    return _private("account/detail", [])


def account_book(currency: str | None, since_ms: int | None, limit: int) -> HttpRequest:
    """What changed balances."""
    params = [] if currency is None else [("currency", currency)]
    if since_ms is not None:
        params.append(("from", str(since_ms // 1000)))
    return _private("spot/account_book", [*params, ("limit", str(limit))])


def wallet_fee(pair: str | None) -> HttpRequest:
    """The account's fee rates."""
    return _private("wallet/fee", [] if pair is None else [("currency_pair", pair)])


def may_trade() -> HttpRequest:
    """A cancel of an order that is nobody's: a key that may only read is refused before anything is looked for."""
    return HttpRequest(
        method="DELETE",
        path="/spot/orders/t-cgt-key-check",
        params=(("currency_pair", "BTC_USDT"),),
        signed=True,
        read=True,
        bucket=CANCEL,
    )


def time() -> HttpRequest:
    """The exchange's clock."""
    return _public("spot/time", [])


def currency_pairs() -> HttpRequest:
    """All pairs and their rules."""
    return _public("spot/currency_pairs", [])


def tickers(pair: str | None) -> HttpRequest:
    """One pair's ticker, with the sizes of its best quotes, or all tickers."""
    return _public("spot/tickers", [] if pair is None else [("currency_pair", pair)])


def candles(pair: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None) -> HttpRequest:
    """Candles; a limit beside a time is refused, so the times win. Raises Refused."""
    if interval not in INTERVALS:
        raise Refused(
            code="bad_interval",
            title="Gate.io has no such candles",
            field="interval",
            rule=f"one of {', '.join(sorted(INTERVALS))}",
            fix="choose one of them",
        )
    params = [("currency_pair", pair), ("interval", interval)]
    if start_ms is None and end_ms is None:
        return _public("spot/candlesticks", [*params, ("limit", str(limit))])
    if start_ms is not None:
        params.append(("from", str(start_ms // 1000)))
    if end_ms is not None:
        params.append(("to", str(end_ms // 1000)))
    return _public("spot/candlesticks", params)


def depth(pair: str, limit: int) -> HttpRequest:
    """The best levels; more than 100 are not promised."""
    return _public("spot/order_book", [("currency_pair", pair), ("limit", str(min(limit, 100))), ("with_id", "true")])


def public_trades(pair: str, limit: int) -> HttpRequest:
    """The latest public trades."""
    return _public("spot/trades", [("currency_pair", pair), ("limit", str(limit))])
