"""One shard in memory: its open brackets, what they wait for, and what the ledger may know better."""

import asyncio
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from common.bus.messages import Outgoing, Record
from common.db.leases import Lease
from common.exchanges import Exchange
from common.protection import BracketState
from order_engine.bracket import Bracket
from order_engine.decide import held_stop_px, next_wake_ms
from order_engine.opening import algo_orders_kept

_MAX_DUE = 200

Where = tuple[str, str]
"""An account and a symbol."""


@dataclass(slots=True)
class Market:
    """What one account has open on one symbol."""

    kept: dict[str, int] = field(default_factory=dict)
    """By bracket, how many waiting orders it uses or will need."""
    kept_total: int = 0

    def put(self, bracket_id: str, kept: int) -> None:
        """A bracket is open."""
        self.kept_total += kept - self.kept.get(bracket_id, 0)
        self.kept[bracket_id] = kept

    def drop(self, bracket_id: str) -> None:
        """A bracket is not open any more, if it was."""
        self.kept_total -= self.kept.pop(bracket_id, 0)


@dataclass
class Shard:
    """One shard: its lease, its open brackets, and when they want to be woken."""

    lease: Lease
    brackets: dict[str, Bracket] = field(default_factory=dict)
    markets: dict[Where, Market] = field(default_factory=dict)
    """The same brackets by account and symbol: nobody's intent looks through everybody's."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Batches and timers of a shard take turns: one writer, one order of events."""
    wakes: list[tuple[int, str]] = field(default_factory=list)
    passed: dict[tuple[str, int], Record] = field(default_factory=dict)
    """By topic and partition, the last record that changed nothing: its offset is written with the next commit."""
    read_to: int = -1
    """The offset of the last order event that was decided."""
    committed: Mapping[tuple[str, int], int] = field(default_factory=dict)
    """The next offsets as the ledger held them when it was last asked after a commit that was never answered."""
    unanswered: list[tuple[Sequence[Bracket], Sequence[Outgoing]]] = field(default_factory=list)
    """Commits that were never answered: the brackets they changed, which the ledger may hold at another version than
    memory, and what they called for."""
    parked: set[str] = field(default_factory=set)
    """Brackets that could not be decided: no timer wakes them until something else has changed them."""
    heard_ms: int = 0
    """When the newest record handled had come about."""
    held: dict[str, tuple[Exchange, str, Decimal]] = field(default_factory=dict)
    """By bracket: exchange, symbol and the price at which the engine must sell."""

    def keep(self, bracket: Bracket) -> None:
        """Remember an open bracket and its next wish to be woken; forget a closed one that waits for nothing."""
        wake_ms = next_wake_ms(bracket)
        stop_px = held_stop_px(bracket)
        self.parked.discard(bracket.bracket_id)
        if wake_ms is not None:
            heapq.heappush(self.wakes, (wake_ms, bracket.bracket_id))
        if stop_px is None:
            self.held.pop(bracket.bracket_id, None)
        else:
            self.held[bracket.bracket_id] = (bracket.exchange, bracket.symbol, stop_px)
        where = (bracket.account_id, bracket.symbol)
        if bracket.state is BracketState.CLOSED and wake_ms is None:
            self._let_go(bracket.bracket_id, where)
        else:
            self.brackets[bracket.bracket_id] = bracket
            self.markets.setdefault(where, Market()).put(bracket.bracket_id, algo_orders_kept(bracket))

    def _let_go(self, bracket_id: str, where: Where) -> None:
        self.brackets.pop(bracket_id, None)
        if (market := self.markets.get(where)) is not None:
            market.drop(bracket_id)
            if not market.kept:
                del self.markets[where]

    def has_committed(self, record: Record) -> bool:
        """Whether this record is being read again although its effects are in the ledger."""
        return record.offset < self.committed.get((record.topic, record.partition), 0)

    def due(self, now_ms: int) -> list[str]:
        """The brackets whose time has come (some may have changed their mind since)."""
        found: list[str] = []
        while self.wakes and self.wakes[0][0] <= now_ms and len(found) < _MAX_DUE:
            _, bracket_id = heapq.heappop(self.wakes)
            bracket = self.brackets.get(bracket_id)
            wake_ms = None if bracket is None or bracket_id in self.parked else next_wake_ms(bracket)
            if wake_ms is not None and wake_ms <= now_ms and bracket_id not in found:
                found.append(bracket_id)
        return found

    def park(self, bracket_id: str, *, price: bool) -> None:
        """Wake a bracket no more that could not be decided; with `price`, show it no price either."""
        self.parked.add(bracket_id)
        if price:
            self.held.pop(bracket_id, None)

    def wake_again(self, bracket_ids: list[str], at_ms: int) -> None:
        """Bring up again what was due and could not be told."""
        for bracket_id in bracket_ids:
            heapq.heappush(self.wakes, (at_ms, bracket_id))
