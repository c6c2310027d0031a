"""A connector in the test's own loop, on a paper exchange, a real broker and a real database.

`ConnectorBench` is what the connected tests of every exchange share; an exchange's `conftest.py` adds its own orders
and its own looks at the paper exchange.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

import msgspec

from common.accounts import AccountChanged, AccountState, Credentials
from common.bus.brokers import BusSettings
from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.tail import tail
from common.bus.topics import BALANCE_EVENTS, DEAD_LETTERS, ORDER_EVENTS, all_topics, market_data, order_commands
from common.clock import SystemClock
from common.codec import decode_union, encode
from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder
from common.connector.client import KeyRefused
from common.connector.connector import Connector
from common.connector.service import ConnectorParts
from common.db.migrations import migrate
from common.db.pool import create_pool
from common.exchanges import Exchange
from common.ids import Leg, bracket_id, client_order_id
from common.orders import OrderFact, OrderType, Side, TimeInForce, type_of
from common.service.run import Process
from common.testing.connector import until

QUICK: dict[str, Any] = {
    "vault_url": "http://127.0.0.1:1",
    "settle_margin_ms": 200,
    "accounts_refresh_ms": 100,
    "overlap_ms": 500,
    "flush_ms": 50,
    "parked_for_ms": 500,
    "request_timeout_ms": 2_000,
}
"""Settings by which nothing takes longer than a test wants to wait."""


class MemoryVault:
    """The vault's list and its keys, in memory."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.listed: dict[str, AccountChanged] = {}
        self.keys: dict[str, tuple[str, str, str | None]] = {}
        self.leases = 0

    def put(
        self, account_id: str, api_key: str, secret: str, passphrase: str | None = None, key_version: int = 1
    ) -> None:
        """A key is stored, or replaced by its next version."""
        self.keys[account_id] = (api_key, secret, passphrase)
        self.listed[account_id] = AccountChanged(
            account_id=account_id,
            user_id="user-1",
            exchange=self._exchange,
            label="test",
            state=AccountState.ACTIVE,
            is_default=True,
            key_version=key_version,
            ts_init_ms=SystemClock().now_ms(),
        )

    def set_state(self, account_id: str, state: AccountState) -> None:
        """An account is paused, or goes on."""
        self.listed[account_id] = msgspec.structs.replace(self.listed[account_id], state=state)

    async def accounts(self, exchange: Exchange) -> tuple[AccountChanged, ...]:
        """Every account."""
        return tuple(self.listed.values())

    async def lease(self, account_id: str, purpose: str) -> Credentials:
        """The key. Raises KeyRefused for an account that is not active."""
        self.leases += 1
        account = self.listed.get(account_id)
        if account is None or account.state is not AccountState.ACTIVE:
            raise KeyRefused(account_id, "not lent")
        api_key, secret, passphrase = self.keys[account_id]
        return Credentials(
            account_id=account_id,
            exchange=self._exchange,
            api_key=api_key,
            secret=secret,
            passphrase=passphrase,
            key_version=account.key_version,
            expires_at_ms=SystemClock().now_ms() + 300_000,
        )


@dataclass
class Told:
    """Everything that was published, as it arrives."""

    facts: list[OrderFact] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    balances: list[Record] = field(default_factory=list)
    letters: list[Record] = field(default_factory=list)

    def of(self, client_id: str, kind: str | None = None) -> list[OrderFact]:
        """The facts about one order."""
        return [fact for fact in self.facts if fact.client_order_id == client_id and kind in {None, type_of(fact)}]

    async def matching(self, condition: Callable[[OrderFact], bool], timeout_s: float = 20.0) -> Any:
        """The first fact that meets a condition, waited for."""
        return (await until(lambda: [fact for fact in self.facts if condition(fact)], timeout_s))[0]

    async def first(self, client_id: str, kind: str, timeout_s: float = 20.0) -> Any:
        """The first such fact, waited for."""
        return (await until(lambda: self.of(client_id, kind), timeout_s))[0]

    async def listen(self, bus: BusSettings, listening: asyncio.Event) -> None:
        """Hear everything from now on."""
        async for record in tail(bus, ORDER_EVENTS, BALANCE_EVENTS, DEAD_LETTERS, client_id="test", ready=listening):
            if record.topic != ORDER_EVENTS.name:
                (self.balances if record.topic == BALANCE_EVENTS.name else self.letters).append(record)
                continue
            assert record.value is not None
            self.records.append(record)
            self.facts.append(decode_union(record.value, OrderFact))


class ConnectorBench:
    """Everything a test needs at hand."""

    exchange: ClassVar[Exchange]
    symbol: ClassVar[str] = "BTCUSDT"
    funds: ClassVar[dict[str, str]] = {"USDT": "1000000", "BTC": "10"}

    def __init__(self, paper: Any, bus: BusSettings, publisher: Publisher, told: Told, database_url: str) -> None:
        self.paper = paper
        self.vault = MemoryVault(self.exchange)
        self.bus = bus
        self.publisher = publisher
        self.told = told
        self.database_url = database_url
        self.uids: dict[str, int] = {}
        self._number = 0

    def parts(self, **overrides: Any) -> ConnectorParts:
        """The connector's parts, its URLs at the paper exchange and its times as in `QUICK`."""
        raise NotImplementedError

    @property
    def control(self) -> Any:
        """The control of the exchange's face."""
        raise NotImplementedError

    # --- the account and the exchange's own truth --------------------------------------------------------------------

    def account(self, account_id: str = "account-1", **balances: str) -> int:
        """A funded account at the exchange, its key in the vault."""
        return self.open_account(account_id, {"balances": balances or self.funds})

    def open_account(self, account_id: str, wanted: dict[str, Any]) -> int:
        """An account as the exchange's control API is told, its key in the vault."""
        opened = self.control.open_account(wanted)
        self.vault.put(account_id, opened["api_key"], opened["secret"], opened.get("passphrase"))
        self.uids[account_id] = int(opened["uid"])
        return self.uids[account_id]

    def state(self, account_id: str = "account-1") -> dict[str, Any]:
        """The exchange's own truth."""
        state: dict[str, Any] = self.control.state(self.uids[account_id])
        return state

    def orders(self, client_id: str, account_id: str = "account-1") -> list[dict[str, Any]]:
        """The exchange's orders with this client id."""
        return [order for order in self.state(account_id)["orders"] if order["clientOrderId"] == client_id]

    def move(self, px: str) -> None:
        """The market trades at this price now."""
        self.control.move({"symbol": self.symbol, "price": px})

    def switch(self, **switches: Any) -> None:
        """How the doubts about the exchange stand."""
        self.control.switch(switches)

    def fault(self, kind: str, **settings: Any) -> None:
        """Something goes wrong from now on."""
        self.control.arm({"kind": kind, **settings})

    # --- commands -----------------------------------------------------------------------------------------------------

    def about(self, account_id: str, valid_ms: int = 30_000) -> dict[str, Any]:
        """What every command says, for a bracket of its own."""
        self._number += 1
        now_ms = SystemClock().now_ms()
        return {
            "command_id": f"command-{self._number}",
            "bracket_id": bracket_id(account_id, str(self._number)),
            "account_id": account_id,
            "exchange": self.exchange,
            "symbol": self.symbol,
            "ts_init_ms": now_ms,
            "valid_until_ms": now_ms + valid_ms,
        }

    def order(
        self,
        leg: Leg,
        side: Side,
        order_type: OrderType,
        account_id: str = "account-1",
        valid_ms: int = 30_000,
        time_in_force: TimeInForce | None = None,
        **amounts: str | None,
    ) -> SubmitOrder:
        """One order of a bracket of its own; amounts and prices are given as text."""
        about = self.about(account_id, valid_ms) | {
            name: Decimal(value) for name, value in amounts.items() if value is not None
        }
        return SubmitOrder(
            **about,
            client_order_id=client_order_id(about["bracket_id"], leg, 1),
            side=side,
            order_type=order_type,
            time_in_force=time_in_force,
        )

    def limit_buy(
        self, px: str = "90000", qty: str = "0.01", account_id: str = "account-1", **more: Any
    ) -> SubmitOrder:
        """A buy that rests below the market."""
        more = {"time_in_force": TimeInForce.GTC, **more}
        return self.order(Leg.ENTRY, Side.BUY, OrderType.LIMIT, account_id, qty=qty, price=px, **more)

    def market_buy(self, qty: str = "0.01", account_id: str = "account-1") -> SubmitOrder:
        """A buy at the market."""
        return self.order(Leg.ENTRY, Side.BUY, OrderType.MARKET, account_id, qty=qty)

    def cancel(self, order: SubmitOrder) -> CancelOrder:
        """The cancel of an order."""
        return CancelOrder(**self.about(order.account_id), client_order_id=order.client_order_id)

    def cancel_all(self, account_id: str = "account-1") -> CancelAllOrders:
        """The cancel of everything."""
        return CancelAllOrders(**self.about(account_id))

    def query(self, client_id: str, submitted_ms: int, account_id: str = "account-1") -> QueryOrder:
        """The question what became of an order."""
        return QueryOrder(**self.about(account_id), client_order_id=client_id, submitted_ms=submitted_ms)

    async def send(self, *commands: Command, redelivery: bool = False) -> None:
        """Publish commands as the order-engine does."""
        await self.publisher.publish(
            [
                Outgoing(
                    topic=order_commands(self.exchange).name,
                    key=command.account_id,
                    value=encode(command),
                    ce_id=command.command_id,
                    ce_type=type_of(command),
                    ce_source="order-engine",
                    ce_time_ms=command.ts_init_ms,
                    correlation_id=f"trade-{command.command_id}",
                    causation_id=None,
                    redelivery=redelivery,
                )
                for command in commands
            ]
        )

    async def send_raw(self, key: str, value: bytes) -> None:
        """Publish anything at all on the command topic."""
        raw = Outgoing(
            topic=order_commands(self.exchange).name,
            key=key,
            value=value,
            ce_id="raw",
            ce_type="raw",
            ce_source="test",
            ce_time_ms=0,
            correlation_id=None,
            causation_id=None,
        )
        await self.publisher.publish([raw])

    # --- what became of it --------------------------------------------------------------------------------------------

    async def published_market_kinds(self, at_least: set[str]) -> set[tuple[str | None, str | None]]:
        """(key, type) of what stands on the market-data topic, once these types are there."""
        seen: set[tuple[str | None, str | None]] = set()
        async for record in tail(self.bus, market_data(self.exchange), from_="start", client_id="test"):
            seen.add((record.key, record.ce_type))
            if at_least <= {kind for _, kind in seen}:
                break
        return seen

    async def first_dead_letter(self) -> bytes:
        """The first dead letter, waited for."""
        letter = (await until(lambda: self.told.letters))[0]
        assert letter.value is not None
        return bytes(letter.value)

    async def forget_positions(self) -> None:
        """As if nothing had been stored before the process died."""
        pool = await create_pool(self.database_url, self.parts().schema, application_name="test", size=1)
        await pool.execute("TRUNCATE consumer_offsets, consumer_brokers, stream_state")
        await pool.close()

    @asynccontextmanager
    async def connector(self, *, ready: bool = True, **overrides: Any) -> AsyncIterator[Connector]:
        """A running connector; the settings may be overridden."""
        parts = self.parts(**overrides)
        pool = await create_pool(self.database_url, parts.schema, application_name=parts.name)
        connector = parts.connector(self.bus, pool, self.vault, SystemClock())
        process = Process()
        running = asyncio.create_task(process.run(connector.start))
        try:
            if ready:
                await until(lambda: running.done() or connector.ready_for(self.vault.listed), 20)
            yield connector
        finally:
            process.end()
            assert await running == 0, "the connector broke"
            await pool.close()


_Bench = TypeVar("_Bench", bound=ConnectorBench)


@asynccontextmanager
async def opened(kind: type[_Bench], paper: Any, bus: BusSettings, database_url: str) -> AsyncIterator[_Bench]:
    """An empty vault and somebody who listens, on this paper exchange, broker and database."""
    told, listening = Told(), asyncio.Event()
    async with Publisher(bus, all_topics([kind.exchange]), "test") as publisher:
        bench = kind(paper, bus, publisher, told, database_url)
        schema = bench.parts().schema
        await migrate(schema, schema, database_url)
        listener = asyncio.create_task(told.listen(bus, listening))
        await listening.wait()
        await bench.forget_positions()  # They belong to the topics of the test before.
        yield bench
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener
