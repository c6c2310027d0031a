"""Take-profit and stop-loss attached to a limit order (section 9)."""

from typing import Any

from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Order, OrderRequest, Side
from paper_exchange.core.trigger import TriggerRequest
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import bad_value
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.intake import on_grid
from paper_exchange.gateio.notes import TriggerNote

Exits = dict[str, dict[str, str]]
NAMES = ("stop_profit", "stop_loss")


def read_exits(call: Call, fields: Fields, known: Exits, side: Side, px: Any, *, is_limit: bool) -> Exits:
    """The exits after this request: an object replaces, an empty one removes, null leaves. Raises: ApiError."""
    exits = dict(known)
    for name in NAMES:
        sent = fields.raw(name)
        if sent is None:
            continue
        if not isinstance(sent, dict) or not is_limit or call.switches.attached_exits == "refuse":
            raise bad_value(name, sent)
        exits.pop(name, None)
        if sent:
            exits[name] = _terms(name, Fields(sent))
    for name, terms in exits.items():
        trigger_px = Fields(terms).need_decimal("trigger_price")
        rises = (name == "stop_profit") == (side == "BUY")
        if trigger_px <= px if rises else trigger_px >= px:
            raise bad_value(f"{name}.trigger_price", terms["trigger_price"])
    return exits


def _terms(name: str, sent: Fields) -> dict[str, str]:
    if set(sent.names()) - {"trigger_price", "order_price"}:
        raise bad_value(name, sorted(sent.names()))
    sent.need_decimal("trigger_price")
    sent.decimal("order_price")
    return {"trigger_price": sent.need("trigger_price"), "order_price": sent.text("order_price") or "0"}


def attach(call: Call, order: Order, market: Market, exits: Exits) -> None:
    """Remember the exits with the order and, unless they are only for show, arm them when it ends with fills."""
    known = call.venue.note(order).exits
    if exits == known:
        return
    call.venue.note(order).exits = exits
    if call.switches.attached_exits == "arm":
        requests = [_request(call, order, market, name, Fields(terms)) for name, terms in exits.items()]
        call.venue.exchange.attach(order, requests)


def _request(call: Call, order: Order, market: Market, name: str, terms: Fields) -> TriggerRequest:
    """An order price of zero asks for the market; how else one would ask for it is not documented."""
    px = terms.decimal("order_price") or ZERO
    trigger_px = terms.need_decimal("trigger_price")
    on_grid(call, market.instrument, ZERO, trigger_px)
    on_grid(call, market.instrument, ZERO, px)
    side: Side = "SELL" if order.side == "BUY" else "BUY"
    child = OrderRequest(
        "", side, "LIMIT" if px else "MARKET", px=px, time_in_force="GTC" if px else "IOC", self_trade_mode="NONE"
    )
    word = "unified" if call.uid in call.venue.unified else "normal"
    rises = (name == "stop_profit") == (order.side == "BUY")
    return TriggerRequest("", trigger_px, child, rises, note=TriggerNote(None, word))
