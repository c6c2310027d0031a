"""Commands to unsigned requests, and the limits they count for (section "Rate limits" of the API's pages)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from common.codec import plain
from common.commands import SubmitOrder
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.exchanges import CAPABILITIES, Exchange
from common.instruments import Instrument
from common.orders import OrderType, Side, TimeInForce
from gateio_connector.names import text_of
from gateio_connector.price_orders import rule_of

_FORCE: Final = {TimeInForce.GTC: "gtc", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}
_LIMITED: Final = frozenset({OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
CREATE: Final = "orders.create"
CANCEL: Final = "orders.cancel"
ARM: Final = "price_orders.create"


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How this connector places what Gate.io has no exact word for."""

    market_children: bool = False
    """Price orders with a market child; Gate.io has refused them for some accounts, so the default is a limit."""
    child_slippage: Decimal = Decimal("0.02")
    """How far beyond its trigger the limit of a child stands that is meant to execute at once."""
    buy_slippage: Decimal = Decimal("0.01")
    """How far above the best ask a market buy of a base quantity may pay."""


def needs_reference(command: SubmitOrder) -> bool:
    """Whether the order is a market buy of a base quantity, which the exchange does not have."""
    return command.order_type is OrderType.MARKET and command.side is Side.BUY and command.quote_qty is None


def submit_order(
    command: SubmitOrder, instrument: Instrument, habits: Habits, ask_px: Decimal | None = None
) -> HttpRequest:
    """POST /spot/orders. A market buy of a base quantity becomes a limit order a little above the best ask that ends
    at once: it never buys more than was asked for and never pays beyond its limit, and a purchase by value would do
    neither. Raises Refused."""
    if command.trigger_px is not None:
        raise _refused("trigger_px", f"{command.order_type} has no trigger", "leave trigger_px out")
    body: dict[str, str] = {
        "text": text_of(command.client_order_id),
        "currency_pair": instrument.exchange_symbol,
        "account": "spot",
        "side": command.side.value.lower(),
        "action_mode": "FULL",
    }
    if command.order_type is not OrderType.MARKET:
        force = (
            "poc" if command.order_type is OrderType.LIMIT_MAKER else _FORCE[command.time_in_force or TimeInForce.GTC]
        )
        terms = {
            "type": "limit",
            "amount": _base(command, instrument),
            "price": _price(command),
            "time_in_force": force,
        }
    else:
        if command.price is not None:
            raise _refused("price", "MARKET has no limit price", "leave price out")
        terms = _market(command, instrument, habits, ask_px)
    return HttpRequest(
        method="POST",
        path="/spot/orders",
        body=body | terms,
        signed=True,
        order_count=1,
        bucket=CREATE,
        lane=instrument.exchange_symbol,
    )


def _market(command: SubmitOrder, instrument: Instrument, habits: Habits, ask_px: Decimal | None) -> dict[str, str]:
    if command.quote_qty is not None:
        if command.side is not Side.BUY or command.qty is not None:
            raise _refused("quote_qty", "only a MARKET buy may be given by value, and then without qty", "give qty")
        return {"type": "market", "amount": plain(command.quote_qty), "time_in_force": "ioc"}
    if command.side is Side.SELL:
        return {"type": "market", "amount": _base(command, instrument), "time_in_force": "ioc"}
    if ask_px is None:
        raise _refused("qty", "a market buy is sized in quote asset", "give quote_qty, or a price to buy at")
    price = instrument.ceil_px(ask_px * (1 + habits.buy_slippage))
    return {"type": "limit", "amount": _base(command, instrument), "price": plain(price), "time_in_force": "ioc"}


def arm(command: SubmitOrder, instrument: Instrument, habits: Habits) -> HttpRequest:
    """POST /spot/price_orders: nothing but the documented keys, since others are refused. Raises Refused."""
    if command.side is not Side.SELL:
        raise _refused("side", "trigger orders are exits, and exits sell", "give SELL")
    if command.trigger_px is None:
        raise _refused("trigger_px", f"{command.order_type} needs trigger_px", "give trigger_px")
    rule = rule_of(command.order_type, command.side)
    body = {
        "market": instrument.exchange_symbol,
        "trigger": {"price": plain(command.trigger_px), "rule": rule, "expiration": _lifetime_s(command)},
        "put": {
            **_child(command, instrument, habits, command.trigger_px),
            "side": command.side.value.lower(),
            "amount": _base(command, instrument),
            "account": "normal",
        },
    }
    return HttpRequest(
        method="POST",
        path="/spot/price_orders",
        body=body,
        signed=True,
        order_count=1,
        bucket=ARM,
        lane=f"{instrument.exchange_symbol}{rule}",
    )


def _lifetime_s(command: SubmitOrder) -> int:
    """How long it waits before the exchange ends it; whoever placed it renews it before that."""
    longest_ms = CAPABILITIES[Exchange.GATEIO].trigger_lifetime_ms
    return max(min(command.lifetime_ms or longest_ms, longest_ms) // 1_000, 1)


def _child(command: SubmitOrder, instrument: Instrument, habits: Habits, trigger_px: Decimal) -> Mapping[str, Any]:
    if command.order_type in _LIMITED:
        force = "ioc" if command.time_in_force is TimeInForce.IOC else "gtc"
        return {"type": "limit", "price": _price(command), "time_in_force": force}
    if command.price is not None:
        raise _refused("price", f"{command.order_type} has no limit price", "leave price out")
    if habits.market_children:
        return {"type": "market", "price": "0", "time_in_force": "ioc"}
    # gtc: what a gap leaves unfilled stays in the book, where it can be seen and moved; ioc would drop it.
    price = instrument.floor_px(trigger_px * (1 - habits.child_slippage))
    return {"type": "limit", "price": plain(price), "time_in_force": "gtc"}


def cancel(pair: str, order_id: str) -> HttpRequest:
    """DELETE of an order by its number, or by its `text` while it is open."""
    return HttpRequest(
        method="DELETE",
        path=f"/spot/orders/{order_id}",
        params=(("currency_pair", pair),),
        signed=True,
        bucket=CANCEL,
    )


def disarm(price_order_id: str) -> HttpRequest:
    """DELETE of a price order."""
    return HttpRequest(
        method="DELETE", path=f"/spot/price_orders/{price_order_id}", signed=True, bucket="price_orders.cancel"
    )


def cancel_all(pair: str) -> HttpRequest:
    """DELETE of the open orders of a pair. Pair and account are never left out: without them everything would end."""
    params = (("currency_pair", pair), ("account", "spot"))
    return HttpRequest(method="DELETE", path="/spot/orders", params=params, signed=True, bucket=CANCEL)


def disarm_all(pair: str) -> HttpRequest:
    """DELETE of the waiting price orders of a pair; without the pair all markets' would end."""
    params = (("market", pair), ("account", "normal"))
    return HttpRequest(
        method="DELETE", path="/spot/price_orders", params=params, signed=True, bucket="price_orders.cancel"
    )


def transfer(
    *, currency: str, from_: str, to: str, amount: Decimal, settle: str | None, pair: str | None
) -> HttpRequest:
    """POST /wallet/transfers. It has no id of ours and is never repeated."""
    extra = {"settle": settle, "currency_pair": pair}
    body = {"currency": currency, "from": from_, "to": to, "amount": plain(amount)}
    body |= {name: value for name, value in extra.items() if value is not None}
    return HttpRequest(method="POST", path="/wallet/transfers", body=body, signed=True, bucket="wallet/transfers")


def _base(command: SubmitOrder, instrument: Instrument) -> str:
    """Floored to the lot, so that an exit never sells more than is held; Gate.io is said to cut extra digits itself."""
    if command.quote_qty is not None:
        raise _refused("quote_qty", "only a MARKET buy may be given by value, and then without qty", "give qty")
    if command.qty is None:
        raise _refused("qty", "an order has a quantity", "give qty (or, for a MARKET buy, quote_qty)")
    return plain(instrument.floor_qty(command.qty))


def _price(command: SubmitOrder) -> str:
    if command.price is None:
        raise _refused("price", f"{command.order_type} needs price", "give price")
    return plain(command.price)


def _refused(field: str, rule: str, fix: str) -> Refused:
    return Refused(code="bad_order", title="Gate.io would refuse this order", field=field, rule=rule, fix=fix)
