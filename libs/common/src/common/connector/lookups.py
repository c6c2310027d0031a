"""What became of an order: the exchange's answer together with its trades, as the facts that were missed."""

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

import msgspec

from common.clock import Clock
from common.connector.client import ExchangeClient
from common.connector.nameless import Nameless
from common.connector.ports import (
    Call,
    Dialect,
    OrderAbsent,
    OrderFound,
    OrderRef,
    Rejected,
    SpawnsOrders,
    Unknown,
)
from common.connector.rates import Priority
from common.orders import OrderFact, OrderFilled, OrderSnapshot, OrderStatus, OrderTriggered

T = TypeVar("T")

_TRADES_LAG_ATTEMPTS: Final = 4
_SEARCHES_KEPT: Final = 1_000


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


class Proof(NamedTuple):
    """What makes "not there" certain: a search of the trades since then, begun not before `from_ms` (our clock)."""

    since_ms: int
    from_ms: int


class _Search(msgspec.Struct, frozen=True):
    """Who placed the orders behind an account's trades on one symbol."""

    began_ms: int
    since_ms: int
    owners: dict[str, str | None]
    """Client order ids by exchange order id."""


class Lookups:
    """Asks about orders. Reads only; every answer may be asked for again."""

    def __init__(
        self,
        dialect: Dialect,
        client: ExchangeClient,
        clock: Clock,
        priority: Priority = Priority.QUERY,
        nameless: Nameless | None = None,
    ) -> None:
        self._dialect = dialect
        self._client = client
        self._clock = clock
        self.priority = priority
        """How its questions stand in line with everything else."""
        self._nameless = nameless
        self._searches: OrderedDict[tuple[str, str], _Search] = OrderedDict()
        self._searching: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def find(self, ref: OrderRef, *, proof: Proof | None = None) -> Finding:
        """The order and its fills; with a proof an order that is not there is also searched for in the trades."""
        if self._nameless is not None:
            await self._nameless.recalled(ref.account_id)
            ref = self._nameless.completed(ref)
        answer = await self._ask(self._dialect.fetch_order(ref), ref.account_id)
        match answer:
            case OrderFound() if self._nameless is not None:
                if not await self._nameless.claimed(ref, answer.order.exchange_order_id):
                    return Unclear("claimed", "what was found may be another order of the same terms")
                return await self.with_trades(self._nameless.named(answer.order))
            case OrderFound():
                return await self.with_trades(answer.order)
            case OrderAbsent() if proof is not None:
                return await self._behind_trades(ref, proof, answer.code)
            case OrderAbsent():
                return Absent(answer.code)
            case Rejected() | Unknown():
                return Unclear(answer.code, answer.reason)

    async def with_trades(self, order: OrderSnapshot) -> Found | Unclear:
        """An order's fills beside it. Trades may lag behind the order by a moment; then they are asked for again."""
        fired = self._fired(order)
        if not order.cum_qty:
            return Found(order, (*fired, order))
        fills: tuple[OrderFact, ...] = ()
        for attempt in range(_TRADES_LAG_ATTEMPTS):
            if attempt:
                await asyncio.sleep(0.1 * 3**attempt)
            call = self._dialect.fetch_my_trades(
                order.account_id, order.symbol, exchange_order_id=order.exchange_order_id
            )
            trades = await self._ask(call, order.account_id)
            if isinstance(trades, Rejected | Unknown):
                return Unclear(trades.code, trades.reason)
            fills = completed(order, trades)
            if sum((trade.last_qty or Decimal(0) for trade in trades), Decimal(0)) >= order.cum_qty:
                break
        return Found(order, (*fired, *fills, order))

    def _fired(self, order: OrderSnapshot) -> tuple[OrderTriggered, ...]:
        """That an order's trigger was reached, where it is read in what the trigger spawned."""
        if not isinstance(self._dialect, SpawnsOrders) or not self._dialect.spawned(order):
            return ()
        fields = {name: getattr(order, name) for name in OrderTriggered.__struct_fields__}
        return (OrderTriggered(**fields),)

    async def _ask(self, call: Call[T], account_id: str) -> T | Rejected | Unknown:
        return await self._client.ask(call, account_id, priority=self.priority)

    async def _behind_trades(self, ref: OrderRef, proof: Proof, code: str) -> Finding:
        """An order that filled at once may be listed late, while its trades are there already."""
        searched = await self._search(ref, proof)
        if isinstance(searched, Unclear):
            return searched
        for exchange_order_id, client_order_id in searched.owners.items():
            if client_order_id == ref.client_order_id:
                return await self.find(msgspec.structs.replace(ref, exchange_order_id=exchange_order_id))
        return Absent(code, proven=True)

    async def _search(self, ref: OrderRef, proof: Proof) -> _Search | Unclear:
        """One search answers all who ask of the same account and symbol: after a crash there may be hundreds."""
        key = (ref.account_id, ref.symbol)
        async with self._searching[key]:
            last = self._searches.get(key)
            if last is not None and last.began_ms >= proof.from_ms and last.since_ms <= proof.since_ms:
                return last
            searched = await self._search_again(ref, proof.since_ms, {} if last is None else last.owners)
            if isinstance(searched, _Search):
                self._searches[key] = searched
                self._searches.move_to_end(key)
                while len(self._searches) > _SEARCHES_KEPT:
                    self._searching.pop(self._searches.popitem(last=False)[0], None)
            return searched

    async def _search_again(self, ref: OrderRef, since_ms: int, known: dict[str, str | None]) -> _Search | Unclear:
        began_ms = self._clock.now_ms()
        call = self._dialect.fetch_my_trades(ref.account_id, ref.symbol, since_ms=since_ms)
        trades = await self._ask(call, ref.account_id)
        if isinstance(trades, Rejected | Unknown):
            return Unclear(trades.code, trades.reason)
        owners: dict[str, str | None] = {}
        for trade in trades:
            placed_by = trade.exchange_order_id
            if placed_by is None or placed_by in owners:
                continue
            if trade.client_order_id is not None or placed_by in known:
                owners[placed_by] = trade.client_order_id or known[placed_by]
                continue
            by_id = OrderRef(account_id=ref.account_id, symbol=ref.symbol, exchange_order_id=placed_by)
            answer = await self._ask(self._dialect.fetch_order(by_id), ref.account_id)
            if isinstance(answer, Rejected | Unknown):
                return Unclear(answer.code, answer.reason)
            owners[placed_by] = answer.order.client_order_id if isinstance(answer, OrderFound) else None
        return _Search(began_ms, since_ms, owners)


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
