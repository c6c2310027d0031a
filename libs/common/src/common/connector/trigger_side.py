"""Looks whether the market stands on the right side of a trigger, before it is placed and after."""

from decimal import Decimal
from typing import Final, Protocol

from common.commands import SubmitOrder, SubmitOrderList
from common.connector.ports import Rejected
from common.connector.triggers import explains, holds_triggers, reached
from common.errors import ErrorCategory

DETAIL_PATIENCE_MS: Final = 1_000
"""How long an order may wait for a number that only helps to decide."""


class Prices(Protocol):
    """Where a refusal for a price finds the market's."""

    async def last_px(self, symbol: str, patience_ms: int, *, fresh: bool = False) -> Decimal | None:
        """The last price; `fresh` if it must not be older than the question. None where it cannot be had."""
        ...


async def passed(command: SubmitOrder | SubmitOrderList, prices: Prices, *, fresh: bool = False) -> Rejected | None:
    """A refusal where the market is beyond a trigger already. Not every exchange looks, and a price may have come there
    on the way: so it is asked before and after. Without a price the exchange decides."""
    if not isinstance(command, SubmitOrder) or not holds_triggers(command):
        return None
    last_px = await prices.last_px(command.symbol, DETAIL_PATIENCE_MS, fresh=fresh)
    if last_px is None or not reached(command, command.side, last_px):
        return None
    return Rejected(ErrorCategory.PRICE_RELATION, "trigger_passed", f"the last price is {last_px} already")


async def refused_at(command: SubmitOrder | SubmitOrderList, prices: Prices) -> Decimal | None:
    """The price at which an exit was refused for its price: the one we know, unless by that it need not have been."""
    known = await prices.last_px(command.symbol, DETAIL_PATIENCE_MS)
    if known is None or explains(known, command):
        return known
    return await prices.last_px(command.symbol, DETAIL_PATIENCE_MS, fresh=True) or known
