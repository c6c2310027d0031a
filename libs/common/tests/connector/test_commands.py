"""A command leaves only while its shard is ours."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from common.accounts import Credentials
from common.bus.messages import Record
from common.codec import encode
from common.commands import SubmitOrder
from common.connector.commands import CommandRunner
from common.connector.desk import Held, LeaseEnded, Task
from common.connector.facts import FactPublisher
from common.connector.ports import Call
from common.connector.trail import Correlations, Trails
from common.db.leases import Lease
from common.exchanges import Exchange
from common.orders import OrderType, Side
from common.testing.connector import FakeExchange, MemoryBus, MemoryKeys, a_call, a_key


class AwaitedKeys(MemoryKeys):
    """Keys from a vault that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    def held(self, account_id: str) -> None:
        return None

    async def credentials(self, account_id: str) -> Credentials:
        self.asked.set()
        await self.answers.wait()
        return a_key(account_id)


class Listed:
    """Every symbol is traded and no trigger has a side; of a dialect, what placing needs."""

    exchange = Exchange.BINANCE

    async def get(self, symbol: str) -> Any:
        return object()

    async def last_px(self, symbol: str, patience_ms: int) -> None:
        return None

    def submit_order(self, command: SubmitOrder, instrument: Any) -> Call[Any]:
        return a_call()


async def test_an_order_that_waited_for_its_key_is_not_sent_after_the_lease_has_ended(exchange: FakeExchange) -> None:
    keys = AwaitedKeys()
    listed: Any = Listed()
    nobody: Any = None  # No outcome here is in doubt, so that nothing is settled.
    runner = CommandRunner(
        listed, exchange.client.with_keys(keys), nobody, FactPublisher(MemoryBus(), Exchange.BINANCE, "test"), Trails(),
        Correlations(), listed, listed, exchange.clock, on_gap=lambda account_id, from_ms: None,
    )  # fmt: skip
    lease = Lease("accounts", 0, "me", 1, time.monotonic() + 1_000)
    order = SubmitOrder(
        command_id="c", bracket_id="b", account_id="a", exchange=Exchange.BINANCE, symbol="BTCUSDT", ts_init_ms=0,
        valid_until_ms=exchange.valid_until(), client_order_id="o", side=Side.BUY, order_type=OrderType.MARKET,
        qty=Decimal(1),
    )  # fmt: skip
    record = Record("commands", 0, 0, 0, "a", encode(order), {}, fresh=True)
    sending = asyncio.create_task(runner(Task(order, record, Held(lease, 0))))
    await keys.asked.wait()
    lease.deadline_s = 0
    keys.answers.set()
    with pytest.raises(LeaseEnded):
        await sending
    assert exchange.wire.sent == []
