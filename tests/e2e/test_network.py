"""Answers lost, events doubled, late or swallowed, streams cut: the trade ends where it should."""

from decimal import Decimal
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def test_a_lost_answer_after_the_exchange_accepted_leads_to_exactly_one_order(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await desk.fault("lost_response", uid=user.uid, path="/api/v3/order", method="POST", count=1)
        await user.attempt()
        account = await desk.until_protected(user)
        assert len(account.of("BUY")) == 1
        promise(account)


async def test_lost_answers_to_the_exits_lead_to_exactly_two_lists(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await desk.fault("lost_response", uid=user.uid, path="/api/v3/orderList/oco", method="POST", count=2)
        await user.attempt()
        account = await desk.until_protected(user)
        assert len(account.raw["order_lists"]) == 2
        promise(account)


async def test_a_server_error_after_acceptance_is_not_taken_for_a_refusal(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await desk.fault("error_after_accept", uid=user.uid, path="/api/v3/orderList/oco", method="POST", count=1)
        await user.attempt()
        account = await desk.until_protected(user)
        assert len(account.raw["order_lists"]) == 2
        promise(account)


async def test_a_server_error_before_acceptance_is_settled_and_the_exit_placed(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await desk.fault("error_before", uid=user.uid, path="/api/v3/orderList/oco", method="POST", count=1)
        await user.attempt()
        promise(await desk.until_protected(user))


@pytest.mark.parametrize("kind", ["duplicate_event", "delay_event", "swallow_event"])
async def test_events_doubled_late_or_swallowed_lead_to_the_same_state(desk: Any, promise: Any, kind: str) -> None:
    async with desk.user() as user:
        delay = {"delay_ms": 300} if kind == "delay_event" else {}
        await desk.fault(kind, uid=user.uid, probability=0.5, **delay)
        await user.attempt()
        promise(await desk.until_protected(user))
        await desk.price("106500")
        account = await desk.until_flat(user)
        promise(account)
        assert account.sold == Decimal("0.00999")


async def test_a_stream_cut_during_a_fill_is_made_good_from_rest(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await user.attempt(type="LIMIT", price=99_000)
        account = await desk.until(user, lambda a: bool(a.of("BUY")), "the entry rests")
        (entry,) = account.of("BUY")
        await desk.fault("refuse_connections", delay_ms=1_500)
        await desk.fault("drop_sockets", sockets="user")
        await desk.fill(user, entry)
        promise(await desk.until_protected(user))


async def test_a_rate_limit_is_waited_out_and_the_exits_are_placed(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await desk.fault("rate_limited", uid=user.uid, path="/api/v3/orderList/oco", retry_after_s=1, count=1)
        await user.attempt()
        promise(await desk.until_protected(user))
