"""The numbers the engine's decisions rest on, in one place."""

import msgspec

from common.errors import ErrorCategory
from common.exchanges import CAPABILITIES, Exchange


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long the engine waits for what. All in milliseconds."""

    exit_validity_ms: int = 10_000
    """After this an exit that has not left is decided anew, at the prices of then."""
    cancel_validity_ms: int = 60_000
    query_validity_ms: int = 60_000
    ask_after_ms: int = 2_000
    """How long an order may be in flight before the exchange is asked; doubles with every question."""
    ask_ceiling_ms: int = 60_000
    cancel_again_ms: int = 1_000
    """How long a cancel may take before it is sent again to an order that still lives."""
    leftover_after_ms: int = 5_000
    """How long after an order's end it must still be shown as open before that is believed: listings lag behind."""
    itemise_after_ms: int = 1_000
    """How long to wait for the single trades of a total we know before they are asked for."""
    itemise_attempts: int = 6
    overdue_after_ms: int = 10_000
    """How long something may be unprotected before somebody is told."""
    debounce_ms: int = 200
    """How long a growing partial fill is gathered before it is protected."""
    take_profit_patience_ms: int = 1_000
    """How long a partly filled take-profit may rest once its stop is gone."""
    retry_base_ms: int = 1_000
    retry_ceiling_ms: int = 60_000
    release_lag_ms: int = 250
    """How long an exchange may take to free a balance after the order that held it has ended; doubles per look."""
    look_ceiling_ms: int = 4_000
    short_looks: int = 3
    short_belief_ms: int = 10_000
    """How long and how often a balance must be too small before what is missing is taken for gone."""
    price_memory_ms: int = 2_000
    """How long a price that a refusal told is worth deciding by."""
    trigger_lifetime_ms: int = 30 * 86_400_000
    """How long a trigger order is to wait, where the exchange ends it some day; or as long as the exchange allows."""
    renewal_pause_ms: int = 1_000
    """How long a renewal waits for another one of the bracket: only one of its exits is without a stop at a time."""
    preset_patience_ms: int = 1_500
    """How long exits that an entry brought along may take to appear before others are placed instead."""
    preset_look_ms: int = 300
    """How long to wait before looking for them again."""
    adopted_ask_ms: int = 30_000
    """How often to ask about an order that the exchange placed by itself: nothing promises that it tells of it."""
    kept_exits: int = 40
    """How many ended exits that sold nothing a bracket remembers."""
    attempts_before_market: int = 3
    """Refusals in a row after which what cannot be protected is sold."""

    def backoff_ms(self, refusals: int) -> int:
        """How long to wait after so many refusals in a row."""
        return min(self.retry_base_ms << min(refusals, 10), self.retry_ceiling_ms)

    def lifetime_ms(self, exchange: Exchange) -> int | None:
        """How long a trigger order may wait on this exchange; None where it waits until it is cancelled."""
        longest_ms = CAPABILITIES[exchange].trigger_lifetime_ms
        return min(self.trigger_lifetime_ms, longest_ms) if longest_ms else None

    def renewal_ms(self, exchange: Exchange) -> int | None:
        """How long after it was placed an exit is placed anew: with a third of its triggers' life to spare."""
        lifetime_ms = self.lifetime_ms(exchange)
        return lifetime_ms - lifetime_ms // 3 if lifetime_ms is not None else None

    def ask_delay_ms(self, asked: int) -> int:
        """How long to wait before the next question about an order."""
        return min(self.ask_after_ms << min(asked, 10), self.ask_ceiling_ms)


DEFAULT_POLICY = Policy()

WORTH_WAITING = frozenset(
    {
        ErrorCategory.RATE_LIMITED,
        ErrorCategory.CLOCK,
        ErrorCategory.AUTH,
        ErrorCategory.PERMISSION,
        ErrorCategory.MARKET_CLOSED,
        ErrorCategory.EXCHANGE_DOWN,
    }
)
"""Refusals that say nothing against the order itself: the same is tried again after a pause."""

NEVER_ARRIVED = frozenset({ErrorCategory.NOT_FOUND, ErrorCategory.EXPIRED})
"""The order provably never reached the exchange: decide anew, at once."""
