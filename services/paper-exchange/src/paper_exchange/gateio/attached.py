"""Take-profit and stop-loss attached to a limit order (section 9)."""

from decimal import Decimal

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


def read_exits(call: Call, fields: Fields, known: Exits, market: Market, entry: tuple[Side, Decimal] | None) -> Exits:
    """The exits after this request: an object replaces, an empty one removes, null leaves. Raises: ApiError.

    `entry` is the limit order's side and price, None for a market order, which may have no exits.
    """
    exits = dict(known)
    for name in NAMES:
        sent = fields.raw(name)
        if sent is None:
            continue
        if not isinstance(sent, dict) or entry is None or call.switches.attached_exits == "refuse":
            raise bad_value(name, sent)
        exits.pop(name, None)
        if sent:
            exits[name] = _terms(name, Fields(sent))
    for name, terms in exits.items():
        assert entry is not None
        trigger_px, _ = _prices(call, market, Fields(terms))
        if trigger_px <= entry[1] if _rises(name, entry[0]) else trigger_px >= entry[1]:
            raise bad_value(f"{name}.trigger_price", terms["trigger_price"])
    return exits


def _prices(call: Call, market: Market, terms: Fields) -> tuple[Decimal, Decimal]:
    """Trigger and order price on the pair's grid. Raises: INVALID_PRECISION."""
    _, trigger_px = on_grid(call, market.instrument, ZERO, terms.need_decimal("trigger_price"))
    _, px = on_grid(call, market.instrument, ZERO, terms.decimal("order_price") or ZERO)
    return trigger_px, px


def _rises(name: str, side: Side) -> bool:
    return (name == "stop_profit") == (side == "BUY")


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
    trigger_px, px = _prices(call, market, terms)
    side: Side = "SELL" if order.side == "BUY" else "BUY"
    child = OrderRequest(
        "", side, "LIMIT" if px else "MARKET", px=px, time_in_force="GTC" if px else "IOC", self_trade_mode="NONE"
    )
    word = "unified" if call.uid in call.venue.unified else "normal"
    return TriggerRequest("", trigger_px, child, _rises(name, order.side), note=TriggerNote(None, word))
