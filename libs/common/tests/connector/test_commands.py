"""A command leaves only while its shard is ours."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.accounts import Credentials
from common.bus.messages import Record
from common.codec import decode, encode
from common.commands import CancelOrder, SubmitOrder
from common.connector.commands import CommandRunner
from common.connector.desk import Held, LeaseEnded, Task
from common.connector.facts import FactPublisher
from common.connector.lookups import Found
from common.connector.ports import Accepted, Call, OrderRef
from common.connector.trail import Correlations, Trails
from common.db.leases import Lease
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderCanceled, OrderRejected, OrderType, Side
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

    async def last_px(self, symbol: str, patience_ms: int, *, fresh: bool = False) -> Decimal | None:
        return None

    def submit_order(self, command: SubmitOrder, instrument: Any) -> Call[Any]:
        return Call(a_call().request, lambda reply, now_ms: Accepted(()))


class Falling(Listed):
    """The price falls through the trigger while it is being placed."""

    async def last_px(self, symbol: str, patience_ms: int, *, fresh: bool = False) -> Decimal | None:
        return Decimal(89_000 if fresh else 91_000)

    def submit_order(self, command: SubmitOrder, instrument: Any) -> Call[Any]:
        return Call(a_call().request, lambda reply, now_ms: Accepted((self._fact(OrderAccepted),)))

    def cancel_order(self, command: CancelOrder) -> Call[Any]:
        return Call(a_call().request, lambda reply, now_ms: Accepted((self._fact(OrderCanceled),)))

    @staticmethod
    def _fact(type_: Any) -> Any:
        return type_(
            account_id="a", exchange=Exchange.GATEIO, symbol="BTCUSDT", client_order_id="o", exchange_order_id="po-7",
            side=Side.SELL, ts_event_ms=1, ts_init_ms=1,
        )  # fmt: skip


class Looks:
    """A settler that finds every order it looks for."""

    def __init__(self) -> None:
        self.looked_for: list[str] = []

    def conclusive_ms(self, last_sent_ms: int) -> int:
        return last_sent_ms

    async def look_until_clear(self, ref: OrderRef, **_: Any) -> Found:
        self.looked_for.append(ref.client_order_id or "")
        nothing_of_it: Any = None  # What it looks like does not matter here.
        return Found(nothing_of_it, ())


def the_runner(
    exchange: FakeExchange, keys: MemoryKeys, settler: Any = None, listed: Any = None, bus: MemoryBus | None = None
) -> CommandRunner:
    listed = listed or Listed()
    return CommandRunner(
        listed, exchange.client.with_keys(keys), settler, FactPublisher(bus or MemoryBus(), Exchange.BINANCE, "test"),
        Trails(), Correlations(), listed, listed, exchange.clock, on_gap=lambda account_id, from_ms: None,
    )  # fmt: skip


def an_order(exchange: FakeExchange, made_ms: int = 0) -> SubmitOrder:
    return SubmitOrder(
        command_id="c", bracket_id="b", account_id="a", exchange=Exchange.BINANCE, symbol="BTCUSDT",
        ts_init_ms=made_ms, valid_until_ms=exchange.valid_until(), client_order_id="o", side=Side.BUY,
        order_type=OrderType.MARKET, qty=Decimal(1),
    )  # fmt: skip


def record_of(order: SubmitOrder, *, fresh: bool) -> Record:
    return Record("commands", 0, 0, 0, "a", encode(order), {}, fresh=fresh)


def a_lease(epoch: int) -> Lease:
    return Lease("accounts", 0, "me", epoch, time.monotonic() + 1_000)


async def test_an_order_that_waited_for_its_key_is_not_sent_after_the_lease_has_ended(exchange: FakeExchange) -> None:
    keys, lease, order = AwaitedKeys(), a_lease(1), an_order(exchange)
    runner = the_runner(exchange, keys)  # No outcome here is in doubt, so that nothing is settled.
    sending = asyncio.create_task(runner(Task(order, record_of(order, fresh=True), Held(lease, 0))))
    await keys.asked.wait()
    lease.deadline_s = 0
    keys.answers.set()
    with pytest.raises(LeaseEnded):
        await sending
    assert exchange.wire.sent == []


@pytest.mark.parametrize("case", ["made before it was ours", "left meanwhile to others", "interrupted"])
async def test_an_order_that_may_have_left_already_is_looked_for_first(exchange: FakeExchange, case: str) -> None:
    now_ms, looks = exchange.clock.now_ms(), Looks()
    made_ms = now_ms - (200_000 if case == "made before it was ours" else 5_000)
    order = an_order(exchange, made_ms)
    before = Held(a_lease(1), now_ms - 100_000)
    held = Held(a_lease(3 if case == "left meanwhile to others" else 2), now_ms - 1_000, before)
    task = Task(order, record_of(order, fresh=case == "interrupted"), held, interrupted=case == "interrupted")
    await the_runner(exchange, exchange.keys, looks)(task)
    assert looks.looked_for == ["o"]
    assert exchange.wire.sent == []


async def test_an_order_made_while_nobody_but_us_could_send_it_leaves_at_once(exchange: FakeExchange) -> None:
    now_ms, looks = exchange.clock.now_ms(), Looks()
    order = an_order(exchange, made_ms=now_ms - 5_000)
    lapsed = Held(a_lease(1), now_ms - 100_000)
    task = Task(order, record_of(order, fresh=False), Held(a_lease(2), now_ms - 1_000, lapsed))
    await the_runner(exchange, exchange.keys, looks)(task)
    assert looks.looked_for == []
    assert len(exchange.wire.sent) == 1


async def test_a_trigger_that_is_taken_back_at_once_is_refused_with_the_number_it_had(exchange: FakeExchange) -> None:
    bus = MemoryBus()
    stop = msgspec.structs.replace(
        an_order(exchange), exchange=Exchange.GATEIO, side=Side.SELL, order_type=OrderType.STOP_LOSS,
        trigger_px=Decimal(90_000),
    )  # fmt: skip
    runner = the_runner(exchange, exchange.keys, listed=Falling(), bus=bus)
    await runner(Task(stop, record_of(stop, fresh=True), Held(a_lease(1), 0)))
    (refused,) = [decode(message.value or b"", OrderRejected) for message in bus.messages]
    assert (refused.category, refused.exchange_order_id) == (ErrorCategory.PRICE_RELATION, "po-7")
