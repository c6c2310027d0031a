"""Arithmetic of money that adds up to the last digit: sums and products are exact, quotients have one rounding rule.

The default context of `decimal` rounds silently at 28 digits, and a price times a quantity times a rate may have more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Final

PLACES: Final = Decimal("1e-18")
"""Every quotient has 18 places, half to even."""
_WIDE: Final = Context(prec=120, rounding=ROUND_HALF_EVEN)
_ZERO: Final = Decimal(0)


@contextmanager
def exact() -> Iterator[None]:
    """Within it sums and products of money lose nothing."""
    with localcontext(_WIDE):
        yield


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """A quotient to 18 places, half to even."""
    with exact():
        return (dividend / divisor).quantize(PLACES)


def share_of(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`part`/`whole` of a total, to 18 places; the whole of it is the total itself, without rounding."""
    if part == whole:
        return total
    with exact():
        return (total * part / whole).quantize(PLACES)


def shared_out(total: Decimal, parts: Sequence[Decimal]) -> list[Decimal]:
    """A total shared out in proportion to the parts; the last one takes what rounding leaves, so nothing is lost."""
    with exact():
        whole = sum(parts, _ZERO)
        shares = [share_of(total, part, whole) for part in parts[:-1]]
        return [*shares, total - sum(shares, _ZERO)] if parts else []
