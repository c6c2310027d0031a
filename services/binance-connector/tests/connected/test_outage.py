"""A broker that dies and comes back empty while trades go on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from common.bus.brokers import BrokerKind, BusSettings
from common.runtime.embedded import answers_admin, start_embedded_broker
from common.runtime.process import free_port

pytestmark = pytest.mark.connected


class Broker:
    """A broker of the test's own, always at the same address."""

    def __init__(self, folder: Path) -> None:
        self.port, self._log = free_port(), folder / "broker.log"

    async def start(self) -> None:
        self._process = start_embedded_broker(self.port, self._log)
        await self._process.ready(lambda: answers_admin(self.port), 60)

    def kill(self) -> None:
        self._process.kill()


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    broker = Broker(tmp_path)
    await broker.start()
    yield broker
    broker.kill()


async def test_facts_told_during_an_outage_are_published_when_the_broker_is_back(
    broker: Broker, open_bench: Any, database_url: str, eventually: Any
) -> None:
    bus = BusSettings(kafka_bootstrap=f"127.0.0.1:{broker.port}", broker=BrokerKind.EMBEDDED)
    async with open_bench(bus, database_url) as bench:
        bench.account()
        async with bench.connector() as connector:
            order = bench.limit_buy()
            await bench.send(order)
            await bench.told.first(order.client_order_id, "order.accepted")
            broker.kill()
            bench.paper.control.fill({"uid": bench.uids["account-1"], "client_order_id": order.client_order_id})
            await eventually(lambda: bench.orders(order.client_order_id)[0]["status"] == "FILLED")
            await broker.start()
            await bench.told.first(order.client_order_id, "order.filled", timeout_s=60)
            await eventually(lambda: connector.ready_for(["account-1"]), 60)
            after = bench.limit_buy()
            await bench.send(after)
            await bench.told.first(after.client_order_id, "order.accepted", timeout_s=60)
