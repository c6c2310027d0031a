"""A ledger, an exchange and a topic in memory: they work, so that a check can be made against them."""

from collections.abc import Collection, Sequence
from decimal import Decimal

import msgspec

from common.connector.outcomes import FateKind, OrderFate, OrderQuestion
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import HoldingShort, OrderFilled, OrderSnapshot
from sync.ledger import Account, Finding, Holding, LedgerOrder
from sync.testing.builders import after


class MemoryLedger:
    """Orders and holdings; facts that are published reach it at once."""

    def __init__(self, *orders: LedgerOrder) -> None:
        self.orders = {order.client_order_id: order for order in orders}
        self.held: list[Holding] = []
        self.catches_up: dict[str, LedgerOrder] = {}
        """What the ledger hears by itself before the second look."""
        self.looks = 0

    async def unfinished(self, account_id: str, symbol: str, itemise_for_ms: int) -> list[LedgerOrder]:
        """Open ones, and those of whose trades some are not known."""
        found = [o for o in self.orders.values() if (o.account_id, o.symbol) == (account_id, symbol)]
        return [order for order in found if order.live or order.cum_qty > order.itemised_qty]

    async def named(self, account_id: str, client_order_ids: Collection[str]) -> list[LedgerOrder]:
        """The named ones, as they stand by now."""
        self.looks += 1
        if self.looks > 1:
            self.orders |= self.catches_up
        return [order for order in self.orders.values() if order.client_order_id in client_order_ids]

    async def numbers(self, account_id: str, symbol: str) -> tuple[str, ...]:
        """The exchange's ids."""
        return tuple(o.exchange_order_id for o in self.orders.values() if o.exchange_order_id is not None)

    async def holdings(self, account_id: str) -> list[Holding]:
        """What open brackets hold."""
        return list(self.held)

    async def overdue(self, exchange: Exchange, older_than_ms: int, of_an_account: int, most: int) -> list[LedgerOrder]:
        """Those nobody has confirmed."""
        return [order for order in self.orders.values() if order.status is None and order.exchange is exchange][:most]

    def hear(self, findings: Sequence[Finding]) -> None:
        """Merge facts, as the order-engine would."""
        for finding in findings:
            for client_order_id, order in self.orders.items():
                self.orders[client_order_id] = after(order, finding.facts)
            for fact in finding.facts:
                if isinstance(fact, HoldingShort):
                    self.held = [
                        msgspec.structs.replace(h, held_qty=fact.held_qty, version=h.version + 1)
                        if h.bracket_id == fact.bracket_id
                        else h
                        for h in self.held
                    ]


class MemoryExchange:
    """What an exchange would answer, and what it was asked."""

    def __init__(self) -> None:
        self.open: list[OrderSnapshot] = []
        self.trades: list[OrderFilled] = []
        self.fates: dict[str, OrderFate] = {}
        self.balances: dict[str, Decimal] = {"BTC": ZERO}
        self.asked: list[str] = []
        self.questions: list[OrderQuestion] = []
        self.fails: list[Exception] = []
        """Raised by the next calls, one each."""

    async def open_orders(self, exchange: Exchange, account_id: str, symbol: str) -> tuple[OrderSnapshot, ...]:
        """What is open."""
        self._ask("open-orders")
        return tuple(self.open)

    async def my_trades(
        self, exchange: Exchange, account_id: str, symbol: str, since_ms: int
    ) -> tuple[OrderFilled, ...]:
        """What was traded."""
        self._ask("my-trades")
        return tuple(trade for trade in self.trades if trade.ts_event_ms >= since_ms)

    async def fate(self, exchange: Exchange, question: OrderQuestion) -> OrderFate:
        """What became of an order."""
        self._ask("fate")
        self.questions.append(question)
        return self.fates.get(question.ref.client_order_id or "", OrderFate(kind=FateKind.ABSENT))

    async def totals(self, exchange: Exchange, account_id: str) -> dict[str, Decimal]:
        """What the account has."""
        self._ask("balances")
        return dict(self.balances)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.fails:
            raise self.fails.pop(0)


class MemoryForeign:
    """Orders that are not ours, by account and symbol."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[OrderSnapshot, ...]] = {}

    async def seen(self, account: Account, symbol: str, orders: Sequence[OrderSnapshot]) -> None:
        """These and no others."""
        self.kept[account.account_id, symbol] = tuple(orders)


class MemoryFacts:
    """Keeps what is published, and lets a ledger hear it."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.findings: list[Finding] = []
        self._ledger = ledger

    async def publish(self, findings: Sequence[Finding], cause: str) -> None:
        """Publish."""
        self.findings += findings
        self._ledger.hear(findings)
