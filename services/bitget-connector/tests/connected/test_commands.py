"""Orders and cancels on a paper exchange, with answers that are lost: never two orders, never a forgotten one."""

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest

from common.errors import ErrorCategory
from common.orders import OrderStatus, OrderType

pytestmark = pytest.mark.connected

KINDS = ("classic", "uta")


def below(bench: Any) -> str:
    """A price at which a buy rests."""
    return str((bench.last_px() * Decimal("0.96")).quantize(Decimal(1)))


@pytest.mark.parametrize("kind", KINDS)
async def test_a_resting_order_is_cancelled_and_a_second_cancel_is_answered_too(
    bench: Any, kind: Any, eventually: Any
) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        order = bench.limit_buy(px=below(bench))
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        await bench.send(bench.cancel(order))
        await bench.told.first(order.client_order_id, "order.canceled")
        # Within a second the exchange refuses to look at it again (45129); what the order became is told all the same.
        again = bench.cancel(order)
        await bench.send(again)
        await eventually(lambda: [each for each in bench.told.records if each.causation_id == again.command_id])
        assert bench.told.of(order.client_order_id)[-1].status is OrderStatus.CANCELED


@pytest.mark.parametrize("kind", KINDS)
async def test_a_lost_response_leaves_exactly_one_order_which_is_found(bench: Any, kind: Any) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        order = bench.limit_buy(px=below(bench))
        bench.fault("lost_response", method="POST", count=1)
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.unknown")
        await bench.told.first(order.client_order_id, "order.snapshot")
        assert len(bench.orders(order.client_order_id)) == 1


async def test_an_order_that_never_arrived_is_proven_absent(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy(px=below(bench))
        bench.fault("error_before", method="POST", status=503, count=1)
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.unknown")
        rejected = await bench.told.first(order.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.NOT_FOUND
        assert bench.orders(order.client_order_id) == []


async def test_an_order_beyond_the_balance_is_rejected_with_its_category(bench: Any) -> None:
    bench.account(USDT="5")
    async with bench.connector():
        order = bench.limit_buy(px=below(bench))
        await bench.send(order)
        rejected = await bench.told.first(order.client_order_id, "order.rejected")
        assert (rejected.category, rejected.code) == (ErrorCategory.INSUFFICIENT_BALANCE, "43012")


async def test_a_fill_while_the_stream_is_down_is_recovered(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy(px=below(bench))
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        bench.fault("refuse_connections", delay_ms=500)
        bench.fault("drop_sockets")
        bench.paper.bitget_control.fill(
            {"uid": bench.uids["account-1"], "symbol": order.symbol, "client_order_id": order.client_order_id}
        )
        fill = await bench.told.first(order.client_order_id, "order.filled")
        assert (fill.cum_qty, fill.fee_asset) == (Decimal("0.01"), "BTC")


async def test_all_orders_of_a_symbol_are_cancelled_plans_among_them(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy(px=below(bench))
        stop = bench.exit(OrderType.STOP_LOSS, below(bench))
        await bench.send(order, stop)
        for each in (order, stop):
            await bench.told.first(each.client_order_id, "order.accepted")
        await bench.send(bench.cancel_all())
        for each in (order, stop):
            await bench.told.matching(
                lambda fact, each=each: (
                    fact.client_order_id == each.client_order_id and fact.status is OrderStatus.CANCELED
                )
            )


async def test_a_wrong_passphrase_parks_the_account(bench: Any, eventually: Any) -> None:
    bench.account()
    api_key, secret, _ = bench.vault.keys["account-1"]
    bench.vault.put("account-1", api_key, secret, "wrong")
    async with bench.connector(ready=False) as connector:
        await eventually(lambda: connector._door.keys.parked("account-1") is not None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
async def test_answers_dropped_at_random_never_make_two_entries_or_forget_an_order(
    bench: Any, kind: str, seed: int
) -> None:
    bench.account(kind=kind)
    rng = random.Random(seed)
    async with bench.connector():
        bench.fault("lost_response", method="POST", probability=0.4)
        bench.fault("error_after_accept", method="POST", status=500, probability=0.2)
        bench.fault("error_before", method="POST", status=503, probability=0.2)
        orders = [
            bench.limit_buy(px=below(bench)) if rng.random() < 0.5 else bench.exit(OrderType.STOP_LOSS, below(bench))
            for _ in range(12)
        ]
        await bench.send(*orders)
        await asyncio.gather(*(settled(bench, order) for order in orders))
        for order in orders:
            there = [*bench.orders(order.client_order_id), *bench.plans(order.client_order_id)]
            assert len(there) <= 1
            facts = bench.told.of(order.client_order_id)
            alive = any(fact.status is OrderStatus.NEW for fact in facts)
            assert alive is bool(there), f"{order.client_order_id}: told {facts}"


async def settled(bench: Any, order: Any) -> None:
    """The order is told as placed or as refused: nothing about it is open."""
    await bench.told.matching(
        lambda fact: (
            fact.client_order_id == order.client_order_id
            and (fact.status is OrderStatus.NEW or type(fact).__name__ == "OrderRejected")
        )
    )
