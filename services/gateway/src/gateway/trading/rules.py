"""The rules of a symbol and its exchange that an order keeps before it is sent; each refusal names its rule. Pure."""

import re
from decimal import Decimal

from common.codec import plain
from common.errors import Refused
from common.exchanges import CAPABILITIES, Exchange
from common.instruments import Instrument
from common.orders import OrderType
from gateway.trading.plans import shown_name
from gateway.trading.refusals import invalid


def check_tradable(instrument: Instrument) -> None:
    """Refuse a symbol that is halted, or that the exchange does not open to the API."""
    if not instrument.tradable:
        where = shown_name(instrument.exchange)
        rule = f"{instrument.symbol} is not trading at the moment, or {where} does not open it to the API."
        fix = "Choose another symbol, or wait until it trades again."
        raise invalid("symbol", rule, fix, code="MARKET_CLOSED", title="Market is closed")


def check_order_type(instrument: Instrument, order_type: OrderType) -> None:
    """Refuse a kind of order that the symbol does not take; a symbol that does not say takes all."""
    if instrument.order_types and order_type not in instrument.order_types:
        rule = f"{instrument.symbol} on {shown_name(instrument.exchange)} takes {', '.join(instrument.order_types)}."
        raise invalid("type", rule, "Use one of these.", code="ORDER_TYPE_NOT_TAKEN")


def check_qty_steps(instrument: Instrument, qty: Decimal, field: str) -> None:
    """Refuse a named quantity that is finer than the symbol's lot."""
    if instrument.floor_qty(qty) != qty:
        raise _too_fine(field, "A quantity", instrument.symbol, instrument.lot_size, instrument.floor_qty(qty))


def check_px_steps(instrument: Instrument, px: Decimal, field: str) -> None:
    """Refuse a named price that is finer than the symbol's tick."""
    if instrument.floor_px(px) != px:
        raise _too_fine(field, "A price", instrument.symbol, instrument.tick_size, instrument.floor_px(px))


def check_client_order_id(exchange: Exchange, name: str, field: str) -> None:
    """Refuse an id that the exchange could not have: wrong alphabet or length."""
    known = CAPABILITIES[exchange]
    if not re.fullmatch(known.client_order_id_pattern, name):
        rule = f"A client order id on {shown_name(exchange)} matches {known.client_order_id_pattern}."
        fix = f"Use at most {known.client_order_id_max_length} characters of this alphabet."
        raise invalid(field, rule, fix, code="INVALID_CLIENT_ORDER_ID")


def _too_fine(field: str, what: str, symbol: str, step: Decimal, nearest: Decimal) -> Refused:
    rule = f"{what} of {symbol} is a multiple of {plain(step)}."
    return invalid(field, rule, f"Round it, for example to {plain(nearest)}.", code="PRECISION_TOO_FINE")
