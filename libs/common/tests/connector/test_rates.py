"""The rate gate keeps to the exchange's limits, and protection always finds room."""

import asyncio

import pytest

from common.clock import FixedClock, SystemClock
from common.connector.ports import HttpRequest, LimitKind, LimitScope, LimitShape, RateLimit, Usage
from common.connector.rates import Priority, RateGate

MINUTE = 60_000
WEIGHT = RateLimit(kind=LimitKind.WEIGHT, scope=LimitScope.IP, interval_ms=MINUTE, limit=100)
ORDERS = RateLimit(kind=LimitKind.ORDERS, scope=LimitScope.ACCOUNT, interval_ms=10_000, limit=4)
ORDER = HttpRequest(method="POST", path="/order", weight=1, order_count=1, free_when_accepted=True)


def asking(weight: int) -> HttpRequest:
    return HttpRequest(method="GET", path="/x", weight=weight)


def test_reads_stop_before_the_limit_so_that_protection_still_fits() -> None:
    gate = RateGate((WEIGHT,), FixedClock())
    assert gate.try_take(asking(60), None, Priority.READ)
    assert not gate.try_take(asking(1), None, Priority.READ)
    assert gate.try_take(asking(25), None, Priority.QUERY)
    assert gate.try_take(asking(10), "a", Priority.TRADING)
    assert not gate.try_take(asking(5), "a", Priority.TRADING)
    assert gate.try_take(asking(5), "a", Priority.PROTECTION)
    assert not gate.try_take(asking(1), "a", Priority.PROTECTION)


def test_a_fixed_window_begins_anew_on_the_multiple_of_its_interval() -> None:
    clock = FixedClock(1_795_341_600_000)
    gate = RateGate((WEIGHT,), clock)
    clock.advance(MINUTE - 1)
    assert gate.try_take(asking(100), None, Priority.PROTECTION)
    assert not gate.try_take(asking(1), None, Priority.PROTECTION)
    clock.advance(1)
    assert gate.try_take(asking(100), None, Priority.PROTECTION)


def test_a_sliding_window_frees_what_is_older_than_its_interval() -> None:
    clock = FixedClock()
    gate = RateGate(
        (
            RateLimit(
                kind=LimitKind.REQUESTS,
                scope=LimitScope.IP,
                interval_ms=1_000,
                limit=2,
                shape=LimitShape.SLIDING_WINDOW,
            ),
        ),
        clock,
    )
    assert gate.try_take(ORDER, None, Priority.PROTECTION)
    clock.advance(600)
    assert gate.try_take(ORDER, None, Priority.PROTECTION)
    assert not gate.try_take(ORDER, None, Priority.PROTECTION)
    clock.advance(400)
    assert gate.try_take(ORDER, None, Priority.PROTECTION)
    assert not gate.try_take(ORDER, None, Priority.PROTECTION)


def test_order_counts_belong_to_one_account() -> None:
    gate = RateGate((ORDERS,), FixedClock())
    assert [gate.try_take(ORDER, "a", Priority.PROTECTION) for _ in range(5)] == [True] * 4 + [False]
    assert gate.try_take(ORDER, "b", Priority.PROTECTION)


def test_a_bucket_counts_only_its_own_requests() -> None:
    place = RateLimit(kind=LimitKind.REQUESTS, scope=LimitScope.ACCOUNT, interval_ms=1_000, limit=1, bucket="place")
    gate = RateGate((place,), FixedClock())
    in_bucket = HttpRequest(method="POST", path="/p", bucket="place")
    assert gate.try_take(in_bucket, "a", Priority.PROTECTION)
    assert not gate.try_take(in_bucket, "a", Priority.PROTECTION)
    assert gate.try_take(asking(1), "a", Priority.READ)


def test_what_weighs_nothing_once_accepted_is_given_back() -> None:
    gate = RateGate((WEIGHT,), FixedClock())
    for _ in range(1_000):
        assert gate.try_take(ORDER, "a", Priority.PROTECTION)
        gate.accepted(ORDER)


def test_the_exchanges_own_count_is_believed_when_it_is_higher() -> None:
    gate = RateGate((WEIGHT,), FixedClock())
    gate.observed(None, Usage(used=((LimitKind.WEIGHT, MINUTE, 99),)))
    assert not gate.try_take(asking(2), None, Priority.PROTECTION)
    gate.observed(None, Usage(used=((LimitKind.WEIGHT, MINUTE, 1),)))
    assert not gate.try_take(asking(2), None, Priority.PROTECTION)


def test_a_refusal_of_the_address_stops_everybody_until_its_time() -> None:
    clock = FixedClock()
    gate = RateGate((WEIGHT,), clock)
    gate.observed("a", Usage(retry_after_ms=5_000))
    assert not gate.try_take(ORDER, "b", Priority.PROTECTION)
    clock.advance(5_000)
    assert gate.try_take(ORDER, "b", Priority.PROTECTION)


def test_a_refusal_of_one_accounts_orders_stops_that_account_alone() -> None:
    gate = RateGate((WEIGHT,), FixedClock())
    gate.observed("a", Usage(retry_after_ms=5_000, retry_scope=LimitScope.ACCOUNT))
    assert not gate.try_take(ORDER, "a", Priority.PROTECTION)
    assert gate.try_take(ORDER, "b", Priority.PROTECTION)


async def test_those_who_wait_pass_in_order_of_priority() -> None:
    short = RateLimit(kind=LimitKind.REQUESTS, scope=LimitScope.IP, interval_ms=50, limit=1)
    gate = RateGate((short,), SystemClock())
    passed: list[str] = []

    async def wait(name: str, priority: Priority) -> None:
        assert await gate.take(ORDER, "a", priority, 5_000)
        passed.append(name)

    gate.observed(None, Usage(retry_after_ms=60))
    async with asyncio.TaskGroup() as group:
        for name, priority in (("read", Priority.READ), ("entry", Priority.TRADING), ("exit", Priority.PROTECTION)):
            group.create_task(wait(name, priority))
    assert passed == ["exit", "entry", "read"]


async def test_one_accounts_waiting_orders_do_not_hold_up_anothers() -> None:
    gate = RateGate((ORDERS,), SystemClock())
    gate.observed("a", Usage(retry_after_ms=60_000, retry_scope=LimitScope.ACCOUNT))
    gate.observed("b", Usage(retry_after_ms=20, retry_scope=LimitScope.ACCOUNT))
    held_up = asyncio.create_task(gate.take(ORDER, "a", Priority.PROTECTION, 60_000))
    assert await gate.take(ORDER, "b", Priority.READ, 5_000)
    assert not held_up.done()
    held_up.cancel()


async def test_nobody_waits_longer_than_its_patience() -> None:
    gate = RateGate((WEIGHT,), SystemClock())
    gate.observed(None, Usage(retry_after_ms=60_000))
    assert not await gate.take(ORDER, None, Priority.PROTECTION, 10)
    assert gate.waiting <= 1


@pytest.mark.parametrize("shape", LimitShape)
def test_a_request_larger_than_its_share_leaves_in_an_empty_window(shape: LimitShape) -> None:
    limit = RateLimit(kind=LimitKind.WEIGHT, scope=LimitScope.IP, interval_ms=MINUTE, limit=100, shape=shape)
    assert RateGate((limit,), FixedClock()).try_take(asking(80), None, Priority.READ)
