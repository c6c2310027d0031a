"""Builds the gateway's parts and joins them; nothing else knows them all."""

import asyncio
import os
from typing import Final

import aiohttp
import asyncpg

from common.bus.brokers import BusSettings
from common.bus.dead_letters import TopicDeadLetters
from common.bus.publisher import Publisher
from common.bus.topics import ACCOUNTS, BALANCE_EVENTS, DEAD_LETTERS, ORDER_EVENTS, ORDER_INTENTS, PROTECTION_EVENTS
from common.clock import SystemClock
from common.db.pool import DatabaseSettings, create_pool
from common.health import Health
from common.service.auth import CallerSettings, ServiceAuth
from common.service.client import InternalService
from common.service.http import HttpServer, HttpSettings
from common.service.run import Process
from gateway.accounts import Accounts
from gateway.auth.api_tokens import ApiTokens
from gateway.auth.callers import Callers
from gateway.auth.passwords import Passwords
from gateway.auth.sessions import Sessions
from gateway.clients.connector import HttpConnector
from gateway.clients.vault import HttpVault
from gateway.feed import Feed
from gateway.http.api import rest_app, whole_app
from gateway.http.parts import Parts
from gateway.pacing import Pacer
from gateway.redelivery import Redelivery
from gateway.risk.entries import Entries
from gateway.settings import GatewaySettings
from gateway.signals.joined import spawn_signals
from gateway.signals.sending import Sender
from gateway.signals.taking import Signals
from gateway.store.api_tokens import PostgresApiTokens
from gateway.store.attempts import PostgresAttempts
from gateway.store.defaults import PostgresDefaults
from gateway.store.intents import PostgresIntents
from gateway.store.ledger import PostgresLedger
from gateway.store.portfolio import PostgresPortfolio
from gateway.store.risk import PostgresRisk
from gateway.store.sessions import PostgresSessions
from gateway.store.signals import PostgresSignals
from gateway.store.transfers import PostgresTransfers
from gateway.store.users import PostgresUsers
from gateway.stream.door import Door
from gateway.stream.joined import EventStream, RunningStream
from gateway.stream.settings import StreamSettings
from gateway.stream.socket_io import SocketIo
from gateway.syncing.client import HttpSync
from gateway.syncing.indicators import PostgresIndicators
from gateway.trading.moving import Transfers
from gateway.trading.operations import Operations
from gateway.trading.service import Trading
from gateway.waiting import Waiting

NAME: Final = "gateway"
SCHEMA: Final = "gateway"
TOPICS: Final = (ORDER_INTENTS, ORDER_EVENTS, PROTECTION_EVENTS, BALANCE_EVENTS, ACCOUNTS, DEAD_LETTERS)
DEFAULT_PORT: Final = "3000"
CONNECTIONS: Final = 8


async def start(process: Process) -> None:
    """Start serving. Raises MissingSetting or InvalidSetting."""
    settings, bus = GatewaySettings.from_env(os.environ), BusSettings.from_env(os.environ)
    auth = ServiceAuth(NAME, CallerSettings.from_env(os.environ).service_key)
    http_settings = HttpSettings.from_env({"CGT_HTTP_PORT": DEFAULT_PORT, **os.environ})
    database, listening = DatabaseSettings.from_env(os.environ), StreamSettings.from_env(os.environ)
    pool = await create_pool(database.database_url, SCHEMA, application_name=NAME, size=CONNECTIONS)
    process.on_stop(pool.close)
    session = await process.enter(aiohttp.ClientSession())
    publisher = await process.enter(Publisher(bus, TOPICS, NAME))
    waiting = Waiting()
    running = RunningStream(bus, listening, database)
    stream = await running.open(process)
    parts = build(settings, pool, session, auth, publisher, waiting, stream, listening)
    feed = Feed(bus, waiting, parts.accounts)
    redelivery = Redelivery(parts.intents, parts.ledger, publisher, parts.clock)
    process.spawn("feed", feed.run())
    process.spawn("redelivery", redelivery.run())
    noticing = running.spawn(process, parts.accounts, TopicDeadLetters(publisher, NAME))
    process.spawn("door", parts.door.watch())
    spawn_signals(
        process,
        parts.signals,
        pool=pool,
        exchanges=parts.connectors,
        waiting=waiting,
        tells=stream.tell,
        clock=parts.clock,
    )
    health = _health(pool, publisher, feed.reading, noticing)
    socket_io = SocketIo(parts.door, settings.origins)
    app = whole_app(rest_app(parts, health, settings.guards), socket_io)
    server = HttpServer(app, http_settings)
    process.spawn("http", server.run(), server.stop)


def build(
    settings: GatewaySettings,
    pool: asyncpg.Pool,
    session: aiohttp.ClientSession,
    auth: ServiceAuth,
    publisher: Publisher,
    waiting: Waiting,
    stream: EventStream,
    listening: StreamSettings,
) -> Parts:
    """The parts of the REST surface on real stores and services."""
    clock = SystemClock()
    vault = HttpVault(InternalService(session, settings.vault_url, auth, "credentials-vault"))
    connectors = {
        exchange: HttpConnector(exchange, InternalService(session, url, auth, f"{exchange.value}-connector"), clock)
        for exchange, url in settings.connector_urls.items()
    }
    users, sessions, tokens = PostgresUsers(pool), PostgresSessions(pool), PostgresApiTokens(pool)
    ledger, intents = PostgresLedger(pool), PostgresIntents(pool, settings.open_operations)
    risk = PostgresRisk(pool)
    operations = Operations(intents, ledger, connectors, clock)
    defaults = PostgresDefaults(pool)
    sent = PostgresSignals(pool, settings.open_operations)
    sender = Sender(sent, vault, connectors, defaults, publisher, clock)
    callers = Callers(sessions, tokens, settings.token_rules, clock, settings.session_check_ms)
    return Parts(
        clock=clock,
        callers=callers,
        users=users,
        sessions=Sessions(users, sessions, PostgresAttempts(pool), Passwords(), settings.token_rules, clock),
        session_store=sessions,
        api_tokens=ApiTokens(tokens, clock),
        vault=vault,
        accounts=Accounts(vault),
        connectors=connectors,
        ledger=ledger,
        portfolio=PostgresPortfolio(pool),
        intents=intents,
        operations=operations,
        trading=Trading(intents, operations, publisher, waiting, settings.patience),
        pacer=Pacer(settings.user_orders_a_second),
        risk=risk,
        defaults=defaults,
        entries=Entries(risk, publisher, clock, settings.intent_valid_ms),
        transfers=Transfers(PostgresTransfers(pool)),
        signals=Signals(sent, sender, clock, settings.signal_valid_ms),
        stream=stream,
        door=Door(callers, stream.hub, listening.limits),
        intent_valid_ms=settings.intent_valid_ms,
        allow_withdrawal_keys=settings.allow_withdrawal_keys,
        sync=HttpSync(InternalService(session, settings.sync_url, auth, "sync"), pool) if settings.sync_url else None,
        indicators=PostgresIndicators(pool) if settings.sync_url else None,
    )


def _health(pool: asyncpg.Pool, publisher: Publisher, reading: asyncio.Event, noticing: asyncio.Event) -> Health:
    async def database_answers() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    async def feed_reads() -> bool:
        return reading.is_set()

    async def notices_arrive() -> bool:
        return noticing.is_set()

    health = Health()
    health.add("database", database_answers)
    health.add("broker", publisher.ready)
    health.add("feed", feed_reads)
    health.add("notices", notices_arrive)
    return health
