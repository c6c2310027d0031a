"""From levels, shares and a stop style to the exit plan of a bracket, checked before anything is sent."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

import msgspec

from common.exchanges import CAPABILITIES, Capabilities
from common.exits import ExitLevel, ExitPlan, ExitSlices, PriceTarget, exits_for, lowest_exit_px
from common.instruments import Instrument
from common.orders import OrderType
from gateway.trading.levels import below
from gateway.trading.refusals import invalid, too_small

DEFAULT_STOP_LIMIT_OFFSET_PCT = Decimal("0.5")
"""How far beneath its trigger a limit stop is priced when the request does not say."""

ONE = Decimal(1)
_SHARE_STEP = Decimal("0.00000001")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The exits a request names; None where it leaves the choice to the defaults of the exchange."""

    take_profits: tuple[PriceTarget, ...] | None = None
    shares: tuple[Decimal, ...] | None = None
    stop_loss: PriceTarget | None = None
    stop_type: OrderType | None = None
    """STOP_LOSS (market) or STOP_LOSS_LIMIT."""
    stop_limit_offset_pct: Decimal | None = None


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """The prices that sizes and levels are checked against."""

    last_px: Decimal
    bid_px: Decimal
    ask_px: Decimal


def plan_for(wanted: Wanted, instrument: Instrument, *, entry_px: Decimal, market: Market) -> ExitPlan:
    """The exit plan of a buy expected to fill at `entry_px`. Raises Refused for levels no plan can be made of."""
    defaults = CAPABILITIES[instrument.exchange]
    targets, shares = _take_profits(wanted, defaults)
    stop = wanted.stop_loss or PriceTarget(pct=-defaults.default_stop_loss_pct)
    _check_take_profits(targets, entry_px)
    _check_stop(stop, entry_px=entry_px, market=market)
    stop_type = _stop_type(wanted, instrument)
    offset = wanted.stop_limit_offset_pct
    limit = None
    if stop_type is OrderType.STOP_LOSS_LIMIT:
        limit = below(stop, DEFAULT_STOP_LIMIT_OFFSET_PCT if offset is None else offset)
    elif offset is not None:
        rule = "stopLimitOffsetPct belongs to a limit stop."
        raise invalid("stopLimitOffsetPct", rule, 'Set stopType to "limit", or leave the offset out.')
    return ExitPlan(
        levels=tuple(
            ExitLevel(take_profit=target, stop_loss=stop, share=share, stop_limit=limit)
            for target, share in zip(targets, shares, strict=True)
        ),
        stop_loss_type=stop_type,
    )


def preview(plan: ExitPlan, instrument: Instrument, *, qty: Decimal, entry_px: Decimal, field: str) -> ExitSlices:
    """The exits that a full fill of `qty` at `entry_px` will call for, with the fee taken in base as the worst case.

    Slices below the exchange's minimum show merged into their neighbours. Raises Refused when none can exist.
    """
    received = qty * (ONE - instrument.taker_fee_rate)
    exits = exits_for(plan, instrument, received=received, avg_px=entry_px, max_slices=pair_budget(plan, instrument))
    if not exits.slices:
        lowest_px = lowest_exit_px(plan, instrument, entry_px)
        raise too_small(field, "Its exit", instrument.floor_qty(received), lowest_px, instrument)
    return exits


def pair_budget(plan: ExitPlan, instrument: Instrument) -> int:
    """How many exit pairs the exchange lets wait on this symbol at once."""
    waiting = instrument.max_algo_orders or CAPABILITIES[instrument.exchange].max_algo_orders
    pairs = waiting // max(plan.algo_orders_per_pair, 1)
    return min(pairs, instrument.max_order_lists) if instrument.max_order_lists else pairs


def even_shares(count: int) -> tuple[Decimal, ...]:
    """`count` equal shares; the last one takes what division leaves."""
    share = (ONE / count).quantize(_SHARE_STEP, rounding=ROUND_DOWN)
    return (share,) * (count - 1) + (ONE - share * (count - 1),)


def _take_profits(wanted: Wanted, defaults: Capabilities) -> tuple[Sequence[PriceTarget], Sequence[Decimal]]:
    if wanted.take_profits is None:
        if wanted.shares is not None:
            raise invalid("tpShares", "Shares belong to levels.", "Name tpLevels as well, or leave tpShares out.")
        targets = tuple(PriceTarget(pct=pct) for pct, _ in defaults.default_take_profits)
        return targets, tuple(share for _, share in defaults.default_take_profits)
    if not wanted.take_profits:
        raise invalid("tpLevels", "tpLevels has at least one level.", "Name a level, or leave tpLevels out.")
    shares = even_shares(len(wanted.take_profits)) if wanted.shares is None else wanted.shares
    _check_shares(shares, len(wanted.take_profits))
    return wanted.take_profits, shares


def _check_shares(shares: Sequence[Decimal], levels: int) -> None:
    if len(shares) != levels:
        rule = f"tpShares has one share for each of the {levels} levels; it has {len(shares)}."
        raise invalid("tpShares", rule, "Give as many shares as levels.")
    for index, share in enumerate(shares):
        if not 0 < share <= 1:
            raise invalid(f"tpShares.{index}", "A share is above 0 and at most 1.", "Write 50 % as 0.5.")
    if sum(shares) != ONE:
        raise invalid("tpShares", f"Shares sum to 1; these sum to {sum(shares)}.", "Make them sum to exactly 1.")


def _check_take_profits(targets: Sequence[PriceTarget], entry_px: Decimal) -> None:
    previous = entry_px
    for index, target in enumerate(targets):
        px = target.at(entry_px)
        if px <= entry_px:
            rule = f"A take-profit lies above the entry price ({entry_px:f}); this one is {px:f}."
            raise invalid(f"tpLevels.{index}", rule, "Raise it above the entry price.", code="LEVEL_WRONG_SIDE")
        if px <= previous:
            rule = f"Levels rise from the nearest to the farthest; {px:f} does not follow {previous:f}."
            raise invalid(f"tpLevels.{index}", rule, "Sort the levels upwards, each once.", code="LEVELS_UNSORTED")
        previous = px


def _check_stop(stop: PriceTarget, *, entry_px: Decimal, market: Market) -> None:
    px = stop.at(entry_px)
    ceiling = min(entry_px, market.bid_px, market.last_px)
    if px >= ceiling:
        rule = f"A stop lies below the entry and the market price ({ceiling:f}); this one is {px:f}."
        raise invalid("sl", rule, "Lower the stop.", code="LEVEL_WRONG_SIDE")


def _stop_type(wanted: Wanted, instrument: Instrument) -> OrderType:
    allowed = instrument.order_types
    if wanted.stop_type is None:
        if allowed and OrderType.STOP_LOSS not in allowed and OrderType.STOP_LOSS_LIMIT in allowed:
            return OrderType.STOP_LOSS_LIMIT
        return OrderType.STOP_LOSS
    if allowed and wanted.stop_type not in allowed:
        rule = f"{instrument.symbol} does not take {wanted.stop_type} orders."
        raise invalid("stopType", rule, f"Use one of {', '.join(allowed)}.")
    return wanted.stop_type
