"""Price orders on a real exchange protocol, broker and database: armed once, followed to the order they become."""

from typing import Any

import msgspec
import pytest

from common.errors import ErrorCategory
from common.orders import OrderStatus, OrderType

pytestmark = pytest.mark.connected


def armed(bench: Any) -> list[dict[str, Any]]:
    return [order for order in bench.price_orders() if order["status"] == "open"]


async def test_an_entry_is_told_with_its_fills_and_fees(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.market_buy()
        await bench.send(order)
        fill = await bench.told.first(order.client_order_id, "order.filled")
        assert fill.fee > 0
        assert fill.fee_asset == "BTC"
        ended = await bench.told.matching(
            lambda fact: fact.client_order_id == order.client_order_id and fact.status is OrderStatus.FILLED
        )
        assert ended.cum_qty == order.qty


async def test_a_pair_of_triggers_is_armed_and_the_partner_of_the_one_that_fires_is_cancelled(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        stop, target = bench.trigger("90000"), bench.trigger("105000", OrderType.TAKE_PROFIT)
        await bench.send(stop, target)
        for leg in (stop, target):
            accepted = await bench.told.first(leg.client_order_id, "order.accepted")
            assert accepted.exchange_order_id.startswith("po-")
        assert {order["trigger"]["rule"] for order in armed(bench)} == {"<=", ">="}
        bench.move("105100")
        await bench.told.first(target.client_order_id, "order.triggered")
        fill = await bench.told.first(target.client_order_id, "order.filled")
        assert fill.last_qty == target.qty
        await bench.told.matching(
            lambda fact: fact.client_order_id == target.client_order_id and fact.status is OrderStatus.FILLED
        )
        await bench.send(bench.cancel(stop))
        await bench.told.first(stop.client_order_id, "order.canceled")
        assert armed(bench) == []


async def test_two_stops_of_the_same_terms_are_armed_one_after_the_other(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        first, second = bench.trigger("90000"), bench.trigger("90000")
        target = bench.trigger("105000", OrderType.TAKE_PROFIT)
        await bench.send(first, second, target)
        ids = {(await bench.told.first(leg.client_order_id, "order.accepted")).exchange_order_id
               for leg in (first, second, target)}  # fmt: skip
        assert len(ids) == 3
        assert len(armed(bench)) == 3
        order_told = [fact.client_order_id for fact in bench.told.facts if fact.client_order_id]
        last_stop = max(order_told.index(leg.client_order_id) for leg in (first, second))
        assert order_told.index(target.client_order_id) < last_stop  # The other rule did not wait with them.


async def test_a_lost_answer_to_a_trigger_leaves_exactly_one_which_is_found_by_its_terms(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        stop = bench.trigger("90000")
        bench.fault("lost_response", method="POST", path="/api/v4/spot/price_orders", count=1)
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.unknown")
        found = await bench.told.first(stop.client_order_id, "order.snapshot")
        assert (found.status, len(armed(bench))) == (OrderStatus.NEW, 1)
        bench.move("89900")
        await bench.told.first(stop.client_order_id, "order.filled")


async def test_of_two_equal_triggers_with_lost_answers_each_is_found_once(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        first, second = bench.trigger("90000"), bench.trigger("90000")
        bench.fault("lost_response", method="POST", path="/api/v4/spot/price_orders", count=2)
        await bench.send(first, second)
        found = [await bench.told.first(leg.client_order_id, "order.snapshot") for leg in (first, second)]
        assert len({each.exchange_order_id for each in found}) == 2
        assert len(armed(bench)) == 2


async def test_a_trigger_that_never_arrived_is_proven_absent(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        stop = bench.trigger("90000")
        bench.fault("error_before", method="POST", path="/api/v4/spot/price_orders", status=503, count=1)
        await bench.send(stop)
        rejected = await bench.told.first(stop.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.NOT_FOUND
        assert bench.price_orders() == []


async def test_a_trigger_that_the_market_has_passed_is_refused_with_the_price(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        stop = bench.trigger("120000")
        await bench.send(stop)
        rejected = await bench.told.first(stop.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.PRICE_RELATION
        assert rejected.market_px < stop.trigger_px
        assert bench.price_orders() == []


async def test_a_trigger_that_fires_and_places_nothing_is_told_as_expired_with_the_reason(bench: Any) -> None:
    bench.account(USDT="1000", BTC="0")
    async with bench.connector():
        stop = bench.trigger("90000")
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.accepted")
        bench.move("89900")
        expired = await bench.told.first(stop.client_order_id, "order.expired")
        assert expired.reason == "BALANCE_NOT_ENOUGH"


async def test_a_child_that_rests_is_cancelled_through_its_trigger(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        target = bench.trigger("105000", OrderType.TAKE_PROFIT_LIMIT)
        # The limit stands above the trigger: it fires, and rests.
        target = msgspec.structs.replace(target, price=target.price + 5_000)
        await bench.send(target)
        await bench.told.first(target.client_order_id, "order.accepted")
        bench.move("105100")
        await bench.told.first(target.client_order_id, "order.triggered")
        await bench.send(bench.cancel(target))
        canceled = await bench.told.first(target.client_order_id, "order.canceled")
        assert canceled.exchange_order_id.startswith("po-")
        assert [order["status"] for order in bench.state()["orders"]] == ["cancelled"]


async def test_a_gap_while_a_trigger_fires_is_closed_under_our_id(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        stop = bench.trigger("90000")
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.accepted")
        bench.fault("refuse_connections", delay_ms=300)
        bench.fault("drop_sockets")
        bench.move("89900")
        fill = await bench.told.first(stop.client_order_id, "order.filled")
        assert fill.last_qty == stop.qty
        nameless = [fact for fact in bench.told.facts if fact.client_order_id is None]
        assert nameless == []


async def test_another_process_follows_a_trigger_that_this_one_armed(bench: Any) -> None:
    bench.account()
    stop = bench.trigger("90000")
    async with bench.connector():
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.accepted")
    async with bench.connector():
        bench.move("89900")
        await bench.told.first(stop.client_order_id, "order.filled")


async def test_a_question_after_a_restart_finds_a_trigger_whose_answer_was_lost(bench: Any) -> None:
    bench.account()
    stop = bench.trigger("90000")
    async with bench.connector():
        bench.fault("lost_response", method="POST", path="/api/v4/spot/price_orders", count=1)
        bench.fault("error_before", method="GET", path="/api/v4/spot/price_orders", status=503)
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.unknown")
    bench.paper.gateio_control.disarm(None)
    async with bench.connector():
        await bench.send(bench.query(stop.client_order_id, stop.ts_init_ms))
        found = await bench.told.first(stop.client_order_id, "order.snapshot")
        assert found.status is OrderStatus.NEW


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
async def test_a_cancel_is_understood_in_both_spellings(bench: Any, word: str) -> None:
    bench.account()
    bench.switch(cancelled_word=word)
    async with bench.connector():
        stop = bench.trigger("90000")
        await bench.send(stop)
        await bench.told.first(stop.client_order_id, "order.accepted")
        await bench.send(bench.cancel(stop))
        await bench.told.first(stop.client_order_id, "order.canceled")
