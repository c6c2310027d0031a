"""What is not known about MEXC for certain, or differs by account and season: one switch each (section 17)."""

from dataclasses import dataclass, field
from typing import Any, Literal


def _one_of(*choices: Any) -> Any:
    return field(default=choices[0], metadata={"choices": choices})


def _number(default: int, *, least: int = 0) -> Any:
    return field(default=default, metadata={"least": least})


@dataclass(slots=True)
class Switches:
    """The defaults are what is most likely, or what is worst for the client."""

    duplicate_client_ids: Literal["accept", "refuse"] = _one_of("accept", "refuse")
    limit_maker_crossing: Literal["cancel", "reject"] = _one_of("cancel", "reject")
    oversold_code: Literal[30004, 30005] = _one_of(30004, 30005)
    unknown_order_code: Literal[-2013, -2011] = _one_of(-2013, -2011)
    cancel_answer: Literal["live", "docs", "minimal"] = _one_of("live", "docs", "minimal")
    listen_keys_shape: Literal["2026", "2025"] = _one_of("2026", "2025")
    listen_key_expiry: Literal["silence", "drop"] = _one_of("silence", "drop")
    content_type: Literal["writes", "all", "off"] = _one_of("writes", "all", "off")
    success_code: Literal[0, 200] = _one_of(0, 200)
    emits_2026_fields: bool = True
    push_order: Literal["documented", "deals_first", "shuffled"] = _one_of("documented", "deals_first", "shuffled")
    rate_pool: Literal["endpoint", "shared"] = _one_of("endpoint", "shared")

    weight_per_10s: int = _number(500, least=1)
    account_calls_per_s: int = _number(2, least=1)
    batch_calls_per_s: int = _number(2, least=1)
    most_listen_keys: int = _number(60, least=1)
    most_subscriptions: int = _number(30, least=1)
    my_trades_most: int = _number(100, least=1)

    cancel_lag_ms: int = _number(5)
    """From the answer of a cancel to its effect."""
    unfreeze_lag_ms: int = _number(5)
    """From the effect of a cancel to its money being free."""
    deals_lag_ms: int = _number(30)
    """From the order push to the deal push of one fill, or the reverse."""
    account_lag_ms: int = _number(2)
    """From a fill to its account pushes."""
    shuffle_ms: int = _number(60)
    """How late a push may be when they are shuffled."""
    my_trades_lag_ms: int = _number(100)
    """From a fill to its row in myTrades."""
    listen_key_ms: int = _number(3_600_000, least=1)
    no_subscription_drop_ms: int = _number(30_000, least=1)
    idle_drop_ms: int = _number(60_000, least=1)
    longest_connection_ms: int = _number(86_400_000, least=1)
