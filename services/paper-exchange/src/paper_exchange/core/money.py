"""Exact decimal arithmetic on eight places, which every asset here uses."""

from decimal import ROUND_CEILING, ROUND_DOWN, Decimal

ZERO = Decimal(0)
PLACES = Decimal("0.00000001")


def down(value: Decimal) -> Decimal:
    """`value` cut to eight decimals, never more than it was."""
    return value.quantize(PLACES, ROUND_DOWN)


def up(value: Decimal) -> Decimal:
    """`value` raised to eight decimals, never less than it was."""
    return value.quantize(PLACES, ROUND_CEILING)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value`; a step of zero means no grid."""
    return value if step == 0 else (value // step) * step


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` lies on the grid of `step`, counted from zero; a step of zero means no grid."""
    return step == 0 or value % step == 0


def num(value: Decimal) -> str:
    """A number with eight decimals, never an exponent."""
    return f"{value:.8f}"


def plain(value: Decimal) -> str:
    """A number with the decimals it needs, never an exponent."""
    return f"{value:f}".rstrip("0").rstrip(".") if value % 1 else f"{value.to_integral_value():f}"
