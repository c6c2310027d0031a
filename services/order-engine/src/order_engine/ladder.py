"""What refusals have taught about an exit, and when the next one may be tried. Pure, one table:

| The exchange says                    | counts as           | the next try                                      |
|--------------------------------------|---------------------|---------------------------------------------------|
| it never arrived, or was too old     | a delay             | at once; from the second in a row after a pause   |
| limits, closed, key, clock, down     | a delay             | after a pause that doubles, the same exit         |
| too little balance                   | a look              | soon, then less soon; believed after ten seconds  |
| anything else                        | a refusal           | at once, of a simpler kind; a market sell pauses  |

Only refusals lead down the ladder (pair, lone stop, market sell): a delay or a look says nothing against the exit.
"""

from decimal import Decimal

import msgspec

from common.errors import ErrorCategory
from order_engine.policy import NEVER_ARRIVED, WORTH_WAITING, Policy


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """Where a bracket stands; a fresh one says that nothing was refused since an exit was last confirmed."""

    refusals: int = 0
    delays: int = 0
    last_refusal: ErrorCategory | None = None
    retry_at_ms: int | None = None
    """Before this no exit is tried again."""
    short_since_ms: int | None = None
    looks: int = 0
    looked_ms: int = 0
    market_px: Decimal | None = None
    """The price an exchange told when it refused, and when that was."""
    market_px_ms: int = 0

    def price(self, now_ms: int, policy: Policy) -> Decimal | None:
        """The market's price, if it was told a moment ago."""
        return self.market_px if now_ms - self.market_px_ms <= policy.price_memory_ms else None

    def believes_short(self, now_ms: int, policy: Policy) -> bool:
        """Whether the balance has been too small for long enough to be taken for gone."""
        since_ms = self.short_since_ms
        return since_ms is not None and self.looks >= policy.short_looks and now_ms - since_ms >= policy.short_belief_ms


def after_refusal(ladder: Ladder, category: ErrorCategory, now_ms: int, policy: Policy, *, pause: bool) -> Ladder:
    """The ladder once an exit was refused; `pause` is for exits after which there is nothing simpler."""
    if category in NEVER_ARRIVED or category in WORTH_WAITING:
        delays = ladder.delays + 1
        at_once = category in NEVER_ARRIVED and delays == 1
        retry_at_ms = None if at_once else now_ms + policy.backoff_ms(delays)
        return msgspec.structs.replace(ladder, delays=delays, retry_at_ms=retry_at_ms)
    if category is ErrorCategory.INSUFFICIENT_BALANCE:
        return _looked(ladder, now_ms, policy)
    refusals = ladder.refusals + 1
    return msgspec.structs.replace(
        ladder,
        refusals=refusals,
        last_refusal=category,
        retry_at_ms=now_ms + policy.backoff_ms(refusals) if pause else None,
    )


def _looked(ladder: Ladder, now_ms: int, policy: Policy) -> Ladder:
    """An exchange frees what a cancel or a fill returns a moment after it says so: look again before believing it."""
    first = ladder.short_since_ms is None
    again = first or now_ms - ladder.looked_ms >= policy.release_lag_ms
    looks = ladder.looks + 1 if again else ladder.looks
    wait_ms = min(policy.release_lag_ms << max(looks - 1, 0), policy.look_ceiling_ms)
    return msgspec.structs.replace(
        ladder,
        short_since_ms=now_ms if first else ladder.short_since_ms,
        looks=looks,
        looked_ms=now_ms if again else ladder.looked_ms,
        retry_at_ms=(now_ms if again else ladder.looked_ms) + wait_ms,
    )
