"""How long something has been unprotected, and who must be told. Pure: a timer is when the bracket wants to be woken.

What is dust is not unprotected (`Bracket.unprotected_qty`), so dust never alarms.
"""

from decimal import Decimal

from common.instruments import ZERO
from common.protection import ProtectionOverdue, ProtectionRestored
from order_engine.bracket import Bracket
from order_engine.policy import Policy
from order_engine.turn import Turn


def keep_watch(turn: Turn, policy: Policy) -> None:
    """At the end of a turn: since when it is bare, whether that is overdue, and whether the alarm is over."""
    bracket = turn.bracket
    bare = bracket.closed_reason is None and bracket.unprotected_qty > 0
    if bare and bracket.bare_since_ms is None:
        turn.change(bare_since_ms=turn.now_ms, alarm_at_ms=turn.now_ms + policy.overdue_after_ms)
    elif bare and bracket.alarm_at_ms is not None and bracket.alarm_at_ms <= turn.now_ms:
        turn.change(alarm_at_ms=None, overdue=True)
        turn.note(
            ProtectionOverdue,
            bare_since_ms=bracket.bare_since_ms,
            notional=unprotected_notional(bracket),
            quote_asset=bracket.instrument.quote,
        )
    elif not bare and bracket.bare_since_ms is not None:
        if bracket.overdue:
            turn.note(ProtectionRestored, bare_since_ms=bracket.bare_since_ms)
        turn.change(bare_since_ms=None, alarm_at_ms=None, overdue=False)


def unprotected_notional(bracket: Bracket) -> Decimal:
    """What is unprotected, in quote asset at the last known price."""
    px = bracket.ladder.market_px or bracket.avg_px or bracket.reference_px
    return bracket.unprotected_qty * px if bracket.unprotected_qty > 0 else ZERO


def protected_after_ms(before: Bracket, after: Bracket) -> int | None:
    """How long what had been bare was so, if it is covered now; None if nothing was covered by this turn."""
    if before.bare_since_ms is None or after.bare_since_ms is not None or after.closed_reason is not None:
        return None
    return after.now_ms - before.bare_since_ms
