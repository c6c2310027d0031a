"""Order parameters to core requests, with the errors that come before the engine (sections 6 and 7)."""

import re
import uuid
from decimal import Decimal
from typing import cast

from paper_exchange.bitget.call import Call
from paper_exchange.bitget.errors import ApiError, bad_size, below_minimum, duplicate, refusal, wrong
from paper_exchange.bitget.numbers import scale_of
from paper_exchange.bitget.params import Params
from paper_exchange.bitget.render import STP_MODES
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, is_multiple
from paper_exchange.core.orders import OrderRequest, OrderType, SelfTradeMode, Side, TimeInForce
from paper_exchange.core.refusals import Reason

BAND = Decimal("0.05")
MAX_LIMIT_VALUE, MAX_MARKET_VALUE = Decimal(600_000), Decimal(400_000)
QUOTE_PLACES = 8
_CLASSIC_ID, _UTA_ID = re.compile(r"[A-Za-z0-9+_#-]+"), re.compile(r"[.A-Z:/a-z0-9_-]{1,32}")
_FORCES = ("gtc", "post_only", "fok", "ioc")


def read_client_oid(call: Call, params: Params, name: str = "clientOid") -> str | None:
    """The owner's name for an order, if given. Raises: 40304, 40305, 43118."""
    client_oid = params.text(name)
    if client_oid is None:
        return None
    is_uta = call.key is not None and call.key.kind == "uta"
    if len(client_oid) > (32 if is_uta else 50):
        raise ApiError("40304", "Client order Id length cannot be greater than 50")
    if not (_UTA_ID if is_uta else _CLASSIC_ID).fullmatch(client_oid):
        raise ApiError("40305", "Client order id is illegal")
    if call.venue.has_open(call.account, client_oid):
        raise duplicate()
    return client_oid


def read_side(params: Params) -> Side:
    """The mandatory side. Raises: 40019, 40020."""
    return cast("Side", params.choice("side", ("buy", "sell")).upper())


def read_order(
    call: Call, params: Params, market: Market, *, size_name: str = "size", force_name: str = "force"
) -> OrderRequest:  # fmt: skip
    """The order of a placement; the size of a market purchase is money. Raises: ApiError."""
    side, instrument = read_side(params), market.instrument
    is_market = params.choice("orderType", ("limit", "market")) == "market"
    client_oid = read_client_oid(call, params) or str(uuid.uuid4())
    size, px = params.need_decimal(size_name), ZERO
    mode = cast("SelfTradeMode", STP_MODES[params.choice("stpMode", tuple(STP_MODES), "none")])
    if is_market and side == "BUY":
        check_quote(size)
        check_value(size, market, is_market=True)
        return OrderRequest(client_oid, side, "MARKET", quote_qty=size, self_trade_mode=mode)
    check_base(size, instrument)
    if is_market:
        check_value(size * market.last, market, is_market=True)
        return OrderRequest(client_oid, side, "MARKET", size, self_trade_mode=mode)
    px = params.need_decimal("price")
    check_px(px, instrument)
    _check_band(side, px, market)
    check_value(size * px, market, is_market=False)
    force = params.choice(force_name, _FORCES, "gtc")
    kind: OrderType = "LIMIT_MAKER" if force == "post_only" else "LIMIT"
    tif = cast("TimeInForce", "GTC" if force == "post_only" else force.upper())
    return OrderRequest(client_oid, side, kind, size, px, time_in_force=tif, self_trade_mode=mode)


def check_base(size: Decimal, instrument: Instrument) -> None:
    """Refuse a base size with too many decimals, or none at all. Raises: 40808, 45112."""
    if not is_multiple(size, instrument.step):
        raise bad_size(instrument)
    if size > instrument.max_qty:
        raise ApiError("45112", "more than the maximum order quantity")


def check_quote(size: Decimal) -> None:
    """Refuse an amount of money with too many decimals. Raises: 40808."""
    if scale_of(size) > QUOTE_PLACES:
        text = f"Parameter verification exception size checkBDScale error checkScale={QUOTE_PLACES}"
        raise ApiError("40808", text)


def check_px(px: Decimal, instrument: Instrument) -> None:
    """Refuse a price off the step. Raises: 45115."""
    if not (instrument.min_px <= px <= instrument.max_px and is_multiple(px, instrument.tick)):
        raise refusal(Reason.PRICE_FILTER, instrument)


def check_value(value: Decimal, market: Market, *, is_market: bool) -> None:
    """Refuse an order that is worth too little or too much. Raises: 45110, 45113."""
    if value < market.instrument.min_notional:
        raise below_minimum()
    most = MAX_MARKET_VALUE if is_market else MAX_LIMIT_VALUE
    if market.instrument.quote == "USDT" and value > most:
        raise ApiError("45113", f"more than the maximum order value {most:f} USDT")


def _check_band(side: Side, px: Decimal, market: Market) -> None:
    """A purchase may not be too dear, a sale not too cheap. Raises: 40815, 40816."""
    if side == "BUY" and px > market.last * (1 + BAND):
        raise ApiError("40815", "The order price is higher than the highest limit price")
    if side == "SELL" and px < market.last * (1 - BAND):
        raise ApiError("40816", "The order price is lower than the lowest limit price")


def read_plan_child(params: Params, side: Side, plan_type: str, market: Market) -> OrderRequest:
    """What a plan will place; it is named when it fires. Raises: 40019, 40020, 43011, 40808, 45115."""
    instrument, size = market.instrument, params.need_decimal("size")
    if params.choice("orderType", ("limit", "market")) == "market":
        if plan_type == "total":
            if side == "SELL":
                raise wrong("planType")
            check_quote(size)
            return OrderRequest("", side, "MARKET", quote_qty=size, self_trade_mode="NONE")
        check_base(size, instrument)
        return OrderRequest("", side, "MARKET", size, self_trade_mode="NONE")
    px = params.decimal("executePrice")
    if px == 0:
        raise ApiError("43011", "The parameter does not meet the specification executePrice <= 0")
    check_px(px, instrument)
    if plan_type == "total":
        check_quote(size)
        size = size / px // instrument.step * instrument.step
    check_base(size, instrument)
    return OrderRequest("", side, "LIMIT", size, px, self_trade_mode="NONE")
