"""The refusals of the trading surface: each names the field at fault, the rule it breaks, and what would mend it."""

from decimal import ROUND_UP, Decimal
from typing import Final

from common.codec import plain
from common.errors import Refused
from common.instruments import Instrument

INSUFFICIENT_BALANCE = "Insufficient balance"
VALUE_TOO_LOW = "Order value too low"
EXCHANGE_REQUIRED = "Exchange parameter required"
CREDENTIALS_NOT_FOUND = "Credentials not found"
SIGNATURE_FAILED = "Signature validation failed"
_TOLD_TO: Final = Decimal("0.00000001")


def invalid(field: str, rule: str, fix: str, *, code: str = "INVALID_FIELD", title: str = "Invalid request") -> Refused:
    """A field whose value breaks a rule."""
    return Refused(code=code, title=title, field=field, rule=rule, fix=fix)


def exchange_required() -> Refused:
    """A request to an exchange that names none."""
    rule, fix = "Every request to an exchange names it.", "Add ?exchange=BINANCE."
    return invalid("exchange", rule, fix, code="EXCHANGE_REQUIRED", title=EXCHANGE_REQUIRED)


def insufficient(field: str, asset: str, needed: Decimal, free: Decimal) -> Refused:
    """More is asked for than the account has free."""
    told = needed.quantize(_TOLD_TO, rounding=ROUND_UP)
    return Refused(
        code="INSUFFICIENT_BALANCE",
        title=INSUFFICIENT_BALANCE,
        field=field,
        rule=f"The order needs {plain(told)} {asset}; {plain(free)} {asset} is free.",
        fix="Reduce the size, or free some balance; GET /exchanges/balance shows it.",
    )


def too_small(
    field: str,
    what: str,
    qty: Decimal,
    px: Decimal,
    instrument: Instrument,
    *,
    worth: Decimal | None = None,
    smallest: Decimal | None = None,
) -> Refused:
    """An order below the smallest quantity or value the exchange takes.

    `worth` and `smallest` (in quote asset) where they are not quantity x price and the symbol's own minimum.
    """
    least_qty = max(instrument.min_qty, instrument.lot_size)
    if worth is None and (qty < least_qty or qty <= 0):
        rule = f"{what} would be {plain(qty)} {instrument.base}; the smallest order is {plain(least_qty)}."
    else:
        value = plain(qty * px if worth is None else worth)
        of = "" if worth is not None else f" ({plain(qty)} at {plain(px)})"
        least = plain(instrument.min_notional if smallest is None else smallest)
        rule = f"{what} would be worth {value} {instrument.quote}{of}; the smallest order is worth {least}."
    return Refused(
        code="ORDER_VALUE_TOO_LOW",
        title=VALUE_TOO_LOW,
        field=field,
        rule=rule,
        fix="Increase the position size.",
    )
