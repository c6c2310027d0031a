"""The gateway as a process on a real database and broker: facts from the topics answer requests and reach frontends."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import pytest
import socketio
from fastapi import FastAPI, Response

from common.accounts import AssetBalance, BalanceChanged
from common.bus.brokers import BusSettings
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.tail import tail
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS
from common.codec import decode_union, encode
from common.health import Health
from common.ids import new_id
from common.intents import OrderIntent
from common.market import Ticker
from common.orders import FactBase, OrderAccepted, OrderFilled, OrderStatus, type_of
from common.runtime.process import free_port
from common.service.http import HttpServer, HttpSettings, new_app
from gateway.ports import KeyCheck
from gateway.testing.builders import an_instrument, order_fact
from gateway.testing.views import CREATE_VIEWS, DROP_VIEWS

pytestmark = pytest.mark.connected

START_WITHIN_S = 60
API_KEY, SECRET = "the-api-key-of-a-trader-0123456789", "the-secret-of-a-trader-0123456789"


class Exchange:
    """A connector and an order-engine in one: answers reads, and fills what is intended, when it is told to."""

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self.seen: list[tuple[Any, bool]] = []
        self.fills = True

    async def run(self, publisher: Publisher, ready: asyncio.Event) -> None:
        async for record in tail(self._settings, ORDER_INTENTS, ready=ready):
            intent = decode_union(record.value or b"", OrderIntent)
            self.seen.append((intent, record.redelivery))
            if self.fills:
                await publisher.publish([_fact(fact) for fact in _filled(intent)])

    def app(self) -> FastAPI:
        app = new_app("connector", Health())
        instrument = an_instrument()

        @app.get("/instruments/BTCUSDT")
        async def rules() -> Response:
            return _json(instrument)

        @app.get("/tickers")
        async def tickers() -> Response:
            px: dict[str, Any] = dict.fromkeys(("last_px", "bid_px", "ask_px"), 100_000)
            about: dict[str, Any] = {
                "exchange": instrument.exchange,
                "symbol": "BTCUSDT",
                "ts_event_ms": 1,
                "ts_init_ms": 1,
            }
            return _json([Ticker(**about, **px)])

        @app.get("/accounts/{account_id}/balances")
        async def balances(account_id: str) -> Response:
            usdt = AssetBalance(asset="USDT", free=1000, locked=0)  # type: ignore[arg-type]
            about = {"exchange": instrument.exchange, "ts_event_ms": 1, "ts_init_ms": 1}
            return _json(BalanceChanged(account_id=account_id, balances=(usdt,), **about))  # type: ignore[arg-type]

        @app.post("/key-check")
        async def key_check() -> Response:
            return _json(KeyCheck(ok=True, can_trade=True, can_withdraw=False))

        return app


def _json(value: Any) -> Response:
    return Response(encode(value), media_type="application/json")


def _filled(intent: Any) -> list[FactBase]:
    qty = intent.qty
    return [
        order_fact(OrderAccepted, intent, status=OrderStatus.NEW, qty=qty),
        order_fact(OrderFilled, intent, status=OrderStatus.FILLED, qty=qty, cum_qty=qty, avg_px=intent.reference_px),
    ]


def _fact(fact: FactBase) -> Outgoing:
    return Outgoing(
        topic=ORDER_EVENTS.name,
        key=fact.account_id,
        value=encode(fact),
        ce_id=new_id(),
        ce_type=type_of(fact),
        ce_source="test",
        ce_time_ms=fact.ts_event_ms,
        correlation_id=None,
        causation_id=None,
    )


class Stack:
    """A vault, a gateway, and the exchange."""

    def __init__(self, environment: dict[str, str], exchange: Exchange, url: str) -> None:
        self.environment = environment
        self.exchange = exchange
        self.url = url


@asynccontextmanager
async def process(module: str, environment: dict[str, str], log: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("ab") as out:
        started = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=environment, stderr=out)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
            await started.wait()


async def run_once(environment: dict[str, str], *arguments: str) -> None:
    done = await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments, env=environment)
    assert await done.wait() == 0


async def ready(url: str) -> None:
    async with asyncio.timeout(START_WITHIN_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url + "/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


@pytest.fixture
async def stack(
    database_url: str, bootstrap: str, topic_prefix: str, broker_kind: str, tmp_path: Any
) -> AsyncIterator[Stack]:
    shared = os.environ | {
        "CGT_DATABASE_URL": database_url,
        "CGT_KAFKA_BOOTSTRAP": bootstrap,
        "CGT_BROKER": broker_kind,
        "CGT_TOPIC_PREFIX": topic_prefix,
    }
    bus = BusSettings.from_env(shared)
    exchange = Exchange(bus)
    server = HttpServer(exchange.app(), HttpSettings())
    serving = asyncio.create_task(server.run())
    key, vault_port, port = "k" * 40, free_port(), free_port()
    vault = shared | {
        "CGT_HTTP_PORT": str(vault_port),
        "CGT_SERVICE_KEYS": json.dumps({"gateway": key}),
        "CGT_VAULT_MASTER_KEYS": json.dumps({"1": base64.b64encode(b"1" * 32).decode()}),
    }
    gateway = shared | {
        "CGT_HTTP_PORT": str(port),
        "CGT_SERVICE_KEY": key,
        "CGT_JWT_SECRET": "j" * 40,
        "CGT_VAULT_URL": f"http://127.0.0.1:{vault_port}",
        "CGT_BINANCE_CONNECTOR_URL": f"http://127.0.0.1:{await server.listening()}",
        "CGT_ANSWER_TIMEOUT_MS": "3000",
    }
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP SCHEMA IF EXISTS gateway CASCADE")  # The intents of other tests are not ours.
    await connection.execute(DROP_VIEWS)
    await connection.execute(CREATE_VIEWS)
    await connection.close()
    await run_once(vault, "credentials_vault", "migrate")
    await run_once(gateway, "gateway", "migrate")
    stack = Stack(gateway, exchange, f"http://127.0.0.1:{port}")
    async with (
        Publisher(bus, (ORDER_EVENTS, ORDER_INTENTS), "test") as publisher,
        process("credentials_vault", vault, tmp_path / "vault.log"),
    ):
        reading = asyncio.Event()
        filling = asyncio.create_task(exchange.run(publisher, reading))
        await reading.wait()
        await ready(f"http://127.0.0.1:{vault_port}")
        yield stack
        filling.cancel()
    await server.stop()
    await serving
    for log in tmp_path.glob("*.log"):
        assert SECRET not in log.read_text()
        assert API_KEY not in log.read_text()


class Frontend:
    """A user with a key."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.token = ""

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        async with self._session.request(method, self._url + path, json=body, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def sign_in(self) -> None:
        password = {"email": f"{new_id()}@example.com", "password": "correct horse battery"}
        _, body = await self.ask("POST", "/auth/register", password)
        self.token = body["access_token"]
        keys = {"exchange": "BINANCE", "apiKey": API_KEY, "secretKey": SECRET}
        assert (await self.ask("POST", "/api-credentials", keys))[0] == 201


ORDER = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BINANCE"}


async def test_an_order_is_answered_by_the_facts_on_the_topics_and_told_to_the_frontend(
    stack: Stack, tmp_path: Any
) -> None:
    async with process("gateway", stack.environment, tmp_path / "gateway.log"), aiohttp.ClientSession() as session:
        await ready(stack.url)
        frontend = Frontend(session, stack.url)
        await frontend.sign_in()
        heard: asyncio.Queue[Any] = asyncio.Queue()
        socket = socketio.AsyncClient()
        socket.on("order_update", heard.put_nowait)
        await socket.connect(stack.url, auth={"token": frontend.token}, transports=["websocket"])
        first = await frontend.ask("POST", "/exchanges/place-order", ORDER, Idempotency_Key="one")
        again = await frontend.ask("POST", "/exchanges/place-order", ORDER, Idempotency_Key="one")
        told = [await asyncio.wait_for(heard.get(), 10) for _ in range(2)]
        await socket.disconnect()
    assert first == again
    assert (first[0], first[1]["data"]["status"]) == (200, "FILLED")
    assert [(each["seq"], each["orderStatus"]) for each in told] == [(1, "NEW"), (2, "FILLED")]
    assert len({intent.intent_id for intent, _ in stack.exchange.seen}) == 1


async def test_an_intent_survives_a_killed_gateway_and_is_carried_out_as_the_same(stack: Stack, tmp_path: Any) -> None:
    stack.exchange.fills = False
    log = tmp_path / "gateway.log"
    async with aiohttp.ClientSession() as session:
        frontend = Frontend(session, stack.url)
        async with process("gateway", stack.environment, log) as gateway:
            await ready(stack.url)
            await frontend.sign_in()
            asked = asyncio.create_task(frontend.ask("POST", "/exchanges/place-order", ORDER, Idempotency_Key="one"))
            async with asyncio.timeout(10):
                while not stack.exchange.seen:
                    await asyncio.sleep(0.01)
            gateway.kill()
            await gateway.wait()
            with pytest.raises(aiohttp.ClientError):
                await asked
        async with process("gateway", stack.environment, log):
            await ready(stack.url)
            async with asyncio.timeout(20):
                while not any(redelivery for _, redelivery in stack.exchange.seen):
                    await asyncio.sleep(0.01)
            status, body = await frontend.ask("POST", "/exchanges/place-order", ORDER, Idempotency_Key="one")
    assert len({intent.intent_id for intent, _ in stack.exchange.seen}) == 1
    assert (status, body["data"]["operationId"]) == (202, stack.exchange.seen[0][0].intent_id)
