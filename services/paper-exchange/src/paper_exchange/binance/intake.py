"""Order parameters to core requests, with the shape errors that come before the engine (section 6)."""

import secrets
import string
from collections.abc import Callable
from decimal import Decimal
from typing import Final, cast

from paper_exchange.binance.errors import ApiError, missing, unneeded
from paper_exchange.binance.params import Params
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import STOPS, OrderRequest, OrderType, SelfTradeMode, Side, TimeInForce

ORDER_TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip
SELF_TRADE_MODES: Final = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
_NEEDS_PRICE = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_NEEDS_TIF = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
_NEEDS_STOP = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
# What this exchange does not model, and how it says so; exchangeInfo says the same of every symbol.
_NOT_MODELLED = {
    "IcebergQty": "Iceberg orders are not supported for this symbol.",
    "TrailingDelta": "Trailing stop orders are not supported for this symbol.",
    "PegPriceType": "Pegged orders are not supported for this symbol.",
}
_ALPHABET = string.ascii_letters + string.digits
Namer = Callable[[str], str]


def new_client_id() -> str:
    """What the exchange chooses when the client does not: twenty-two letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(22))


def read_side(params: Params, name: str = "side") -> Side:
    """The mandatory side. Raises: -1102, -1117."""
    params.need(name)
    return cast("Side", params.choice(name, ("BUY", "SELL"), -1117, "Invalid side."))


def read_response_type(params: Params, default: str) -> str:
    """ACK, RESULT or FULL."""
    return params.choice("newOrderRespType", ("ACK", "RESULT", "FULL")) or default


def default_response_type(order_type: str) -> str:
    """FULL for MARKET and LIMIT, ACK for the others (section 6.1)."""
    return "FULL" if order_type in {"MARKET", "LIMIT"} else "ACK"


def read_order(params: Params) -> OrderRequest:
    """The order of POST /api/v3/order."""
    side = read_side(params)
    quote_qty = params.decimal("quoteOrderQty")
    order_type = _read_type(params, "type")
    if params.has("quoteOrderQty") and order_type != "MARKET":
        raise unneeded("quoteOrderQty")
    if params.has("quoteOrderQty") and params.has("quantity"):
        raise unneeded("quoteOrderQty")
    if order_type == "MARKET" and not params.has("quoteOrderQty"):
        params.need("quantity")
    qty = params.decimal("quantity") if quote_qty else params.need_decimal("quantity")
    return _read_leg(params, _plain, order_type, side, qty, quote_qty)


def read_leg(params: Params, prefix: str, side: Side, qty: Decimal) -> OrderRequest:
    """One leg of a list, whose parameters are glued to `prefix`, as in `aboveStopPrice` (section 6.4)."""
    order_type = _read_type(params, prefix + "Type")
    return _read_leg(params, lambda name: prefix + name, order_type, side, qty, ZERO)


def _plain(name: str) -> str:
    return "newClientOrderId" if name == "ClientOrderId" else name[0].lower() + name[1:]


def _read_type(params: Params, name: str) -> OrderType:
    params.need(name)
    return cast("OrderType", params.choice(name, ORDER_TYPES, -1116, "Invalid orderType."))


def _read_leg(
    params: Params, named: Namer, order_type: OrderType, side: Side, qty: Decimal, quote_qty: Decimal
) -> OrderRequest:  # fmt: skip
    for name, text in _NOT_MODELLED.items():
        if params.has(named(name)):
            raise ApiError(-2010, text)
    _check_presence(params, named("TimeInForce"), order_type in _NEEDS_TIF)
    _check_presence(params, named("Price"), order_type in _NEEDS_PRICE)
    _check_presence(params, named("StopPrice"), order_type in _NEEDS_STOP)
    tif = params.choice(named("TimeInForce"), ("GTC", "IOC", "FOK"), -1115, "Invalid timeInForce.")
    mode = params.choice("selfTradePreventionMode", SELF_TRADE_MODES)
    strategy_type = params.integer(named("StrategyType"))
    if strategy_type is not None and strategy_type < 1_000_000:
        raise ApiError(-1128, "Combination of optional parameters invalid. Minimum value for strategyType is 1000000.")
    return OrderRequest(
        client_order_id=params.client_id(named("ClientOrderId")) or new_client_id(),
        side=side, type=order_type, qty=qty, quote_qty=quote_qty,
        px=params.decimal(named("Price")), stop_px=params.decimal(named("StopPrice")),
        time_in_force=cast("TimeInForce", tif or "GTC"), self_trade_mode=cast("SelfTradeMode", mode or "EXPIRE_MAKER"),
        strategy_id=params.integer(named("StrategyId")), strategy_type=strategy_type,
    )  # fmt: skip


def _check_presence(params: Params, name: str, wanted: bool) -> None:
    if wanted and not params.has(name):
        raise missing(name)
    if not wanted and params.has(name):
        raise unneeded(name)


def read_oco(
    params: Params, side: Side, qty: Decimal, names: tuple[str, str] = ("above", "below")
) -> tuple[OrderRequest, OrderRequest]:
    """The two legs (above, below) of an OCO pair, under these prefixes. Raises: the shape errors of section 6.4."""
    above, below = read_leg(params, names[0], side, qty), read_leg(params, names[1], side, qty)
    for leg in (above, below):
        if leg.type in {"LIMIT", "MARKET"}:
            raise ApiError(-1158, "Order type not supported in OCO.")
    if above.type == below.type == "LIMIT_MAKER":
        raise ApiError(-1168, "At least one of the orders must be a contingent order.")
    profit_leg, stop_leg = (below, above) if side == "BUY" else (above, below)
    if profit_leg.type in STOPS:
        raise ApiError(*_STOP_MISPLACED[side])
    if stop_leg.type not in STOPS:
        raise ApiError(*(_LIMIT_MISPLACED if stop_leg.type == "LIMIT_MAKER" else _PROFIT_MISPLACED)[side])
    return above, below


_STOP_MISPLACED = {
    "BUY": (-1196, "A stop loss order in a buy OCO must be above."),
    "SELL": (-1197, "A stop loss order in a sell OCO must be below."),
}
_LIMIT_MISPLACED = {
    "BUY": (-1165, "A limit order in a buy OCO must be below."),
    "SELL": (-1166, "A limit order in a sell OCO must be above."),
}
_PROFIT_MISPLACED = {
    "BUY": (-1198, "A take profit order in a buy OCO must be below."),
    "SELL": (-1199, "A take profit order in a sell OCO must be above."),
}


def read_legacy_oco(params: Params, side: Side, qty: Decimal) -> tuple[OrderRequest, OrderRequest]:
    """The legs (above, below) of the deprecated POST /api/v3/order/oco: a limit and a stop, placed by side."""
    limit = OrderRequest(
        params.client_id("limitClientOrderId") or new_client_id(),
        side,
        "LIMIT_MAKER",
        qty,
        params.need_decimal("price"),
    )
    stop_limit_px = params.decimal("stopLimitPrice")
    _check_presence(params, "stopLimitTimeInForce", bool(stop_limit_px))
    tif = params.choice("stopLimitTimeInForce", ("GTC", "IOC", "FOK"), -1115, "Invalid timeInForce.") or "GTC"
    stop = OrderRequest(
        params.client_id("stopClientOrderId") or new_client_id(), side,
        "STOP_LOSS_LIMIT" if stop_limit_px else "STOP_LOSS", qty, stop_limit_px, params.need_decimal("stopPrice"),
        time_in_force=cast("TimeInForce", tif),
    )  # fmt: skip
    return (stop, limit) if side == "BUY" else (limit, stop)


def read_working(params: Params) -> OrderRequest:
    """The entry of an OTO or OTOCO: LIMIT or LIMIT_MAKER."""
    side = read_side(params, "workingSide")
    working = read_leg(params, "working", side, params.need_decimal("workingQuantity"))
    if working.type not in {"LIMIT", "LIMIT_MAKER"}:
        raise ApiError(-1116, "Invalid orderType.")
    return working
