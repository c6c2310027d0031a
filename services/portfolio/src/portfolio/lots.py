"""What is held of a symbol, trade by trade: how a buy comes in and a sale goes out. Pure.

A trade is a bracket, or what was bought by hand until it is sold again. Within a trade every unit costs the same: the
weighted average of its buys, fees included. What a sale takes out of a trade costs its share of the trade's cost, to 18
places half to even, and what empties a trade takes all that is left: results and remaining cost always add up to the
cash that flowed.
"""

from decimal import Decimal

import msgspec

from common.exact import exact, share_of, shared_out
from portfolio.fees import ZERO, Charge, Fees
from portfolio.fills import Fill

BY_HAND = "manual-"


class Lot(msgspec.Struct, frozen=True, kw_only=True):
    """One trade. Quantities in base asset, amounts in quote asset, times in ms."""

    trade_id: str
    """The bracket's id, or `manual-` and the id of the first trade bought by hand."""
    opened_ms: int
    touched: str
    """The place of the last fill that changed it."""
    touched_ms: int
    qty: Decimal = ZERO
    """Held now."""
    cost: Decimal = ZERO
    """What is held has cost, fees included."""
    entry_qty: Decimal = ZERO
    """Bought, before fees in base asset."""
    entry_quote: Decimal = ZERO
    """Paid for it, before fees."""
    exit_qty: Decimal = ZERO
    exit_quote: Decimal = ZERO
    """Received for what was sold, before fees."""
    realised: Decimal = ZERO
    """Received for what was sold, less its cost, less the fees of selling."""
    fees: Fees = Fees()
    dust_qty: Decimal = ZERO
    """What was left over when the trade was closed, too little to be sold; it is held on among the dust."""
    dust_cost: Decimal = ZERO
    done: bool = False
    """The order-engine is done with it: no more of its own fills will come."""

    @property
    def by_hand(self) -> bool:
        return self.trade_id.startswith(BY_HAND)

    @property
    def closed_ms(self) -> int | None:
        """When the last of it was sold; None while something is held."""
        return self.touched_ms if self.qty == 0 else None


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a sale: how much of it came from which trade, and its part of the fee."""

    qty: Decimal
    charge: Charge


def bought(lot: Lot | None, fill: Fill, charge: Charge) -> Lot:
    """The trade with a buy in it; None begins one."""
    if lot is None:
        trade_id = fill.bracket_id or BY_HAND + fill.trade_id
        lot = Lot(trade_id=trade_id, opened_ms=fill.at_ms, touched=fill.place, touched_ms=fill.at_ms)
    with exact():
        paid = fill.qty * fill.px
        received = fill.qty - charge.amount if charge.from_bought else fill.qty
        extra = ZERO if charge.from_bought else charge.worth or ZERO
        return msgspec.structs.replace(
            lot,
            touched=fill.place,
            touched_ms=fill.at_ms,
            qty=lot.qty + received,
            cost=lot.cost + paid + extra,
            entry_qty=lot.entry_qty + fill.qty,
            entry_quote=lot.entry_quote + paid,
            fees=lot.fees.plus(charge),
        )


def sold(lot: Lot, fill: Fill, taken: Taken) -> Lot:
    """The trade after a part of it was sold."""
    with exact():
        cost = share_of(lot.cost, taken.qty, lot.qty)
        proceeds = taken.qty * fill.px
        return msgspec.structs.replace(
            lot,
            touched=fill.place,
            touched_ms=fill.at_ms,
            qty=lot.qty - taken.qty,
            cost=lot.cost - cost,
            exit_qty=lot.exit_qty + taken.qty,
            exit_quote=lot.exit_quote + proceeds,
            realised=lot.realised + proceeds - cost - (taken.charge.worth or ZERO),
            fees=lot.fees.plus(taken.charge),
        )


def parts_of(fill: Fill, charge: Charge, available: list[Decimal]) -> list[Taken]:
    """A sale taken from what is available, in that order, and last what none of it covers; the fee shared out alike."""
    quantities, rest = [], fill.qty
    for qty in available:
        taken = min(qty, rest)
        quantities.append(taken)
        rest -= taken
    quantities.append(rest)
    used = [qty for qty in quantities if qty > 0]
    amounts = iter(shared_out(charge.amount, used))
    return [
        Taken(qty=qty, charge=msgspec.structs.replace(charge, amount=next(amounts) if qty > 0 else ZERO))
        for qty in quantities
    ]
