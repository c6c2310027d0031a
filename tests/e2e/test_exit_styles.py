"""How exits are placed where nothing links them: shared stops, presets, locked coins, triggers that expire."""

from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.judging import flat, protected, waiting_for

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

WITH_TRIGGERS = ["bitget", "gateio"]
LOCKS = {"bitget": ("plan_locks_balance", True, False), "gateio": ("trigger_balance", "lock", "ignore")}


@pytest.mark.parametrize("exchange", WITH_TRIGGERS)
async def test_where_waiting_triggers_lock_the_coins_the_stop_stands_alone_and_sells(desk: Any, exchange: str) -> None:
    """The reference leaves open whether they do; the stop goes first, and the target is what is refused."""
    switch, on, off = LOCKS[exchange]
    await desk.paper.post(f"/control/{exchange}/switches", {switch: on})
    try:
        async with desk.user(exchange) as user:
            await user.buy("0.01")
            await protected(desk, user)
            await desk.price("94000", exchange=exchange)
            await flat(desk, user)
    finally:
        await desk.paper.post(f"/control/{exchange}/switches", {switch: off})


@pytest.mark.parametrize("exchange", WITH_TRIGGERS)
async def test_a_user_who_chose_one_stop_for_all_targets_gets_it_placed_anew_when_one_has_sold(
    desk: Any, exchange: str
) -> None:
    async with desk.user(exchange) as user:
        settings = {"exchange": exchange.upper(), "tpLevels": ["4%", "6%"], "sl": "5%", "exitStyle": "shared_stop"}
        assert (await user.trader.put("/exchanges/settings", settings))["own"] is True
        placed = await user.buy("0.01", tpLevels=None, sl=None)
        assert placed["protection"]["exitStyle"] == "shared_stop"
        books = await protected(desk, user)
        await desk.eventually(lambda: waiting_for(desk, user), lambda seen: seen == 3, "two targets and one stop wait")
        await desk.price("104500", exchange=exchange)
        await desk.eventually(lambda: desk.books(user), lambda b: b.held < books.held * Decimal("0.6"), "half is sold")
        rest = await protected(desk, user)
        assert len(rest.waiting) == 2, "a target and a stop for what is left"
        await desk.price("94000", exchange=exchange)
        await flat(desk, user)


@pytest.mark.parametrize(("appear", "leaves_at"), [(True, "104500"), (False, "94000")])
async def test_exits_that_an_entry_brought_along_are_followed_and_placed_by_us_where_they_do_not_appear(
    desk: Any, appear: bool, leaves_at: str
) -> None:
    await desk.paper.post("/control/bitget/switches", {"preset_exits_armed": appear})
    try:
        async with desk.user("bitget") as user:
            placed = await user.buy("0.01", tpLevels=[104_000], exitStyle="preset")
            assert placed["protection"]["exitStyle"] == "preset"
            books = await protected(desk, user)
            ours = [plan for plan in books.raw["plans"] if str(plan["clientOid"]).startswith("b")]
            assert bool(ours) is not appear
            await desk.price(leaves_at, exchange="bitget")
            await flat(desk, user)
            await desk.eventually(
                lambda: user.trader.get("/exchanges/trades", exchange="BITGET"),
                lambda trades: bool(trades) and trades[0]["state"] == "CLOSED",
                "the trade is told as over",
            )
    finally:
        await desk.paper.post("/control/bitget/switches", {"preset_exits_armed": True})


async def test_triggers_that_would_expire_are_placed_anew_before_that(desk: Any) -> None:
    async with desk.user("gateio") as user:
        await desk.stack.stop("order-engine")
        await desk.stack.start("order-engine", CGT_TRIGGER_LIFETIME_MS="24000")
        try:
            await user.buy("0.01")
            placed = await desk.eventually(
                lambda: desk.books(user), lambda b: len(b.waiting) == 4, "both pairs are placed"
            )
            first = placed.raw["price_orders"]
            books = await desk.eventually(
                lambda: desk.books(user), lambda b: renewed(b, first), "all four orders have successors", 60
            )
            assert {order["status"] for order in books.raw["price_orders"]} <= {"open", "cancelled", "canceled"}
            await protected(desk, user)
        finally:
            await desk.stack.stop("order-engine")
            await desk.stack.start("order-engine")
        await desk.price("94000", exchange="gateio")
        await flat(desk, user)


def renewed(books: Any, before: list[dict[str, Any]]) -> bool:
    """Whether none of these price orders waits any more, and as many others do."""
    gone = {order["id"] for order in before}
    waits = [order["id"] for order in books.raw["price_orders"] if order["status"] == "open"]
    return len(waits) == len(before) and not gone.intersection(waits)
