"""A stack starts what its table says, survives kills of its parts, and says plainly why it cannot start."""

import socket
from dataclasses import replace
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from common.bus.brokers import BrokerKind
from common.runtime.embedded import answers_admin
from common.runtime.process import ProcessDied, accepts_connections
from common.runtime.services import BROKER, POSTGRES, Listener, Service
from common.runtime.stack import PortTaken, Stack, StackOptions

pytestmark = pytest.mark.connected

_GREETER = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

if os.environ.get("REFUSES"):
    sys.exit("the greeter has lost its voice")

class Greeter(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())

HTTPServer((os.environ["CGT_HTTP_HOST"], int(os.environ["CGT_HTTP_PORT"])), Greeter).serve_forever()
"""

_MIGRATION = """
import os

revision, down_revision = "0001", None

def upgrade():
    assert not os.environ.get("MIGRATION_FAILS")
"""

_SERVICES = (
    Service(
        name="greeter",
        module="greeter",
        listeners=(Listener("CGT_HTTP_PORT", 1, "CGT_PORT_GREETER"),),
        announces={"CGT_GREETER_URL": "http://{host}:{CGT_HTTP_PORT}"},
        migrates=True,
        callers=("guest",),
        own_secrets=("CGT_JWT_SECRET",),
    ),
    Service(name="guest", module="greeter", listeners=(Listener("CGT_HTTP_PORT", 2, "CGT_PORT_GUEST"),)),
)


def _options(folder: Path, **settings: str) -> StackOptions:
    versions = folder / "greeter" / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "greeter" / "__init__.py").touch()
    (folder / "greeter" / "__main__.py").write_text(_GREETER)
    (versions / "0001_nothing.py").write_text(_MIGRATION)
    return StackOptions(run_dir=folder, services=_SERVICES, settings={"PYTHONPATH": str(folder), **settings})


async def _environment_of(url: str) -> dict[str, str]:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        told: dict[str, str] = await answer.json(content_type=None)
        return told


async def test_each_service_is_told_where_the_others_are_and_no_secret_of_theirs(tmp_path: Path) -> None:
    async with Stack(_options(tmp_path)) as stack:
        greeter, guest = [await _environment_of(stack.urls[name]) for name in ("greeter", "guest")]
    assert guest["CGT_GREETER_URL"] == stack.urls["greeter"]
    assert guest["CGT_SERVICE_KEY"] in greeter["CGT_SERVICE_KEYS"]
    assert greeter["CGT_SERVICE_KEY"] not in str(guest)
    assert greeter["CGT_JWT_SECRET"] not in str(guest)


async def test_a_killed_service_is_reported_and_can_be_started_again(tmp_path: Path) -> None:
    async with Stack(_options(tmp_path)) as stack:
        assert await stack.fallen() == []
        stack.kill("guest")
        assert [line.split()[0] for line in await stack.fallen()] == ["guest"]
        await stack.start("guest")
        assert await stack.fallen() == []


async def test_the_broker_and_the_database_come_back_where_they_were(tmp_path: Path, broker_kind: BrokerKind) -> None:
    async with Stack(replace(_options(tmp_path), broker=broker_kind)) as stack:
        connection = await asyncpg.connect(stack.database_url)
        await connection.execute("CREATE TABLE kept ()")
        await stack.kill_broker()
        await stack.kill_database()
        assert len(await stack.fallen()) == 2
        await stack.start_broker()
        await stack.start_database()
        connection = await asyncpg.connect(stack.database_url)
        await connection.execute("SELECT FROM kept")
        await connection.close()
        assert await answers_admin(stack.ports[BROKER.chosen_by])


async def test_nothing_listens_any_more_when_the_stack_has_ended(tmp_path: Path) -> None:
    async with Stack(_options(tmp_path)) as stack:
        pass
    assert not any([await accepts_connections(port) for port in stack.ports.values()])


async def test_a_service_that_cannot_start_ends_the_stack_with_its_last_words(tmp_path: Path) -> None:
    stack = Stack(_options(tmp_path, REFUSES="yes"))
    with pytest.raises(ProcessDied, match="the greeter has lost its voice"):
        await stack.__aenter__()
    assert not await accepts_connections(stack.ports[POSTGRES.chosen_by])


async def test_a_failed_migration_ends_the_stack(tmp_path: Path) -> None:
    with pytest.raises(ProcessDied, match="migrate failed, exit status 1"):
        await Stack(_options(tmp_path, MIGRATION_FAILS="yes")).__aenter__()


async def test_a_taken_port_is_named_with_the_setting_that_moves_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"Port {port} is in use.*CGT_PORT_BROKER=<port>"):
            await Stack(StackOptions(run_dir=tmp_path, ports={"CGT_PORT_BROKER": port})).__aenter__()
