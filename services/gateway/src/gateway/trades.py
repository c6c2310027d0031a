"""Brackets and their orders to trades with profit and loss, net of the fees that can be valued."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from common.instruments import ZERO
from common.orders import Side
from gateway.answers import number, order_shown
from gateway.portfolio.views import TradeView
from gateway.ports import BracketView, OrderView

HUNDRED = Decimal(100)
ENTRY = "ENTRY"


class Profit(msgspec.Struct, frozen=True, kw_only=True):
    """What a trade made so far, in quote asset; `unvalued_fees` are in assets whose price is not part of it."""

    amount: Decimal | None
    pct: Decimal | None
    unvalued_fees: dict[str, Decimal]


def profit(
    bracket: BracketView, *, base: str, quote: str, last_px: Decimal | None, kept: TradeView | None = None
) -> Profit:
    """Sold and still held against paid: fees in quote are taken off, fees in base are not there to be held any more.

    A closed bracket's result is what the engine computed. `kept` is the portfolio's word on the same trade, in which
    fees in other assets are valued: where it has all of the trade's fills, it counts. None while something is held and
    has no price.
    """
    if kept is not None and _has_all(kept, bracket):
        return _kept_profit(bracket, kept, last_px)
    unvalued = {asset: fee for asset, fee in bracket.fees.items() if asset not in {base, quote}}
    if bracket.entry_qty == 0 or bracket.entry_avg_px is None:
        return Profit(amount=None, pct=None, unvalued_fees=unvalued)
    cost = bracket.entry_qty * bracket.entry_avg_px
    amount = bracket.realised_pnl if bracket.state == "CLOSED" else None
    if amount is None:
        amount = _so_far(bracket, cost, base=base, quote=quote, last_px=last_px)
    return Profit(amount=amount, pct=None if amount is None else amount * HUNDRED / cost, unvalued_fees=unvalued)


def _has_all(kept: TradeView, bracket: BracketView) -> bool:
    return bracket.entry_qty == kept.entry_qty > 0 and bracket.exit_qty <= kept.exit_qty


def _kept_profit(bracket: BracketView, kept: TradeView, last_px: Decimal | None) -> Profit:
    cost = bracket.entry_qty * (bracket.entry_avg_px or ZERO)
    held_qty = ZERO if bracket.state == "CLOSED" else kept.held_qty
    if held_qty > 0 and last_px is None:
        return Profit(amount=None, pct=None, unvalued_fees=kept.fees_unvalued)
    amount = kept.realised_pnl + (held_qty * (last_px or ZERO) - kept.held_cost if held_qty > 0 else ZERO)
    return Profit(amount=amount, pct=amount * HUNDRED / cost if cost > 0 else None, unvalued_fees=kept.fees_unvalued)


def _so_far(bracket: BracketView, cost: Decimal, *, base: str, quote: str, last_px: Decimal | None) -> Decimal | None:
    sold = bracket.exit_qty * (bracket.exit_avg_px or ZERO)
    held = max(bracket.entry_qty - bracket.fees.get(base, ZERO) - bracket.exit_qty, ZERO)
    if held > 0 and last_px is None:
        return None
    return sold + held * (last_px or ZERO) - cost - bracket.fees.get(quote, ZERO)


def grouped(orders: Sequence[OrderView]) -> Mapping[str, list[OrderView]]:
    """The orders by their bracket."""
    groups: defaultdict[str, list[OrderView]] = defaultdict(list)
    for order in orders:
        if order.order_group_id is not None:
            groups[order.order_group_id].append(order)
    return groups


def trade_shown(
    bracket: BracketView,
    orders: Sequence[OrderView],
    *,
    base: str,
    quote: str,
    last_px: Decimal | None,
    kept: TradeView | None = None,
) -> dict[str, Any]:
    """One trade as the spec shows it, with the fees and the state of its protection."""
    entry = next((order for order in orders if order.order_role == ENTRY), None)
    result = profit(bracket, base=base, quote=quote, last_px=last_px, kept=kept)
    if entry is None or entry.side == Side.SELL:
        # What is sold here was bought elsewhere, at a price this trade does not know.
        result = msgspec.structs.replace(result, amount=None, pct=None)
    return {
        "entryOrder": order_shown(entry) if entry else None,
        "relatedOrders": [order_shown(order) for order in orders if order is not entry],
        "entryPriceAvg": number(bracket.entry_avg_px),
        "exitPriceAvg": number(bracket.exit_avg_px),
        "currentPnL": number(result.amount),
        "pnlPercentage": number(result.pct),
        "fees": bracket.fees,
        "feesNotInPnL": result.unvalued_fees,
        "orderGroupId": bracket.bracket_id,
        "exchange": bracket.exchange.upper(),
        "symbol": bracket.symbol,
        "state": bracket.state,
        "quantity": bracket.entry_qty,
        "heldQty": bracket.held_qty,
        "protectedQty": bracket.protected_qty,
        "guardedQty": bracket.guarded_qty,
        "unprotectedQty": bracket.unprotected_qty,
        "dustQty": bracket.dust_qty,
        "createdAt": bracket.created_at,
        "updatedAt": bracket.updated_at,
    }
