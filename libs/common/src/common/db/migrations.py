"""Brings a service's schema to its newest revision. A service has nothing but `<package>/migrations/versions/*.py`.

One migration runs at a time per schema, under an advisory lock, all steps in one transaction; running it again changes
nothing. The steps find the service's schema as their search path and name no schema themselves.
"""

import asyncio
import importlib.resources
import os
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from common.db.errors import typed_errors
from common.db.pool import DatabaseSettings, plain_url
from common.errors import CgtError, Unavailable

_ENVIRONMENT = Path(__file__).parent / "migration_env"


async def migrate(service: ModuleType | str, schema: str, url: SecretStr | str, revision: str = "head") -> None:
    """Upgrade `schema` to `revision` with the migrations of this package. Raises Unavailable."""
    engine = create_async_engine(
        plain_url(url).replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={
            "timeout": 5,
            "server_settings": {"search_path": schema, "application_name": f"{schema}-migrate"},
        },
    )
    try:
        with typed_errors():
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade, _config(service), schema, revision)
    except sa.exc.DBAPIError as error:
        if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated:
            raise Unavailable("the database") from error
        raise
    finally:
        await engine.dispose()


def run_migrations(service: ModuleType | str, schema: str) -> None:
    """The `migrate` command of a service: settings from the environment, one line and exit status 2 for a bad one."""
    _run([(service, schema)])


def main(packages: Sequence[str]) -> None:
    """`python -m common.db.migrations package ...`: several services in one process, each in the schema of its name."""
    _run([(package, package) for package in packages])


def _run(wanted: Sequence[tuple[ModuleType | str, str]]) -> None:
    try:
        url = DatabaseSettings.from_env(os.environ).database_url
        for service, schema in wanted:
            asyncio.run(migrate(service, schema, url))
    except CgtError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _upgrade(connection: sa.Connection, config: Config, schema: str, revision: str) -> None:
    # The session holds the lock and lets it go when it ends; the schema's name decides, so that two services migrate
    # side by side.
    lock = {"key": zlib.crc32(f"migrate/{schema}".encode())}
    connection.execute(sa.text("SELECT pg_advisory_lock(:key)"), lock)
    connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    connection.commit()
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    command.upgrade(config, revision)


def _config(service: ModuleType | str) -> Config:
    package = service if isinstance(service, str) else service.__name__
    versions = Path(str(importlib.resources.files(package))) / "migrations" / "versions"
    config = Config()
    # A percent sign would be an interpolation to the configuration parser.
    config.set_main_option("script_location", str(_ENVIRONMENT).replace("%", "%%"))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(versions).replace("%", "%%"))
    return config


if __name__ == "__main__":
    main(sys.argv[1:])
