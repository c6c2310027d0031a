"""SIGKILL to each part in the middle of a trade: after the restart the promise holds."""

from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

SERVICES = ["gateway", "order-engine", "binance-connector", "credentials-vault"]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_killed_before_the_fill_misses_nothing(desk: Any, promise: Any, service: str) -> None:
    async with desk.user() as user:
        await user.buy("0.01", type="LIMIT", price=99_000)
        (entry,) = (await desk.account(user)).of("BUY")
        desk.stack.kill(service)
        await desk.fill(user, entry)
        await desk.stack.start(service)
        account = await desk.until_protected(user)
        assert len(account.of("BUY")) == 1
        promise(account)
        await desk.price("106500")
        promise(await desk.until_flat(user))


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_killed_right_after_the_fill_doubles_nothing(desk: Any, promise: Any, service: str) -> None:
    async with desk.user() as user:
        await user.buy("0.01", type="LIMIT", price=99_000)
        (entry,) = (await desk.account(user)).of("BUY")
        await desk.fill(user, entry)
        desk.stack.kill(service)
        await desk.stack.start(service)
        account = await desk.until_protected(user)
        promise(account)
        assert len(account.raw["order_lists"]) == 2
        await desk.price("94000")
        promise(await desk.until_flat(user))


async def test_a_broker_killed_and_restarted_empty_costs_no_protection(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await user.buy("0.01", type="LIMIT", price=99_000)
        (entry,) = (await desk.account(user)).of("BUY")
        await desk.stack.kill_broker()
        await desk.fill(user, entry)
        await desk.stack.start_broker()
        account = await desk.until_protected(user, within_s=90)
        promise(account)
        await desk.price("106500")
        promise(await desk.until_flat(user, within_s=90))


async def test_a_database_killed_and_restarted_costs_no_protection(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await user.buy("0.01", type="LIMIT", price=99_000)
        (entry,) = (await desk.account(user)).of("BUY")
        await desk.stack.kill_database()
        await desk.fill(user, entry)
        await desk.stack.start_database()
        account = await desk.until_protected(user, within_s=90)
        promise(account)


async def test_an_intent_that_the_broker_acknowledged_and_forgot_is_carried_out_once(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await desk.stack.stop("gateway")
        await desk.stack.start("gateway", CGT_ANSWER_TIMEOUT_MS="1000", CGT_INTENT_VALID_MS="120000")
        desk.stack.kill("order-engine")
        operation = (await user.buy("0.01"))["operationId"]
        await desk.stack.kill_broker()
        told = [line for line in desk.stack.log("gateway").splitlines() if operation in line]
        assert not any("intent_left_to_the_relay" in line for line in told), "the broker had it"
        await desk.stack.start_broker()
        await desk.stack.start("order-engine")
        account = await desk.until_protected(user, within_s=90)
        (entry,) = account.of("BUY")
        promise(account)
        settled = await user.trader.get(f"/exchanges/operations/{operation}")
        assert (settled["state"], settled["result"]["clientOrderId"]) == ("SUCCEEDED", entry["clientOrderId"])
