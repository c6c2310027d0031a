"""A connector in the test's own loop, on a paper exchange, a real broker and a real database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.accounts import AccountChanged, AccountState, Credentials
from common.bus.brokers import BrokerKind, BusSettings
from common.bus.messages import Outgoing, Record
from common.bus.publisher import Publisher
from common.bus.tail import tail
from common.bus.topics import BALANCE_EVENTS, DEAD_LETTERS, ORDER_EVENTS, all_topics, order_commands
from common.clock import SystemClock
from common.codec import decode_union, encode
from common.commands import CancelOrder, Command, QueryOrder, SubmitOrder
from common.connector.client import KeyRefused
from common.connector.connector import Connector, Outside
from common.connector.door import Door
from common.db.migrations import migrate
from common.db.pool import create_pool
from common.exchanges import Exchange
from common.ids import Leg, bracket_id, client_order_id
from common.orders import OrderFact, OrderType, Side, TimeInForce, type_of
from common.service.run import Process
from gateio_connector.app import NAME, SCHEMA
from gateio_connector.dialect import GateioDialect
from gateio_connector.settings import GateioSettings
from paper_exchange.app import Running
from paper_exchange.testing import serve

SYMBOL = "BTCUSDT"


async def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Wait for a condition that other tasks bring about; its value."""
    async with asyncio.timeout(timeout_s):
        while not (value := condition()):
            await asyncio.sleep(0.005)
    return value


class MemoryVault:
    """The vault's list and its keys, in memory."""

    def __init__(self) -> None:
        self.listed: dict[str, AccountChanged] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.leases = 0

    def put(self, account_id: str, api_key: str, secret: str, key_version: int = 1) -> None:
        now_ms = SystemClock().now_ms()
        self.keys[account_id] = (api_key, secret)
        self.listed[account_id] = AccountChanged(
            account_id=account_id,
            user_id="user-1",
            exchange=Exchange.GATEIO,
            label="test",
            state=AccountState.ACTIVE,
            is_default=True,
            key_version=key_version,
            ts_init_ms=now_ms,
        )

    def set_state(self, account_id: str, state: AccountState) -> None:
        self.listed[account_id] = msgspec.structs.replace(self.listed[account_id], state=state)

    async def accounts(self, exchange: Exchange) -> tuple[AccountChanged, ...]:
        return tuple(self.listed.values())

    async def lease(self, account_id: str, purpose: str) -> Credentials:
        self.leases += 1
        account = self.listed.get(account_id)
        if account is None or account.state is not AccountState.ACTIVE:
            raise KeyRefused(account_id, "not lent")
        api_key, secret = self.keys[account_id]
        return Credentials(
            account_id=account_id,
            exchange=Exchange.GATEIO,
            api_key=api_key,
            secret=secret,
            passphrase=None,
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


@dataclass
class Bench:
    """Everything a test needs at hand."""

    paper: Running
    vault: MemoryVault
    bus: BusSettings
    publisher: Publisher
    told: Told
    database_url: str
    number: int = 0
    uids: dict[str, int] = field(default_factory=dict)

    def account(self, account_id: str = "account-1", **balances: str) -> int:
        """A funded account at the exchange, its key in the vault."""
        opened = self.paper.gateio_control.open_account({"balances": balances or {"USDT": "1000000", "BTC": "10"}})
        self.vault.put(account_id, opened["api_key"], opened["secret"])
        self.uids[account_id] = opened["uid"]
        return int(opened["uid"])

    def state(self, account_id: str = "account-1") -> dict[str, Any]:
        """The exchange's own truth."""
        return self.paper.gateio_control.state(self.uids[account_id])

    def orders(self, client_id: str, account_id: str = "account-1") -> list[dict[str, Any]]:
        """The exchange's orders with this client id."""
        return [order for order in self.state(account_id)["orders"] if order["text"] == f"t-{client_id}"]

    def connector(self, **overrides: Any) -> Any:
        """A running connector; `async with bench.connector():`."""
        return running_connector(self, **overrides)

    def about(self, account_id: str, valid_ms: int = 30_000) -> dict[str, Any]:
        self.number += 1
        now_ms = SystemClock().now_ms()
        return {
            "command_id": f"command-{self.number}",
            "bracket_id": bracket_id(account_id, str(self.number)),
            "account_id": account_id,
            "exchange": Exchange.GATEIO,
            "symbol": SYMBOL,
            "ts_init_ms": now_ms,
            "valid_until_ms": now_ms + valid_ms,
        }

    def limit_buy(
        self, px: str = "90000", qty: str = "0.01", account_id: str = "account-1", valid_ms: int = 30_000
    ) -> SubmitOrder:
        about = self.about(account_id, valid_ms)
        return SubmitOrder(
            **about,
            client_order_id=client_order_id(about["bracket_id"], Leg.ENTRY, 1),
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            qty=Decimal(qty),
            price=Decimal(px),
            time_in_force=TimeInForce.GTC,
        )

    def market_buy(self, qty: str = "0.01", account_id: str = "account-1") -> SubmitOrder:
        about = self.about(account_id)
        return SubmitOrder(
            **about,
            client_order_id=client_order_id(about["bracket_id"], Leg.ENTRY, 1),
            side=Side.BUY,
            order_type=OrderType.MARKET,
            qty=Decimal(qty),
        )

    def trigger(
        self, px: str, kind: OrderType = OrderType.STOP_LOSS, qty: str = "0.01", account_id: str = "account-1"
    ) -> SubmitOrder:
        about = self.about(account_id)
        leg = Leg.STOP_LOSS if kind.startswith("STOP_LOSS") else Leg.TAKE_PROFIT
        return SubmitOrder(
            **about,
            client_order_id=client_order_id(about["bracket_id"], leg, self.number),
            side=Side.SELL,
            order_type=kind,
            qty=Decimal(qty),
            trigger_px=Decimal(px),
            price=Decimal(px) if kind.endswith("LIMIT") else None,
        )

    def price_orders(self, account_id: str = "account-1") -> list[dict[str, Any]]:
        """Every price order the exchange has or had of the account."""
        return list(self.state(account_id)["price_orders"])

    def move(self, px: str) -> None:
        """The market goes there."""
        self.paper.gateio_control.move({"symbol": SYMBOL, "price": px})

    def switch(self, **switches: Any) -> None:
        """Choose what the reference leaves open."""
        self.paper.gateio_control.switch(switches)

    def cancel(self, order: SubmitOrder) -> CancelOrder:
        return CancelOrder(**self.about(order.account_id), client_order_id=order.client_order_id)

    def query(self, client_id: str, submitted_ms: int, account_id: str = "account-1") -> QueryOrder:
        return QueryOrder(**self.about(account_id), client_order_id=client_id, submitted_ms=submitted_ms)

    async def send(self, *commands: Command, redelivery: bool = False) -> None:
        """Publish commands as the order-engine does."""
        await self.publisher.publish(
            [
                Outgoing(
                    topic=order_commands("gateio").name,
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
        await self.publisher.publish(
            [
                Outgoing(
                    topic=order_commands("gateio").name,
                    key=key,
                    value=value,
                    ce_id="raw",
                    ce_type="raw",
                    ce_source="test",
                    ce_time_ms=0,
                    correlation_id=None,
                    causation_id=None,
                )
            ]
        )

    async def first_dead_letter(self) -> bytes:
        """The first dead letter, waited for."""
        letter = (await until(lambda: self.told.letters))[0]
        assert letter.value is not None
        return bytes(letter.value)

    async def forget_positions(self) -> None:
        """As if nothing had been stored before the process died."""
        pool = await create_pool(self.database_url, SCHEMA, application_name="test", size=1)
        await pool.execute("TRUNCATE consumer_offsets, consumer_brokers, stream_state")
        await pool.close()

    def fault(self, kind: str, **settings: Any) -> None:
        self.paper.gateio_control.arm({"kind": kind, **settings})


@asynccontextmanager
async def running_connector(bench: Bench, *, ready: bool = True, **overrides: Any) -> AsyncIterator[Connector]:
    settings = GateioSettings.model_validate(
        {
            "vault_url": "http://127.0.0.1:1",
            "gateio_rest_url": bench.paper.gateio_rest_url,
            "gateio_ws_url": bench.paper.gateio_ws_url,
            "gateio_validity_ms": 1_000,
            "settle_margin_ms": 200,
            "accounts_refresh_ms": 100,
            "overlap_ms": 500,
            "flush_ms": 50,
            "parked_for_ms": 500,
            "request_timeout_ms": 2_000,
        }
        | overrides
    )
    pool = await create_pool(bench.database_url, SCHEMA, application_name=NAME)
    dialect = GateioDialect(
        ws_url=settings.gateio_ws_url, validity_ms=settings.gateio_validity_ms, habits=settings.habits
    )
    clock = SystemClock()
    door = Door(
        dialect,
        settings,
        bench.vault,
        clock,
        rest_url=settings.base_url,
        orders_over_socket=False,
        purpose="test",
    )
    outside = Outside(
        name=NAME,
        bus=bench.bus,
        pool=pool,
        accounts=bench.vault,
        clock=clock,
        market_symbols=settings.gateio_market_symbols,
    )
    connector = Connector(dialect, door, settings, outside)
    process = Process()
    running = asyncio.create_task(process.run(connector.start))
    try:
        if ready:
            await until(lambda: running.done() or connector.ready_for(bench.vault.listed))
        yield connector
    finally:
        process.end()
        assert await running == 0, "the connector broke"
        await pool.close()


@asynccontextmanager
async def a_bench(bus: BusSettings, database_url: str) -> AsyncIterator[Bench]:
    """A paper exchange, an empty vault and somebody who listens, on this broker and database."""
    await migrate("gateio_connector", SCHEMA, database_url)
    told, listening = Told(), asyncio.Event()
    async with serve() as paper, Publisher(bus, all_topics(["gateio"]), "test") as publisher:
        listener = asyncio.create_task(_listen(bus, told, listening))
        await listening.wait()
        bench = Bench(paper, MemoryVault(), bus, publisher, told, database_url)
        await bench.forget_positions()  # They belong to the topics of the test before.
        yield bench
        listener.cancel()
        with suppress(asyncio.CancelledError):
            await listener


@pytest.fixture
async def bench(bootstrap: str, broker_kind: str, topic_prefix: str, database_url: str) -> AsyncIterator[Bench]:
    bus = BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)
    async with a_bench(bus, database_url) as bench:
        yield bench


@pytest.fixture
def open_bench() -> Callable[[BusSettings, str], AbstractAsyncContextManager[Bench]]:
    return a_bench


async def _listen(bus: BusSettings, told: Told, listening: asyncio.Event) -> None:
    async for record in tail(bus, ORDER_EVENTS, BALANCE_EVENTS, DEAD_LETTERS, client_id="test", ready=listening):
        if record.topic != ORDER_EVENTS.name:
            (told.balances if record.topic == BALANCE_EVENTS.name else told.letters).append(record)
            continue
        assert record.value is not None
        told.records.append(record)
        told.facts.append(decode_union(record.value, OrderFact))


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    return until
