"""Order parameters to core requests, with the checks that MEXC makes before its engine (sections 6.1 and 6.2)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, is_multiple, plain
from paper_exchange.core.orders import OrderRequest, OrderType, SelfTradeMode, Side, TimeInForce
from paper_exchange.core.refusals import Reason
from paper_exchange.mexc.catalog import LISTINGS, MOST_OPEN_ORDERS, Listing, State
from paper_exchange.mexc.errors import ApiError, bad_combination, malformed, refusal
from paper_exchange.mexc.params import Params

PROTECTION: Final = Decimal("0.05")
"""How far through the last price a MARKET order may trade, as a fraction (inferred from captures)."""
TYPES: Final[dict[str, tuple[OrderType, TimeInForce]]] = {
    "LIMIT": ("LIMIT", "GTC"),
    "LIMIT_MAKER": ("LIMIT_MAKER", "GTC"),
    "IMMEDIATE_OR_CANCEL": ("LIMIT", "IOC"),
    "FILL_OR_KILL": ("LIMIT", "FOK"),
    "MARKET": ("MARKET", "GTC"),
}
_STP: Final[dict[str, SelfTradeMode]] = {
    "cancel_taker": "EXPIRE_TAKER",
    "cancel_maker": "EXPIRE_MAKER",
    "cancel_both": "EXPIRE_BOTH",
}


def read_order(params: Params, market: Market, state: State) -> OrderRequest:
    """One order, of POST order or of a batch. Raises: the codes of section 8."""
    listing = LISTINGS[market.instrument.symbol]
    side = _read_side(params)
    name = params.need("type")
    if name not in TYPES:
        raise ApiError(500, "invalid type")
    _check_state(state, name, side)
    order_type, time_in_force = TYPES[name]
    stp = (params.text("stpMode") or "").lower()
    if stp and stp not in _STP:
        raise malformed("stpMode")
    qty, quote_qty = _read_size(params, name, listing)
    px = protection_px(side, market) if name == "MARKET" else _read_px(params, side, market, listing)
    if qty:
        _check_value(qty * (market.last if name == "MARKET" else px), listing)
    return OrderRequest(
        client_order_id=params.client_id("newClientOrderId") or "",
        side=side, type=order_type, qty=qty, px=px, quote_qty=quote_qty, time_in_force=time_in_force,
        self_trade_mode=_STP.get(stp, "NONE"),
    )  # fmt: skip


def check_count(account: Account) -> None:
    """An account may have five hundred open orders. Raises: 30029."""
    if len(account.open_orders) >= MOST_OPEN_ORDERS:
        raise refusal(Reason.MAX_NUM_ORDERS)


def protection_px(side: Side, market: Market) -> Decimal:
    """The worst price that a MARKET order takes, on the tick."""
    px = market.last * (1 + PROTECTION if side == "BUY" else 1 - PROTECTION)
    return px.quantize(market.instrument.tick, ROUND_HALF_UP)


def _read_side(params: Params) -> Side:
    side = params.need("side")
    if side == "BUY":
        return "BUY"
    if side == "SELL":
        return "SELL"
    raise malformed("side")


def _check_state(state: State, order_type: str, side: Side) -> None:
    match state:
        case State.SUSPENDED:
            raise refusal(Reason.MARKET_CLOSED)
        case State.API_CLOSED:
            raise ApiError(10007, "symbol not support api")
        case State.MARKET_DISABLED if order_type == "MARKET":
            raise ApiError(30019, "api market order is disabled")
        case State.BUY_ONLY if side == "SELL":
            raise ApiError(30001, "current transaction direction is not allowed to place an order")
        case State.SELL_ONLY if side == "BUY":
            raise ApiError(30001, "current transaction direction is not allowed to place an order")


def _read_size(params: Params, order_type: str, listing: Listing) -> tuple[Decimal, Decimal]:
    """Quantity and quote quantity, of which MARKET takes exactly one and all others the first."""
    if order_type != "MARKET":
        qty, quote_qty = params.need_decimal("quantity"), None
    else:
        qty, quote_qty = params.decimal("quantity") or ZERO, params.decimal("quoteOrderQty")
        if bool(qty) == (quote_qty is not None):
            raise bad_combination()
    if quote_qty is not None:
        _check_value(quote_qty, listing)
        return ZERO, quote_qty
    if not is_multiple(qty, listing.instrument.step):
        raise ApiError(10096, "amount decimals exceed the limit")
    if qty < listing.min_qty:
        text = f"{plain(listing.min_qty)}{listing.instrument.base}"
        raise ApiError(30002, f"The minimum transaction volume cannot be less than:{text}")
    return qty, ZERO


def _read_px(params: Params, side: Side, market: Market, listing: Listing) -> Decimal:
    px = params.need_decimal("price")
    market.instrument.check_px(px)
    edge = market.last * (1 + listing.band if side == "BUY" else 1 - listing.band)
    if px > edge if side == "BUY" else px < edge:
        raise refusal(Reason.PERCENT_PRICE)
    return px


def _check_value(value: Decimal, listing: Listing) -> None:
    quote = listing.instrument.quote
    if value < listing.min_value:
        text = f"{plain(listing.min_value)}{quote}"
        raise ApiError(30002, f"The minimum transaction volume cannot be less than:{text}")
    if value > listing.max_value:
        text = f"{plain(listing.max_value)}{quote}"
        raise ApiError(30003, f"The maximum transaction volume cannot be greater than:{text}")
