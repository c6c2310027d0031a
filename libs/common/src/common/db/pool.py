"""Connections to PostgreSQL with the settings every service needs, in the service's own schema."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
from pydantic import Field, SecretStr

from common.db.errors import typed_errors
from common.settings import EnvSettings

_STATEMENT_TIMEOUT_MS: Final = 5_000
_LOCK_TIMEOUT_MS: Final = 2_000
_IDLE_IN_TRANSACTION_MS: Final = 5_000


class DatabaseSettings(EnvSettings):
    """Where PostgreSQL is; the address may hold a password, so it has no default and is never printed."""

    database_url: SecretStr = Field(description="set it to postgresql://user:password@host:port/database")


async def create_pool(
    url: SecretStr | str,
    schema: str,
    *,
    application_name: str,
    size: int = 4,
    init: Callable[[Any], Awaitable[None]] | None = None,
) -> asyncpg.Pool:
    """A pool of `size` connections that stay open: shards + 2 for a service with shards. Raises Unavailable."""
    with typed_errors():
        return await asyncpg.create_pool(
            plain_url(url),
            min_size=size,
            max_size=size,
            max_inactive_connection_lifetime=0,
            command_timeout=_STATEMENT_TIMEOUT_MS / 1000 + 1,
            timeout=5,
            server_settings=server_settings(schema, application_name),
            init=init,
            reset=_as_it_is,
        )


async def _as_it_is(connection: Any) -> None:
    """Nothing to undo: settings are made with SET LOCAL only, and asyncpg's own reset is a statement for every use."""
    if connection.is_in_transaction():
        await connection.reset()


def server_settings(schema: str, application_name: str) -> dict[str, str]:
    """What each session is told; go to PostgreSQL directly, because a transaction pooler would forget it."""
    return {
        "search_path": schema,
        "application_name": application_name,
        "jit": "off",  # Its planning costs more than our statements take.
        "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(_LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(_IDLE_IN_TRANSACTION_MS),
        "timezone": "UTC",
    }


def plain_url(url: SecretStr | str) -> str:
    """The address as asyncpg takes it; SQLAlchemy's spelling `postgresql+asyncpg://` is accepted too."""
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    return text.replace("postgresql+asyncpg://", "postgresql://", 1)
