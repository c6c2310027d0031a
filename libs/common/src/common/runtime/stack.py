"""The whole system as separate processes of this machine, on ports of its own, with secrets of its own."""

import asyncio
import os
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
import asyncpg

from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.embedded import embedded_broker, postgres
from common.runtime.kafka import kafka
from common.runtime.process import Child, accepts_connections, free_port, port_is_free, run, start
from common.runtime.services import (
    BROKER,
    POSTGRES,
    SERVICES,
    Listener,
    Ports,
    Secrets,
    Service,
    announcements,
    environment,
    listeners,
    url_of,
)

SERVICE_READY_S = 60.0

Market = Literal["still", "walk"]


class PortTaken(CgtError):
    """A port that was asked for is in use; the message names the setting that moves it."""


@dataclass(frozen=True)
class StackOptions:
    """How to run the system. Ports not named (by a listener's `chosen_by`) are chosen by the operating system.

    `settings` are given to every service and win over ours; no CGT_ setting of our own environment is handed on.
    """

    run_dir: Path
    broker: BrokerKind = BrokerKind.EMBEDDED
    market: Market = "still"
    ports: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    services: tuple[Service, ...] = SERVICES


class Stack:
    """PostgreSQL, a broker, the paper exchange and our services: `async with Stack(options) as stack`.

    Each can be killed and started again while the others run. All end with the `async with`, or with this process.
    """

    def __init__(self, options: StackOptions) -> None:
        self.options = options
        self.secrets = Secrets.fresh(options.services)
        self.logs = options.run_dir / "logs"
        self.ports: Ports = {}
        self.database_url = ""
        self._services = {service.name: service for service in options.services}
        self._keepers = [service.name for service in options.services if service.migrates]
        self._others = [service.name for service in options.services if not service.migrates]
        self._children: dict[str, Child] = {}
        self._broker = AsyncExitStack()
        self._postgres = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start everything; return when every service says it is ready."""
        self.ports = _chosen_ports(listeners(self.options.services), self.options.ports)
        self.logs.mkdir(parents=True, exist_ok=True)
        try:
            # Who keeps nothing needs to wait for no database: on few cores every second of imports counts.
            await _together(self._prepare(), *map(self.start, self._others))
            await _together(*map(self.start, self._keepers))
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop_all()

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return f"127.0.0.1:{self.ports[BROKER.chosen_by]}"

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of every service, by name; of the paper exchange, its control API."""
        return {name: url_of(service, self.ports) for name, service in self._services.items()}

    @property
    def gateway_url(self) -> str:
        """Where a frontend connects."""
        return self.urls["gateway"]

    @property
    def paper_control_url(self) -> str:
        """Where accounts are made, prices moved and faults set: the paper exchange's control API."""
        return self.urls["paper-exchange"]

    @property
    def paper_binance_url(self) -> str:
        """Where the paper exchange speaks Binance."""
        return f"http://127.0.0.1:{self.ports['CGT_PORT_PAPER_BINANCE']}"

    def pid(self, name: str) -> int:
        """The process id of a running service."""
        return self._children[name].pid

    def log(self, name: str) -> str:
        """Everything this service has logged in this run, across restarts."""
        return self._log_path(name).read_text(errors="replace")

    def settings(self, name: str) -> dict[str, str]:
        """The environment that a service is started with."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CGT_")}
        known_to_all = {
            "CGT_KAFKA_BOOTSTRAP": self.bootstrap,
            "CGT_BROKER": self.options.broker,
            "CGT_DATABASE_URL": self.database_url,
            "CGT_PAPER_MARKET": self.options.market,
            "CGT_LOG_FORMAT": "json",
            "CGT_LOG_LEVEL": "INFO",
            "PYTHONUNBUFFERED": "1",
        }
        told = environment(self._services[name], self.ports, self.secrets)
        reached = announcements(self.options.services, self.ports)
        return {**inherited, **known_to_all, **reached, **told, **self.options.settings}

    async def start(self, name: str, **settings: str) -> None:
        """Start a service, with settings for this run of it alone, and wait until it is ready.

        Raises ProcessDied or NotReady with its last log lines.
        """
        service = self._services[name]
        child = start(
            name,
            [sys.executable, *service.command],
            log=self._log_path(name),
            env=self.settings(name) | settings,
            niceness=service.niceness,
        )
        self._children[name] = child
        health = f"{url_of(service, self.ports)}{service.health_path}"
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
            await child.ready(lambda: _answers_ok(http, health), SERVICE_READY_S)

    async def stop(self, name: str) -> None:
        """Ask a service to end (SIGTERM) and wait for it."""
        await self._children[name].stop()

    def kill(self, name: str) -> None:
        """End a service at once, as a crash would (SIGKILL)."""
        self._children[name].kill()

    async def restart(self, name: str) -> None:
        """Stop a service in order and start it again."""
        await self.stop(name)
        await self.start(name)

    async def kill_broker(self) -> None:
        """End the broker at once. Its topics are lost."""
        await self._broker.aclose()

    async def start_broker(self) -> None:
        """Start the broker, empty, where it was before."""
        port, log = self.ports[BROKER.chosen_by], self._log_path("broker")
        if self.options.broker is BrokerKind.KAFKA:
            await self._broker.enter_async_context(kafka(self.options.run_dir / "kafka", port=port, log=log))
        else:
            await self._broker.enter_async_context(embedded_broker(port, log=log))

    async def kill_database(self) -> None:
        """End PostgreSQL at once. What was committed is there again after `start_database`."""
        await self._postgres.aclose()

    async def start_database(self) -> None:
        """Start PostgreSQL where it was before, with what it held."""
        data, port = self.options.run_dir / "postgres", self.ports[POSTGRES.chosen_by]
        server = await self._postgres.enter_async_context(postgres(data, port=port, log=self._log_path("postgres")))
        self.database_url = f"{server.rpartition('/')[0]}/cgt"

    async def fallen(self) -> list[str]:
        """What should run and does not, each with its last log lines."""
        dead = [
            f"{name} (exit status {child.returncode}). Its last lines:\n{child.tail()}"
            for name, child in self._children.items()
            if not child.alive
        ]
        for name, listener in (("the broker", BROKER), ("PostgreSQL", POSTGRES)):
            if not await accepts_connections(self.ports[listener.chosen_by]):
                dead.append(f"{name} (see the logs in {self.logs})")
        return dead

    def _log_path(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    async def _prepare(self) -> None:
        await _together(self.start_database(), self.start_broker())
        await self._create_database()
        await self._migrate([service for service in self.options.services if service.migrates])

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(f"{self.database_url.rpartition('/')[0]}/postgres")
        try:
            await connection.execute("CREATE DATABASE cgt")
        finally:
            await connection.close()

    async def _migrate(self, services: Sequence[Service]) -> None:
        """All of them in one process: what takes its time is to import the tools, not to run the steps."""
        if services:
            command = [sys.executable, "-m", "common.db.migrations", *(service.module for service in services)]
            await run("migrate", command, log=self._log_path("migrate"), env=self.settings(services[0].name))

    async def _stop_all(self) -> None:
        # Who takes work in goes first and who serves the others last, so that each can finish what it was given.
        for leaving in (self._keepers[-1:], self._keepers[:-1], self._others):
            await _together(*(self.stop(name) for name in leaving if name in self._children))
        await self._broker.aclose()
        await self._postgres.aclose()


def _chosen_ports(needed: Sequence[Listener], asked: Mapping[str, int]) -> dict[str, int]:
    for listener in needed:
        port = asked.get(listener.chosen_by, 0)
        if port and not port_is_free(port):
            raise PortTaken(f"Port {port} is in use. Free it, or choose another with {listener.chosen_by}=<port>.")
    return {each.chosen_by: asked.get(each.chosen_by) or free_port() for each in needed}


async def _together(*steps: Coroutine[Any, Any, None]) -> None:
    """All at once; the first failure cancels the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(step)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _answers_ok(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False
