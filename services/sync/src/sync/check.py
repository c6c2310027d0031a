"""Holds one account against its exchange: listings first, single orders only where listings do not settle, facts last.

What differs is looked at twice: what the account's own stream is just telling is no difference.
"""

import asyncio
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final, Protocol

import msgspec
import structlog

from common.clock import Clock
from common.connector.outcomes import OrderFate, OrderQuestion, OrderRef
from common.exchanges import CAPABILITIES, Exchange, ExitStyle
from common.orders import OrderFilled, OrderSnapshot
from sync.holdings import backed, still_short
from sync.ledger import Account, Finding, Holding, LedgerOrder
from sync.reconcile import ExchangeView, Reconciled, ours_by_name, reconcile, traded_since_ms

TRADES_PAY_FROM: Final = 3
"""So many single questions cost more than one listing of trades."""
_TRADES_MARGIN_MS: Final = 10_000
"""Clocks differ: trades are listed from a little before the first order was sent."""
_LOCKING_STYLES: Final = frozenset({ExitStyle.OCO, ExitStyle.HELD_STOP})
"""Where every exit locks what it would sell, coins cannot leave before an exit has ended, and that shows by itself."""

_log = structlog.get_logger(__name__)


class Ledger(Protocol):
    """The order-engine's views."""

    async def unfinished(self, account_id: str, symbol: str, itemise_for_ms: int) -> list[LedgerOrder]: ...

    async def named(self, account_id: str, client_order_ids: Collection[str]) -> list[LedgerOrder]: ...

    async def numbers(self, account_id: str, symbol: str) -> tuple[str, ...]: ...

    async def holdings(self, account_id: str) -> list[Holding]: ...


class Reads(Protocol):
    """What the exchanges say."""

    async def open_orders(self, exchange: Exchange, account_id: str, symbol: str) -> tuple[OrderSnapshot, ...]: ...

    async def my_trades(
        self, exchange: Exchange, account_id: str, symbol: str, since_ms: int
    ) -> tuple[OrderFilled, ...]: ...

    async def fate(self, exchange: Exchange, question: OrderQuestion) -> OrderFate: ...

    async def totals(self, exchange: Exchange, account_id: str) -> dict[str, Decimal]: ...


class Foreign(Protocol):
    """Where orders that are not ours are kept."""

    async def seen(self, account: Account, symbol: str, orders: Sequence[OrderSnapshot]) -> None: ...


class Facts(Protocol):
    """Where facts go."""

    async def publish(self, findings: Sequence[Finding], cause: str) -> None: ...


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check has shown."""

    checked: int = 0
    """How many orders of ours were held against the exchange."""
    findings: tuple[Finding, ...] = ()
    unsettled: tuple[LedgerOrder, ...] = ()
    foreign: tuple[OrderSnapshot, ...] = ()
    suspects: tuple[Holding, ...] = ()
    """What was held when the balances seemed short: to be looked at once more (`confirm`)."""

    def with_more(self, other: "Checked") -> "Checked":
        """Both together."""
        return Checked(
            checked=self.checked + other.checked,
            findings=self.findings + other.findings,
            unsettled=self.unsettled + other.unsettled,
            foreign=self.foreign + other.foreign,
            suspects=self.suspects + other.suspects,
        )


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a check waits before its second look, and how far back missing trades are asked for."""

    second_look_ms: int = 1_000
    itemise_for_ms: int = 7 * 86_400_000


class Checker:
    """Checks accounts. Every method raises Unavailable or NotAnswered; a check that failed is simply made again."""

    def __init__(
        self, ledger: Ledger, reads: Reads, foreign: Foreign, facts: Facts, clock: Clock, patience: Patience
    ) -> None:
        self._ledger = ledger
        self._reads = reads
        self._foreign = foreign
        self._facts = facts
        self._clock = clock
        self._patience = patience

    async def check(self, account: Account, symbols: Sequence[str], cause: str) -> Checked:
        """Every order of the account on these symbols, and what it holds."""
        total = Checked()
        for symbol in symbols:
            total = total.with_more(await self._symbol(account, symbol, cause))
        return total.with_more(await self._first_look(account))

    async def confirm(self, account: Account, suspects: Sequence[Holding], cause: str) -> Checked:
        """The second look at balances that seemed short: what is still short is told."""
        holdings = await self._ledger.holdings(account.account_id)
        totals = await self._reads.totals(account.exchange, account.account_id)
        findings = still_short(suspects, holdings, totals, self._clock.now_ms())
        await self._facts.publish(findings, cause)
        return Checked(findings=tuple(findings))

    async def settle(self, order: LedgerOrder, cause: str) -> Checked:
        """One order whose fate is open."""
        fate = await self._fate(order)
        now_ms = self._clock.now_ms()
        ledger = await self._ledger.named(order.account_id, [order.client_order_id])
        result = reconcile(ledger, ExchangeView(open_orders=(), read_ms=now_ms, fates={order.client_order_id: fate}))
        await self._facts.publish(result.findings, cause)
        return Checked(checked=1, findings=result.findings, unsettled=result.unsettled)

    async def _symbol(self, account: Account, symbol: str, cause: str) -> Checked:
        unfinished = await self._ledger.unfinished(account.account_id, symbol, self._patience.itemise_for_ms)
        read_ms = self._clock.now_ms()
        open_orders = await self._reads.open_orders(account.exchange, account.account_id, symbol)
        known = {order.client_order_id for order in unfinished}
        shown = await self._ledger.named(account.account_id, ours_by_name(open_orders) - known)
        view = ExchangeView(open_orders=open_orders, read_ms=read_ms)
        ledger = [*unfinished, *shown]
        result = reconcile(ledger, view)
        if result.findings or result.questions:
            await asyncio.sleep(self._patience.second_look_ms / 1000)
            result, view = await self._ask(account, symbol, [order.client_order_id for order in ledger], view)
            await self._facts.publish(result.findings, cause)
        await self._foreign.seen(account, symbol, result.foreign)
        if result.findings:
            _log.warning(
                "ledger_mended",
                account_id=account.account_id,
                symbol=symbol,
                drifts=[(finding.drift.value, finding.client_order_id) for finding in result.findings],
            )
        return Checked(
            checked=len(ledger), findings=result.findings, unsettled=result.unsettled, foreign=result.foreign
        )

    async def _ask(
        self, account: Account, symbol: str, names: Collection[str], view: ExchangeView
    ) -> tuple[Reconciled, ExchangeView]:
        """Whatever the listing does not settle, asked as cheaply as it can be; the ledger's last word decides."""
        result = reconcile(await self._ledger.named(account.account_id, names), view)
        if len(result.questions) >= TRADES_PAY_FROM:
            since_ms = traded_since_ms(result.questions, _TRADES_MARGIN_MS)
            trades = await self._reads.my_trades(account.exchange, account.account_id, symbol, since_ms)
            view = msgspec.structs.replace(view, trades=trades)
            result = reconcile(await self._ledger.named(account.account_id, names), view)
        fates = {order.client_order_id: await self._fate(order) for order in result.questions}
        if fates:
            view = msgspec.structs.replace(view, fates=fates)
            result = reconcile(await self._ledger.named(account.account_id, names), view)
        return result, view

    async def _fate(self, order: LedgerOrder) -> OrderFate:
        """One order by itself, with everything an exchange may need to find it."""
        waits = order.order_type.waits_for_trigger
        nameless = waits and not CAPABILITIES[order.exchange].trigger_client_ids
        ref = OrderRef(
            account_id=order.account_id,
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            exchange_order_id=order.exchange_order_id,
            waits_for_trigger=waits,
            terms=order.terms if nameless else None,
            taken=await self._taken(order) if nameless and order.exchange_order_id is None else (),
        )
        submitted_ms = min(order.valid_until_ms, self._clock.now_ms())
        return await self._reads.fate(order.exchange, OrderQuestion(ref=ref, submitted_ms=submitted_ms))

    async def _taken(self, order: LedgerOrder) -> tuple[str, ...]:
        return await self._ledger.numbers(order.account_id, order.symbol)

    async def _first_look(self, account: Account) -> Checked:
        if CAPABILITIES[account.exchange].exit_style in _LOCKING_STYLES:
            return Checked()
        holdings = await self._ledger.holdings(account.account_id)
        if not holdings:
            return Checked()
        totals = await self._reads.totals(account.exchange, account.account_id)
        return Checked(suspects=tuple(holdings) if backed(holdings, totals) else ())
