"""Builds the vault's parts and joins them; nothing else knows them all."""

import os

from common.bus.brokers import BusSettings
from common.bus.publisher import Publisher
from common.bus.topics import ACCOUNTS
from common.clock import SystemClock
from common.db.outbox import OutboxRelay
from common.db.pool import DatabaseSettings, create_pool
from common.health import Health
from common.service.auth import CalleeSettings, authenticated_service
from common.service.http import HttpServer, HttpSettings, new_app
from common.service.run import Process
from credentials_vault import http
from credentials_vault.keys import provider
from credentials_vault.settings import VaultSettings
from credentials_vault.store import OUTBOX_SHARD, SCHEMA, PostgresAccounts
from credentials_vault.vault import Vault

NAME = "credentials-vault"


async def start(process: Process) -> None:
    """Start serving. Raises MissingSetting or InvalidSetting."""
    settings = VaultSettings.from_env(os.environ)
    keys = provider(os.environ).load()
    callers = CalleeSettings.from_env(os.environ).service_keys
    pool = await create_pool(DatabaseSettings.from_env(os.environ).database_url, SCHEMA, application_name=NAME)
    process.on_stop(pool.close)
    publisher = Publisher(BusSettings.from_env(os.environ), (ACCOUNTS,), NAME)
    process.on_stop(publisher.stop)
    process.spawn("outbox-relay", _relay(publisher, OutboxRelay(pool, publisher, lambda: (OUTBOX_SHARD,))))
    vault = Vault(PostgresAccounts(pool, publisher), keys, SystemClock(), settings.vault_lease_ms)

    async def database_answers() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    health = Health()
    health.add("database", database_answers)
    health.add("broker", publisher.ready)
    app = new_app(NAME, health)
    http.install(app, vault, authenticated_service(NAME, callers))
    server = HttpServer(app, HttpSettings.from_env(os.environ))
    process.spawn("http", server.run(), server.stop)


async def _relay(publisher: Publisher, relay: OutboxRelay) -> None:
    # Not awaited by the start: keys are lent while the broker is away, and facts wait in the outbox until it is back.
    await publisher.start()
    await relay.run()
