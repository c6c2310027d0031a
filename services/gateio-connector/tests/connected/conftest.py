"""A Gate.io connector in the test's own loop, on a paper exchange, a real broker and a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from common.bus.brokers import BrokerKind, BusSettings
from common.commands import SubmitOrder
from common.connector.service import ConnectorParts
from common.exchanges import Exchange
from common.ids import Leg
from common.orders import OrderType, Side
from common.testing.connector import until
from common.testing.connector_bench import QUICK, ConnectorBench, opened
from gateio_connector import app
from gateio_connector.settings import GateioSettings
from paper_exchange.testing import serve


class Bench(ConnectorBench):
    exchange = Exchange.GATEIO

    def parts(self, **overrides: Any) -> ConnectorParts:
        urls = {"gateio_rest_url": self.paper.gateio_rest_url, "gateio_ws_url": self.paper.gateio_ws_url}
        return app.parts(GateioSettings.model_validate({**QUICK, **urls, "gateio_validity_ms": 1_000} | overrides))

    @property
    def control(self) -> Any:
        return self.paper.gateio_control

    def orders(self, client_id: str, account_id: str = "account-1") -> list[dict[str, Any]]:
        return [order for order in self.state(account_id)["orders"] if order["text"] == f"t-{client_id}"]

    def price_orders(self, account_id: str = "account-1") -> list[dict[str, Any]]:
        """Every price order the exchange has or had of the account."""
        return list(self.state(account_id)["price_orders"])

    def trigger(
        self, px: str, kind: OrderType = OrderType.STOP_LOSS, qty: str = "0.01", account_id: str = "account-1"
    ) -> SubmitOrder:
        leg = Leg.STOP_LOSS if kind.startswith("STOP_LOSS") else Leg.TAKE_PROFIT
        price = px if kind.endswith("LIMIT") else None
        return self.order(leg, Side.SELL, kind, account_id, qty=qty, trigger_px=px, price=price)


@pytest.fixture
async def bench(bootstrap: str, broker_kind: str, topic_prefix: str, database_url: str) -> AsyncIterator[Bench]:
    bus = BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)
    async with serve() as paper, opened(Bench, paper, bus, database_url) as bench:
        yield bench


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    return until
