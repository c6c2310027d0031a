"""An OCO request in the spec's words (above and below legs) to the exit plan of what is held already."""

from decimal import Decimal

import msgspec

from common.exchanges import CAPABILITIES, Exchange
from common.exits import ExitLevel, ExitPlan, PriceTarget
from common.instruments import Instrument
from common.orders import OrderType, TimeInForce
from gateway.trading.plans import ONE, Market, shown_name
from gateway.trading.refusals import invalid, too_small

RESTING = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER})
"""Kinds that rest in the book at their price, and have no stop price."""


class OcoLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One leg as the request names it: its type, its limit price, and the price that wakes it up."""

    order_type: OrderType
    price: Decimal | None = None
    stop_price: Decimal | None = None
    time_in_force: TimeInForce | None = None


def oco_plan(above: OcoLeg, below: OcoLeg, instrument: Instrument, market: Market) -> ExitPlan:
    """The plan of one exit pair: the take-profit above the market, the stop below it. Raises Refused."""
    _check_types(above, below, instrument.exchange)
    take_profit, take_profit_trigger = _above_prices(above)
    stop, stop_limit = _below_prices(below)
    _check_above(take_profit, take_profit_trigger, instrument.exchange, market.last_px)
    if stop >= market.last_px:
        raise _wrong_side("belowStopPrice" if below.stop_price else "belowPrice", "below", stop, market.last_px)
    return ExitPlan(
        levels=(
            ExitLevel(
                take_profit=PriceTarget(px=instrument.floor_px(take_profit)),
                take_profit_trigger=_ticks(take_profit_trigger, instrument),
                stop_loss=PriceTarget(px=instrument.ceil_px(stop)),
                stop_limit=_ticks(stop_limit, instrument),
                share=ONE,
            ),
        ),
        take_profit_type=above.order_type,
        stop_loss_type=below.order_type,
        time_in_force=_time_in_force(above, below),
    )


def check_both_legs(plan: ExitPlan, qty: Decimal, instrument: Instrument, field: str) -> None:
    """Refuse a pair in which either leg, at its own price, is below the exchange's minimum."""
    level = plan.levels[0]
    prices = [target.px for target in (level.take_profit, level.stop_limit or level.stop_loss) if target.px is not None]
    for name, px in zip(("The take-profit leg", "The stop leg"), prices, strict=True):
        if not instrument.sellable(qty, px):
            raise too_small(field, name, qty, px, instrument)


def _check_types(above: OcoLeg, below: OcoLeg, exchange: Exchange) -> None:
    known, name = CAPABILITIES[exchange], shown_name(exchange)
    for field, side, kind, taken in (
        ("aboveType", "above", above.order_type, known.take_profit_types),
        ("belowType", "below", below.order_type, known.stop_loss_types),
    ):
        if kind not in taken:
            raise invalid(field, f"The leg {side} is one of {', '.join(taken)} on {name}.", "Use one of these.")


def _check_above(limit: Decimal, trigger: Decimal | None, exchange: Exchange, last_px: Decimal) -> None:
    """A native list wants the whole leg above the market; where triggers stand alone, their limit may lie beneath."""
    wants_both = trigger is None or CAPABILITIES[exchange].native_oco
    nearest = min(limit, trigger or limit) if wants_both else trigger
    assert nearest is not None, "a leg has a limit price or a trigger"
    if nearest <= last_px:
        raise _wrong_side("abovePrice" if wants_both else "aboveStopPrice", "above", nearest, last_px)


def _above_prices(leg: OcoLeg) -> tuple[Decimal, Decimal | None]:
    """(limit price, trigger) of the take-profit; a market take-profit counts as priced at its trigger."""
    match leg.order_type:
        case kind if kind in RESTING:
            if leg.stop_price is not None:
                raise invalid("aboveStopPrice", f"A {kind} has no stop price.", "Leave aboveStopPrice out.")
            if leg.time_in_force not in {None, TimeInForce.GTC}:
                raise invalid("aboveTimeInForce", f"A {kind} that waits for its price is GTC.", "Name GTC.")
            return _needed(leg.price, "abovePrice", leg.order_type), None
        case OrderType.TAKE_PROFIT:
            if leg.price is not None:
                raise invalid("abovePrice", "A TAKE_PROFIT has only a stop price.", "Leave abovePrice out.")
            trigger = _needed(leg.stop_price, "aboveStopPrice", leg.order_type)
            return trigger, trigger
        case _:
            return (
                _needed(leg.price, "abovePrice", leg.order_type),
                _needed(leg.stop_price, "aboveStopPrice", leg.order_type),
            )


def _below_prices(leg: OcoLeg) -> tuple[Decimal, Decimal | None]:
    """(trigger, limit price) of the stop."""
    trigger = _needed(leg.stop_price, "belowStopPrice", leg.order_type)
    if leg.order_type is OrderType.STOP_LOSS:
        if leg.price is not None:
            raise invalid("belowPrice", "A STOP_LOSS has only a stop price.", "Leave belowPrice out.")
        return trigger, None
    return trigger, _needed(leg.price, "belowPrice", leg.order_type)


def _needed(value: Decimal | None, field: str, order_type: OrderType) -> Decimal:
    if value is None or value <= 0:
        raise invalid(field, f"A {order_type} needs {field}, above 0.", f"Add {field}.")
    return value


def _time_in_force(above: OcoLeg, below: OcoLeg) -> TimeInForce:
    named = {leg.time_in_force for leg in (above, below) if leg.time_in_force is not None}
    if len(named) > 1:
        raise invalid("belowTimeInForce", "Both legs have the same time in force.", "Name GTC for both.")
    return named.pop() if named else TimeInForce.GTC


def _ticks(px: Decimal | None, instrument: Instrument) -> PriceTarget | None:
    return None if px is None else PriceTarget(px=instrument.floor_px(px))


def _wrong_side(field: str, side: str, px: Decimal, market_px: Decimal) -> Exception:
    rule = f"This leg lies {side} the market price ({market_px:f}); its price is {px:f}."
    return invalid(field, rule, f"Move it {side} the market price.", code="LEVEL_WRONG_SIDE")
