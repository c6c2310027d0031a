"""Numbers as Bitget prints them: texts with fixed places, and (inside `feeDetail`) Java's doubles."""

from decimal import Decimal

from paper_exchange.core.instruments import Instrument


def places(value: Decimal, count: int) -> str:
    """With this many decimals, never an exponent."""
    return f"{value:.{count}f}"


def long(value: Decimal) -> str:
    """With sixteen decimals, as the order lists have it; zero stays short."""
    return f"{value:.16f}" if value else "0"


def short(value: Decimal) -> str:
    """Without needless zeros."""
    return f"{value.normalize():f}" if value else "0"


def java_double(value: Decimal) -> str:
    """As Java writes a double: with an exponent below a thousandth."""
    if value == 0:
        return "0"
    if abs(value) >= Decimal("0.001"):
        return short(value)
    digits = value.normalize()
    exponent = digits.adjusted()
    mantissa = digits.scaleb(-exponent)
    return f"{mantissa:f}{'' if '.' in f'{mantissa:f}' else '.0'}E{exponent}"


def scale_of(step: Decimal) -> int:
    """How many decimals a step has."""
    return max(0, -int(step.normalize().as_tuple().exponent))


def px_text(value: Decimal, instrument: Instrument) -> str:
    """A price with the instrument's decimals."""
    return places(value, scale_of(instrument.tick))


def qty_text(value: Decimal, instrument: Instrument) -> str:
    """A base quantity with the instrument's decimals."""
    return places(value, scale_of(instrument.step))
