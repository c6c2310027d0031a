"""What a trader writes as a level, as a price target.

A level is a price (`105000` or `"105000"`), a percentage of the average entry price (`"5%"`), or an object with one
of the two (`{"price": "105000"}`, `{"pct": "5"}`). A take-profit percentage counts upwards from the entry and a stop
percentage downwards, whether or not it is written with its minus sign.
"""

from decimal import Decimal, InvalidOperation
from typing import Any

from common.exits import HUNDRED, PriceTarget
from common.instruments import ZERO
from gateway.trading.refusals import invalid

_SHAPE = 'A level is a price (105000), a percentage ("5%"), or an object with "price" or "pct".'


def take_profit(raw: Any, field: str) -> PriceTarget:
    """A take-profit level. Raises Refused."""
    target = _target(raw, field)
    if target.pct is not None and target.pct <= 0:
        raise invalid(field, "A take-profit percentage is above 0.", 'Write how far above the entry, like "5%".')
    return target


def stop_loss(raw: Any, field: str) -> PriceTarget:
    """A stop level; its percentage counts down from the entry. Raises Refused."""
    target = _target(raw, field)
    if target.pct is None:
        return target
    distance = abs(target.pct)
    if not ZERO < distance < HUNDRED:
        rule = "A stop percentage is above 0 and below 100."
        raise invalid(field, rule, 'Write how far below the entry, like "5%".')
    return PriceTarget(pct=-distance)


def below(target: PriceTarget, offset_pct: Decimal) -> PriceTarget:
    """The target `offset_pct` percent beneath another one, absolute or relative as that one is."""
    keep = (HUNDRED - offset_pct) / HUNDRED
    if target.px is not None:
        return PriceTarget(px=target.px * keep)
    assert target.pct is not None, "a price target holds a price or a percentage"
    return PriceTarget(pct=(HUNDRED + target.pct) * keep - HUNDRED)


def _target(raw: Any, field: str) -> PriceTarget:
    match raw:
        case {"price": value, **rest} if not rest:
            return _price(value, f"{field}.price")
        case {"pct": value, **rest} if not rest:
            return PriceTarget(pct=_number(value, f"{field}.pct"))
        case str() if raw.strip().endswith("%"):
            return PriceTarget(pct=_number(raw.strip()[:-1], field))
        case str() | int() | Decimal() if not isinstance(raw, bool):
            return _price(raw, field)
        case _:
            raise invalid(field, _SHAPE, "Write the level in one of these forms.")


def _price(raw: Any, field: str) -> PriceTarget:
    price = _number(raw, field)
    if price <= 0:
        raise invalid(field, "A price is above 0.", "Name the price at which to leave.")
    return PriceTarget(px=price)


def _number(raw: Any, field: str) -> Decimal:
    if isinstance(raw, str | int | Decimal) and not isinstance(raw, bool):
        try:
            number = Decimal(raw)
        except InvalidOperation:
            number = Decimal("NaN")
        # Beyond this no market has a price, and arithmetic with such exponents would be slow.
        if number.is_finite() and (number == 0 or -18 <= number.adjusted() <= 18):
            return number
    raise invalid(field, _SHAPE, "Write a decimal number.")
