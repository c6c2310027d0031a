"""Builds the parts and joins them; nothing else knows them all."""

import os
from typing import Final

import aiohttp

from common.bus.brokers import BusSettings
from common.clock import SystemClock
from common.connector import reads
from common.connector.connector import Connector, Outside
from common.connector.door import Door
from common.connector.vault import VaultClient
from common.db.pool import DatabaseSettings, create_pool
from common.health import Health
from common.service.auth import CalleeSettings, CallerSettings, ServiceAuth, authenticated_service
from common.service.http import HttpServer, HttpSettings, new_app
from common.service.run import Process
from gateio_connector import account_api
from gateio_connector.dialect import GateioDialect
from gateio_connector.settings import GateioSettings

NAME: Final = "gateio-connector"
SCHEMA: Final = "gateio_connector"


async def start(process: Process) -> None:
    """Start streaming and taking commands. Raises MissingSetting or InvalidSetting."""
    settings = GateioSettings.from_env(os.environ).checked()
    auth = ServiceAuth(NAME, CallerSettings.from_env(os.environ).service_key)
    callers = CalleeSettings.from_env(os.environ).service_keys
    bus, http_settings = BusSettings.from_env(os.environ), HttpSettings.from_env(os.environ)
    pool = await create_pool(DatabaseSettings.from_env(os.environ).database_url, SCHEMA, application_name=NAME)
    process.on_stop(pool.close)
    vault = VaultClient(await process.enter(aiohttp.ClientSession()), settings.vault_url, auth)
    clock = SystemClock()
    dialect = GateioDialect(
        ws_url=settings.gateio_ws_url, validity_ms=settings.gateio_validity_ms, habits=settings.habits
    )
    door = Door(
        dialect,
        settings,
        vault,
        clock,
        rest_url=settings.base_url,
        orders_over_socket=False,
        purpose=f"{NAME}: streams and orders",
    )
    outside = Outside(
        name=NAME,
        bus=bus,
        pool=pool,
        accounts=vault,
        clock=clock,
        market_symbols=settings.gateio_market_symbols,
    )
    connector = Connector(dialect, door, settings, outside)

    async def database_answers() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    health = Health()
    health.add("database", database_answers)
    connector.add_checks(health)
    app = new_app(NAME, health)
    caller = authenticated_service(NAME, callers)
    reads.install(app, connector.reader, caller)
    account_api.install(app, connector.reader, caller)
    server = HttpServer(app, http_settings)
    process.spawn("http", server.run(), server.stop)
    await connector.start(process)
