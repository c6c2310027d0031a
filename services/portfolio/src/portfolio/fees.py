"""What a fee was worth in the quote asset of its trade. Pure.

In quote asset it is worth itself. In base asset it is worth the price of the trade. In any other asset (BNB, GT, MX) it
is worth what a `FeeValued` fact says; until there is one its worth is not known, which is not the same as nothing.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.exact import exact
from common.orders import Side
from common.portfolio import FeeValued, SymbolNamed
from portfolio.fills import Fill

ZERO = Decimal(0)
_ONE = Decimal(1)


class FeeState(StrEnum):
    """How much is known of a fee."""

    NONE = "none"
    """Nothing was charged."""
    VALUED = "valued"
    UNVALUED = "unvalued"
    """Charged in an asset whose price is not known yet."""
    UNKNOWN = "unknown"
    """The exchange has not said what it charged."""


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """A fee and its worth."""

    asset: str | None
    amount: Decimal
    px: Decimal | None
    """Quote asset per fee asset."""
    state: FeeState
    from_bought: bool
    """Taken out of what a buy delivered: it makes the quantity smaller, not the payment larger."""

    @property
    def worth(self) -> Decimal | None:
        """In quote asset, exact; None while it is not known."""
        with exact():
            return None if self.px is None else self.amount * self.px


def charge_of(fill: Fill, name: SymbolNamed, valued: FeeValued | None) -> Charge:
    """The fee of a fill."""
    if not fill.fee_known or fill.fee is None:
        return Charge(asset=None, amount=ZERO, px=None, state=FeeState.UNKNOWN, from_bought=False)
    if fill.fee == 0:
        return Charge(asset=None, amount=ZERO, px=_ONE, state=FeeState.NONE, from_bought=False)
    px = _price(fill, name, valued)
    return Charge(
        asset=fill.fee_asset,
        amount=fill.fee,
        px=px,
        state=FeeState.UNVALUED if px is None else FeeState.VALUED,
        from_bought=fill.fee_asset == name.base and fill.side is Side.BUY,
    )


def _price(fill: Fill, name: SymbolNamed, valued: FeeValued | None) -> Decimal | None:
    if fill.fee_asset == name.quote:
        return _ONE
    if fill.fee_asset == name.base:
        return fill.px
    if valued is None or (valued.fee_asset, valued.quote) != (fill.fee_asset, name.quote):
        return None
    return valued.px


class Fees(msgspec.Struct, frozen=True, kw_only=True):
    """Fees added up."""

    amounts: dict[str, Decimal] = {}
    """By asset, valued or not."""
    worth: Decimal = ZERO
    """In quote asset, of those that are valued."""
    unvalued: dict[str, Decimal] = {}
    """By asset, of those that are not in `worth`."""
    unknown: int = 0
    """How many fills whose fee the exchange has not said."""

    @property
    def complete(self) -> bool:
        """Whether every fee is in `worth`."""
        return not self.unvalued and not self.unknown

    def plus(self, charge: Charge) -> "Fees":
        """With one more."""
        if charge.state is FeeState.UNKNOWN:
            return msgspec.structs.replace(self, unknown=self.unknown + 1)
        if charge.asset is None:
            return self
        with exact():
            worth = charge.worth
            return msgspec.structs.replace(
                self,
                amounts=_with(self.amounts, charge.asset, charge.amount),
                worth=self.worth + (worth or ZERO),
                unvalued=_with(self.unvalued, charge.asset, charge.amount) if worth is None else self.unvalued,
            )


def _with(amounts: dict[str, Decimal], asset: str, amount: Decimal) -> dict[str, Decimal]:
    return dict(sorted((amounts | {asset: amounts.get(asset, ZERO) + amount}).items()))
