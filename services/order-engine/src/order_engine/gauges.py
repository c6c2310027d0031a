"""What an operator must see at once: money without protection, and orders nobody knows the fate of."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Final

import structlog
from prometheus_client import Gauge, Histogram

from common.clock import Clock
from common.instruments import ZERO
from order_engine.bracket import Bracket
from order_engine.shard import Shard
from order_engine.watch import unprotected_notional

_EVERY_S: Final = 2.0
_DOLLARS: Final = frozenset({"USD", "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD1", "DAI"})

_UNPROTECTED = Gauge(
    "cgt_unprotected_notional_usd",
    "Held and covered neither on the exchange nor by the engine, at the last known price; dollar-quoted symbols only",
)
_UNKNOWN = Gauge("cgt_orders_unknown", "Orders in flight for longer than the engine waits before it asks about them")
_OVERDUE = Gauge("cgt_brackets_overdue", "Brackets of which something has been unprotected beyond the bound")
_PARKED = Gauge("cgt_brackets_parked", "Brackets that could not be decided, until something else changes them")
_TO_PROTECTION = Histogram(
    "cgt_fill_to_protection_seconds",
    "From learning that something is held to learning that all of it is covered",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
_log = structlog.get_logger(__name__)


def observe_protection(covered_after_ms: Iterable[int], overdue: Iterable[Bracket]) -> None:
    """Count what a batch covered, and say aloud what it found overdue."""
    for after_ms in covered_after_ms:
        _TO_PROTECTION.observe(after_ms / 1000)
    for bracket in overdue:
        _log.warning(
            "protection_overdue",
            bracket_id=bracket.bracket_id,
            account_id=bracket.account_id,
            bare_since_ms=bracket.bare_since_ms,
            unprotected_qty=str(bracket.unprotected_qty),
            notional=str(unprotected_notional(bracket)),
            quote_asset=bracket.instrument.quote,
        )


def unprotected_usd(bracket: Bracket) -> Decimal:
    """What is unprotected of a bracket, in dollars at the last known price; 0 where the quote asset is no dollar."""
    if bracket.instrument.quote not in _DOLLARS:
        return ZERO
    return unprotected_notional(bracket)


def unknown_orders(bracket: Bracket, now_ms: int) -> int:
    """How many orders of a bracket were sent, never confirmed, and are due to be asked about or have been."""
    return sum(
        order.live
        and not order.confirmed
        and (order.asked > 0 or (order.ask_at_ms is not None and order.ask_at_ms <= now_ms))
        for order in bracket.orders
    )


async def keep_gauges(owned: Mapping[int, Shard], clock: Clock) -> None:
    """Measure the open brackets of all owned shards every two seconds, for ever."""
    while True:
        measure_shards(owned.values(), clock.now_ms())
        await asyncio.sleep(_EVERY_S)


def measure_shards(shards: Collection[Shard], now_ms: int) -> None:
    """Set the gauges for all brackets of the shards."""
    measure((bracket for shard in shards for bracket in shard.brackets.values()), now_ms)
    _PARKED.set(sum(len(shard.parked) for shard in shards))


def measure(brackets: Iterable[Bracket], now_ms: int) -> None:
    """Set the gauges; a bracket that cannot be measured must not end the process that protects the others."""
    usd, unknown, overdue = ZERO, 0, 0
    for bracket in brackets:
        try:
            usd += unprotected_usd(bracket)
            unknown += unknown_orders(bracket, now_ms)
            overdue += bracket.overdue
        except Exception:
            _log.exception("bracket_not_measured", bracket_id=bracket.bracket_id)
    _UNPROTECTED.set(float(usd))
    _UNKNOWN.set(unknown)
    _OVERDUE.set(overdue)
