"""The servers that connected tests run on, as pytest fixtures; pytest finds them by the entry point of cgt-common.

One PostgreSQL and one broker serve a whole run and are started only when a test asks. CGT_TEST_BROKER chooses the
broker: `embedded` (the default) or `kafka`.
"""

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

import asyncpg
import pytest

from common.bus.brokers import BrokerKind
from common.runtime.embedded import embedded_broker, postgres
from common.runtime.kafka import kafka


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark that `make test-kafka` selects by."""
    config.addinivalue_line("markers", "broker: uses a broker, so it runs on Apache Kafka as well (set by itself)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test that uses a broker, so that none can be forgotten on the real one."""
    for item in items:
        if isinstance(item, pytest.Function) and "broker_kind" in item.fixturenames:
            item.add_marker("broker")


@pytest.fixture(scope="session")
def broker_kind() -> BrokerKind:
    """Which broker this run tests on: `embedded` or `kafka`."""
    kind = os.environ.get("CGT_TEST_BROKER", BrokerKind.EMBEDDED)
    if kind not in [*BrokerKind]:
        raise pytest.UsageError(f"CGT_TEST_BROKER is {kind!r}; use one of {', '.join(BrokerKind)}.")
    return BrokerKind(kind)


@pytest.fixture(scope="session")
def bootstrap(broker_kind: BrokerKind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a broker that the whole run shares; `topic_prefix` keeps tests apart on it."""
    folder = tmp_path_factory.mktemp("broker")
    log = folder / "broker.log"
    with _entered(
        kafka(folder / "data", log=log) if broker_kind is BrokerKind.KAFKA else embedded_broker(log=log)
    ) as address:
        yield address


@pytest.fixture
def topic_prefix(monkeypatch: pytest.MonkeyPatch) -> str:
    """A prefix of topic names that no other test has, also set as CGT_TOPIC_PREFIX."""
    prefix = f"t{secrets.token_hex(4)}."
    monkeypatch.setenv("CGT_TOPIC_PREFIX", prefix)
    return prefix


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The superuser's URL of a PostgreSQL that the whole run shares."""
    # fsync only guards against the machine's own fall, which no test survives to see.
    with _entered(postgres(tmp_path_factory.mktemp("postgres") / "data", fsync=False)) as url:
        yield url


@pytest.fixture(scope="module")
def database_url(database_server: str) -> Iterator[str]:
    """The URL of an empty database of the test module's own."""
    with fresh_database(database_server) as url:
        yield url


@contextmanager
def fresh_database(server_url: str) -> Iterator[str]:
    """An empty database on this server, dropped afterwards; yields its URL. For tests that need more than one."""
    name = f"t_{secrets.token_hex(6)}"
    _execute(server_url, f"CREATE DATABASE {name}")
    yield f"{server_url.rpartition('/')[0]}/{name}"
    _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    async def connected() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with _loop() as loop:
        loop.run_until_complete(connected())


@contextmanager
def _entered(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    with _loop() as loop:
        address = loop.run_until_complete(server.__aenter__())
        try:
            yield address
        finally:
            loop.run_until_complete(server.__aexit__(None, None, None))


@contextmanager
def _loop() -> Iterator[asyncio.AbstractEventLoop]:
    # Not asyncio.run: that would unset the loop which the tests themselves run on.
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        loop.close()
