"""The launchers hand out working servers and leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from common.runtime.embedded import postgres
from common.runtime.process import accepts_connections

pytestmark = pytest.mark.connected


async def test_the_database_url_leads_to_an_empty_database(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    tables = await connection.fetch("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables == []


async def test_the_database_refuses_a_caller_without_the_password(database_url: str) -> None:
    address = database_url.partition("@")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://postgres:wrong@{address}")


async def test_a_kept_database_is_there_again_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with postgres(data, keep=True) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await connection.close()
    async with postgres(data) as url:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT answer FROM kept") == 42
        await connection.close()


async def test_a_record_goes_through_the_broker(bootstrap: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}greetings"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    await admin.close()
    async with (
        AIOKafkaProducer(bootstrap_servers=bootstrap) as producer,
        AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer,
    ):
        await producer.send_and_wait(topic, b"hello", key=b"account")
        record = await consumer.getone()
    assert (record.key, record.value) == (b"account", b"hello")


_STARTS_SERVERS_AND_HANGS = """
import asyncio, sys, time
from pathlib import Path
from common.runtime.embedded import embedded_broker, postgres

async def main() -> None:
    folder = Path(sys.argv[1])
    async with postgres(folder / "data") as url, embedded_broker(log=folder / "broker.log") as bootstrap:
        print(url, bootstrap, flush=True)
        time.sleep(600)

asyncio.run(main())
"""


async def test_servers_end_with_their_starter_even_when_it_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", _STARTS_SERVERS_AND_HANGS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    url, bootstrap = starter.stdout.readline().split()
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    ports = [int(address.rpartition(":")[2].partition("/")[0]) for address in (url, bootstrap)]
    async with asyncio.timeout(20):
        while any([await accepts_connections(port) for port in ports]):
            await asyncio.sleep(0.05)
