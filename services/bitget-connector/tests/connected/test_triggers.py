"""Pairs of trigger orders on a paper exchange: armed, fired, cancelled, failed, missed; Classic and unified alike."""

from decimal import Decimal
from typing import Any

import pytest

from common.errors import ErrorCategory
from common.orders import OrderStatus, OrderType

pytestmark = pytest.mark.connected

KINDS = ("classic", "uta")


def around(bench: Any, percent: str) -> str:
    """A price so far from the last one, on the step."""
    return str((bench.last_px() * (100 + Decimal(percent)) / 100).quantize(Decimal(1)))


async def armed(bench: Any, order_type: OrderType, percent: str, **more: Any) -> Any:
    order = bench.exit(order_type, around(bench, percent), **more)
    await bench.send(order)
    accepted = await bench.told.first(order.client_order_id, "order.accepted")
    assert accepted.trigger_px == order.trigger_px
    return order


@pytest.mark.parametrize("kind", KINDS)
async def test_an_entry_is_bought_at_market_in_base_and_never_above_its_quantity(bench: Any, kind: str) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        order = bench.market_buy("0.01")
        await bench.send(order)
        fill = await bench.told.first(order.client_order_id, "order.filled")
        assert (fill.last_qty, fill.fee_asset) == (Decimal("0.01"), "BTC")
        assert fill.fee > 0
        assert len(bench.orders(order.client_order_id)) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stop_that_fires_is_told_as_one_order_from_armed_to_filled(bench: Any, kind: str) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        bench.move(around(bench, "-3"))
        triggered = await bench.told.first(stop.client_order_id, "order.triggered")
        fill = await bench.told.first(stop.client_order_id, "order.filled")
        assert (triggered.status, fill.cum_qty or fill.last_qty) == (OrderStatus.NEW, Decimal("0.01"))
        ended = await bench.told.matching(
            lambda fact: fact.client_order_id == stop.client_order_id and fact.status is OrderStatus.FILLED
        )
        assert ended.order_type is OrderType.STOP_LOSS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("child_client_oid", ["plan_id", "own"])
async def test_the_partner_of_a_fired_target_is_cancelled(bench: Any, kind: str, child_client_oid: str) -> None:
    bench.switch(child_client_oid=child_client_oid)
    bench.account(kind=kind)
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        target = await armed(bench, OrderType.TAKE_PROFIT, "2")
        bench.move(around(bench, "3"))
        await bench.told.first(target.client_order_id, "order.triggered")
        await bench.send(bench.cancel(stop))
        await bench.told.first(stop.client_order_id, "order.canceled")
        await bench.told.first(target.client_order_id, "order.filled")
        assert bench.told.of(stop.client_order_id, "order.filled") == []
        assert bench.free("BTC") == Decimal("9.99")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ["failure", "43026"])
async def test_a_cancel_that_comes_too_late_is_answered_with_what_the_trigger_became(
    bench: Any, kind: str, answer: str
) -> None:
    bench.switch(cancel_fired_plan=answer)
    bench.account(kind=kind)
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        bench.move(around(bench, "-3"))
        await bench.told.first(stop.client_order_id, "order.filled")
        await bench.send(bench.cancel(stop))
        snapshot = await bench.told.matching(
            lambda fact: fact.client_order_id == stop.client_order_id and fact.status is OrderStatus.FILLED
        )
        assert snapshot.cum_qty == Decimal("0.01") or snapshot.last_qty == Decimal("0.01")
        assert bench.told.of(stop.client_order_id, "order.canceled") == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_child_that_rests_in_the_book_is_cancelled_in_its_triggers_place(bench: Any, kind: str) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        # The child asks for more than the market gives: it rests.
        target = await armed(bench, OrderType.TAKE_PROFIT_LIMIT, "2", price=around(bench, "20"))
        bench.move(around(bench, "3"))
        await bench.told.first(target.client_order_id, "order.triggered")
        await bench.send(bench.cancel(target))
        ended = await bench.told.matching(
            lambda fact: fact.client_order_id == target.client_order_id and fact.status is OrderStatus.CANCELED
        )
        assert not ended.cum_qty
        assert bench.free("BTC") == Decimal(10)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_trigger_that_fires_into_an_empty_account_is_told_as_ended_with_the_reason(
    bench: Any, kind: str
) -> None:
    bench.account(kind=kind, USDT="1000000", BTC="0.005")
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        bench.move(around(bench, "-3"))
        expired = await bench.told.first(stop.client_order_id, "order.expired")
        assert expired.reason in {"fail_execute", "failed"}
        assert expired.status is OrderStatus.EXPIRED


async def test_a_trigger_on_the_wrong_side_is_refused_with_the_price_and_nothing_stays_armed(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        stop = bench.exit(OrderType.STOP_LOSS, around(bench, "1"))
        await bench.send(stop)
        rejected = await bench.told.first(stop.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.PRICE_RELATION
        assert rejected.market_px == bench.last_px()
        assert bench.plans(stop.client_order_id) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("child_client_oid", ["plan_id", "own"])
async def test_a_trigger_that_fired_while_nobody_listened_is_recovered_with_its_fill(
    bench: Any, kind: str, child_client_oid: str
) -> None:
    bench.switch(child_client_oid=child_client_oid)
    bench.account(kind=kind)
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        bench.fault("refuse_connections", delay_ms=500)
        bench.fault("drop_sockets")
        bench.move(around(bench, "-3"))
        fill = await bench.told.first(stop.client_order_id, "order.filled")
        await bench.told.first(stop.client_order_id, "order.triggered")
        assert (fill.cum_qty, fill.status) == (Decimal("0.01"), OrderStatus.FILLED)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_trigger_that_fired_between_two_processes_is_recovered_by_the_next_one(bench: Any, kind: str) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        target = await armed(bench, OrderType.TAKE_PROFIT_LIMIT, "2", price=around(bench, "20"))
    bench.move(around(bench, "3"))
    async with bench.connector():
        # Its child rests: that it fired is news all the same, for its partner must go.
        await bench.told.first(target.client_order_id, "order.triggered")
        await bench.send(bench.cancel(stop))
        await bench.told.first(stop.client_order_id, "order.canceled")


async def test_a_failed_trigger_that_nobody_heard_of_is_recovered_as_ended(bench: Any) -> None:
    bench.account(USDT="1000000", BTC="0.005")
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        bench.fault("refuse_connections", delay_ms=500)
        bench.fault("drop_sockets")
        bench.move(around(bench, "-3"))
        await bench.told.matching(
            lambda fact: fact.client_order_id == stop.client_order_id and fact.status is OrderStatus.EXPIRED
        )


@pytest.mark.parametrize("executed_before_child", [False, True])
async def test_a_child_is_named_whichever_push_comes_first(bench: Any, executed_before_child: bool) -> None:
    bench.switch(executed_before_child=executed_before_child, filled_push_has_fill=False)
    bench.account()
    async with bench.connector():
        stop = await armed(bench, OrderType.STOP_LOSS, "-2")
        bench.move(around(bench, "-3"))
        await bench.told.first(stop.client_order_id, "order.filled")
        strangers = [fact for fact in bench.told.facts if fact.client_order_id != stop.client_order_id]
        assert strangers == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_trigger_whose_answer_is_lost_is_found_and_placed_once(bench: Any, kind: str) -> None:
    bench.account(kind=kind)
    async with bench.connector():
        stop = bench.exit(OrderType.STOP_LOSS, around(bench, "-2"))
        bench.fault("lost_response", method="POST", count=1)
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.unknown")
        await bench.told.first(stop.client_order_id, "order.snapshot")
        assert len(bench.plans(stop.client_order_id)) == 1


async def test_a_unified_account_is_recognised_and_remembered(bench: Any) -> None:
    bench.account(kind="uta")
    async with bench.connector() as connector:
        order = bench.limit_buy(px=around(bench, "-4"))
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        assert connector._dialect._memory.is_unified("account-1")
