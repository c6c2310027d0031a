"""Builds sync's parts and joins them; nothing else knows them all."""

import os
from typing import Final

import aiohttp
import asyncpg

from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS
from common.clock import Clock, SystemClock
from common.db.leases import Leases, owner_name
from common.db.pool import create_pool
from common.health import Health
from common.ids import new_id
from common.service.auth import ServiceAuth, authenticated_service
from common.service.client import InternalService
from common.service.http import HttpServer, new_app
from common.service.run import Process
from sync import http
from sync.check import Checker, Patience
from sync.connectors import ANSWER_TIMEOUT_S, HttpReads, Pace
from sync.facts import FactPublisher
from sync.fred.client import Fred
from sync.fred.job import FredJob
from sync.fred.store import PostgresIndicators
from sync.overdue import FastLane
from sync.rounds import Lane, Rounds
from sync.runs import PostgresRuns
from sync.settings import Settings
from sync.store import SCHEMA, PostgresForeign, PostgresLedger

SERVICE: Final = "sync"
LEASE_KIND: Final = "sync"
_DAY_MS: Final = 86_400_000
_CONNECTIONS: Final = 6


async def start(process: Process) -> None:
    """Check our share of the accounts until the process ends. Raises MissingSetting or InvalidSetting."""
    settings = Settings.from_env(os.environ)
    pool = await create_pool(settings.database_url, SCHEMA, application_name=SERVICE, size=_CONNECTIONS)
    process.on_stop(pool.close)
    publisher = await process.enter(Publisher(settings, (ORDER_EVENTS,), SERVICE))
    session = await process.enter(aiohttp.ClientSession())
    clock = SystemClock()
    window_ms = settings.sync_window_days * _DAY_MS
    ledger, runs = PostgresLedger(pool), PostgresRuns(pool, settings.partitions)
    checker = Checker(
        ledger,
        _reads(settings, session, clock),
        PostgresForeign(pool),
        FactPublisher(publisher),
        clock,
        Patience(second_look_ms=settings.sync_second_look_ms, itemise_for_ms=window_ms),
    )
    rounds = Rounds(
        ledger,
        runs,
        Lane(checker, settings.sync_short_after_ms),
        Lane(checker, settings.sync_short_after_ms),
        partitions=settings.partitions,
        every_ms=settings.sync_every_ms,
        window_ms=window_ms,
    )
    fast_lane = FastLane(
        ledger,
        checker,
        lambda: rounds.held,
        clock,
        partitions=settings.partitions,
        after_ms=settings.sync_overdue_after_ms,
        every_ms=settings.sync_overdue_every_ms,
    )
    leases = Leases(
        pool,
        LEASE_KIND,
        owner_name(SERVICE, new_id()),
        shards=settings.partitions,
        on_gained=rounds.gained,
        on_lost=rounds.lost,
    )
    app = new_app(SERVICE, _health(pool, publisher))
    requests = http.Requests(runs, ledger, rounds, window_ms)
    http.install(app, requests, runs, authenticated_service(SERVICE, settings.service_keys))
    server = HttpServer(app, settings)
    process.spawn("http", server.run(), server.stop)
    process.on_stop(rounds.stop)
    process.spawn("rounds", rounds.run())
    process.spawn("overdue", fast_lane.run())
    process.spawn("fred", _fred(settings, session, pool, rounds).run())
    process.spawn("leases", leases.run(), leases.stop)


def _reads(settings: Settings, session: aiohttp.ClientSession, clock: Clock) -> HttpReads:
    auth = ServiceAuth(SERVICE, settings.service_key)
    services = {
        exchange: InternalService(session, url, auth, f"{exchange.value}-connector", timeout_s=ANSWER_TIMEOUT_S)
        for exchange, url in settings.connector_urls.items()
    }
    return HttpReads(services, {exchange: Pace(settings.sync_spacing_ms, clock) for exchange in services})


def _fred(settings: Settings, session: aiohttp.ClientSession, pool: asyncpg.Pool, rounds: Rounds) -> FredJob:
    key = settings.fred_api_key
    return FredJob(
        None if key is None else Fred(session, settings.fred_url, key),
        PostgresIndicators(pool),
        settings.fred_series,
        lambda: 0 in rounds.held,  # Whoever checks the first shard: one instance of all.
        every_s=settings.fred_every_ms / 1000,
    )


def _health(pool: asyncpg.Pool, publisher: Publisher) -> Health:
    async def database_answers() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    health = Health()
    health.add("database", database_answers)
    health.add("broker", publisher.ready)
    return health
