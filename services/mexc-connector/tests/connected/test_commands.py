"""Commands on the paper exchange's MEXC face, a real broker and a real database: sent once, answered always."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.errors import ErrorCategory
from common.orders import OrderStatus, OrderType, TimeInForce

pytestmark = pytest.mark.connected


async def resting(bench: Any, order: Any) -> Any:
    await bench.send(order)
    await bench.told.first(order.client_order_id, "order.accepted")
    return order


async def test_an_entry_is_accepted_filled_and_told_with_its_fee(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        entry = await resting(bench, bench.limit_buy())
        bench.fill(entry)
        fill = await bench.told.first(entry.client_order_id, "order.filled")
        assert (fill.last_qty, fill.fee_asset) == (Decimal(40), "USDT")
        snapshot = await bench.told.first(entry.client_order_id, "order.snapshot")
        assert (snapshot.status, snapshot.cum_qty) == (OrderStatus.FILLED, Decimal(40))


@pytest.mark.parametrize("push_order", ["documented", "deals_first", "shuffled"])
async def test_a_partial_fill_is_told_by_its_deal_and_by_its_order_in_whatever_order(
    bench: Any, push_order: str
) -> None:
    bench.account()
    bench.switch(push_order=push_order)
    async with bench.connector():
        entry = await resting(bench, bench.limit_buy())
        bench.fill(entry, "15")
        fill = await bench.told.first(entry.client_order_id, "order.filled")
        snapshot = await bench.told.first(entry.client_order_id, "order.snapshot")
        assert fill.last_qty == snapshot.cum_qty == Decimal(15)
        assert snapshot.status is OrderStatus.PARTIALLY_FILLED


@pytest.mark.parametrize("answer", ["live", "docs", "minimal"])
async def test_a_cancel_is_believed_only_when_the_order_itself_says_so(bench: Any, answer: str) -> None:
    bench.account()
    bench.switch(cancel_answer=answer)
    async with bench.connector():
        target = await resting(bench, bench.take_profit())
        await bench.send(bench.cancel(target))
        canceled = await bench.told.first(target.client_order_id, "order.canceled")
        assert canceled.status is OrderStatus.CANCELED


async def test_a_cancel_whose_push_is_lost_is_asked_for(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        target = await resting(bench, bench.take_profit())
        bench.fault("swallow_event", count=100)
        await bench.send(bench.cancel(target))
        ended = await bench.told.matching(
            lambda fact: fact.client_order_id == target.client_order_id and fact.status is OrderStatus.CANCELED
        )
        assert ended.cum_qty == 0


async def test_a_target_that_fills_while_its_cancel_is_under_way_is_told_as_filled(bench: Any) -> None:
    bench.account()
    bench.switch(cancel_lag_ms=200)
    async with bench.connector():
        target = await resting(bench, bench.take_profit())
        bench.fault("slow_response", method="DELETE", delay_ms=20, count=1)
        await bench.send(bench.cancel(target))
        await asyncio.sleep(0.08)
        bench.fill(target)
        filled = await bench.told.matching(
            lambda fact: fact.client_order_id == target.client_order_id and fact.status is OrderStatus.FILLED
        )
        assert filled.cum_qty == Decimal(20)


async def test_a_partly_filled_target_that_is_cancelled_has_ended_and_says_how_much_it_sold(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        target = await resting(bench, bench.take_profit())
        bench.fill(target, "8")
        await bench.told.first(target.client_order_id, "order.filled")
        await bench.send(bench.cancel(target))
        canceled = await bench.told.first(target.client_order_id, "order.canceled")
        assert (canceled.status, canceled.cum_qty) == (OrderStatus.CANCELED, Decimal(8))
        assert bench.orders(target.client_order_id)[0]["status"] == "PARTIALLY_CANCELED"


async def test_a_sale_before_the_balance_is_free_is_told_what_is(bench: Any) -> None:
    bench.account(MX="20", USDT="0")
    bench.switch(unfreeze_lag_ms=400)
    async with bench.connector():
        target = await resting(bench, bench.take_profit())
        await bench.send(bench.cancel(target))
        await bench.told.first(target.client_order_id, "order.canceled")
        sale = bench.market_sell("20")
        await bench.send(sale)
        rejected = await bench.told.first(sale.client_order_id, "order.rejected")
        assert (rejected.category, rejected.available_qty) == (ErrorCategory.INSUFFICIENT_BALANCE, Decimal(0))


async def test_a_market_sell_is_filled_and_its_protection_price_is_nobodys_price(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        sale = bench.market_sell("20")
        await bench.send(sale)
        fill = await bench.told.first(sale.client_order_id, "order.filled")
        assert fill.last_px > 0
        snapshot = await bench.told.first(sale.client_order_id, "order.snapshot")
        assert snapshot.price is None


@pytest.mark.parametrize("order_type", [OrderType.STOP_LOSS, OrderType.TAKE_PROFIT_LIMIT])
async def test_stops_are_refused_here_because_mexc_would_sell_at_once(bench: Any, order_type: OrderType) -> None:
    bench.account()
    async with bench.connector():
        stop = msgspec.structs.replace(bench.take_profit(), order_type=order_type, trigger_px=Decimal("3.5"))
        await bench.send(stop)
        rejected = await bench.told.first(stop.client_order_id, "order.rejected")
        assert (rejected.category, rejected.code) == (ErrorCategory.BAD_REQUEST, "unsupported_order_type")
        assert bench.orders(stop.client_order_id) == []


async def test_a_price_outside_the_band_is_told_the_markets(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        target = bench.take_profit(px="3.2")
        await bench.send(target)
        rejected = await bench.told.first(target.client_order_id, "order.rejected")
        assert (rejected.category, rejected.code) == (ErrorCategory.PRICE_RELATION, "30087")
        assert rejected.market_px == Decimal("3.7")


async def test_an_unfilled_rest_of_an_immediate_order_has_ended(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        entry = msgspec.structs.replace(bench.limit_buy(), time_in_force=TimeInForce.IOC)
        await bench.send(entry)
        canceled = await bench.told.first(entry.client_order_id, "order.canceled")
        assert canceled.cum_qty == 0


async def test_a_lost_response_leaves_exactly_one_order_which_is_found(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        entry = bench.limit_buy()
        bench.fault("lost_response", method="POST", path="/api/v3/order", count=1)
        await bench.send(entry)
        await bench.told.first(entry.client_order_id, "order.unknown")
        await bench.told.first(entry.client_order_id, "order.snapshot")
        assert len(bench.orders(entry.client_order_id)) == 1


@pytest.mark.parametrize("code", [-2013, -2011])
async def test_an_order_that_never_arrived_is_proven_absent(bench: Any, code: int) -> None:
    bench.account()
    bench.switch(unknown_order_code=code)
    async with bench.connector():
        entry = bench.limit_buy()
        bench.fault("error_before", method="POST", status=503, count=1)
        await bench.send(entry)
        await bench.told.first(entry.client_order_id, "order.unknown")
        rejected = await bench.told.first(entry.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.NOT_FOUND
        assert bench.orders(entry.client_order_id) == []


async def test_everything_open_is_cancelled_and_each_order_told(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        first, second = await resting(bench, bench.take_profit()), await resting(bench, bench.take_profit(px="4.1"))
        await bench.send(bench.cancel_all())
        for order in (first, second):
            await bench.told.first(order.client_order_id, "order.canceled")


async def test_a_refusal_for_the_limits_is_waited_out_within_the_validity(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        entry = bench.limit_buy()
        bench.fault("rate_limited", method="POST", retry_after_s=1, count=1)
        await resting(bench, entry)
        assert bench.told.of(entry.client_order_id, "order.rejected") == []


async def test_a_refusal_for_the_clock_is_mended_by_measuring_it(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        bench.fault("clock_skew", delay_ms=60_000)
        await resting(bench, bench.limit_buy())


async def test_a_command_read_after_a_restart_is_suspect_and_its_order_adopted(bench: Any) -> None:
    bench.account()
    entry = bench.limit_buy()
    async with bench.connector():
        await resting(bench, entry)
    await bench.forget_positions()
    async with bench.connector():
        await bench.told.first(entry.client_order_id, "order.snapshot")
        assert len(bench.orders(entry.client_order_id)) == 1


async def test_responses_dropped_at_random_leave_one_order_each_and_every_fill_is_told(
    bench: Any, eventually: Any
) -> None:
    bench.account()
    async with bench.connector():
        bench.fault("lost_response", path="/api/v3/order", probability=0.4)
        entries = [bench.limit_buy() for _ in range(20)]
        await bench.send(*entries)
        for entry in entries:
            await bench.told.matching(
                lambda fact, own=entry.client_order_id: fact.client_order_id == own and fact.status is OrderStatus.NEW
            )
        for entry in entries:
            assert len(bench.orders(entry.client_order_id)) == 1
            bench.fill(entry)
        for entry in entries:
            await bench.told.first(entry.client_order_id, "order.filled")
        assert all(bench.told.of(entry.client_order_id, "order.rejected") == [] for entry in entries)
