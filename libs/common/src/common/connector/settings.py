"""What every connector can be told, whatever its exchange."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from common.settings import EnvSettings, InvalidSetting

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _symbols(value: object) -> object:
    if isinstance(value, str):
        return tuple(symbol.strip().upper() for symbol in value.split(",") if symbol.strip())
    return value


Symbols = Annotated[tuple[str, ...], BeforeValidator(_symbols)]
"""Symbols, separated by commas."""


class ConnectorSettings(EnvSettings):
    """The kit's settings. Times are ms or s as their names say."""

    vault_url: str = Field(
        pattern=r"^https?://", description="set it to the vault's base URL, such as http://127.0.0.1:7101"
    )
    live: bool = False
    """Says that real money is meant: without it only loopback and the exchange's test hosts may be reached."""
    request_timeout_ms: int = Field(default=10_000, ge=100, le=60_000)
    settle_margin_ms: int | None = Field(default=None, ge=0, le=600_000)
    """After a request's validity window, how much longer "not there" proves nothing; None: as the exchange needs."""
    accounts_refresh_ms: int = Field(default=10_000, ge=100)
    overlap_ms: int = Field(default=5_000, ge=0)
    """How long an account that moved away is still streamed."""
    flush_ms: int = Field(default=500, ge=10)
    clock_sync_ms: int = Field(default=300_000, ge=1_000)
    rotate_after_ms: int = Field(default=23 * 3_600_000, ge=1_000)
    """The age at which a socket is replaced; exchanges end them at 24 hours."""
    market_symbols_per_socket: int = Field(default=200, ge=1)
    """How many symbols one market socket carries; exchanges bound the subscriptions of a connection."""
    warm_connections: int = Field(default=4, ge=0, le=100)
    """REST connections kept open while nobody trades."""
    warm_every_ms: int = Field(default=20_000, ge=1_000)
    parked_for_ms: int = Field(default=300_000, ge=100)
    """How long an account with a refused key rests before its key is tried again."""


def forbid_live_hosts(settings: ConnectorSettings, fields: dict[str, str], test_hosts: frozenset[str]) -> None:
    """Stop the start if a URL points where real money is and nobody said so. `fields` is setting name to URL."""
    if settings.live:
        return
    for name, url in fields.items():
        host = (urlsplit(url).hostname or "").lower()
        if host not in _LOOPBACK and host not in test_hosts:
            raise InvalidSetting(
                name,
                f"{host or url!r} is neither this machine nor a test host of the exchange; "
                "set CGT_LIVE=true if real money is meant",
            )
