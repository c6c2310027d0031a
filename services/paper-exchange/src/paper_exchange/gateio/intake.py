"""Bodies of orders to what the core understands (section 6)."""

import re
from decimal import Decimal
from typing import Literal

from paper_exchange.core.instruments import Instrument
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, floor_to, is_multiple
from paper_exchange.core.orders import OrderRequest, OrderType, Side, TimeInForce
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import ApiError, bad_value, missing, no_order, too_small
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.numbers import plain

ACTION_MODES = ("ACK", "RESULT", "FULL")
_TEXT = re.compile(r"t-[0-9A-Za-z_.\-]{1,28}")
_SLIPPAGE = (Decimal("0.0001"), Decimal("0.05"))
_TIMES: dict[str, TimeInForce] = {"gtc": "GTC", "ioc": "IOC", "fok": "FOK", "poc": "GTC"}
SIDES: dict[str, Side] = {"buy": "BUY", "sell": "SELL"}


def read_order(call: Call, fields: Fields, market: Market) -> OrderRequest:
    """The order that a body asks for. Raises: ApiError."""
    kind = fields.choice("type", ("limit", "market"), "limit")
    side = SIDES[fields.choice("side", SIDES, fields.need("side"))]
    check_account(call, fields)
    if fields.has("stp_act") and fields.raw("stp_act") not in {None, "", "-"}:
        raise ApiError("INVALID_PARAM_VALUE", "user is not in an STP group")
    text = read_text(call, fields, market)
    tif = fields.choice("time_in_force", _TIMES, "gtc")
    if kind == "market" and tif not in {"ioc", "fok"}:
        raise bad_value("time_in_force", tif)
    request = _limit(call, fields, market, side) if kind == "limit" else _market(call, fields, market, side)
    order_type: OrderType = "LIMIT_MAKER" if tif == "poc" else "LIMIT" if kind == "limit" else "MARKET"
    return OrderRequest(
        text, side, order_type, request.qty, request.px, quote_qty=request.quote_qty, time_in_force=_TIMES[tif],
        self_trade_mode="NONE",
    )  # fmt: skip


def check_account(call: Call, fields: Fields) -> None:
    """A classic account says `spot`, a unified one `unified` or `spot`. Raises: INVALID_PARAM_VALUE."""
    own = call.venue.account_word(call.uid)
    if fields.choice("account", ("spot", "unified", "margin", "cross_margin"), "spot") not in {"spot", own}:
        raise bad_value("account", fields.text("account"))


def read_text(call: Call, fields: Fields, market: Market) -> str:
    """The client's own id, or what the server calls an order without one. Raises: INVALID_PARAM_VALUE."""
    text = fields.text("text")
    if text is None:
        return call.default_text
    if _TEXT.fullmatch(text) is None:
        raise bad_value("text", text)
    known = call.account.by_client_id.get((market.instrument.symbol, text))
    if call.switches.duplicate_texts == "refuse" and known is not None and known.is_open:
        raise ApiError("REPEATED_CREATION", f"Order with text {text} exists")
    return text


def _limit(call: Call, fields: Fields, market: Market, side: Side) -> OrderRequest:
    qty, px = fields.need_decimal("amount"), fields.need_decimal("price")
    if fields.text("slippage") is not None:
        raise bad_value("slippage", fields.text("slippage"))
    qty, px = on_grid(call, market.instrument, qty, px)
    check_size(market.instrument, qty, px)
    return OrderRequest("", side, "LIMIT", qty, px)


def _market(call: Call, fields: Fields, market: Market, side: Side) -> OrderRequest:
    """A purchase says what to spend, a sale what to sell; `slippage` bounds how far the price may run."""
    instrument, amount = market.instrument, fields.need_decimal("amount")
    px = _bound(fields, market, side)
    if side == "BUY":
        if amount < instrument.min_notional:
            raise too_small(plain(amount), plain(instrument.min_notional), instrument.quote)
        return OrderRequest("", side, "MARKET", px=px, quote_qty=amount)
    qty, _ = on_grid(call, instrument, amount, ZERO)
    check_size(instrument, qty, market.best("BUY")[0] or market.last)
    return OrderRequest("", side, "MARKET", qty, px)


def _bound(fields: Fields, market: Market, side: Side) -> Decimal:
    slippage = fields.decimal("slippage")
    if slippage is None:
        return ZERO
    if not _SLIPPAGE[0] <= slippage <= _SLIPPAGE[1]:
        raise bad_value("slippage", slippage)
    best = market.best("SELL" if side == "BUY" else "BUY")[0] or market.last
    return floor_to(best * (1 + slippage if side == "BUY" else 1 - slippage), market.instrument.tick)


def on_grid(call: Call, instrument: Instrument, qty: Decimal, px: Decimal) -> tuple[Decimal, Decimal]:
    """Amount and price within the pair's precisions. Raises: INVALID_PRECISION, unless they are to be cut."""
    if call.switches.extra_decimals == "truncate":
        return floor_to(qty, instrument.step), floor_to(px, instrument.tick)
    if not is_multiple(px, instrument.tick):
        raise ApiError("INVALID_PRECISION", f"Invalid price precision: {plain(px)}")
    if not is_multiple(qty, instrument.step):
        raise ApiError("INVALID_PRECISION", f"Invalid amount precision: {plain(qty)}")
    return qty, px


def check_size(instrument: Instrument, qty: Decimal, px: Decimal) -> None:
    """Minimum and maximum in base and quote. Raises: AMOUNT_TOO_LITTLE, AMOUNT_TOO_MUCH, INVALID_PARAM_VALUE."""
    if qty < instrument.min_qty:
        raise ApiError("AMOUNT_TOO_LITTLE", f"Order amount {plain(qty)} is less than {plain(instrument.min_qty)}")
    if qty > instrument.max_qty or qty * px > instrument.max_notional:
        raise ApiError("AMOUNT_TOO_MUCH", f"Order amount {plain(qty)} is too large")
    if qty * px < instrument.min_notional:
        raise too_small(plain(qty * px), plain(instrument.min_notional), instrument.quote)


def check_takes(call: Call, market: Market, request: OrderRequest) -> None:
    """Post-only that would take, and fill-or-kill that would not fill. Raises: POC_FILL_IMMEDIATELY, FOK_NOT_FILL."""
    refuses = call.switches.post_only_crossing == "refuse"
    if request.type == "LIMIT_MAKER" and refuses:
        check_rests(call, market, request.side, request.px)
    if request.time_in_force == "FOK" and not _fills_whole(market, request):
        raise ApiError("FOK_NOT_FILL", "FOK order cannot be filled completely")


def check_rests(call: Call, market: Market, side: Side, px: Decimal) -> None:
    """A post-only price does not meet the book. Raises: POC_FILL_IMMEDIATELY."""
    if call.venue.exchange.would_take(side, px, market):
        raise ApiError("POC_FILL_IMMEDIATELY", "POC order would be filled immediately")


def _fills_whole(market: Market, request: OrderRequest) -> bool:
    maker_side: Literal["BUY", "SELL"] = "SELL" if request.side == "BUY" else "BUY"
    base = quote = ZERO
    for px, qty in market.depth(maker_side, 1000):
        if request.px and (px > request.px if request.side == "BUY" else px < request.px):
            break
        base, quote = base + qty, quote + px * qty
    return quote >= request.quote_qty if request.quote_qty else base >= request.qty


def read_action_mode(fields: Fields) -> str:
    """How much the answer says. Raises: INVALID_PARAM_VALUE."""
    return fields.choice("action_mode", ACTION_MODES, "FULL")


def need_name(name: str | None) -> str:
    """An order's id or text. Raises: MISSING_REQUIRED_PARAM, ORDER_NOT_FOUND for what can be neither."""
    if not name:
        raise missing("order_id")
    if not name.isdecimal() and not name.startswith("t-"):
        raise no_order()
    return name
