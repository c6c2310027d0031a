"""Private streams on real sockets: what is missed is read, what is refused is parked, what moves is never lost."""

from typing import Any

import pytest

from common.accounts import AccountState
from common.codec import decode
from common.orders import OrderStatus

pytestmark = pytest.mark.connected


async def a_resting_order(bench: Any, account_id: str = "account-1") -> Any:
    order = bench.limit_buy(account_id=account_id)
    await bench.send(order)
    await bench.told.first(order.client_order_id, "order.accepted")
    return order


def fill(bench: Any, order: Any, qty: str | None = None) -> None:
    bench.paper.control.fill(
        {"uid": bench.uids[order.account_id], "client_order_id": order.client_order_id} | ({"qty": qty} if qty else {})
    )


async def test_a_fill_on_the_stream_is_published_under_the_trade_its_command_named(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        fill(bench, order)
        filled = await bench.told.first(order.client_order_id, "order.filled")
        assert filled.status is OrderStatus.FILLED
        record = next(each for each in bench.told.records if each.ce_type == "order.filled")
        assert record.correlation_id == f"trade-{order.command_id}"


async def test_balances_are_published_when_a_stream_begins_and_when_they_change(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        await eventually(lambda: bench.told.balances)
        before = len(bench.told.balances)
        await a_resting_order(bench)
        await eventually(lambda: len(bench.told.balances) > before)


async def test_a_fill_while_the_stream_is_down_is_recovered(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        bench.fault("refuse_connections", delay_ms=500)
        bench.fault("drop_sockets")
        fill(bench, order)
        filled = await bench.told.first(order.client_order_id, "order.filled")
        assert str(filled.cum_qty) == "0.01"
        assert filled.fee > 0


async def test_a_cancel_by_hand_while_the_stream_is_down_is_recovered(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        bench.fault("refuse_connections", delay_ms=300)
        bench.fault("drop_sockets")
        bench.cancel_by_hand(order)
        snapshot = await bench.told.first(order.client_order_id, "order.snapshot")
        assert snapshot.status is OrderStatus.CANCELED


async def test_a_fill_while_nobody_ran_is_recovered_by_the_next_process(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
    fill(bench, order)
    async with bench.connector():
        filled = await bench.told.first(order.client_order_id, "order.filled")
        assert filled.fee > 0


async def test_a_partial_fill_that_was_missed_is_told_with_its_running_total(bench: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        fill(bench, order, "0.003")
        await bench.told.first(order.client_order_id, "order.filled")
        bench.fault("refuse_connections", delay_ms=300)
        bench.fault("drop_sockets")
        fill(bench, order, "0.004")
        filled = await bench.told.matching(
            lambda fact: fact.client_order_id == order.client_order_id and str(fact.cum_qty) == "0.007"
        )
        assert filled.status is OrderStatus.PARTIALLY_FILLED


async def test_an_event_told_twice_has_one_identity(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        bench.fault("duplicate_event", event_type="executionReport", count=1)
        fill(bench, order)
        await eventually(lambda: len(bench.told.of(order.client_order_id, "order.filled")) == 2)
        ids = {each.ce_id for each in bench.told.records if each.ce_type == "order.filled"}
        assert len(ids) == 1


async def test_a_revoked_key_parks_its_account_alone(bench: Any, eventually: Any) -> None:
    bench.account("account-1")
    bench.account("account-2")
    async with bench.connector():
        bench.paper.control.revoke_key(bench.uids["account-1"])
        refused, fine = bench.limit_buy(account_id="account-1"), bench.limit_buy(account_id="account-2")
        await bench.send(refused, fine)
        rejected = await bench.told.first(refused.client_order_id, "order.rejected")
        assert rejected.category == "auth"
        await bench.told.first(fine.client_order_id, "order.accepted")
        fill(bench, fine)
        await bench.told.first(fine.client_order_id, "order.filled")


async def test_an_account_with_a_new_key_is_streamed_again(bench: Any, eventually: Any) -> None:
    bench.account("account-1")
    async with bench.connector(parked_for_ms=600_000) as connector:
        bench.paper.control.revoke_key(bench.uids["account-1"])
        await eventually(lambda: not connector.ready_for(["account-1"]))
        opened = bench.paper.control.open_account({"balances": {"USDT": "1000000"}})
        bench.vault.put("account-1", opened["api_key"], opened["secret"], key_version=2)
        bench.uids["account-1"] = opened["uid"]
        await eventually(lambda: connector.ready_for(["account-1"]))
        order = await a_resting_order(bench)
        fill(bench, order)
        await bench.told.first(order.client_order_id, "order.filled")


async def test_an_account_revoked_in_the_vault_is_dropped(bench: Any, eventually: Any) -> None:
    bench.account("account-1")
    async with bench.connector() as connector:
        bench.vault.set_state("account-1", AccountState.REVOKED)
        await eventually(lambda: "account-1" not in connector.streamed)


async def test_accounts_added_later_are_streamed_without_a_restart(bench: Any, eventually: Any) -> None:
    async with bench.connector() as connector:
        bench.account("account-7")
        await eventually(lambda: connector.ready_for(["account-7"]))
        order = await a_resting_order(bench, "account-7")
        fill(bench, order)
        await bench.told.first(order.client_order_id, "order.filled")


async def test_two_processes_share_the_accounts_and_a_leaving_one_hands_its_own_over(
    bench: Any, eventually: Any
) -> None:
    accounts = [f"account-{n}" for n in range(8)]
    for account_id in accounts:
        bench.account(account_id)
    async with bench.connector() as first:
        async with bench.connector() as second:
            await eventually(lambda: first.streamed | second.streamed == set(accounts) and second.streamed)
            await eventually(lambda: not first.streamed & second.streamed)
            orders = [await a_resting_order(bench, account_id) for account_id in accounts]
        for order in orders:
            fill(bench, order)
        for order in orders:
            await bench.told.first(order.client_order_id, "order.filled")
        await eventually(lambda: first.ready_for(accounts))


async def test_a_frame_nobody_understands_is_kept_and_the_account_read(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        bench.push_to_user_streams(b'{"subscriptionId":0,"event":{"e":"executionReport","s":5}}')
        letter = await bench.first_dead_letter()
        assert decode(letter, dict)["account_id"] == "account-1"
        await bench.told.first(order.client_order_id, "order.snapshot")


@pytest.mark.parametrize("way", ["rest", "ws"])
async def test_orders_take_the_way_that_is_set(bench: Any, way: str) -> None:
    bench.account()
    async with bench.connector(binance_order_entry=way):
        order = await a_resting_order(bench)
        exits = bench.exits()
        await bench.send(exits, bench.cancel(order))
        await bench.told.first(exits.stop_loss.client_order_id, "order.accepted")
        await bench.told.first(order.client_order_id, "order.canceled")
        verbs = [request[2] for request in bench.paper.binance.timings.requests]
        assert ("order.place" in verbs) is (way == "ws")


async def test_an_order_whose_socket_ends_before_the_answer_is_found(bench: Any) -> None:
    bench.account()
    async with bench.connector(binance_order_entry="ws"):
        order = bench.limit_buy()
        bench.fault("lost_response", ws_method="order.place", count=1)
        await bench.send(order)
        await bench.told.first(order.client_order_id, "order.unknown")
        await bench.told.first(order.client_order_id, "order.snapshot")
        assert len(bench.orders(order.client_order_id)) == 1
