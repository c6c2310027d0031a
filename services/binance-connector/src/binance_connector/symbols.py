"""`exchangeInfo` to instruments and rate limits. A zero bound or step means that the rule is off."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from binance_connector.facts import amount, order_type_of
from binance_connector.frames import RateLimitBody
from binance_connector.read_frames import ExchangeInfoBody, SymbolBody
from common.connector.amounts import ZERO
from common.connector.ports import ExchangeInfo, LimitKind, LimitScope, RateLimit
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument

SECOND_MS = 1_000
MINUTE_MS = 60_000
_INTERVALS = {"SECOND": SECOND_MS, "MINUTE": MINUTE_MS, "HOUR": 60 * MINUTE_MS, "DAY": 24 * 60 * MINUTE_MS}
_KINDS = {
    "REQUEST_WEIGHT": (LimitKind.WEIGHT, LimitScope.IP),
    "RAW_REQUESTS": (LimitKind.REQUESTS, LimitScope.IP),
    "ORDERS": (LimitKind.ORDERS, LimitScope.ACCOUNT),
}

DOCUMENTED_LIMITS = (
    RateLimit(kind=LimitKind.WEIGHT, scope=LimitScope.IP, interval_ms=MINUTE_MS, limit=6_000),
    RateLimit(kind=LimitKind.REQUESTS, scope=LimitScope.IP, interval_ms=5 * MINUTE_MS, limit=300_000),
    RateLimit(kind=LimitKind.ORDERS, scope=LimitScope.ACCOUNT, interval_ms=10 * SECOND_MS, limit=100),
    RateLimit(kind=LimitKind.ORDERS, scope=LimitScope.ACCOUNT, interval_ms=_INTERVALS["DAY"], limit=200_000),
)
"""In force until `exchangeInfo` has been read once."""


def exchange_info(body: ExchangeInfoBody) -> ExchangeInfo:
    """All symbols we can read, and the limits. A symbol with a broken rule is left out: it must not be traded."""
    instruments = tuple(i for i in (_instrument_or_none(symbol) for symbol in body.symbols) if i is not None)
    return ExchangeInfo(instruments, tuple(limit for limit in map(rate_limit, body.rate_limits) if limit is not None))


def rate_limit(body: RateLimitBody) -> RateLimit | None:
    """One announced limit; None for kinds and intervals that are not documented."""
    kind, interval = _KINDS.get(body.rate_limit_type), _INTERVALS.get(body.interval)
    if kind is None or interval is None or body.interval_num <= 0 or body.limit <= 0:
        return None
    return RateLimit(kind=kind[0], scope=kind[1], interval_ms=interval * body.interval_num, limit=body.limit)


def _instrument_or_none(body: SymbolBody) -> Instrument | None:
    try:
        return instrument(body)
    except UnreadableFrame:
        return None


def instrument(body: SymbolBody) -> Instrument:
    """The rules of one symbol. Raises UnreadableFrame if a rule we follow is not a number."""
    filters = {f["filterType"]: f for f in body.filters if isinstance(f.get("filterType"), str)}
    price, lot, market_lot = (_filter(filters, name) for name in ("PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE"))
    notional, legacy = _filter(filters, "NOTIONAL"), _filter(filters, "MIN_NOTIONAL")
    # NOTIONAL replaced MIN_NOTIONAL symbol by symbol; where both stand, the stricter one decides.
    min_notional = max(_number(notional, "minNotional"), _number(legacy, "minNotional"))
    market_min = max(
        _number(notional, "minNotional") if notional.get("applyMinToMarket") is True else ZERO,
        _number(legacy, "minNotional") if legacy.get("applyToMarket") is True else ZERO,
    )
    return Instrument(
        exchange=Exchange.BINANCE,
        symbol=body.symbol,
        exchange_symbol=body.symbol,
        base=body.base_asset,
        quote=body.quote_asset,
        tick_size=_number(price, "tickSize"),
        lot_size=_number(lot, "stepSize"),
        min_qty=_number(lot, "minQty"),
        max_qty=_number(lot, "maxQty"),
        market_max_qty=_number(market_lot, "maxQty"),
        min_px=_number(price, "minPrice"),
        max_px=_number(price, "maxPrice"),
        min_notional=min_notional,
        max_notional=_number(notional, "maxNotional"),
        market_min_notional=market_min,
        max_algo_orders=int(_number(_filter(filters, "MAX_NUM_ALGO_ORDERS"), "maxNumAlgoOrders")),
        max_order_lists=int(_number(_filter(filters, "MAX_NUM_ORDER_LISTS"), "maxNumOrderLists")),
        max_orders=int(_number(_filter(filters, "MAX_NUM_ORDERS"), "maxNumOrders")),
        order_types=tuple(t for t in map(order_type_of, body.order_types) if t is not None),
        oco_allowed=body.oco_allowed,
        tradable=body.status == "TRADING" and body.is_spot_trading_allowed,
    )


def _filter(filters: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return filters.get(name, {})


def _number(rules: Mapping[str, Any], key: str) -> Decimal:
    value = rules.get(key, ZERO)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise UnreadableFrame(f"{key}: not an amount")
    try:
        return amount(Decimal(value), key)
    except InvalidOperation as error:
        raise UnreadableFrame(f"{key}: not an amount") from error
