"""Trades the stream has told, so that REST does not tell them again under other ids.

Whether both name a trade alike is not documented. Where they do, nothing happens here. Where they do not, a trade
counted twice would be sold twice: a row of REST that equals a told trade whose own id REST does not have is that one.
"""

from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from common.orders import OrderFilled

MAX_ORDERS = 10_000

Order = tuple[str, str | None]


class ToldTrades:
    """The fills of the latest orders by trade id, as the stream told them."""

    def __init__(self) -> None:
        self._orders: OrderedDict[Order, dict[str, tuple[Decimal | None, Decimal | None]]] = OrderedDict()

    def note(self, fill: OrderFilled) -> None:
        """The stream told this one."""
        order = (fill.account_id, fill.exchange_order_id)
        self._orders.setdefault(order, {})[fill.trade_id or ""] = (fill.last_px, fill.last_qty)
        if len(self._orders) > MAX_ORDERS:
            self._orders.popitem(last=False)

    def named(self, trades: Sequence[OrderFilled]) -> tuple[OrderFilled, ...]:
        """All trades of one order, those that were told under the ids they were told by."""
        if not trades:
            return ()
        told = self._orders.get((trades[0].account_id, trades[0].exchange_order_id), {})
        ids = {trade.trade_id for trade in trades}
        missing = {trade_id: amounts for trade_id, amounts in told.items() if trade_id not in ids}
        return tuple(self._as_told(trade, told, missing) for trade in trades)

    @staticmethod
    def _as_told(
        trade: OrderFilled,
        told: dict[str, tuple[Decimal | None, Decimal | None]],
        missing: dict[str, tuple[Decimal | None, Decimal | None]],
    ) -> OrderFilled:
        if trade.trade_id in told:
            return trade
        amounts = (trade.last_px, trade.last_qty)
        own_id = next((trade_id for trade_id, known in missing.items() if known == amounts), None)
        if own_id is None:
            return trade
        del missing[own_id]
        return msgspec.structs.replace(trade, trade_id=own_id)
