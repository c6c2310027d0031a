"""The REST surface on fakes, served on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, NamedTuple

import aiohttp
import pytest
from argon2 import PasswordHasher

from common.clock import FixedClock
from common.exchanges import Exchange
from common.health import Health
from common.ids import new_id
from common.orders import OrderAccepted, OrderFilled, OrderStatus
from common.service.http import HttpServer, HttpSettings
from gateway.accounts import Accounts
from gateway.auth.api_tokens import ApiTokens
from gateway.auth.callers import Callers
from gateway.auth.passwords import Passwords
from gateway.auth.sessions import Sessions
from gateway.auth.tokens import TokenRules
from gateway.http.api import rest_app, whole_app
from gateway.http.parts import Parts
from gateway.risk.entries import Entries
from gateway.signals.sending import Sender
from gateway.signals.taking import Signals
from gateway.stream.door import Door
from gateway.stream.events import live_events
from gateway.stream.hub import Hub
from gateway.stream.joined import EventStream
from gateway.stream.settings import StreamSettings
from gateway.stream.socket_io import SocketIo
from gateway.testing.builders import an_instrument_of, order_fact
from gateway.testing.defaults import MemoryDefaults
from gateway.testing.events import MemoryEvents
from gateway.testing.fakes import (
    FakeConnector,
    MemoryBus,
    MemoryIntents,
    MemoryLedger,
    MemoryVault,
)
from gateway.testing.identity import MemoryApiTokens, MemoryAttempts, MemorySessions, MemoryUsers
from gateway.testing.portfolio import MemoryPortfolio
from gateway.testing.risk import MemoryRisk
from gateway.testing.signals import MemorySignals
from gateway.testing.syncing import MemoryIndicators, MemorySync
from gateway.testing.transfers import MemoryTransfers
from gateway.trading.moving import Transfers
from gateway.trading.operations import Operations
from gateway.trading.service import Patience, Trading
from gateway.waiting import Waiting

CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
RULES = TokenRules(secret="a secret of more than thirty-two characters", access_s=3600, refresh_s=86_400)
CHECK_MS = 2_000
BUY = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "tpLevels": [105000, 110000], "sl": 95000}


class House:
    """The gateway between fakes; `engine` fills every entry unless told otherwise."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.vault, self.connector, self.ledger = MemoryVault(), FakeConnector(), MemoryLedger()
        self.intents, self.bus, self.waiting = MemoryIntents(), MemoryBus(), Waiting()
        self.bus.engine = self.fill
        self.sync, self.indicators = MemorySync(), MemoryIndicators()
        self.portfolio = MemoryPortfolio()
        self.users, self.risk = MemoryUsers(), MemoryRisk(self.intents)
        sessions, tokens = MemorySessions(self.users), MemoryApiTokens(self.users)
        self.connectors = {Exchange.BINANCE: self.connector}
        self.signals, defaults = MemorySignals(self.intents), MemoryDefaults()
        sender = Sender(self.signals, self.vault, self.connectors, defaults, self.bus, self.clock)
        operations = Operations(self.intents, self.ledger, self.connectors)
        patience = Patience(answer_ms=150, fill_ms=50)
        callers, store = Callers(sessions, tokens, RULES, self.clock, CHECK_MS), MemoryEvents()
        stream = EventStream(store, Hub(store))
        self.parts = Parts(
            clock=self.clock,
            callers=callers,
            users=self.users,
            sessions=Sessions(self.users, sessions, MemoryAttempts(), CHEAP, RULES, self.clock),
            session_store=sessions,
            api_tokens=ApiTokens(tokens, self.clock),
            vault=self.vault,
            accounts=Accounts(self.vault),
            connectors=self.connectors,
            ledger=self.ledger,
            portfolio=self.portfolio,
            intents=self.intents,
            operations=operations,
            trading=Trading(self.intents, operations, self.bus, self.waiting, patience),
            risk=self.risk,
            defaults=defaults,
            entries=Entries(self.risk, self.bus, self.clock, 30_000),
            transfers=Transfers(MemoryTransfers()),
            signals=Signals(self.signals, sender, self.clock, 30_000),
            stream=stream,
            door=Door(callers, stream.hub, StreamSettings().limits),
            intent_valid_ms=30_000,
            allow_withdrawal_keys=False,
            sync=self.sync,
            indicators=self.indicators,
        )
        self.socket_io = SocketIo(self.parts.door, ["*"])

    def serve(self, exchange: Exchange) -> FakeConnector:
        """Let a connector of this exchange run as well."""
        self.connectors[exchange] = FakeConnector(an_instrument_of(exchange))
        return self.connectors[exchange]

    async def tell(self, fact: Any) -> None:
        """Let a fact reach whoever listens, as from the topics."""
        owner = await self.parts.accounts.owner(fact.account_id)
        for event in live_events(fact) if owner else ():
            await self.parts.stream.tell(owner, event, new_id())

    def fill(self, intent: Any) -> None:
        """The exchange has the entry and fills it at once."""
        qty = getattr(intent, "qty", None)
        self.waiting.tell(order_fact(OrderAccepted, intent, status=OrderStatus.NEW, qty=qty))
        fill = {"cum_qty": qty, "last_qty": qty, "avg_px": Decimal(100_001), "trade_id": "1"}
        self.waiting.tell(order_fact(OrderFilled, intent, status=OrderStatus.FILLED, qty=qty, **fill))


class Reply(NamedTuple):
    status: int
    body: Any
    text: str
    headers: Any


class Client:
    """A frontend."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self.base = base
        self.token = ""

    async def ask(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
        async with self._session.request(method, self.base + path, data=data, headers=sent) as answer:
            text = await answer.text()
            return Reply(answer.status, json.loads(text) if text[:1] in {"{", "["} else None, text, answer.headers)

    async def sign_in(self, email: str) -> str:
        """Register and log in; the user's id."""
        password = {"email": email, "password": "correct horse battery"}
        user = (await self.ask("POST", "/auth/register", password)).body["data"]["user"]
        self.token = (await self.ask("POST", "/auth/login", password)).body["access_token"]
        return str(user["id"])

    async def store_key(self, **changes: Any) -> str:
        """Store a key; its id."""
        keys = {"exchange": "BINANCE", "apiKey": "the-api-key-of-a-trader", "secretKey": "the-secret-of-a-trader"}
        reply = await self.ask("POST", "/api-credentials", keys | changes)
        assert reply.status == 201, reply
        return str(reply.body["data"]["id"])

    async def trades_on(self, house: House, exchange: Exchange) -> FakeConnector:
        """Have a key on an exchange whose connector runs."""
        connector = house.serve(exchange)
        await self.store_key(exchange=exchange.value.upper(), passphrase="words-of-passage")
        return connector

    async def buy(self, **changes: Any) -> Reply:
        """Buy, by default as the spec's example does."""
        order = {name: value for name, value in (BUY | changes).items() if value is not None}
        return await self.ask("POST", "/exchanges/place-order?exchange=BINANCE", order)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Client]:
    """Somebody who has not logged in."""
    app = whole_app(rest_app(house.parts, Health(), ["https://app.example"]), house.socket_io, 65_536)
    server = HttpServer(app, HttpSettings())
    serving = asyncio.create_task(server.run())
    reading = asyncio.create_task(house.parts.stream.hub.run())
    port = await server.listening()
    async with aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{port}")
    reading.cancel()
    await server.stop()
    await serving


@pytest.fixture
async def user(stranger: Client) -> Client:
    """A user without keys."""
    await stranger.sign_in("user@example.com")
    return stranger


@pytest.fixture
async def trader(user: Client) -> Client:
    """A user with a key on Binance."""
    await user.store_key()
    return user
