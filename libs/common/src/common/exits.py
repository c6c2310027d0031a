"""The exit plan of a bracket, and the pure function that turns what arrived into the exits it calls for.

The plan is fixed and stored before the entry is sent. Whoever sees a fill first can compute, without asking,
exactly which exits it calls for (DESIGN, section 5).
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from common.exchanges import ExitStyle
from common.instruments import ZERO, Instrument
from common.orders import OrderType, TimeInForce

HUNDRED = Decimal(100)


class PriceTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A price, or a distance from the average entry price in percent (negative is below). Exactly one is set."""

    px: Decimal | None = None
    pct: Decimal | None = None

    def at(self, avg_px: Decimal) -> Decimal:
        """The price this means for an entry at `avg_px`."""
        if self.px is not None:
            return self.px
        assert self.pct is not None, "a price target holds a price or a percentage"
        return avg_px * (HUNDRED + self.pct) / HUNDRED


class ExitLevel(msgspec.Struct, frozen=True, kw_only=True):
    """One exit pair: where to take the profit, where to stop, and for which share of the quantity."""

    take_profit: PriceTarget
    stop_loss: PriceTarget
    share: Decimal
    """Between 0 and 1; the shares of a plan sum to 1."""
    take_profit_trigger: PriceTarget | None = None
    """Where a TAKE_PROFIT or TAKE_PROFIT_LIMIT wakes up, if that is not its limit price."""
    stop_limit: PriceTarget | None = None
    """The limit price of a STOP_LOSS_LIMIT."""


class ExitPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a bracket leaves: its levels, nearest take-profit first, and the order types of the legs."""

    levels: tuple[ExitLevel, ...]
    take_profit_type: OrderType = OrderType.LIMIT_MAKER
    stop_loss_type: OrderType = OrderType.STOP_LOSS
    time_in_force: TimeInForce = TimeInForce.GTC
    stop_limit_patience_ms: int = 5_000
    """How long a triggered limit stop may rest unfilled before it is escalated to a market sell."""
    style: ExitStyle | None = None
    """How the exits are placed; None is the exchange's default."""

    @property
    def algo_orders_per_pair(self) -> int:
        """How many of a pair's legs count against the exchange's budget of waiting orders."""
        return sum(t.waits_for_trigger for t in (self.take_profit_type, self.stop_loss_type))


class ExitSlice(msgspec.Struct, frozen=True, kw_only=True):
    """One exit pair to place, in lots and ticks."""

    level: int
    qty: Decimal
    take_profit_px: Decimal
    take_profit_trigger_px: Decimal | None
    stop_loss_px: Decimal
    """Where the stop triggers."""
    stop_limit_px: Decimal | None


class ExitSlices(msgspec.Struct, frozen=True, kw_only=True):
    """What to place now, and what is too small to place at all."""

    slices: tuple[ExitSlice, ...]
    dust: Decimal


def exits_for(
    plan: ExitPlan,
    instrument: Instrument,
    *,
    received: Decimal,
    avg_px: Decimal,
    allocated: Sequence[Decimal] = (),
    available: Decimal | None = None,
    max_slices: int | None = None,
) -> ExitSlices:
    """The exits to add so that `received` is covered as the plan's shares say.

    `allocated` is what each level covers already; `available` (default: all that is not allocated) bounds what may be
    added; `max_slices` is the free budget of exit pairs, respected by merging neighbours. Slices are floored to the
    lot, and one below the exchange's minimum at either of its prices merges into its neighbour; what remains below it
    is dust.
    """
    taken = tuple(allocated) or (ZERO,) * len(plan.levels)
    total = received - sum(taken, ZERO) if available is None else available
    total = instrument.floor_qty(max(total, ZERO))
    quantities = _shares(plan, instrument, received, taken, total)
    prices = [_prices(level, plan, instrument, avg_px) for level in plan.levels]
    quantities = _merge_small(quantities, [_lowest(p) for p in prices], instrument)
    if max_slices is not None:
        quantities = _merge_to(quantities, max_slices)
    placed = tuple(
        msgspec.structs.replace(price, level=level, qty=qty)
        for level, (qty, price) in enumerate(zip(quantities, prices, strict=True))
        if qty > 0
    )
    return ExitSlices(slices=placed, dust=total - sum((s.qty for s in placed), ZERO))


def lowest_exit_px(plan: ExitPlan, instrument: Instrument, avg_px: Decimal) -> Decimal:
    """The lowest price at which the plan may sell: where the exchange's minimum value binds."""
    return min(_lowest(_prices(level, plan, instrument, avg_px)) for level in plan.levels)


def _lowest(prices: ExitSlice) -> Decimal:
    return min(prices.take_profit_px, prices.stop_limit_px or prices.stop_loss_px)


def _shares(
    plan: ExitPlan, instrument: Instrument, received: Decimal, allocated: Sequence[Decimal], total: Decimal
) -> list[Decimal]:
    """What each level still lacks, in lots, summing to `total`: the last level that lacks any takes the rest."""
    quantities: list[Decimal] = []
    left = total
    for level, taken in zip(plan.levels, allocated, strict=True):
        wanted = instrument.floor_qty(max(received * level.share - taken, ZERO))
        quantities.append(min(wanted, left))
        left -= quantities[-1]
    if left > 0:
        quantities[max((i for i, q in enumerate(quantities) if q > 0), default=len(quantities) - 1)] += left
    return quantities


def _prices(level: ExitLevel, plan: ExitPlan, instrument: Instrument, avg_px: Decimal) -> ExitSlice:
    """The level's prices in ticks. Take-profits round down and stops round up: both err towards getting out."""
    trigger = level.take_profit_trigger
    limit = level.stop_limit
    stop_px = instrument.ceil_px(level.stop_loss.at(avg_px))
    return ExitSlice(
        level=0,
        qty=ZERO,
        take_profit_px=instrument.floor_px(level.take_profit.at(avg_px)),
        take_profit_trigger_px=instrument.floor_px(trigger.at(avg_px)) if trigger else None,
        stop_loss_px=stop_px,
        stop_limit_px=(
            instrument.floor_px(limit.at(avg_px))
            if limit
            else (stop_px if plan.stop_loss_type is OrderType.STOP_LOSS_LIMIT else None)
        ),
    )


def _merge_small(quantities: list[Decimal], lowest_px: list[Decimal], instrument: Instrument) -> list[Decimal]:
    """Move each slice that the exchange would find too small to the level before it (or, for the first, after it)."""
    merged = list(quantities)
    while True:
        used = [i for i, qty in enumerate(merged) if qty > 0]
        small = [i for i in used if not instrument.sellable(merged[i], lowest_px[i])]
        if not small:
            return merged
        if len(used) == 1:
            return [ZERO] * len(merged)
        _merge_into_neighbour(merged, used, min(small, key=lambda i: merged[i]))


def _merge_to(quantities: list[Decimal], max_slices: int) -> list[Decimal]:
    """Merge the smallest slices until no more than `max_slices` are left; with no budget at all, none."""
    if max_slices <= 0:
        return [ZERO] * len(quantities)
    merged = list(quantities)
    while len(used := [i for i, qty in enumerate(merged) if qty > 0]) > max_slices:
        _merge_into_neighbour(merged, used, min(used, key=lambda i: merged[i]))
    return merged


def _merge_into_neighbour(quantities: list[Decimal], used: list[int], index: int) -> None:
    place = used.index(index)
    neighbour = used[place - 1] if place > 0 else used[1]
    quantities[neighbour] += quantities[index]
    quantities[index] = ZERO
