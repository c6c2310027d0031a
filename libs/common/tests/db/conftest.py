"""A schema of each test's own in the module's database, with the delivery tables, made by a real migration."""

import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from common.bus.messages import Outgoing, Record
from common.db.migrations import migrate
from common.db.pool import create_pool

FIRST_REVISION = '''
"""Delivery tables."""
from common.db.tables import create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None

def upgrade() -> None:
    create_delivery_tables()

def downgrade() -> None:
    drop_delivery_tables()
'''


@pytest.fixture
def service_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an importable package with one migration, as a service has."""
    name = f"service_{secrets.token_hex(4)}"
    versions = tmp_path / name / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (versions / "0001_delivery.py").write_text(FIRST_REVISION)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
async def schema(database_url: str, service_package: str) -> str:
    name = f"s_{secrets.token_hex(4)}"
    await migrate(service_package, name, database_url)
    return name


@pytest.fixture
async def pool(database_url: str, schema: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await create_pool(database_url, schema, application_name="test", size=6)
    yield pool
    await pool.close()


class AnsweringLate:
    """The pool; before an answer to a renewal arrives, `late` is awaited once."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.late: Callable[[], Awaitable[None]] | None = None

    async def fetch(self, statement: str, *arguments: Any) -> Any:
        rows = await self._pool.fetch(statement, *arguments)
        if self.late is not None and "lease_owners" in statement:
            late, self.late = self.late, None
            await late()
        return rows

    async def execute(self, *arguments: Any) -> Any:
        return await self._pool.execute(*arguments)


@pytest.fixture
def line(pool: asyncpg.Pool) -> AnsweringLate:
    return AnsweringLate(pool)


@pytest.fixture
def a_message() -> Callable[..., Outgoing]:
    def build(n: int, **changes: Any) -> Outgoing:
        fields: dict[str, Any] = {
            "topic": "cgt.order-commands.binance.v1",
            "key": "account-1",
            "value": b"%d" % n,
            "ce_id": f"command-{n}",
            "ce_type": "cgt.submit.v1",
            "ce_source": "test",
            "ce_time_ms": 1_795_341_600_000 + n,
            "correlation_id": "corr",
            "causation_id": None,
        }
        return Outgoing(**(fields | changes))

    return build


@pytest.fixture
def a_record() -> Callable[..., Record]:
    def build(offset: int, topic: str = "cgt.order-events.v1", shard: int = 1) -> Record:
        return Record(topic, shard, offset, 1_795_341_600_000, "account-1", b"{}", {}, fresh=True)

    return build
