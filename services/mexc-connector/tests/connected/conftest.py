"""A MEXC connector in the test's own loop, on a paper exchange, a real broker and a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar

import pytest

from common.bus.brokers import BrokerKind, BusSettings
from common.commands import SubmitOrder
from common.connector.service import ConnectorParts
from common.exchanges import Exchange
from common.ids import Leg
from common.orders import OrderType, Side
from common.testing.connector import until
from common.testing.connector_bench import QUICK, ConnectorBench, opened
from mexc_connector import app
from mexc_connector.settings import MexcSettings
from paper_exchange.testing import serve


class Bench(ConnectorBench):
    exchange = Exchange.MEXC
    symbol = "MXUSDT"
    funds: ClassVar = {"USDT": "1000000", "MX": "1000"}

    def parts(self, **overrides: Any) -> ConnectorParts:
        urls = {"mexc_rest_url": self.paper.mexc_rest_url, "mexc_ws_url": self.paper.mexc_ws_url}
        return app.parts(MexcSettings.model_validate({**QUICK, **urls, "mexc_recv_window_ms": 1_000} | overrides))

    @property
    def control(self) -> Any:
        return self.paper.mexc_control

    def limit_buy(self, px: str = "3.6", qty: str = "40", account_id: str = "account-1", **more: Any) -> SubmitOrder:
        return self.order(Leg.ENTRY, Side.BUY, OrderType.LIMIT, account_id, qty=qty, price=px, **more)

    def market_buy(self, qty: str = "40", account_id: str = "account-1") -> SubmitOrder:
        return super().market_buy(qty, account_id)

    def take_profit(self, px: str = "3.9", qty: str = "20", account_id: str = "account-1") -> SubmitOrder:
        return self.order(Leg.TAKE_PROFIT, Side.SELL, OrderType.LIMIT, account_id, qty=qty, price=px)

    def market_sell(self, qty: str, account_id: str = "account-1") -> SubmitOrder:
        return self.order(Leg.MARKET_EXIT, Side.SELL, OrderType.MARKET, account_id, qty=qty)

    def fill(self, order: SubmitOrder, qty: str | None = None) -> None:
        """The market fills a resting order, wholly or partly."""
        named = {"uid": self.uids[order.account_id], "client_order_id": order.client_order_id}
        self.control.fill(named if qty is None else {**named, "qty": qty})

    def lose_listen_keys(self, account_id: str = "account-1") -> None:
        """The account's listen keys end without a word."""
        self.control.expire_listen_keys({"uid": self.uids[account_id]})

    def listen_keys(self, account_id: str = "account-1") -> list[str]:
        """The account's listen keys that live."""
        return list(self.paper.mexc.venue.listen_keys.of(self.uids[account_id], self.paper.mexc.now_ms()))

    def market_channels(self) -> list[set[str]]:
        """What is subscribed on each market socket."""
        return [set(session.channels) for session in self.paper.mexc._sessions if session.uid is None]


@pytest.fixture
async def bench(bootstrap: str, broker_kind: str, topic_prefix: str, database_url: str) -> AsyncIterator[Bench]:
    bus = BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)
    async with serve() as paper, opened(Bench, paper, bus, database_url) as bench:
        yield bench


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    return until
