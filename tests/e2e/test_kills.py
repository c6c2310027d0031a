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
