"""What became of an order: the exchange's answer together with its trades, as the facts that were missed."""

import asyncio
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from common.connector.client import ExchangeClient
from common.connector.ports import Dialect, OrderAbsent, OrderFound, OrderRef, Rejected, Unknown
from common.orders import OrderFact, OrderFilled, OrderSnapshot, OrderStatus

_TRADES_LAG_ATTEMPTS: Final = 4


class Found(msgspec.Struct, frozen=True):
    """The order is there: its fills, oldest first, then what it looks like now."""

    order: OrderSnapshot
    facts: tuple[OrderFact, ...]


class Absent(msgspec.Struct, frozen=True):
    """Neither the order nor a trade of it is there, as of now; `proven` when it can no longer arrive either."""

    code: str
    proven: bool = False


class Unclear(msgspec.Struct, frozen=True):
    """The exchange gave no usable answer."""

    code: str
    reason: str


Finding = Found | Absent | Unclear


class Lookups:
    """Asks about orders. Reads only; every answer may be asked for again."""

    def __init__(self, dialect: Dialect, client: ExchangeClient) -> None:
        self._dialect = dialect
        self._client = client

    async def find(self, ref: OrderRef, *, since_ms: int | None = None) -> Finding:
        """The order and its fills; with `since_ms` an order that is not there is also searched for in the trades."""
        answer = await self._client.ask(self._dialect.fetch_order(ref), ref.account_id)
        match answer:
            case OrderFound():
                return await self.with_trades(answer.order)
            case OrderAbsent() if since_ms is not None:
                return await self._search_trades(ref, since_ms, answer.code)
            case OrderAbsent():
                return Absent(answer.code)
            case Rejected() | Unknown():
                return Unclear(answer.code, answer.reason)

    async def with_trades(self, order: OrderSnapshot) -> Found | Unclear:
        """An order's fills beside it. Trades may lag behind the order by a moment; then they are asked for again."""
        if not order.cum_qty:
            return Found(order, (order,))
        fills: tuple[OrderFact, ...] = ()
        for attempt in range(_TRADES_LAG_ATTEMPTS):
            if attempt:
                await asyncio.sleep(0.1 * 3**attempt)
            call = self._dialect.fetch_my_trades(
                order.account_id, order.symbol, exchange_order_id=order.exchange_order_id
            )
            trades = await self._client.ask(call, order.account_id)
            if isinstance(trades, Rejected | Unknown):
                return Unclear(trades.code, trades.reason)
            fills = completed(order, trades)
            if sum((trade.last_qty or Decimal(0) for trade in trades), Decimal(0)) >= order.cum_qty:
                break
        return Found(order, (*fills, order))

    async def _search_trades(self, ref: OrderRef, since_ms: int, code: str) -> Finding:
        """An order that filled at once may be listed late, while its trades are there already."""
        call = self._dialect.fetch_my_trades(ref.account_id, ref.symbol, since_ms=since_ms)
        trades = await self._client.ask(call, ref.account_id)
        if isinstance(trades, Rejected | Unknown):
            return Unclear(trades.code, trades.reason)
        for exchange_order_id in _orders_behind(trades, ref.client_order_id):
            by_id = OrderRef(account_id=ref.account_id, symbol=ref.symbol, exchange_order_id=exchange_order_id)
            answer = await self._client.ask(self._dialect.fetch_order(by_id), ref.account_id)
            if isinstance(answer, Rejected | Unknown):
                return Unclear(answer.code, answer.reason)
            if isinstance(answer, OrderFound) and answer.order.client_order_id == ref.client_order_id:
                return await self.with_trades(answer.order)
        return Absent(code)


def _orders_behind(trades: Iterable[OrderFilled], client_order_id: str | None) -> list[str]:
    """The orders whose trades these are, without those that are known to be others."""
    return list(
        dict.fromkeys(
            trade.exchange_order_id
            for trade in trades
            if trade.exchange_order_id is not None and trade.client_order_id in {None, client_order_id}
        )
    )


def completed(order: OrderSnapshot, trades: Sequence[OrderFilled]) -> tuple[OrderFilled, ...]:
    """Trades of an order with what only the order knows: its client id, its type, and the running total."""
    filled, paid = Decimal(0), Decimal(0)
    facts = []
    for trade in trades:
        assert trade.last_qty is not None, "a trade has a quantity"
        assert trade.last_px is not None, "a trade has a price"
        filled += trade.last_qty
        paid += trade.last_qty * trade.last_px
        facts.append(
            msgspec.structs.replace(
                trade,
                client_order_id=order.client_order_id,
                exchange_order_id=order.exchange_order_id,
                list_client_order_id=order.list_client_order_id,
                exchange_list_id=order.exchange_list_id,
                order_type=order.order_type,
                side=order.side,
                status=order.status if filled == order.cum_qty else OrderStatus.PARTIALLY_FILLED,
                qty=order.qty,
                price=order.price,
                trigger_px=order.trigger_px,
                cum_qty=filled,
                avg_px=paid / filled,
            )
        )
    return tuple(facts)
