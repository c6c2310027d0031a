"""Commands as the plain terms of an order or of a plan order, the same for both families of accounts."""

from decimal import Decimal
from typing import Final

import msgspec

from common.commands import Preset, SubmitOrder
from common.errors import Refused
from common.instruments import Instrument
from common.orders import OrderType, Side, TimeInForce

MAX_CLIENT_OID: Final = 32
SLIPPAGE: Final = Decimal("0.01")
"""How far above the asked price a market buy of a base quantity may pay; the band of the exchange is 5 %."""

_FORCE = {TimeInForce.GTC: "gtc", TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A plain order. `size` is in base asset, of a market buy in quote asset."""

    symbol: str
    side: Side
    kind: str
    size: Decimal
    price: Decimal | None
    force: str
    client_oid: str
    preset: Preset | None = None
    """The exits it brings along; Classic accounts only."""


class NewPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits for a price and then spawns a market or a limit order."""

    symbol: str
    side: Side
    kind: str
    qty: Decimal
    trigger_px: Decimal
    price: Decimal | None
    client_oid: str


def needs_reference(command: SubmitOrder) -> bool:
    """Whether the order is a market buy of a base quantity, which the exchange does not have."""
    return command.order_type is OrderType.MARKET and command.side is Side.BUY and command.quote_qty is None


def plan_of(command: SubmitOrder, instrument: Instrument) -> NewPlan:
    """The terms of a trigger order. Raises Refused."""
    limited = command.order_type in {OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
    if command.side is not Side.SELL:
        raise _refused("side", "trigger orders are exits, and exits sell", "give SELL")
    if command.trigger_px is None:
        raise _refused("trigger_px", f"{command.order_type} needs trigger_px", "give trigger_px")
    _check_price(command, wanted=limited)
    return NewPlan(
        symbol=instrument.exchange_symbol,
        side=command.side,
        kind="limit" if limited else "market",
        qty=_base_qty(command, instrument),
        trigger_px=command.trigger_px,
        price=command.price if limited else None,
        client_oid=legal(command.client_order_id),
    )


def order_of(command: SubmitOrder, instrument: Instrument, reference_px: Decimal | None = None) -> NewOrder:
    """The terms of a plain order; `reference_px` is the best ask, for a market buy of a base quantity. Raises Refused.

    Such a buy becomes a limit order a little above the ask that ends at once: it never buys more than was asked for,
    and never pays beyond its limit. A market order by value would do neither.
    """
    if command.trigger_px is not None:
        raise _refused("trigger_px", f"{command.order_type} has no trigger", "leave trigger_px out")
    _check_price(command, wanted=command.order_type is not OrderType.MARKET)
    if command.quote_qty is not None:
        return _by_value(command, instrument)
    kind, price, force = "limit", command.price, _FORCE[command.time_in_force or TimeInForce.GTC]
    if needs_reference(command):
        if reference_px is None:
            raise _refused("qty", "a market buy is sized in quote asset", "give quote_qty, or a price to buy at")
        price, force = instrument.ceil_px(reference_px * (1 + SLIPPAGE)), "ioc"
    elif command.order_type is OrderType.MARKET:
        # The exchange ignores the time in force of a market order; post_only it would execute.
        kind, force = "market", "gtc"
    elif command.order_type is OrderType.LIMIT_MAKER:
        force = "post_only"
    return NewOrder(
        symbol=instrument.exchange_symbol,
        side=command.side,
        kind=kind,
        size=_base_qty(command, instrument),
        price=price,
        force=force,
        client_oid=legal(command.client_order_id),
        preset=command.preset,
    )


def _by_value(command: SubmitOrder, instrument: Instrument) -> NewOrder:
    if command.order_type is not OrderType.MARKET or command.side is not Side.BUY or command.qty is not None:
        raise _refused("quote_qty", "only a MARKET buy may be given by value, and then without qty", "give qty")
    assert command.quote_qty is not None, "this order is given by value"
    return NewOrder(
        symbol=instrument.exchange_symbol,
        side=command.side,
        kind="market",
        size=command.quote_qty,
        price=None,
        force="gtc",
        client_oid=legal(command.client_order_id),
        preset=command.preset,
    )


def _base_qty(command: SubmitOrder, instrument: Instrument) -> Decimal:
    """Floored to the lot, so that an exit never sells more than is held."""
    if command.qty is None:
        raise _refused("qty", "an order has a quantity", "give qty (or, for a MARKET buy, quote_qty)")
    return instrument.floor_qty(command.qty)


def _check_price(command: SubmitOrder, *, wanted: bool) -> None:
    if wanted and command.price is None:
        raise _refused("price", f"{command.order_type} needs price", "give price")
    if not wanted and command.price is not None:
        raise _refused("price", f"{command.order_type} has no limit price", "leave price out")


def legal(client_oid: str) -> str:
    """`[A-Za-z0-9_-]{1,32}` suits both families and needs no escaping in a signed query. Raises Refused."""
    bare = client_oid.replace("-", "").replace("_", "")
    if not 1 <= len(client_oid) <= MAX_CLIENT_OID or not (bare == "" or (bare.isascii() and bare.isalnum())):
        raise _refused("client_order_id", "1 to 32 of letters, digits, - and _", "choose an id of this alphabet")
    return client_oid


def _refused(field: str, rule: str, fix: str) -> Refused:
    return Refused(code="bad_order", title="Bitget would refuse this order", field=field, rule=rule, fix=fix)
