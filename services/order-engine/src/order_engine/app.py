"""Builds the order-engine's parts and joins them; nothing else knows them all."""

import os
import uuid

import aiohttp

from common.bus.dead_letters import TopicDeadLetters
from common.bus.hot import HotRunner
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, all_topics
from common.clock import SystemClock
from common.db.leases import Lease, Leases, owner_name
from common.db.offsets import Offsets
from common.db.outbox import OutboxRelay
from common.db.pool import create_pool
from common.exchanges import CAPABILITIES, Exchange
from common.health import Health
from common.service.auth import ServiceAuth
from common.service.client import InternalService
from common.service.http import HttpServer, new_app
from common.service.run import Process
from order_engine.batch import is_patient
from order_engine.gauges import keep_gauges
from order_engine.letters import file_letters
from order_engine.prices import PriceWatch
from order_engine.settings import Settings
from order_engine.shards import Shards
from order_engine.store import CONSUMER, SCHEMA, Ledger

SERVICE = "order-engine"


async def start(process: Process) -> None:
    """Take a share of the shards and decide for them until the process ends."""
    settings = Settings.from_env(os.environ)
    pool = await create_pool(settings.database_url, SCHEMA, application_name=SERVICE, size=settings.partitions + 2)
    process.on_stop(pool.close)
    publisher = await process.enter(Publisher(settings, all_topics(CAPABILITIES), SERVICE))
    offsets = Offsets(pool, CONSUMER)
    clock = SystemClock()
    shards = Shards(Ledger(pool), offsets, publisher, clock, settings.policy())
    process.on_stop(shards.stop)
    parked = TopicDeadLetters(publisher, SERVICE)
    runner = HotRunner(
        settings,
        [ORDER_INTENTS, ORDER_EVENTS],
        shards,
        dead_letters=parked,
        client_id=SERVICE,
        known=offsets,
        patient=is_patient,
    )
    shards.waiting = runner.waiting

    async def gained(lease: Lease) -> None:
        await shards.gain(lease)
        await runner.assign([lease.shard])

    async def lost(shard: int) -> None:
        try:
            await runner.revoke([shard])
        finally:
            shards.lose(shard)  # Whatever became of its worker, the brackets are somebody else's to decide now.

    leases = Leases(
        pool,
        CONSUMER,
        owner_name(SERVICE, uuid.uuid4().hex),
        shards=settings.partitions,
        on_gained=gained,
        on_lost=lost,
    )
    relay = OutboxRelay(pool, publisher, leases.held)
    health = Health()
    health.add("shards", lambda: _has_shards(leases, runner))
    health.add("broker", publisher.ready)
    server = HttpServer(new_app("order-engine", health), settings)

    process.spawn("http", server.run(), server.stop)
    process.spawn("runner", runner.run(), runner.stop)
    process.spawn("leases", leases.run(), leases.stop)
    process.spawn("relay", relay.run())
    process.spawn("timers", shards.run_timers())
    process.spawn("gauges", keep_gauges(shards.owned, clock))
    process.spawn("letters", file_letters(settings, pool, parked))
    if settings.mexc_connector_url is not None:
        http = await process.enter(aiohttp.ClientSession())
        auth = ServiceAuth(SERVICE, settings.service_key)
        connector = InternalService(http, settings.mexc_connector_url, auth, "mexc-connector")
        watch = PriceWatch(Exchange.MEXC, shards, settings, connector, clock)
        process.spawn("prices-followed", watch.follow())
        process.spawn("prices-watched", watch.keep_watched())


async def _has_shards(leases: Leases, runner: HotRunner) -> bool:
    """Ready when every shard whose lease we hold is read to its end."""
    held = leases.held()
    return bool(held) and all(runner.caught_up(shard) for shard in held)
