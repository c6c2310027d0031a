"""From levels, shares and a stop style to the exit plan of a bracket, checked before anything is sent."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

import msgspec

from common.exchanges import CAPABILITIES, Capabilities, Exchange, ExitStyle
from common.exits import HUNDRED, ExitLevel, ExitPlan, ExitSlices, PriceTarget, exits_for, lowest_exit_px
from common.instruments import Instrument
from common.orders import OrderType
from gateway.trading.levels import below
from gateway.trading.refusals import invalid, too_small

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
    style: ExitStyle | None = None
    """How the exits are placed, of those the exchange leaves a choice between."""


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """The prices that sizes and levels are checked against."""

    last_px: Decimal
    bid_px: Decimal
    ask_px: Decimal


def plan_for(wanted: Wanted, instrument: Instrument, *, entry_px: Decimal, market: Market) -> ExitPlan:
    """The exit plan of a buy expected to fill at `entry_px`. Raises Refused for levels no plan can be made of."""
    known = CAPABILITIES[instrument.exchange]
    targets, shares = _take_profits(wanted, known)
    stop = wanted.stop_loss or PriceTarget(pct=-known.default_stop_loss_pct)
    _check_take_profits(targets, entry_px)
    _check_stop(stop, entry_px=entry_px, market=market)
    take_profit_type, stop_type = known.take_profit_types[0], _stop_type(wanted, known, instrument)
    stop_limit = _stop_limit(wanted, stop, stop_type, known)
    # A take-profit that spawns a limit order wakes up at its level and is priced to sell at once.
    limited = take_profit_type is OrderType.TAKE_PROFIT_LIMIT
    return ExitPlan(
        levels=tuple(
            ExitLevel(
                take_profit=below(target, known.exit_slippage_pct) if limited else target,
                take_profit_trigger=target if limited else None,
                stop_loss=stop,
                stop_limit=stop_limit,
                share=share,
            )
            for target, share in zip(targets, shares, strict=True)
        ),
        take_profit_type=take_profit_type,
        stop_loss_type=stop_type,
        style=_style(wanted, known),
    )


def check_defaults(wanted: Wanted, exchange: Exchange) -> None:
    """Refuse what could not be the exits of every order on the exchange, whatever its price. Raises Refused."""
    known = CAPABILITIES[exchange]
    targets, _ = _take_profits(wanted, known)
    for index, target in enumerate(targets):
        _check_relative(target, f"tpLevels.{index}")
    _check_take_profits(targets, HUNDRED)
    stop = wanted.stop_loss or PriceTarget(pct=-known.default_stop_loss_pct)
    _check_relative(stop, "sl")
    _stop_limit(wanted, stop, _stop_type(wanted, known), known)
    _style(wanted, known)


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


def pair_budget(plan: ExitPlan, instrument: Instrument) -> int | None:
    """How many exit pairs the exchange lets wait on this symbol at once; None where no limit is known."""
    waiting = instrument.max_algo_orders or CAPABILITIES[instrument.exchange].max_algo_orders
    if waiting == 0:
        return instrument.max_order_lists or None
    pairs = waiting // max(plan.algo_orders_per_pair, 1)
    return min(pairs, instrument.max_order_lists) if instrument.max_order_lists else pairs


def even_shares(count: int) -> tuple[Decimal, ...]:
    """`count` equal shares; the last one takes what division leaves."""
    share = (ONE / count).quantize(_SHARE_STEP, rounding=ROUND_DOWN)
    return (share,) * (count - 1) + (ONE - share * (count - 1),)


def _take_profits(wanted: Wanted, known: Capabilities) -> tuple[Sequence[PriceTarget], Sequence[Decimal]]:
    if wanted.take_profits is None and wanted.shares is None and wanted.style is ExitStyle.PRESET:
        return (PriceTarget(pct=known.default_take_profits[0][0]),), (ONE,)
    if wanted.take_profits is None:
        if wanted.shares is not None:
            raise invalid("tpShares", "Shares belong to levels.", "Name tpLevels as well, or leave tpShares out.")
        targets = tuple(PriceTarget(pct=pct) for pct, _ in known.default_take_profits)
        return targets, tuple(share for _, share in known.default_take_profits)
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


def _check_relative(target: PriceTarget, field: str) -> None:
    if target.pct is None:
        rule = "A level of every order is a percentage: prices move, and symbols differ."
        raise invalid(field, rule, 'Write how far from the entry, like "5%".', code="LEVEL_NOT_RELATIVE")


def _style(wanted: Wanted, known: Capabilities) -> ExitStyle | None:
    """The way of placing exits that is not the exchange's default; None where it is."""
    if wanted.style is not None and wanted.style not in known.exit_styles:
        rule = f"Exits on {shown_name(known.exchange)} are placed as one of {', '.join(known.exit_styles)}."
        raise invalid("exitStyle", rule, "Use one of these, or leave exitStyle out.")
    if wanted.style is ExitStyle.PRESET and wanted.take_profits is not None and len(wanted.take_profits) != 1:
        rule = "An entry brings one take-profit and one stop along."
        raise invalid("exitStyle", rule, "Name one level, or choose another exitStyle.")
    return None if wanted.style is known.exit_style else wanted.style


def _stop_type(wanted: Wanted, known: Capabilities, instrument: Instrument | None = None) -> OrderType:
    """The kind of stop: what the exchange takes, of which one with native lists lets each symbol take less."""
    taken = known.stop_loss_types
    if known.native_oco and instrument is not None and instrument.order_types:
        taken = tuple(kind for kind in taken if kind in instrument.order_types) or taken
    if wanted.stop_type is None:
        return taken[0]
    if wanted.stop_type not in taken:
        name = "limit" if taken[0] is OrderType.STOP_LOSS_LIMIT else "market"
        of = f"A stop of {instrument.symbol}" if instrument is not None else "A stop"
        rule = f"{of} on {shown_name(known.exchange)} is one of {', '.join(taken)}."
        raise invalid("stopType", rule, f'Set stopType to "{name}", or leave it out.')
    return wanted.stop_type


def _stop_limit(wanted: Wanted, stop: PriceTarget, stop_type: OrderType, known: Capabilities) -> PriceTarget | None:
    offset = wanted.stop_limit_offset_pct
    if stop_type is OrderType.STOP_LOSS_LIMIT:
        return below(stop, known.exit_slippage_pct if offset is None else offset)
    if offset is not None:
        rule = "stopLimitOffsetPct belongs to a limit stop."
        fix = 'Set stopType to "limit", or leave the offset out.'
        can = OrderType.STOP_LOSS_LIMIT in known.stop_loss_types
        raise invalid("stopLimitOffsetPct", rule, fix if can else "Leave the offset out.")
    return None


def shown_name(exchange: Exchange) -> str:
    """The exchange's name as the API spells it."""
    return exchange.value.upper()
