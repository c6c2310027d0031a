"""Which trades of a socket's orders were told, so that none is missed or told twice by its two channels.

`orders` tells a trade with its order's state, but sometimes leaves the trade out (v3 always does); `fill` tells every
trade, but not whose. So `orders` speaks first; a trade that only `fill` knows is told a moment later, and one that
neither tells is asked for.
"""

from collections import OrderedDict
from decimal import Decimal
from typing import Final

from bitget_connector.rows import OrderRow, TradeRow
from common.connector.amounts import ZERO

PATIENCE_MS: Final = 1_000
_LIMIT: Final = 20_000


class _Order:
    __slots__ = ("cum_qty", "since_ms", "symbol", "told_qty")

    def __init__(self, symbol: str, told_qty: Decimal) -> None:
        self.symbol = symbol
        self.told_qty = told_qty
        self.cum_qty = told_qty
        self.since_ms: int | None = None
        """Since when less was told than the order's total says."""

    def settle(self, now_ms: int) -> None:
        if self.told_qty >= self.cum_qty:
            self.since_ms = None
        elif self.since_ms is None:
            self.since_ms = now_ms


class Ledger:
    """Trades of one socket."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, None] = OrderedDict()
        self._orders: OrderedDict[str, _Order] = OrderedDict()
        self._held: dict[str, tuple[TradeRow, int]] = {}

    def order(self, row: OrderRow, trade: TradeRow | None, now_ms: int) -> list[TradeRow]:
        """An order's push: its trades that were not told yet, those held for it among them."""
        order = self._orders.get(row.order_id)
        if order is None:
            # What traded before this socket's first word of the order was read when the gap was closed.
            order = _Order(row.symbol, max(row.cum_qty - trade.qty, ZERO) if trade is not None else ZERO)
            self._orders[row.order_id] = order
            if len(self._orders) > _LIMIT:
                self._orders.popitem(last=False)
        order.cum_qty = max(order.cum_qty, row.cum_qty)
        fresh = [] if trade is None or not self._first(trade) else [trade]
        order.told_qty += sum((each.qty for each in fresh), ZERO)
        for held, _ in [each for each in self._held.values() if each[0].order_id == row.order_id]:
            if trade is None and order.told_qty < order.cum_qty and self._first(held):
                order.told_qty += held.qty
                fresh.append(held)
        order.settle(now_ms)
        return fresh

    def trade(self, row: TradeRow, now_ms: int) -> bool:
        """A trade by itself: whether to tell it now. It waits a moment for its order to tell it with more."""
        if row.trade_id in self._told:
            return False
        order = self._orders.get(row.order_id)
        if order is not None and order.since_ms is not None and self._first(row):
            order.told_qty += row.qty
            order.settle(now_ms)
            return True
        self._held.setdefault(row.trade_id, (row, now_ms))
        return False

    def read(self, row: TradeRow, now_ms: int) -> bool:
        """A trade that was asked for: whether it is news."""
        fresh = self._first(row)
        if fresh and (order := self._orders.get(row.order_id)) is not None:
            order.told_qty += row.qty
            order.settle(now_ms)
        return fresh

    def overdue(self, now_ms: int) -> list[TradeRow]:
        """Trades whose orders said nothing of them for a moment: to be told now."""
        late = [row for row, since_ms in self._held.values() if now_ms - since_ms >= PATIENCE_MS]
        return [row for row in late if self.read(row, now_ms)]

    def owing(self, now_ms: int) -> list[tuple[str, str]]:
        """(order id, symbol) of totals that no trade explains: to be asked for, once."""
        late = [
            (order_id, order)
            for order_id, order in self._orders.items()
            if order.since_ms is not None and now_ms - order.since_ms >= PATIENCE_MS
        ]
        for _, order in late:
            order.since_ms, order.told_qty = None, order.cum_qty
        return [(order_id, order.symbol) for order_id, order in late]

    def _first(self, row: TradeRow) -> bool:
        self._held.pop(row.trade_id, None)
        if row.trade_id in self._told:
            return False
        self._told[row.trade_id] = None
        if len(self._told) > _LIMIT:
            self._told.popitem(last=False)
        return True
