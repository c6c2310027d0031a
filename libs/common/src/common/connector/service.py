"""A connector as a process: what the connectors of all exchanges are joined of, and how they are started."""

import argparse
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp
import asyncpg
from fastapi import FastAPI

from common.bus.brokers import BusSettings
from common.clock import Clock, SystemClock
from common.connector import reads
from common.connector.accounts import AccountSource
from common.connector.connector import Connector, Outside
from common.connector.door import Door
from common.connector.keys import Lender
from common.connector.ports import Dialect
from common.connector.reads import Reader
from common.connector.settings import ConnectorSettings
from common.connector.vault import VaultClient
from common.db.migrations import run_migrations
from common.db.pool import DatabaseSettings, create_pool
from common.health import Health
from common.service.auth import CalleeSettings, CallerSettings, ServiceAuth, authenticated_service
from common.service.http import HttpServer, HttpSettings, new_app
from common.service.run import Process, run

InstallMore = Callable[[FastAPI, Reader, Callable[..., str]], None]
"""Adds what only one exchange has to the internal API: the app, the reader, the check of the caller."""


class Vault(AccountSource, Lender, Protocol):
    """Lists the accounts of an exchange and lends their keys."""


@dataclass(frozen=True)
class ConnectorParts:
    """What one exchange adds to the kit."""

    name: str
    """The service's name: `binance-connector`. Its database schema has the same with an underscore."""
    dialect: Dialect
    settings: ConnectorSettings
    rest_url: str
    market_symbols: tuple[str, ...]
    orders_over_socket: bool = False

    @property
    def schema(self) -> str:
        """The service's database schema."""
        return self.name.replace("-", "_")

    def connector(self, bus: BusSettings, pool: asyncpg.Pool, vault: Vault, clock: Clock) -> Connector:
        """The connector, joined to its surroundings and not yet started."""
        door = Door(
            self.dialect,
            self.settings,
            vault,
            clock,
            rest_url=self.rest_url,
            orders_over_socket=self.orders_over_socket,
            purpose=f"{self.name}: streams and orders",
        )
        outside = Outside(
            name=self.name,
            bus=bus,
            pool=pool,
            accounts=vault,
            clock=clock,
            market_symbols=self.market_symbols,
        )
        return Connector(self.dialect, door, self.settings, outside)


async def serve(process: Process, parts: ConnectorParts, install_more: InstallMore | None = None) -> None:
    """Start streaming, taking commands and answering reads. Raises MissingSetting or InvalidSetting."""
    auth = ServiceAuth(parts.name, CallerSettings.from_env(os.environ).service_key)
    caller = authenticated_service(parts.name, CalleeSettings.from_env(os.environ).service_keys)
    bus, http_settings = BusSettings.from_env(os.environ), HttpSettings.from_env(os.environ)
    database = DatabaseSettings.from_env(os.environ).database_url
    pool = await create_pool(database, parts.schema, application_name=parts.name)
    process.on_stop(pool.close)
    vault = VaultClient(await process.enter(aiohttp.ClientSession()), parts.settings.vault_url, auth)
    connector = parts.connector(bus, pool, vault, SystemClock())

    async def database_answers() -> bool:
        return bool(await pool.fetchval("SELECT true"))

    health = Health()
    health.add("database", database_answers)
    connector.add_checks(health)
    app = new_app(parts.name, health)
    reads.install(app, connector.reader, caller)
    if install_more is not None:
        install_more(app, connector.reader, caller)
    server = HttpServer(app, http_settings)
    process.spawn("http", server.run(), server.stop)
    await connector.start(process)


def main(name: str, start: Callable[[Process], Coroutine[Any, Any, None]]) -> None:
    """The command line of a connector: run it, or bring its schema up to date."""
    package = name.replace("-", "_")
    parser = argparse.ArgumentParser(prog=f"python -m {package}")
    parser.add_argument(
        "command", nargs="?", choices=("serve", "migrate"), default="serve", help="serve is what it does by default"
    )
    if parser.parse_args().command == "migrate":
        run_migrations(package, package)
    else:
        run(name, start)
