"""A real Apache Kafka in KRaft mode, one node, from Maven artifacts; or from a container where there is no Java."""

import asyncio
import base64
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from common.errors import CgtError
from common.runtime.embedded import answers_admin
from common.runtime.process import Child, free_port, run, start

KAFKA_VERSION = "4.1.1"
KAFKA_READY_S = 60.0

_HERE = Path(__file__).parent
_COPY_DEPENDENCIES = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


class KafkaUnavailable(CgtError):
    """This machine can start no Apache Kafka; the message says what to install."""


def node_properties(port: int, controller_port: int, *, listen: str = "127.0.0.1") -> dict[str, str]:
    """What makes one Kafka node a whole cluster, reachable at 127.0.0.1:`port`; everything else is Kafka's default."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://{listen}:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "inter.broker.listener.name": "PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Consumers of tests and demos join and leave often: no waiting for others, and short sessions are allowed.
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A topic that nobody declared is a mistake to be seen, not to be made up for.
        "auto.create.topics.enable": "false",
    }


@asynccontextmanager
async def kafka(data_dir: Path, *, port: int = 0, log: Path) -> AsyncIterator[str]:
    """Apache Kafka on a loopback port, empty, yielding its bootstrap address. Raises KafkaUnavailable."""
    port = port or free_port()
    if _has_java():
        broker = await start_kafka(data_dir, port, log)
        try:
            await broker.ready(lambda: answers_admin(port), KAFKA_READY_S)
            yield f"127.0.0.1:{port}"
        finally:
            broker.kill()
    elif missing := why_unavailable():
        raise KafkaUnavailable(missing)
    else:
        async with _kafka_container(port):
            yield f"127.0.0.1:{port}"


async def start_kafka(data_dir: Path, port: int, log: Path) -> Child:
    """Format an empty `data_dir` and start a Java broker on it; `answers_admin` tells when it is ready."""
    classpath = f"{await kafka_jars(log)}/*"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True)
    properties = {**node_properties(port, free_port()), "log.dirs": str(data_dir / "topics")}
    config = data_dir / "server.properties"
    config.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
    java = ["java", f"-Dlog4j2.configurationFile=file:{_HERE / 'kafka_log4j2.properties'}", "-cp", classpath]
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # In one word: an id may begin with a dash.
    storage: list[str | Path] = [*java, "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", config]
    await run("Kafka storage tool", storage, log=log)
    heap = ["-Xms256m", "-Xmx512m", "-XX:+UseG1GC"]
    return start("Apache Kafka", [java[0], *heap, *java[1:], "kafka.Kafka", config], log=log)


async def kafka_jars(log: Path) -> Path:
    """The folder of Kafka's jars, fetched by Maven the first time."""
    cache = cache_dir() / "kafka"
    jars = cache / KAFKA_VERSION
    if jars.is_dir():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as fetched:
        lib = Path(fetched) / "lib"
        await run(
            "Maven",
            [
                *("mvn", "--quiet", "--batch-mode", "--file", _HERE / "kafka_pom.xml", _COPY_DEPENDENCIES),
                *(f"-Dkafka.version={KAFKA_VERSION}", "-DincludeScope=runtime", f"-DoutputDirectory={lib}"),
            ],
            log=log,
        )
        try:
            lib.rename(jars)  # At once and whole, so that two first runs side by side cannot mix.
        except OSError:
            if not jars.is_dir():
                raise
    return jars


def cache_dir() -> Path:
    """Where downloads are kept between runs: `.cache` of the checkout, or of the home where this is installed."""
    checkout = next((parent for parent in _HERE.parents if (parent / "requirements.lock").is_file()), None)
    return checkout / ".cache" if checkout else Path.home() / ".cache" / "cgt"


def why_unavailable() -> str | None:
    """What this machine lacks to start Apache Kafka, or None where it lacks nothing."""
    if _has_java() or _has_docker_engine():
        return None
    return "Apache Kafka needs Java 17+ with Maven (java, mvn on the PATH), or a running Docker engine."


def _has_java() -> bool:
    return shutil.which("java") is not None and shutil.which("mvn") is not None


def _has_docker_engine() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    return subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0


def container_environment(properties: Mapping[str, str]) -> dict[str, str]:
    """Properties as the variables of the apache/kafka image (its README: upper case, KAFKA_ before, _ for a dot)."""
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}


@asynccontextmanager
async def _kafka_container(port: int) -> AsyncIterator[None]:
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(f"apache/kafka:{KAFKA_VERSION}").with_bind_ports(port, port)
    listen_inside = node_properties(port, free_port(), listen="0.0.0.0")  # noqa: S104 - the container's own network
    for name, value in container_environment(listen_inside).items():
        container = container.with_env(name, value)
    with container:
        await _container_ready(port)
        yield


async def _container_ready(port: int) -> None:
    async with asyncio.timeout(KAFKA_READY_S):
        while not await answers_admin(port):
            await asyncio.sleep(0.1)


if __name__ == "__main__":
    sys.exit(why_unavailable())  # With a message: printed, and exit status 1.
