"""The table of services: what each is called, how it starts, where it listens and what it is told.

`make up`, the demo, the end-to-end tests and the benchmark start processes from this table; a test holds
docker-compose.yml to it. Its order is from those who serve to those who ask; the last one is the front.
"""

import base64
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_STEPS_BACK: Final = 5
"""A third of the share of a processor that the others get, where all want it."""


@dataclass(frozen=True)
class Listener:
    """A port of a service: the setting that tells the service, and the one by which a user of `make up` moves it."""

    setting: str
    default: int
    chosen_by: str


@dataclass(frozen=True)
class Service:
    """One row of the table. `announces` are the settings by which the others learn where it is.

    `niceness` is above 0 where people wait for it and no position does: when processors are short, trades go first.
    """

    name: str
    module: str
    listeners: tuple[Listener, ...]
    announces: Mapping[str, str] = field(default_factory=dict)
    host_setting: str = "CGT_HTTP_HOST"
    health_path: str = "/health"
    migrates: bool = False
    callers: tuple[str, ...] = ()
    own_secrets: tuple[str, ...] = ()
    niceness: int = 0

    @property
    def command(self) -> tuple[str, ...]:
        """The arguments that make Python run it."""
        return ("-m", self.module)

    @property
    def migrate_command(self) -> tuple[str, ...]:
        """The arguments that make Python bring its database schema up to date."""
        return (*self.command, "migrate")


SERVICES: tuple[Service, ...] = (
    Service(
        name="paper-exchange",
        module="paper_exchange",
        listeners=(
            Listener("CGT_PAPER_CONTROL_PORT", 7000, "CGT_PORT_PAPER_CONTROL"),
            Listener("CGT_PAPER_BINANCE_PORT", 7001, "CGT_PORT_PAPER_BINANCE"),
            Listener("CGT_PAPER_BITGET_PORT", 7002, "CGT_PORT_PAPER_BITGET"),
            Listener("CGT_PAPER_GATEIO_PORT", 7003, "CGT_PORT_PAPER_GATEIO"),
            Listener("CGT_PAPER_MEXC_PORT", 7004, "CGT_PORT_PAPER_MEXC"),
        ),
        announces={
            "CGT_BINANCE_REST_URL": "http://{host}:{CGT_PAPER_BINANCE_PORT}",
            "CGT_BINANCE_WS_API_URL": "ws://{host}:{CGT_PAPER_BINANCE_PORT}/ws-api/v3",
            "CGT_BINANCE_STREAM_URL": "ws://{host}:{CGT_PAPER_BINANCE_PORT}",
            "CGT_BITGET_REST_URL": "http://{host}:{CGT_PAPER_BITGET_PORT}",
            "CGT_BITGET_WS_PUBLIC_URL": "ws://{host}:{CGT_PAPER_BITGET_PORT}/v2/ws/public",
            "CGT_BITGET_WS_PRIVATE_URL": "ws://{host}:{CGT_PAPER_BITGET_PORT}/v2/ws/private",
            "CGT_GATEIO_REST_URL": "http://{host}:{CGT_PAPER_GATEIO_PORT}",
            "CGT_GATEIO_WS_URL": "ws://{host}:{CGT_PAPER_GATEIO_PORT}/ws/v4/",
            "CGT_MEXC_REST_URL": "http://{host}:{CGT_PAPER_MEXC_PORT}",
            "CGT_MEXC_WS_URL": "ws://{host}:{CGT_PAPER_MEXC_PORT}/ws",
        },
        host_setting="CGT_PAPER_HOST",
        health_path="/control/health",
    ),
    Service(
        name="credentials-vault",
        module="credentials_vault",
        listeners=(Listener("CGT_HTTP_PORT", 7101, "CGT_PORT_CREDENTIALS_VAULT"),),
        announces={"CGT_VAULT_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("gateway", "binance-connector", "bitget-connector", "gateio-connector", "mexc-connector", "cli"),
        own_secrets=("CGT_VAULT_MASTER_KEYS",),
    ),
    Service(
        name="binance-connector",
        module="binance_connector",
        listeners=(Listener("CGT_HTTP_PORT", 7111, "CGT_PORT_BINANCE_CONNECTOR"),),
        announces={"CGT_BINANCE_CONNECTOR_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("gateway", "order-engine", "portfolio", "sync", "cli"),
    ),
    Service(
        name="bitget-connector",
        module="bitget_connector",
        listeners=(Listener("CGT_HTTP_PORT", 7112, "CGT_PORT_BITGET_CONNECTOR"),),
        announces={"CGT_BITGET_CONNECTOR_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("gateway", "order-engine", "portfolio", "sync", "cli"),
    ),
    Service(
        name="gateio-connector",
        module="gateio_connector",
        listeners=(Listener("CGT_HTTP_PORT", 7113, "CGT_PORT_GATEIO_CONNECTOR"),),
        announces={"CGT_GATEIO_CONNECTOR_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("gateway", "order-engine", "portfolio", "sync", "cli"),
    ),
    Service(
        name="mexc-connector",
        module="mexc_connector",
        listeners=(Listener("CGT_HTTP_PORT", 7114, "CGT_PORT_MEXC_CONNECTOR"),),
        announces={"CGT_MEXC_CONNECTOR_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("gateway", "order-engine", "portfolio", "sync", "cli"),
    ),
    Service(
        name="order-engine",
        module="order_engine",
        listeners=(Listener("CGT_HTTP_PORT", 7121, "CGT_PORT_ORDER_ENGINE"),),
        migrates=True,
        callers=("gateway", "cli"),
    ),
    Service(
        name="sync",
        module="sync",
        listeners=(Listener("CGT_HTTP_PORT", 7131, "CGT_PORT_SYNC"),),
        announces={"CGT_SYNC_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("gateway", "cli"),
    ),
    Service(
        name="portfolio",
        module="portfolio",
        listeners=(Listener("CGT_HTTP_PORT", 7141, "CGT_PORT_PORTFOLIO"),),
        migrates=True,
        niceness=_STEPS_BACK,
    ),
    Service(
        name="gateway",
        module="gateway",
        listeners=(Listener("CGT_HTTP_PORT", 3000, "CGT_PORT_GATEWAY"),),
        migrates=True,
        niceness=_STEPS_BACK,
        own_secrets=("CGT_JWT_SECRET",),
    ),
)

BROKER = Listener("CGT_KAFKA_BOOTSTRAP", 7092, "CGT_PORT_BROKER")
POSTGRES = Listener("CGT_DATABASE_URL", 7432, "CGT_PORT_POSTGRES")

Ports = Mapping[str, int]
"""The number of every listener, by its `chosen_by`."""


def listeners(services: Sequence[Service] = SERVICES) -> tuple[Listener, ...]:
    """Every port of the system."""
    return (*(listener for service in services for listener in service.listeners), BROKER, POSTGRES)


@dataclass(frozen=True)
class Secrets:
    """What only some processes may know. Made anew for every run; nothing of it has a default."""

    service_keys: Mapping[str, str] = field(repr=False)
    own: Mapping[str, str] = field(repr=False)

    @classmethod
    def fresh(cls, services: Sequence[Service] = SERVICES) -> "Secrets":
        """New ones, from the operating system's randomness."""
        names = {*(service.name for service in services), *(name for each in services for name in each.callers)}
        master_key = base64.b64encode(secrets.token_bytes(32)).decode()
        return cls(
            service_keys={name: secrets.token_urlsafe(32) for name in names},
            own={
                "CGT_VAULT_MASTER_KEYS": json.dumps({"1": master_key}),
                "CGT_JWT_SECRET": secrets.token_urlsafe(48),
            },
        )


def url_of(service: Service, ports: Ports) -> str:
    """The base URL of a service on this machine (of the paper exchange: its control API)."""
    return f"http://127.0.0.1:{ports[service.listeners[0].chosen_by]}"


def announcements(services: Sequence[Service], ports: Ports) -> dict[str, str]:
    """Where every service can be reached, as the settings that say so."""
    told = {}
    for service in services:
        numbers = {listener.setting: ports[listener.chosen_by] for listener in service.listeners}
        for setting, template in service.announces.items():
            told[setting] = template.format(host="127.0.0.1", **numbers)
    return told


def environment(service: Service, ports: Ports, known: Secrets) -> dict[str, str]:
    """Where a service listens, and the secrets that only this one may know."""
    told = {
        service.host_setting: "127.0.0.1",
        **{listener.setting: str(ports[listener.chosen_by]) for listener in service.listeners},
        "CGT_SERVICE_KEY": known.service_keys[service.name],
        **{name: known.own[name] for name in service.own_secrets},
    }
    if service.callers:
        told["CGT_SERVICE_KEYS"] = json.dumps({name: known.service_keys[name] for name in service.callers})
    return told
