"""Numbers and times as Gate.io prints them: texts without needless zeros, seconds, and milliseconds."""

from decimal import ROUND_HALF_UP, Decimal

from paper_exchange.core.money import ZERO


def plain(value: Decimal) -> str:
    """A number without needless zeros and without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def long(value: Decimal) -> str:
    """With twenty decimals, as price orders echo their amount (section 8)."""
    return f"{value:.20f}"


def average(quote: Decimal, qty: Decimal) -> Decimal:
    """The average price of what was filled, zero before the first fill."""
    return (quote / qty).quantize(Decimal("1e-10"), ROUND_HALF_UP) if qty else ZERO


def seconds(ts_ms: int) -> str:
    """Whole seconds as a text."""
    return str(ts_ms // 1000)


def micros(ts_ms: int) -> str:
    """Milliseconds with decimals, as trades carry them."""
    return f"{ts_ms}.000000"


def places(step: Decimal) -> int:
    """How many decimals a step has."""
    return max(0, -int(step.normalize().as_tuple().exponent))
