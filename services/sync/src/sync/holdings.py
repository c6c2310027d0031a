"""What accounts hold against what their brackets count: coins sold or moved by hand, where exits lock nothing. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from common.instruments import ZERO
from common.orders import HoldingShort
from sync.ledger import Drift, Finding, Holding


def backed(holdings: Sequence[Holding], totals: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By bracket, what the account can still hold of it, for those of which a lot or more is gone.

    `totals` is free and locked together, by asset. What is gone was of the oldest bracket: first in, first out.
    """
    by_asset: defaultdict[str, list[Holding]] = defaultdict(list)
    for holding in holdings:
        by_asset[holding.base_asset].append(holding)
    short: dict[str, Decimal] = {}
    for asset, held in by_asset.items():
        left = totals.get(asset, ZERO)
        for holding in sorted(held, key=lambda each: (-each.created_ms, each.bracket_id)):
            there = min(holding.held_qty, left)
            left -= there
            if holding.held_qty - there >= max(holding.lot_size, _SMALLEST):
                short[holding.bracket_id] = there
    return short


_SMALLEST = Decimal("1e-12")


def still_short(
    first: Iterable[Holding], again: Sequence[Holding], totals: Mapping[str, Decimal], now_ms: int
) -> list[Finding]:
    """The brackets that both looks found short, and to which nothing has happened in between."""
    versions = {holding.bracket_id: holding.version for holding in first}
    short = backed(again, totals)
    return [
        Finding(
            drift=Drift.HOLDING_SHORT,
            symbol=holding.symbol,
            client_order_id=None,
            facts=(_fact(holding, short[holding.bracket_id], now_ms),),
        )
        for holding in again
        if holding.bracket_id in short and versions.get(holding.bracket_id) == holding.version
    ]


def _fact(holding: Holding, held_qty: Decimal, now_ms: int) -> HoldingShort:
    return HoldingShort(
        account_id=holding.account_id,
        exchange=holding.exchange,
        symbol=holding.symbol,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
        bracket_id=holding.bracket_id,
        bracket_version=holding.version,
        held_qty=held_qty,
    )
