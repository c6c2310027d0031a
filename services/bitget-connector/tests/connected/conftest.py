"""A Bitget connector in the test's own loop, on a paper exchange, a real broker and a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bitget_connector import app
from bitget_connector.dialect import BitgetDialect
from bitget_connector.settings import BitgetSettings
from common.bus.brokers import BrokerKind, BusSettings
from common.commands import SubmitOrder
from common.connector.service import ConnectorParts
from common.exchanges import Exchange
from common.ids import Leg
from common.orders import OrderType, Side
from common.testing.connector import until
from common.testing.connector_bench import QUICK, ConnectorBench, opened
from paper_exchange.testing import serve


class Bench(ConnectorBench):
    exchange = Exchange.BITGET

    def parts(self, **overrides: Any) -> ConnectorParts:
        public, private = self.paper.bitget_ws_public_url, self.paper.bitget_ws_private_url
        urls = {
            "bitget_rest_url": self.paper.bitget_rest_url,
            "bitget_ws_public_url": public,
            "bitget_ws_private_url": private,
        }
        parts = app.parts(BitgetSettings.model_validate({**QUICK, **urls} | overrides))
        # Bitget's own window is half a minute, and nothing in a request makes it shorter.
        return replace(parts, dialect=BitgetDialect(public_url=public, private_url=private, validity_ms=1_000))

    @property
    def control(self) -> Any:
        return self.paper.bitget_control

    def account(self, account_id: str = "account-1", kind: str = "classic", **balances: str) -> int:
        return self.open_account(account_id, {"balances": balances or self.funds, "kind": kind})

    def orders(self, client_id: str, account_id: str = "account-1") -> list[dict[str, Any]]:
        return [order for order in self.state(account_id)["orders"] if order["clientOid"] == client_id]

    def plans(self, client_id: str, account_id: str = "account-1") -> list[dict[str, Any]]:
        """The exchange's plans (of a unified account: strategy orders) with this client id."""
        state = self.state(account_id)
        return [plan for plan in (*state["plans"], *state["strategies"]) if plan["clientOid"] == client_id]

    def free(self, asset: str, account_id: str = "account-1") -> Decimal:
        """What is free of an asset."""
        return Decimal(self.state(account_id)["balances"][asset]["free"])

    def last_px(self) -> Decimal:
        """The last price."""
        last: Decimal = self.paper.bitget.venue.exchange.markets[self.symbol].last
        return last

    def exit(
        self,
        order_type: OrderType,
        trigger: str,
        qty: str = "0.01",
        price: str | None = None,
        account_id: str = "account-1",
    ) -> SubmitOrder:
        leg = Leg.STOP_LOSS if order_type.value.startswith("STOP") else Leg.TAKE_PROFIT
        return self.order(leg, Side.SELL, order_type, account_id, qty=qty, trigger_px=trigger, price=price)


@pytest.fixture
async def bench(bootstrap: str, broker_kind: str, topic_prefix: str, database_url: str) -> AsyncIterator[Bench]:
    bus = BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)
    async with serve() as paper, opened(Bench, paper, bus, database_url) as bench:
        yield bench


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    return until
