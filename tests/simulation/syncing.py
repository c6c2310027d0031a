"""The sync service of a history: its production checker, between the ledger and the connectors of this world."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Final

from common.bus.topics import ORDER_EVENTS
from common.clock import SystemClock
from common.connector.connector import Connector
from common.connector.outcomes import OrderFate, OrderQuestion
from common.connector.reads import ExchangeSaidNo
from common.errors import Unavailable
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import OrderFilled, OrderSnapshot
from common.protection import BracketState
from common.service.run import Process
from order_engine.bracket import Bracket
from order_engine.order import Order
from order_engine.store import SCHEMA
from sync.check import Checker, Patience
from sync.connectors import NotAnswered
from sync.facts import FactPublisher
from sync.ledger import Account, Holding, LedgerOrder
from tests.simulation.database import Schema
from tests.simulation.exchanges import SYMBOL
from tests.simulation.judge import brackets_of
from tests.simulation.services import Site

SYNC: Final = "sync"
EVERY_S: Final = 10.0


async def start_sync(site: Site, process: Process, instance: str) -> None:
    """Check every account now and then, as the service's rounds do."""
    publisher = await process.enter(site.broker.clients().publisher(site.settings, (ORDER_EVENTS,), SYNC))
    reads, views = Reads(site), Views(site.database.schemas.setdefault(SCHEMA, Schema()))
    checker = Checker(views, reads, Foreigners(), FactPublisher(publisher), SystemClock(), Patience())
    process.spawn("rounds", _rounds(site, checker))


async def _rounds(site: Site, checker: Checker) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        for exchange, venue in site.venues.items():
            for account_id in venue.credentials:
                account, began_s = Account(account_id, f"user-of-{account_id}", exchange), site.loop.time()
                try:
                    checked = await checker.check(account, (SYMBOL,), f"sync/{began_s}")
                    if checked.suspects:
                        await asyncio.sleep(EVERY_S)
                        await checker.confirm(account, checked.suspects, f"sync/{began_s}/again")
                except (Unavailable, NotAnswered):
                    continue  # The next round asks again.
                site.synced_s[account_id] = began_s


class Views:
    """The engine's published views, from what it committed."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    async def unfinished(self, account_id: str, symbol: str, itemise_for_ms: int) -> list[LedgerOrder]:
        orders = [_ledger_order(bracket, order) for bracket, order in self._orders(account_id)]
        return [order for order in orders if order.live or order.cum_qty > order.itemised_qty]

    async def named(self, account_id: str, client_order_ids: Collection[str]) -> list[LedgerOrder]:
        orders = [_ledger_order(bracket, order) for bracket, order in self._orders(account_id)]
        return [order for order in orders if order.client_order_id in client_order_ids]

    async def numbers(self, account_id: str, symbol: str) -> tuple[str, ...]:
        known = (order.exchange_order_id for _, order in self._orders(account_id))
        return tuple(number for number in known if number is not None)

    async def holdings(self, account_id: str) -> list[Holding]:
        return [
            Holding(
                bracket_id=each.bracket_id,
                account_id=account_id,
                exchange=each.exchange,
                symbol=each.symbol,
                version=each.version,
                base_asset=each.instrument.base,
                lot_size=each.instrument.lot_size,
                held_qty=each.held_qty,
                created_ms=each.opened_ms,
            )
            for each in self._brackets(account_id)
            if each.held_qty > 0 and each.state is not BracketState.CLOSED
        ]

    def _brackets(self, account_id: str) -> list[Bracket]:
        return [each for each in brackets_of(self._schema) if each.account_id == account_id]

    def _orders(self, account_id: str) -> list[tuple[Bracket, Order]]:
        return [(each, order) for each in self._brackets(account_id) for order in each.orders if order.sent]


class Reads:
    """What the connectors answer: the newest that lives is asked, in its own process."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def open_orders(self, exchange: Exchange, account_id: str, symbol: str) -> tuple[OrderSnapshot, ...]:
        found: tuple[OrderSnapshot, ...] = await self._ask(
            exchange, lambda it: it.reader.ask(it.reader.dialect.fetch_open_orders(account_id, symbol), account_id)
        )
        return found

    async def my_trades(
        self, exchange: Exchange, account_id: str, symbol: str, since_ms: int
    ) -> tuple[OrderFilled, ...]:
        found: tuple[OrderFilled, ...] = await self._ask(
            exchange,
            lambda it: it.reader.ask(
                it.reader.dialect.fetch_my_trades(account_id, symbol, since_ms=since_ms), account_id
            ),
        )
        return found

    async def fate(self, exchange: Exchange, question: OrderQuestion) -> OrderFate:
        found: OrderFate = await self._ask(exchange, lambda it: it.reader.fates.of(question))
        return found

    async def totals(self, exchange: Exchange, account_id: str) -> dict[str, Decimal]:
        told = await self._ask(
            exchange, lambda it: it.reader.ask(it.reader.dialect.fetch_balances(account_id), account_id)
        )
        return {each.asset: (each.free or ZERO) + (each.locked or ZERO) for each in told.balances}

    async def _ask(self, exchange: Exchange, question: Callable[[Connector], Coroutine[Any, Any, Any]]) -> Any:
        running = self._site.running(exchange)
        if not running:
            raise Unavailable("the connector")
        node, connector = running[-1]
        answer: asyncio.Future[Any] = self._site.loop.create_future()

        async def serve() -> None:
            await asyncio.sleep(self._site.broker.pause_s())
            try:
                answer.set_result(await question(connector))
            except (ExchangeSaidNo, Unavailable):
                answer.set_exception(Unavailable("the exchange"))

        self._site.loop.spawn(node, serve())
        try:
            async with asyncio.timeout(30.0):
                return await answer
        except TimeoutError as error:
            raise Unavailable("the connector") from error


class Foreigners:
    """Orders placed by hand are not kept here."""

    async def seen(self, account: Account, symbol: str, orders: Sequence[OrderSnapshot]) -> None:
        """Nothing is written down."""


def _ledger_order(bracket: Bracket, order: Order) -> LedgerOrder:
    return LedgerOrder(
        account_id=bracket.account_id,
        exchange=bracket.exchange,
        symbol=bracket.symbol,
        client_order_id=order.client_order_id,
        exchange_order_id=order.exchange_order_id,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        price=order.price,
        trigger_px=order.trigger_px,
        status=order.status,
        cum_qty=order.filled_qty,
        itemised_qty=order.itemised_qty,
        submitted_ms=order.submitted_ms,
        valid_until_ms=order.valid_until_ms,
        updated_ms=order.updated_ms,
    )
