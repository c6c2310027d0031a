"""Commands on a real exchange protocol, broker and database: sent once, answered always."""

import asyncio
from typing import Any

import msgspec
import pytest

from common.errors import ErrorCategory
from common.orders import OrderStatus

pytestmark = pytest.mark.connected


async def test_a_fresh_command_is_sent_at_once_and_answered_with_facts(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy()
        await bench.send(order)
        accepted = await bench.told.first(order.client_order_id, "order.accepted")
        assert accepted.status is OrderStatus.NEW
        assert [found["status"] for found in bench.orders(order.client_order_id)] == ["NEW"]
        record = next(each for each in bench.told.records if each.causation_id == order.command_id)
        assert record.correlation_id == f"trade-{order.command_id}"
        assert record.key == "account-1"


async def test_a_market_order_is_told_with_its_fills_and_fees(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.market_buy()
        await bench.send(order)
        fill = await bench.told.first(order.client_order_id, "order.filled")
        assert fill.fee > 0
        assert fill.trade_id


async def test_both_exit_lists_of_a_fill_leave_together(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        first, second = bench.exits(), bench.exits(take="112000")
        await bench.send(first, second)
        for each in (first, second):
            await bench.told.first(each.take_profit.client_order_id, "order.accepted")
            await bench.told.first(each.stop_loss.client_order_id, "order.accepted")
        assert len(bench.state()["order_lists"]) == 2


async def test_the_same_command_twice_places_one_order(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.market_buy()
        await bench.send(order)
        await bench.send(order, redelivery=True)
        await bench.send(order)
        other = bench.limit_buy()
        await bench.send(other)
        await bench.told.first(other.client_order_id, "order.accepted")
        assert len(bench.orders(order.client_order_id)) == 1


async def test_a_lost_response_leaves_exactly_one_order_which_is_found(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy()
        bench.fault("lost_response", method="POST", count=1)
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.unknown")
        await bench.told.first(order.client_order_id, "order.snapshot")
        assert len(bench.orders(order.client_order_id)) == 1


async def test_an_order_that_never_arrived_is_proven_absent(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy()
        bench.fault("error_before", method="POST", status=503, count=1)
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.unknown")
        rejected = await bench.told.first(order.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.NOT_FOUND
        assert bench.orders(order.client_order_id) == []


async def test_a_refused_order_is_rejected_with_what_helps_to_decide(bench: Any) -> None:
    bench.account(BTC="0.005", USDT="100")
    async with bench.connector():
        exits = bench.exits()
        await bench.send(exits)
        for leg in (exits.take_profit, exits.stop_loss):
            rejected = await bench.told.first(leg.client_order_id, "order.rejected")
            assert rejected.category is ErrorCategory.INSUFFICIENT_BALANCE
            assert str(rejected.available_qty) == "0.005"
            assert rejected.list_client_order_id == exits.list_client_order_id


async def test_an_exit_on_the_wrong_side_of_the_market_is_told_the_price(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        exits = bench.exits(take="110000", stop="105000")
        await bench.send(exits)
        rejected = await bench.told.first(exits.stop_loss.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.PRICE_RELATION
        assert rejected.market_px is not None


async def test_a_command_the_exchange_has_no_words_for_is_refused_here(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = msgspec.structs.replace(bench.limit_buy(), price=None)
        await bench.send(order)
        rejected = await bench.told.first(order.client_order_id, "order.rejected")
        assert (rejected.category, rejected.code) == (ErrorCategory.BAD_REQUEST, "bad_order")
        assert bench.orders(order.client_order_id) == []


async def test_a_command_past_its_validity_is_not_sent(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy(valid_ms=-1)
        await bench.send(order)
        rejected = await bench.told.first(order.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.EXPIRED
        assert bench.orders(order.client_order_id) == []


async def test_a_command_read_after_a_restart_is_suspect_and_its_order_adopted(bench: Any) -> None:
    bench.account()
    order = bench.limit_buy()
    async with bench.connector():
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
    # As if the process had died before its position was stored.
    await bench.forget_positions()
    async with bench.connector():
        await bench.told.first(order.client_order_id, "order.snapshot")
        assert len(bench.orders(order.client_order_id)) == 1


async def test_a_suspect_command_whose_order_is_not_there_is_sent_once_that_is_certain(bench: Any) -> None:
    bench.account()
    order = bench.limit_buy()
    await bench.send(order)
    async with bench.connector():
        await bench.told.first(order.client_order_id, "order.accepted")
        assert len(bench.orders(order.client_order_id)) == 1


async def test_a_cancel_ends_the_order_and_a_second_one_is_answered_with_what_it_became(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy()
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        await bench.send(bench.cancel(order))
        await bench.told.first(order.client_order_id, "order.canceled")
        await bench.send(bench.cancel(order))
        snapshot = await bench.told.first(order.client_order_id, "order.snapshot")
        assert snapshot.status is OrderStatus.CANCELED


async def test_a_cancel_whose_answer_is_lost_still_ends_the_order(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy()
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        bench.fault("error_before", method="DELETE", status=503, count=1)
        await bench.send(bench.cancel(order))
        await eventually(lambda: bench.orders(order.client_order_id)[0]["status"] == "CANCELED")
        await bench.told.first(order.client_order_id, "order.canceled")


async def test_a_question_about_an_order_is_answered_with_its_fills(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.market_buy()
        await bench.send(order)
        fill = await bench.told.first(order.client_order_id, "order.filled")
        await bench.send(bench.query(order.client_order_id, order.ts_init_ms))
        await bench.told.first(order.client_order_id, "order.snapshot")
        again = [fact for fact in bench.told.of(order.client_order_id, "order.filled") if fact is not fill]
        assert {fact.trade_id for fact in again} == {
            fact.trade_id for fact in bench.told.of(order.client_order_id, "order.filled")
        }


async def test_a_question_about_an_order_nobody_placed_ends_with_not_found(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        ghost = bench.limit_buy()
        await bench.send(bench.query(ghost.client_order_id, ghost.ts_init_ms))
        rejected = await bench.told.first(ghost.client_order_id, "order.rejected")
        assert rejected.category is ErrorCategory.NOT_FOUND


async def test_a_refusal_for_the_limits_is_waited_out_within_the_validity(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = bench.limit_buy()
        bench.fault("rate_limited", method="POST", retry_after_s=1, count=1)
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        assert bench.told.of(order.client_order_id, "order.rejected") == []


async def test_a_refusal_for_the_clock_is_mended_by_measuring_it(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        bench.fault("clock_skew", delay_ms=60_000)
        order = bench.limit_buy()
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")


async def test_an_unreadable_command_is_parked_and_the_next_one_handled(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        broken, order = bench.limit_buy(), bench.limit_buy()
        await bench.send_raw("account-1", b'{"type": "command.submit_order", "qty": 1}')
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.accepted")
        assert bench.orders(broken.client_order_id) == []


async def test_one_accounts_slow_order_delays_nobody_else(bench: Any) -> None:
    bench.account("account-1")
    bench.account("account-2")
    async with bench.connector():
        slow, quick = bench.limit_buy(), bench.limit_buy(account_id="account-2")
        bench.fault("slow_response", method="POST", uid=bench.uids["account-1"], delay_ms=1_000, count=1)
        await bench.send(slow, quick)
        await bench.told.first(quick.client_order_id, "order.accepted")
        slow_answers = [each for each in bench.told.records if each.causation_id == slow.command_id]
        assert slow_answers == []
        await bench.told.first(slow.client_order_id, "order.accepted")
        await asyncio.sleep(0)
