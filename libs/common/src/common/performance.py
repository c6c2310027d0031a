"""Closed trades to the figures a trader is measured by. Pure and exact but for quotients, which have 18 places.

Everything is in one quote asset: results in different ones cannot be added. A trade's result is net of its fees.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from common.exact import PLACES, exact, quotient

DAY_MS = 86_400_000
_ZERO = Decimal(0)
_DAYS_OF_A_YEAR = 365


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one closed trade came to."""

    net: Decimal
    opened_ms: int
    closed_ms: int
    complete: bool
    """Whether every fee of it is known and valued."""


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over closed trades; None where there is nothing to divide by."""

    trades: int
    wins: int
    losses: int
    incomplete: int
    """Trades with a fee that is not in their result yet."""
    win_rate: Decimal | None
    """Wins over trades, 0 to 1; a trade that came to exactly nothing is neither won nor lost."""
    net: Decimal
    gross_profit: Decimal
    gross_loss: Decimal
    """The losses added up, as a positive amount."""
    profit_factor: Decimal | None
    """Gross profit over gross loss."""
    expectancy: Decimal | None
    """Net over trades."""
    max_drawdown: Decimal
    """The deepest fall of the added-up results beneath their highest point (which is at least 0)."""
    sharpe: Decimal | None
    """Mean over sample deviation of the results per UTC day, idle days included, times the root of 365."""
    average_hold_ms: int | None


def measure(results: Sequence[Result]) -> Performance:
    """The figures over these trades, in whatever order they are given."""
    with exact():
        ordered = sorted(results, key=lambda each: (each.closed_ms, each.opened_ms, each.net))
        won = [each.net for each in ordered if each.net > 0]
        lost = [each.net for each in ordered if each.net < 0]
        gross_profit, gross_loss = sum(won, _ZERO), -sum(lost, _ZERO)
        net, count = gross_profit - gross_loss, len(ordered)
        held_ms = sum(each.closed_ms - each.opened_ms for each in ordered)
        return Performance(
            trades=count,
            wins=len(won),
            losses=len(lost),
            incomplete=sum(not each.complete for each in ordered),
            win_rate=_over(Decimal(len(won)), Decimal(count)),
            net=net,
            gross_profit=gross_profit,
            gross_loss=gross_loss,
            profit_factor=_over(gross_profit, gross_loss),
            expectancy=_over(net, Decimal(count)),
            max_drawdown=_deepest_fall([each.net for each in ordered]),
            sharpe=_sharpe(_by_day(ordered)),
            average_hold_ms=held_ms // count if count else None,
        )


def _over(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    return quotient(dividend, divisor) if divisor else None


def _deepest_fall(nets: Sequence[Decimal]) -> Decimal:
    height = peak = deepest = _ZERO
    for net in nets:
        height += net
        peak = max(peak, height)
        deepest = max(deepest, peak - height)
    return deepest


def _by_day(ordered: Sequence[Result]) -> list[Decimal]:
    """The result of each day from the first with a closed trade to the last; a day without one brought nothing."""
    if not ordered:
        return []
    first = ordered[0].closed_ms // DAY_MS
    days = [_ZERO] * (ordered[-1].closed_ms // DAY_MS - first + 1)
    for each in ordered:
        days[each.closed_ms // DAY_MS - first] += each.net
    return days


def _sharpe(days: Sequence[Decimal]) -> Decimal | None:
    """None for fewer than two days, or days that are all alike.

    Results in money and returns on a capital that stays the same have the same ratio, so no capital is assumed.
    """
    if len(days) < 2:
        return None
    mean = sum(days, _ZERO) / len(days)
    variance = sum(((day - mean) ** 2 for day in days), _ZERO) / (len(days) - 1)
    if variance == 0:
        return None
    return (mean / variance.sqrt() * Decimal(_DAYS_OF_A_YEAR).sqrt()).quantize(PLACES)
