"""When accounts are checked, and what becomes of those that cannot be."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

import pytest

from common.bus.topics import shard_of
from common.clock import FixedClock
from common.connector.outcomes import FateKind, OrderFate
from common.db.leases import Lease
from common.errors import Unavailable
from common.exchanges import Exchange
from common.orders import OrderStatus
from sync.check import Checked, Checker, Patience
from sync.connectors import NotAnswered, Pace
from sync.ledger import Account
from sync.overdue import FastLane
from sync.rounds import Lane, Rounds
from sync.runs import Waiting
from sync.testing.builders import ACCOUNT, NOW_MS, an_order, shown
from sync.testing.fakes import MemoryExchange, MemoryFacts, MemoryForeign, MemoryLedger

PARTITIONS = 4
OURS = shard_of(ACCOUNT.account_id, PARTITIONS)


class Scope:
    """One account with one symbol, and how far back was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.accounts = [(ACCOUNT, ["BTCUSDT"])]

    async def scope(
        self, closed_for_ms: int, account_ids: Collection[str] | None = None
    ) -> list[tuple[Account, list[str]]]:
        self.asked.append(closed_for_ms)
        return self.accounts


class Requests:
    """Runs in memory."""

    def __init__(self) -> None:
        self.open: list[Waiting] = []
        self.results: list[Checked] = []
        self.failures: list[str] = []

    async def waiting(self, shards: Collection[int]) -> list[Waiting]:
        return self.open if OURS in shards else []

    async def done(self, item: Waiting, checked: Checked) -> None:
        self.open.remove(item)
        self.results.append(checked)

    async def failed(self, item: Waiting, reason: str) -> None:
        self.open.remove(item)
        self.failures.append(reason)

    async def prune(self) -> None:
        """Nothing is kept."""


class House:
    """Rounds over fakes; an order has vanished, and was cancelled by hand."""

    def __init__(self, every_ms: int = 3_600_000) -> None:
        order = an_order()
        self.ledger, self.exchange = MemoryLedger(order), MemoryExchange()
        self.exchange.fates[order.client_order_id] = OrderFate(
            kind=FateKind.FOUND, facts=(shown(order, OrderStatus.CANCELED),)
        )
        self.facts = MemoryFacts(self.ledger)
        self.checker = Checker(
            self.ledger, self.exchange, MemoryForeign(), self.facts, FixedClock(NOW_MS), Patience(second_look_ms=0)
        )
        self.scope, self.requests = Scope(), Requests()
        lane = Lane(self.checker, short_after_ms=1)
        self.rounds = Rounds(
            self.scope, self.requests, lane, lane, partitions=PARTITIONS, every_ms=every_ms, window_ms=7
        )


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


def a_lease(shard: int = OURS) -> Lease:
    return Lease("sync", shard, "me", 1, 2**40)


@pytest.fixture
def house() -> House:
    return House()


async def test_a_shard_that_becomes_ours_is_checked_at_once_as_far_back_as_the_window(house: House) -> None:
    await house.rounds.gained(a_lease())
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: house.facts.findings)
    running.cancel()
    assert house.scope.asked == [7]


async def test_a_round_is_made_again_and_again_and_looks_back_over_three() -> None:
    house = House(every_ms=10)
    await house.rounds.gained(a_lease())
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: len(house.scope.asked) > 1)
    running.cancel()
    assert house.scope.asked[:2] == [7, 30]


async def test_accounts_of_other_shards_are_left_to_others(house: House) -> None:
    await house.rounds.gained(a_lease((OURS + 1) % PARTITIONS))
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: house.scope.asked)
    await house.rounds.lost((OURS + 1) % PARTITIONS)
    running.cancel()
    await house.rounds.stop()
    assert (house.exchange.asked, house.rounds.held) == ([], frozenset())


async def test_a_request_is_answered_with_what_was_found(house: House) -> None:
    house.scope.accounts = []  # Rounds have nothing to do.
    await house.rounds.gained(a_lease())
    house.requests.open = [Waiting("run", ACCOUNT, ("BTCUSDT",))]
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: house.requests.results)
    running.cancel()
    assert [len(checked.findings) for checked in house.requests.results] == [1]


async def test_an_account_whose_key_is_refused_fails_its_request_with_the_reason(house: House) -> None:
    house.scope.accounts = []
    await house.rounds.gained(a_lease())
    house.exchange.fails = [NotAnswered("AUTH", "no such key")]
    house.requests.open = [Waiting("run", ACCOUNT, ("BTCUSDT",))]
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: house.requests.failures)
    running.cancel()
    assert house.requests.failures == ["AUTH: no such key"]


async def test_a_defect_that_one_account_shows_fails_its_request_and_ends_nothing(house: House) -> None:
    house.scope.accounts = []
    await house.rounds.gained(a_lease())
    house.exchange.fails = [ZeroDivisionError()]
    house.requests.open = [Waiting("run", ACCOUNT, ("BTCUSDT",))]
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: house.requests.failures)
    assert not running.done()
    running.cancel()
    assert "log" in house.requests.failures[0]


async def test_a_defect_that_one_account_shows_leaves_the_round_to_the_others(house: House) -> None:
    other = Account("account-of-another", "user-2", Exchange.MEXC)
    house.scope.accounts.append((other, ["BTCUSDT"]))
    house.exchange.fails = [ZeroDivisionError()]
    for shard in range(PARTITIONS):
        await house.rounds.gained(a_lease(shard))
    running = asyncio.create_task(house.rounds.run())
    await until(lambda: len(house.exchange.asked) > 1)
    running.cancel()


async def test_a_connector_that_is_just_starting_is_asked_again(house: House) -> None:
    house.exchange.fails = [Unavailable("binance-connector")] * 2
    checked = await Lane(house.checker, 1).check(ACCOUNT, ["BTCUSDT"], "sync/test", (0.0, 0.0))
    assert len(checked.findings) == 1
    house.exchange.fails = [Unavailable("binance-connector")] * 3
    with pytest.raises(Unavailable):
        await Lane(house.checker, 1).check(ACCOUNT, ["BTCUSDT"], "sync/test", (0.0, 0.0))


async def test_questions_to_one_exchange_keep_their_distance() -> None:
    clock = FixedClock(NOW_MS)
    pace = Pace(20, clock)
    await pace.turn()
    second = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    assert not second.done()
    clock.advance(20)
    await second


# --- the fast lane ----------------------------------------------------------------------------------------------------


def a_fast_lane(house: House, clock: FixedClock, held: Collection[int] = (OURS,)) -> FastLane:
    return FastLane(house.ledger, house.checker, lambda: held, clock, partitions=PARTITIONS, after_ms=1, every_ms=1)


async def test_an_overdue_order_is_settled_by_one_question() -> None:
    house, order = House(), an_order(status=None)
    house.ledger.orders = {order.client_order_id: order}
    house.exchange.fates[order.client_order_id] = OrderFate(kind=FateKind.FOUND, facts=(shown(order),))
    lane = a_fast_lane(house, FixedClock(NOW_MS))
    await lane.look(Exchange.BINANCE)
    await lane.look(Exchange.BINANCE)
    assert house.exchange.asked == ["fate"]
    assert house.ledger.orders[order.client_order_id].status is OrderStatus.NEW


async def test_what_stays_unsettled_is_asked_about_ever_more_rarely() -> None:
    house, clock, order = House(), FixedClock(NOW_MS), an_order(status=None)
    house.ledger.orders = {order.client_order_id: order}
    house.exchange.fates[order.client_order_id] = OrderFate(kind=FateKind.SETTLING)
    lane = a_fast_lane(house, clock)
    for _ in range(100):
        await lane.look(Exchange.BINANCE)
        clock.advance(1_000)
    assert 4 <= len(house.exchange.asked) <= 7
    assert house.facts.findings == []


async def test_an_exchange_that_does_not_answer_holds_up_no_other() -> None:
    house = House()
    here, there = an_order("t1", status=None), an_order("t2", status=None, exchange=Exchange.MEXC)
    house.ledger.orders = {order.client_order_id: order for order in (here, there)}
    house.exchange.fates[there.client_order_id] = OrderFate(kind=FateKind.FOUND, facts=(shown(there),))
    house.exchange.fails = [Unavailable("binance-connector")]
    lane = asyncio.create_task(a_fast_lane(house, FixedClock(NOW_MS)).run())
    await until(lambda: house.ledger.orders[there.client_order_id].status is OrderStatus.NEW)
    assert not lane.done()
    lane.cancel()


async def test_an_order_that_shows_a_defect_does_not_end_the_lane_of_the_others() -> None:
    house, orders = House(), [an_order(f"t{n}", status=None) for n in range(2)]
    house.ledger.orders = {order.client_order_id: order for order in orders}
    for order in orders:
        house.exchange.fates[order.client_order_id] = OrderFate(kind=FateKind.FOUND, facts=(shown(order),))
    house.exchange.fails = [ZeroDivisionError()]
    await a_fast_lane(house, FixedClock(NOW_MS)).look(Exchange.BINANCE)
    assert [order.status for order in house.ledger.orders.values()] == [None, OrderStatus.NEW]


async def test_orders_of_other_shards_are_not_ours_to_ask_about() -> None:
    house, order = House(), an_order(status=None)
    house.ledger.orders = {order.client_order_id: order}
    await a_fast_lane(house, FixedClock(NOW_MS), held=()).look(Exchange.BINANCE)
    assert house.exchange.asked == []
