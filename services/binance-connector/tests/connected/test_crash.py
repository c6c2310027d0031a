"""Whole processes, killed at the worst moments."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from common.codec import encode
from common.connector.client import KeyRefused

pytestmark = pytest.mark.connected
KEY = "k" * 40


@asynccontextmanager
async def vault_server(bench: Any) -> AsyncIterator[str]:
    """The in-memory vault, as the real one speaks."""

    async def accounts(request: web.Request) -> web.Response:
        listed = await bench.vault.accounts(request.query["exchange"])
        return web.Response(body=encode({"accounts": listed}), content_type="application/json")

    async def lease(request: web.Request) -> web.Response:
        try:
            credentials = await bench.vault.lease(request.match_info["id"], "test")
        except KeyRefused:
            return web.Response(status=404)
        return web.Response(body=encode(credentials), content_type="application/json")

    app = web.Application()
    app.router.add_get("/accounts", accounts)
    app.router.add_post("/accounts/{id}/lease", lease)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Processes:
    """Connectors as processes of their own."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env
        self.running: list[asyncio.subprocess.Process] = []

    async def start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "binance_connector", env=self._env)
        self.running.append(process)
        return process

    async def end(self, process: asyncio.subprocess.Process, how: signal.Signals) -> int:
        self.running.remove(process)
        if process.returncode is None:
            process.send_signal(how)
        return await process.wait()

    async def end_all(self) -> None:
        for process in tuple(self.running):
            await self.end(process, signal.SIGKILL)


@pytest.fixture
async def processes(bench: Any) -> AsyncIterator[Processes]:
    async with vault_server(bench) as vault_url:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CGT_")}
        started = Processes(
            inherited
            | {
                "CGT_KAFKA_BOOTSTRAP": bench.bus.kafka_bootstrap,
                "CGT_BROKER": bench.bus.broker.value,
                "CGT_TOPIC_PREFIX": bench.bus.topic_prefix,
                "CGT_PARTITIONS": str(bench.bus.partitions),
                "CGT_DATABASE_URL": bench.database_url,
                "CGT_VAULT_URL": vault_url,
                "CGT_BINANCE_REST_URL": bench.paper.binance_rest_url,
                "CGT_BINANCE_WS_API_URL": bench.paper.binance_ws_api_url,
                "CGT_BINANCE_STREAM_URL": bench.paper.binance_stream_url,
                "CGT_BINANCE_RECV_WINDOW_MS": "1000",
                "CGT_SETTLE_MARGIN_MS": "500",
                "CGT_ACCOUNTS_REFRESH_MS": "200",
                "CGT_SERVICE_KEY": KEY,
                "CGT_SERVICE_KEYS": json.dumps({"gateway": KEY}),
                "CGT_LOG_LEVEL": "WARNING",
            }
        )
        yield started
        await started.end_all()


async def test_a_process_killed_in_the_middle_of_many_orders_places_each_exactly_once(
    bench: Any, processes: Any
) -> None:
    bench.account()
    victim = await processes.start()
    orders = [bench.market_buy("0.001") for _ in range(60)]
    first, second = orders[:30], orders[30:]
    await bench.send(*first)
    await bench.told.matching(lambda fact: fact.client_order_id == first[5].client_order_id, timeout_s=60)
    await bench.send(*second)
    await processes.end(victim, signal.SIGKILL)
    await processes.start()
    for order in orders:
        await bench.told.first(order.client_order_id, "order.filled", timeout_s=60)
    assert [len(bench.orders(order.client_order_id)) for order in orders] == [1] * len(orders)


async def test_a_fill_while_the_only_process_is_dead_is_told_by_the_next(bench: Any, processes: Any) -> None:
    bench.account()
    victim = await processes.start()
    order = bench.limit_buy()
    await bench.send(order)
    await bench.told.first(order.client_order_id, "order.accepted", timeout_s=60)
    await processes.end(victim, signal.SIGKILL)
    bench.paper.control.fill({"uid": bench.uids["account-1"], "client_order_id": order.client_order_id})
    await processes.start()
    await bench.told.first(order.client_order_id, "order.filled", timeout_s=60)


async def test_a_survivor_takes_over_the_accounts_of_a_killed_process(bench: Any, processes: Any) -> None:
    accounts = [f"account-{n}" for n in range(6)]
    for account_id in accounts:
        bench.account(account_id)
    await processes.start()
    victim = await processes.start()
    orders = [bench.limit_buy(account_id=account_id) for account_id in accounts]
    await bench.send(*orders)
    for order in orders:
        await bench.told.first(order.client_order_id, "order.accepted", timeout_s=60)
    await processes.end(victim, signal.SIGKILL)
    for order in orders:
        bench.paper.control.fill({"uid": bench.uids[order.account_id], "client_order_id": order.client_order_id})
    for order in orders:
        await bench.told.first(order.client_order_id, "order.filled", timeout_s=60)


async def test_a_process_asked_to_stop_does_so_in_order(bench: Any, processes: Any) -> None:
    bench.account()
    process = await processes.start()
    order = bench.limit_buy()
    await bench.send(order)
    await bench.told.first(order.client_order_id, "order.accepted", timeout_s=60)
    assert await processes.end(process, signal.SIGTERM) == 0
