"""What a connector remembers of each account between frames, so that a gap can be closed from the right place.

A trail is a hint, never the truth: it may lag behind (it is flushed lazily) and a lost one costs requests, not facts.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from common.commands import CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import OrderRef
from common.orders import FactBase, ListStatus, OrderRejected, OrderUnknown

MAX_RECENT: Final = 100_000
MAX_ENDED: Final = 500
ENDED_STORED: Final = 50
BEFORE_MS: Final = 60_000
"""How far before a first command an account is read: the clocks of engine and exchange differ."""


class Trail(msgspec.Struct, kw_only=True):
    """One account: the symbols it traded, the time up to which its facts are known, its orders believed open."""

    account_id: str
    symbols: set[str] = msgspec.field(default_factory=set)
    watermark_ms: int = 0
    """By the exchange's clock; 0 when nothing is known."""
    open_orders: dict[str, OrderRef] = msgspec.field(default_factory=dict)
    """By client order id."""
    ended: dict[str, OrderRef] = msgspec.field(default_factory=dict)
    """The last orders without an id of ours at the exchange that have ended: late facts of them are still named."""
    gap_from_ms: int | None = None
    """Where a gap begins that is not closed yet; facts after it do not make it smaller."""

    @property
    def known_until_ms(self) -> int:
        """Up to when every fact of the account is known."""
        return self.watermark_ms if self.gap_from_ms is None else self.gap_from_ms

    def begin(self, from_ms: int) -> None:
        """The first order of an account of which nothing is known: what happens from now on can be missed."""
        self.watermark_ms = self.watermark_ms or from_ms
        if self.gap_from_ms == 0:
            self.gap_from_ms = from_ms

    def open_gap(self, from_ms: int | None = None) -> None:
        """Facts may be missing since then, or since the last one known."""
        from_ms = self.watermark_ms if from_ms is None else from_ms
        self.gap_from_ms = from_ms if self.gap_from_ms is None else min(self.gap_from_ms, from_ms)

    def close_gap(self, until_ms: int) -> None:
        """Everything up to then is known."""
        self.gap_from_ms = None
        self.watermark_ms = max(self.watermark_ms, until_ms)

    def note(self, fact: FactBase) -> None:
        """Learn from a fact, live or read."""
        if isinstance(fact, ListStatus | OrderUnknown):
            return
        if isinstance(fact, OrderRejected):
            self._end_nameless(fact.client_order_id)
            return
        self.symbols.add(fact.symbol)
        self.watermark_ms = max(self.watermark_ms, fact.ts_event_ms)
        if fact.client_order_id is None or fact.status is None:
            return
        known = self.open_orders.get(fact.client_order_id)
        if fact.status.terminal:
            if known is not None and known.terms is not None:
                self.became(fact.client_order_id, fact.exchange_order_id)
                self._end_nameless(fact.client_order_id)
            self.open_orders.pop(fact.client_order_id, None)
        elif known is not None and known.terms is not None:
            self.became(fact.client_order_id, fact.exchange_order_id)
        elif fact.client_order_id not in self.ended:
            self.open_orders[fact.client_order_id] = OrderRef(
                account_id=self.account_id,
                symbol=fact.symbol,
                client_order_id=fact.client_order_id,
                exchange_order_id=fact.exchange_order_id,
            )

    def lately_ended(self) -> dict[str, OrderRef]:
        """The ended orders worth writing down: a command that is read again after a crash is no older than these."""
        return {name: self.ended[name] for name in list(self.ended)[-ENDED_STORED:]}

    def nameless(self, client_order_id: str) -> OrderRef | None:
        """An order that the exchange does not know by this id, open or ended."""
        known = self.open_orders.get(client_order_id) or self.ended.get(client_order_id)
        return None if known is None or known.terms is None else known

    def became(self, client_order_id: str, exchange_order_id: str | None) -> None:
        """The exchange calls this order so."""
        known = self.open_orders.get(client_order_id)
        if known is not None and known.exchange_order_id is None and exchange_order_id is not None:
            self.open_orders[client_order_id] = msgspec.structs.replace(known, exchange_order_id=exchange_order_id)

    def owner_of(self, exchange_order_id: str) -> str | None:
        """Our id of an order that the exchange calls so."""
        for refs in (self.open_orders, self.ended):
            for client_order_id, ref in refs.items():
                if ref.terms is not None and ref.exchange_order_id == exchange_order_id:
                    return client_order_id
        return None

    def taken_by_others(self, client_order_id: str) -> tuple[str, ...]:
        """The exchange's ids of such orders other than this one."""
        return tuple(
            ref.exchange_order_id
            for refs in (self.open_orders, self.ended)
            for owner, ref in refs.items()
            if owner != client_order_id and ref.terms is not None and ref.exchange_order_id is not None
        )

    def _end_nameless(self, client_order_id: str | None) -> None:
        known = self.open_orders.get(client_order_id or "")
        if known is None or known.terms is None or client_order_id is None:
            return
        del self.open_orders[client_order_id]
        if known.exchange_order_id is not None:
            self.ended[client_order_id] = msgspec.structs.replace(known, ended=True)
            if len(self.ended) > MAX_ENDED:
                del self.ended[next(iter(self.ended))]


class Trails:
    """The trails of all accounts this process streams."""

    def __init__(self) -> None:
        self._trails: dict[str, Trail] = {}
        self._changed: set[str] = set()

    def of(self, account_id: str) -> Trail:
        """The account's trail, empty when nothing is known yet."""
        trail = self._trails.get(account_id)
        if trail is None:
            trail = self._trails[account_id] = Trail(account_id=account_id)
        return trail

    def restore(self, trail: Trail) -> None:
        """What was stored by whoever streamed the account before: the gap begins where that ends."""
        known = self.of(trail.account_id)
        known.symbols |= trail.symbols
        known.ended = trail.ended | known.ended
        heard = {name: _with_terms(ref, trail.open_orders.get(name)) for name, ref in known.open_orders.items()}
        known.open_orders = trail.open_orders | heard
        known.gap_from_ms = trail.watermark_ms

    def forget(self, account_id: str) -> None:
        """Somebody else streams it now; what is remembered here would grow stale."""
        self._trails.pop(account_id, None)
        self._changed.discard(account_id)

    def note(self, facts: Iterable[FactBase]) -> None:
        """Learn from facts."""
        for fact in facts:
            self.of(fact.account_id).note(fact)
            self._changed.add(fact.account_id)

    def touch(self, account_id: str) -> None:
        """Its trail changed: save it."""
        self._changed.add(account_id)

    def knows(self, account_id: str, symbol: str) -> bool:
        """Whether the account is known to trade there."""
        return symbol in self.of(account_id).symbols

    def note_symbol(self, account_id: str, symbol: str, from_ms: int) -> None:
        """A command names a symbol: from now on the account's orders may be there."""
        trail = self.of(account_id)
        trail.begin(from_ms)
        trail.symbols.add(symbol)
        self._changed.add(account_id)

    def take_changed(self) -> list[Trail]:
        """What is to be flushed."""
        changed = [self._trails[account_id] for account_id in self._changed if account_id in self._trails]
        self._changed.clear()
        return changed

    def put_back(self, trails: Iterable[Trail]) -> None:
        """A flush failed: it is still to be done."""
        self._changed.update(trail.account_id for trail in trails)


class RecentIds:
    """The last so many ids, so that a repetition is recognised without asking anybody."""

    def __init__(self, limit: int = MAX_RECENT) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, item: str) -> bool:
        """Remember an id; False if it was known."""
        if item in self._ids:
            return False
        self._ids[item] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
        return True

    def __contains__(self, item: object) -> bool:
        return item in self._ids

    def discard(self, item: str) -> None:
        """Forget an id: it may come again."""
        self._ids.pop(item, None)


class Correlations:
    """Which trade an order belongs to, as the command that placed it said; facts of the stream carry it on."""

    def __init__(self, limit: int = MAX_RECENT) -> None:
        self._limit = limit
        self._by_order: OrderedDict[str, str] = OrderedDict()

    def note(self, command: Command, correlation_id: str) -> None:
        """Remember it for every order the command is about."""
        for client_order_id in orders_of(command):
            self._by_order[client_order_id] = correlation_id
            if len(self._by_order) > self._limit:
                self._by_order.popitem(last=False)

    def of(self, fact: FactBase) -> str | None:
        """The correlation id of a fact's order; None for an order placed by hand or long ago."""
        for client_order_id in (fact.client_order_id, fact.list_client_order_id):
            if client_order_id is not None and client_order_id in self._by_order:
                return self._by_order[client_order_id]
        return None


def _with_terms(heard: OrderRef, stored: OrderRef | None) -> OrderRef:
    """What was heard of an order, which of one without an id of ours says less than what was written down of it."""
    if heard.terms is not None or stored is None or stored.terms is None:
        return heard
    return msgspec.structs.replace(stored, exchange_order_id=stored.exchange_order_id or heard.exchange_order_id)


async def in_memory(account_id: str, symbol: str, from_ms: int) -> None:
    """What is known of an account is written down nowhere: for those who have no store."""


def orders_of(command: Command) -> Iterator[str]:
    """The client ids of the orders a command is about, its list's among them."""
    match command:
        case SubmitOrder():
            yield command.client_order_id
        case SubmitOrderList():
            yield command.list_client_order_id
            yield command.take_profit.client_order_id
            yield command.stop_loss.client_order_id
        case CancelOrder() | QueryOrder():
            for named in (command.client_order_id, command.list_client_order_id):
                if named is not None:
                    yield named
        case _:
            return
