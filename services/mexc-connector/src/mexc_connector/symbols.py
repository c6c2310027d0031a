"""`exchangeInfo` to instruments. Its `rateLimits` are always empty: the documented limits stay in force."""

from decimal import Decimal

from common.connector.bodies import parse
from common.connector.ports import ExchangeInfo, LimitKind, LimitScope, LimitShape, RateLimit
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderType
from mexc_connector.facts import amount, order_type_of
from mexc_connector.frames import ExchangeInfoBody, SymbolBody
from mexc_connector.queries import ACCOUNT_BUCKET
from mexc_connector.requests import BATCH_BUCKET

ONLINE = "1"
BOTH_SIDES = 1
MAX_OPEN_ORDERS = 500
"""Unfinished orders of an account, over all symbols."""


def _limit(kind: LimitKind, scope: LimitScope, interval_ms: int, limit: int, bucket: str = "") -> RateLimit:
    return RateLimit(
        kind=kind, scope=scope, interval_ms=interval_ms, limit=limit, bucket=bucket, shape=LimitShape.SLIDING_WINDOW
    )


DOCUMENTED_LIMITS = (
    # 500 for each endpoint or 300 for all together: the documentation and a newer client differ; the smaller holds.
    _limit(LimitKind.WEIGHT, LimitScope.IP, 10_000, 300),
    _limit(LimitKind.REQUESTS, LimitScope.ACCOUNT, 1_000, 2, ACCOUNT_BUCKET),
    _limit(LimitKind.REQUESTS, LimitScope.ACCOUNT, 1_000, 2, BATCH_BUCKET),
)


def exchange_info(body: ExchangeInfoBody) -> ExchangeInfo:
    """All symbols we can read. A symbol with a broken rule is left out: it must not be traded."""
    read = (_instrument_or_none(bytes(raw)) for raw in body.symbols)
    return ExchangeInfo(tuple(each for each in read if each is not None), ())


def _instrument_or_none(raw: bytes) -> Instrument | None:
    try:
        return instrument(parse(raw, SymbolBody))
    except UnreadableFrame:
        return None


def instrument(body: SymbolBody) -> Instrument:
    """The rules of one symbol. Raises UnreadableFrame if a rule we follow is not a number."""
    price_decimals = body.quote_asset_precision if body.quote_asset_precision is not None else body.quote_precision
    if price_decimals is None:
        raise UnreadableFrame("quoteAssetPrecision: missing")
    types = dict.fromkeys(each for each in map(order_type_of, body.order_types) if each is not None)
    return Instrument(
        exchange=Exchange.MEXC,
        symbol=body.symbol,
        exchange_symbol=body.symbol,
        base=body.base_asset,
        quote=body.quote_asset,
        tick_size=_step(price_decimals),
        lot_size=_step(body.base_asset_precision),
        min_qty=amount(body.base_size_precision, "baseSizePrecision"),
        min_notional=amount(body.quote_amount_precision, "quoteAmountPrecision"),
        max_notional=amount(body.max_quote_amount, "maxQuoteAmount"),
        market_min_notional=amount(body.quote_amount_precision_market, "quoteAmountPrecisionMarket"),
        max_orders=MAX_OPEN_ORDERS,
        order_types=tuple(types),
        tradable=_tradable(body, types),
        taker_fee_rate=amount(body.taker_commission, "takerCommission"),
    )


def _tradable(body: SymbolBody, types: dict[OrderType, None]) -> bool:
    """Open to the API, on both sides, with market orders: a position that could not be sold is not opened."""
    return (
        str(body.status) == ONLINE
        and body.is_spot_trading_allowed
        and "SPOT" in body.permissions
        and OrderType.MARKET in types
        and (body.trade_side_type is None or amount(body.trade_side_type, "tradeSideType") == BOTH_SIDES)
    )


def _step(decimals: int) -> Decimal:
    if not 0 <= decimals <= 30:
        raise UnreadableFrame("a number of decimals is 0 to 30")
    return Decimal(1).scaleb(-decimals)
