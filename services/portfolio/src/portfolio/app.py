"""Builds the portfolio's parts and joins them; nothing else knows them all."""

import os
import uuid
from typing import Final

import aiohttp

from common.bus.brokers import Pace
from common.bus.dead_letters import TopicDeadLetters
from common.bus.hot import HotRunner
from common.bus.publisher import Publisher
from common.bus.shard import everything_waits
from common.bus.tempo import steady
from common.bus.topics import DEAD_LETTERS
from common.clock import SystemClock
from common.db.leases import Lease, Leases, owner_name
from common.db.offsets import Offsets
from common.db.pool import create_pool
from common.health import Health
from common.service.auth import ServiceAuth
from common.service.client import InternalService
from common.service.http import HttpServer, new_app
from common.service.run import Process
from portfolio.exchanges import HttpExchange
from portfolio.facts import TOPICS
from portfolio.keeper import Keeper
from portfolio.missing import Missing
from portfolio.researcher import Researcher
from portfolio.settings import Settings
from portfolio.store import CONSUMER, SCHEMA, Books

SERVICE: Final = "portfolio"
_COMPANY_S: Final = 0.5
_MAX_BATCH: Final = 1_000
"""How long facts gather for one commit, and how many: most say nothing here, and what people look at a moment later
must not keep a trade waiting now."""


async def start(process: Process) -> None:
    """Take a share of the shards and keep their books until the process ends."""
    settings = Settings.from_env(os.environ)
    pool = await create_pool(settings.database_url, SCHEMA, application_name=SERVICE, size=settings.partitions + 2)
    process.on_stop(pool.close)
    publisher = await process.enter(Publisher(settings, (*TOPICS, DEAD_LETTERS), SERVICE))
    offsets = Offsets(pool, CONSUMER)
    keeper = Keeper(Books(pool, offsets), offsets)
    runner = HotRunner(
        settings,
        TOPICS,
        keeper,
        dead_letters=TopicDeadLetters(publisher, SERVICE),
        client_id=SERVICE,
        known=offsets,
        tempo=steady(Pace.COLD),
        patient=everything_waits,
        company_s=_COMPANY_S,
        max_batch=_MAX_BATCH,
    )

    async def gained(lease: Lease) -> None:
        keeper.gain(lease)
        await runner.assign([lease.shard])

    async def lost(shard: int) -> None:
        try:
            await runner.revoke([shard])
        finally:
            keeper.lose(shard)

    owner = owner_name(SERVICE, uuid.uuid4().hex)
    leases = Leases(pool, CONSUMER, owner, shards=settings.partitions, on_gained=gained, on_lost=lost)
    http = await process.enter(aiohttp.ClientSession())
    auth = ServiceAuth(SERVICE, settings.service_key)
    exchanges = {
        exchange: HttpExchange(InternalService(http, url, auth, f"{exchange.value}-connector"))
        for exchange, url in settings.connector_urls.items()
    }
    researcher = Researcher(Missing(pool), exchanges, publisher, SystemClock())

    async def reads() -> bool:
        held = leases.held()
        return bool(held) and all(runner.caught_up(shard) for shard in held)

    health = Health()
    health.add("shards", reads)
    health.add("broker", publisher.ready)
    server = HttpServer(new_app("portfolio", health), settings)
    process.spawn("http", server.run(), server.stop)
    process.spawn("runner", runner.run(), runner.stop)
    process.spawn("leases", leases.run(), leases.stop)
    process.spawn("researcher", researcher.run(lambda: keeper.shards, keeper.changed))
