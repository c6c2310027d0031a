"""A Binance connector in the test's own loop, on a paper exchange, a real broker and a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from binance_connector import app
from binance_connector.settings import BinanceSettings
from common.bus.brokers import BrokerKind, BusSettings
from common.commands import ListLeg, SubmitOrder, SubmitOrderList
from common.connector.service import ConnectorParts
from common.exchanges import Exchange
from common.ids import Leg, client_order_id
from common.orders import OrderType, Side
from common.testing.connector import until
from common.testing.connector_bench import QUICK, ConnectorBench, opened
from paper_exchange.testing import serve


class Bench(ConnectorBench):
    exchange = Exchange.BINANCE

    def parts(self, **overrides: Any) -> ConnectorParts:
        urls = {
            "binance_rest_url": self.paper.binance_rest_url,
            "binance_ws_api_url": self.paper.binance_ws_api_url,
            "binance_stream_url": self.paper.binance_stream_url,
        }
        return app.parts(BinanceSettings.model_validate({**QUICK, **urls, "binance_recv_window_ms": 1_000} | overrides))

    @property
    def control(self) -> Any:
        return self.paper.control

    def exits(self, account_id: str = "account-1", take: str = "110000", stop: str = "80000") -> SubmitOrderList:
        about = self.about(account_id)
        return SubmitOrderList(
            **about,
            list_client_order_id=client_order_id(about["bracket_id"], Leg.LIST, 1),
            side=Side.SELL,
            qty=Decimal("0.01"),
            take_profit=ListLeg(
                client_order_id=client_order_id(about["bracket_id"], Leg.TAKE_PROFIT, 1),
                order_type=OrderType.LIMIT_MAKER,
                price=Decimal(take),
            ),
            stop_loss=ListLeg(
                client_order_id=client_order_id(about["bracket_id"], Leg.STOP_LOSS, 1),
                order_type=OrderType.STOP_LOSS,
                trigger_px=Decimal(stop),
            ),
        )

    def cancel_by_hand(self, order: SubmitOrder) -> None:
        """The trader cancels on the exchange's own site."""
        account = self.control.account(self.uids[order.account_id])
        found = account.by_client_id[order.symbol, order.client_order_id]
        self.paper.binance.face.exchange.cancel(found, "by-hand", self.paper.binance.now_ms())

    def push_to_user_streams(self, frame: bytes) -> None:
        """Say something on every private stream."""
        for session, socket in self.paper.binance._sessions.items():
            if session.subscriptions:
                socket.push(frame)

    def weight_used(self) -> int:
        """What the exchange has counted this minute."""
        used: int = self.paper.binance.face.meter.used_weight("127.0.0.1", self.paper.binance.now_ms())
        return used

    def market_streams(self) -> set[str]:
        """What is subscribed on the market sockets."""
        streams = self.paper.binance.streams
        return {name for socket in self.paper.binance._market_sockets for name in streams.names(socket)}


@asynccontextmanager
async def a_bench(bus: BusSettings, database_url: str) -> AsyncIterator[Bench]:
    """A bench on this broker and database."""
    async with serve() as paper, opened(Bench, paper, bus, database_url) as bench:
        yield bench


@pytest.fixture
async def bench(bootstrap: str, broker_kind: str, topic_prefix: str, database_url: str) -> AsyncIterator[Bench]:
    bus = BusSettings(kafka_bootstrap=bootstrap, broker=BrokerKind(broker_kind), topic_prefix=topic_prefix)
    async with a_bench(bus, database_url) as bench:
        yield bench


@pytest.fixture
def open_bench() -> Callable[[BusSettings, str], AbstractAsyncContextManager[Bench]]:
    return a_bench


@pytest.fixture
def eventually() -> Callable[..., Awaitable[Any]]:
    return until
