"""The gateway between fakes that work: its REST surface without a database, a broker or an exchange."""

from decimal import Decimal
from typing import Any

from argon2 import PasswordHasher

from common.clock import FixedClock
from common.exchanges import Exchange
from common.ids import new_id
from common.orders import OrderAccepted, OrderFilled, OrderStatus
from gateway.accounts import Accounts
from gateway.auth.api_tokens import ApiTokens
from gateway.auth.callers import Callers
from gateway.auth.passwords import Passwords
from gateway.auth.sessions import Sessions
from gateway.auth.tokens import TokenRules
from gateway.http.middleware import Guards
from gateway.http.parts import Parts
from gateway.pacing import Pacer
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
RULES = TokenRules(
    secret="a secret of more than thirty-two characters",  # noqa: S106 - it opens no real door.
    access_s=3600,
    refresh_s=86_400,
)
CHECK_MS = 2_000
PATIENCE = Patience(answer_ms=150, fill_ms=50)


class House:
    """The gateway between fakes; `engine` fills every entry unless told otherwise."""

    def __init__(self, patience: Patience = PATIENCE) -> None:
        self.guards = Guards(origins=("https://app.example",))
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
        operations = Operations(self.intents, self.ledger, self.connectors, self.clock)
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
            pacer=Pacer(1_000),
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
        if owner is None:
            return
        for event in live_events(fact):
            await self.parts.stream.tell(owner, event, new_id())

    def fill(self, intent: Any) -> None:
        """The exchange has the entry and fills it at once."""
        qty = getattr(intent, "qty", None)
        self.waiting.tell(order_fact(OrderAccepted, intent, status=OrderStatus.NEW, qty=qty))
        fill = {"cum_qty": qty, "last_qty": qty, "avg_px": Decimal(100_001), "trade_id": "1"}
        self.waiting.tell(order_fact(OrderFilled, intent, status=OrderStatus.FILLED, qty=qty, **fill))
