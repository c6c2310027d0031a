"""Migrations on a real PostgreSQL."""

import asyncio
import importlib
from pathlib import Path

import asyncpg
import pytest

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Unavailable

pytestmark = pytest.mark.connected


async def tables(url: str, schema: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
    finally:
        await connection.close()
    return {row["tablename"] for row in rows}


async def test_a_service_gets_its_tables_in_its_own_schema(database_url: str, service_package: str) -> None:
    await migrate(service_package, "alone", database_url)
    assert await tables(database_url, "alone") == {
        "alembic_version", "inbox", "outbox", "consumer_offsets", "consumer_brokers", "leases", "lease_owners",
        "dead_letters",
    }  # fmt: skip
    assert not await tables(database_url, "public")


async def test_migrating_again_or_ten_times_at_once_changes_nothing(database_url: str, service_package: str) -> None:
    await asyncio.gather(*[migrate(service_package, "crowded", database_url) for _ in range(10)])
    await migrate(service_package, "crowded", database_url)
    assert "outbox" in await tables(database_url, "crowded")


async def test_a_later_revision_is_applied_on_top(database_url: str, service_package: str) -> None:
    await migrate(service_package, "growing", database_url)
    versions = Path(importlib.import_module(service_package).__file__ or "").parent / "migrations" / "versions"
    (versions / "0002_more.py").write_text(
        'import sqlalchemy as sa\nfrom alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        'def upgrade() -> None:\n    op.create_table("more", sa.Column("id", sa.Integer, primary_key=True))\n'
    )
    await migrate(service_package, "growing", database_url)
    assert "more" in await tables(database_url, "growing")


async def test_a_failing_revision_leaves_nothing_behind(database_url: str, service_package: str) -> None:
    versions = Path(importlib.import_module(service_package).__file__ or "").parent / "migrations" / "versions"
    (versions / "0002_broken.py").write_text(
        'from alembic import op\nrevision = "0002"\ndown_revision = "0001"\n'
        'def upgrade() -> None:\n    op.execute("SELECT 1/0")\n'
    )
    with pytest.raises(Exception, match="division by zero"):
        await migrate(service_package, "broken", database_url)
    assert await tables(database_url, "broken") == set()


async def test_a_database_that_is_down_is_unavailable(service_package: str, unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable):
        await migrate(service_package, "nowhere", f"postgresql://postgres@127.0.0.1:{unused_tcp_port}/postgres")


async def test_sessions_work_in_the_services_schema_with_its_settings(database_url: str) -> None:
    pool = await create_pool(database_url, "crowded", application_name="a-service", size=1)
    try:
        settings = {
            name: await pool.fetchval(f"SHOW {name}")
            for name in ("search_path", "jit", "lock_timeout", "statement_timeout", "application_name")
        }
    finally:
        await pool.close()
    assert settings == {
        "search_path": "crowded",
        "jit": "off",
        "lock_timeout": "2s",
        "statement_timeout": "5s",
        "application_name": "a-service",
    }
