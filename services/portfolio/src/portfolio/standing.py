"""Where an account stands in a symbol after each fill. Pure: standing and fill give the next standing.

A sale goes out of its own bracket's trade first, then out of what was bought by hand, then out of the other brackets'
trades, oldest first, then out of the dust of closed trades. What none of them covers was never bought here (deposited,
or from before the account was known): it has no cost we know, so it makes no result; it is counted beside the results.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from common.exact import exact, share_of
from common.exchanges import Exchange
from common.orders import Side
from common.protection import BracketClosed
from portfolio.fees import ZERO, Charge, Fees
from portfolio.fills import Fill
from portfolio.lots import Lot, Taken, bought, parts_of, sold


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """The order-engine's word that it is done with a bracket, and what the bracket's own orders had done by then."""

    account_id: str
    exchange: Exchange
    symbol: str
    bracket_id: str
    version: int
    entry_qty: Decimal
    exit_qty: Decimal
    dust_qty: Decimal


def closing_from(fact: BracketClosed) -> Closing:
    """The part of the fact that matters here."""
    return Closing(
        account_id=fact.account_id,
        exchange=fact.exchange,
        symbol=fact.symbol,
        bracket_id=fact.bracket_id,
        version=fact.version,
        entry_qty=fact.entry_qty,
        exit_qty=fact.exit_qty,
        dust_qty=fact.dust_qty,
    )


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An account in one symbol. Quantities in base asset, amounts in quote asset, times in ms."""

    lots: tuple[Lot, ...] = ()
    """The trades that hold something or may still do so, in the order in which they began."""
    dust_qty: Decimal = ZERO
    dust_cost: Decimal = ZERO
    realised: Decimal = ZERO
    """Net of fees."""
    fees: Fees = Fees()
    """Of all fills, also of sales of what was never bought here."""
    unmatched_qty: Decimal = ZERO
    """Sold without having been bought here."""
    unmatched_quote: Decimal = ZERO
    """Received for that, less the fees of selling it; in no result."""
    fills: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def qty(self) -> Decimal:
        """Held, as far as trades tell."""
        with exact():
            return sum((lot.qty for lot in self.lots), self.dust_qty)

    @property
    def cost(self) -> Decimal:
        """What is held has cost, fees included."""
        with exact():
            return sum((lot.cost for lot in self.lots), self.dust_cost)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one fill did."""

    after: Standing
    touched: tuple[Lot, ...]
    """Every trade it changed, also those that left the standing."""
    realised: Decimal


def step(before: Standing, fill: Fill, charge: Charge, closings: Mapping[str, Closing]) -> Step:
    """The standing after a fill."""
    with exact():
        counted = msgspec.structs.replace(
            before,
            fees=before.fees.plus(charge),
            fills=before.fills + 1,
            first_ms=fill.at_ms if before.first_ms is None else before.first_ms,
            last_ms=fill.at_ms,
        )
        if fill.side is Side.BUY:
            return _settled(counted, _after_buy(counted, fill, charge), closings, ZERO)
        return _after_sale(counted, fill, charge, closings)


def _after_buy(before: Standing, fill: Fill, charge: Charge) -> tuple[Lot, ...]:
    bracket_id = fill.bracket_id
    lots = (lot for lot in before.lots if (lot.by_hand if bracket_id is None else lot.trade_id == bracket_id))
    lot = next(lots, None)
    return (bought(lot, fill, charge),)


def _after_sale(before: Standing, fill: Fill, charge: Charge, closings: Mapping[str, Closing]) -> Step:
    bracket_id = fill.bracket_id
    held = (lot for lot in before.lots if lot.qty > 0)
    lots = sorted(held, key=lambda lot: (lot.trade_id != bracket_id, not lot.by_hand))
    parts = parts_of(fill, charge, [*(lot.qty for lot in lots), before.dust_qty])
    *from_lots, from_dust, unmatched = parts
    touched = tuple(sold(lot, fill, part) for lot, part in zip(lots, from_lots, strict=True) if part.qty > 0)
    known = {lot.trade_id: lot for lot in lots}
    realised = sum((lot.realised - known[lot.trade_id].realised for lot in touched), ZERO)
    dust_cost = share_of(before.dust_cost, from_dust.qty, before.dust_qty) if from_dust.qty > 0 else ZERO
    realised += _net(from_dust, fill) - dust_cost
    after = msgspec.structs.replace(
        before,
        dust_qty=before.dust_qty - from_dust.qty,
        dust_cost=before.dust_cost - dust_cost,
        unmatched_qty=before.unmatched_qty + unmatched.qty,
        unmatched_quote=before.unmatched_quote + _net(unmatched, fill),
    )
    return _settled(after, touched, closings, realised)


def _settled(before: Standing, touched: tuple[Lot, ...], closings: Mapping[str, Closing], realised: Decimal) -> Step:
    """Put the touched trades back; those that are done leave, and what is left of them is dust."""
    ended = tuple(_ended(lot, closings.get(lot.trade_id)) for lot in touched)
    changed = {lot.trade_id: lot for lot in ended}
    begun = tuple(lot for lot in ended if all(lot.trade_id != each.trade_id for each in before.lots))
    lots = (*(changed.get(lot.trade_id, lot) for lot in before.lots), *begun)
    after = msgspec.structs.replace(
        before,
        lots=tuple(lot for lot in lots if not _gone(lot)),
        dust_qty=sum((lot.dust_qty for lot in ended), before.dust_qty),
        dust_cost=sum((lot.dust_cost for lot in ended), before.dust_cost),
        realised=before.realised + realised,
    )
    return Step(after=after, touched=ended, realised=realised)


def _ended(lot: Lot, closing: Closing | None) -> Lot:
    """A trade whose bracket is closed is done once all that its orders did has been seen here.

    What the engine then calls dust is dust here; what it let go (released by the user, sold by hand) stays a trade.
    """
    if closing is None or lot.entry_qty < closing.entry_qty or lot.exit_qty < closing.exit_qty:
        return lot
    if lot.qty > closing.dust_qty:
        return lot
    dusty = {"dust_qty": lot.qty, "dust_cost": lot.cost, "qty": ZERO, "cost": ZERO}
    return msgspec.structs.replace(lot, done=True, **dusty)


def _gone(lot: Lot) -> bool:
    return lot.done or (lot.by_hand and lot.qty == 0)


def _net(part: Taken, fill: Fill) -> Decimal:
    return part.qty * fill.px - (part.charge.worth or ZERO) if part.qty > 0 else ZERO
