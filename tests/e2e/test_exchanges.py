"""Bitget, Gate.io and MEXC: three other ways to protect, and what goes wrong on each."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from cgt.trader import Refused

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

OTHERS = ["bitget", "gateio", "mexc"]
WITH_TRIGGERS = ["bitget", "gateio"]
DUST = Decimal("0.00006")
"""Less than five dollars of it at these prices: no exchange takes an order for so little."""


async def protected(desk: Any, user: Any, within_s: float = 60.0) -> Any:
    """Wait until stops cover what is held: on the exchange by its own books, with the engine by what the API shows."""

    async def look() -> tuple[Decimal, Decimal, Any]:
        books = await desk.books(user)
        if user.exchange == "mexc":
            orders = await _open_orders(user)
            stops = [Decimal(str(o["origQty"])) for o in orders if o.get("residency") == "engine"]
        else:
            stops = [qty for px, qty in books.waiting if px < 99_000]
        return books.held, sum(stops, Decimal(0)), books

    def covered(seen: tuple[Decimal, Decimal, Any]) -> bool:
        held, stopped, _ = seen
        return held > DUST and 0 <= held - stopped < Decimal("0.00001")

    _, _, books = await desk.eventually(look, covered, "what is held is protected", within_s)
    return books


async def _open_orders(user: Any) -> list[dict[str, Any]]:
    """What the API shows, at a pace that MEXC's limits allow."""
    await asyncio.sleep(0.5)
    try:
        return list(await user.trader.get("/exchanges/open-orders", exchange="MEXC"))
    except Refused as refused:
        if "'retryable': True" not in str(refused):
            raise
        return []


async def flat(desk: Any, user: Any, within_s: float = 90.0) -> Any:
    """Wait until nothing but dust is held and nothing waits to sell."""
    return await desk.eventually(
        lambda: desk.books(user), lambda b: b.held < DUST and not b.waiting, "the position is flat", within_s
    )


@pytest.mark.parametrize("exchange", OTHERS)
async def test_the_first_target_and_then_the_stop_leave_the_account_flat(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        bought = (await protected(desk, user)).held
        await desk.price("104500", exchange=exchange)
        books = await desk.eventually(
            lambda: desk.books(user), lambda b: b.held < bought * Decimal("0.6"), "the first half is sold"
        )
        await protected(desk, user)
        await desk.price("94000", exchange=exchange)
        books = await flat(desk, user)
        assert books.entries == 1


@pytest.mark.parametrize("exchange", OTHERS)
async def test_the_stop_alone_sells_everything(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        await protected(desk, user)
        await desk.price("94500", exchange=exchange)
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_an_entry_filled_in_part_and_canceled_is_protected(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        placed = await user.buy("0.01", type="LIMIT", price=99_000)
        await desk.paper.post(
            f"/control/{exchange}/fill",
            {
                "uid": user.uid,
                "order_id": _control_id(exchange, placed["orderId"]),
                "symbol": "BTCUSDT",
                "qty": "0.004",
            },
        )
        await user.trader.delete(
            "/exchanges/cancel-order", exchange=exchange.upper(), symbol="BTCUSDT", orderId=str(placed["orderId"])
        )
        books = await protected(desk, user)
        assert books.held <= Decimal("0.004")


@pytest.mark.parametrize("exchange", WITH_TRIGGERS)
async def test_both_legs_of_a_pair_firing_in_one_instant_sell_no_more_than_was_held(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01", tpLevels=[104_000])
        await protected(desk, user)
        await asyncio.gather(desk.price("104500", exchange=exchange), desk.price("94500", exchange=exchange))
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_lost_answers_to_cancels_leave_nothing_behind(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        await protected(desk, user)
        await desk.fault("lost_response", exchange=exchange, uid=user.uid, count=2, **CANCELS[exchange])
        await desk.price("104500", exchange=exchange)
        await desk.price("94000", exchange=exchange)
        await flat(desk, user, within_s=150)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_a_price_that_gaps_through_the_stop_while_the_engine_is_down_is_met_when_it_is_back(
    desk: Any, exchange: str
) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        await protected(desk, user)
        desk.stack.kill("order-engine")
        await desk.price("93000", gap=True, exchange=exchange)
        await desk.stack.start("order-engine")
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_targets_reached_while_the_engine_is_down_end_the_trade_when_it_is_back(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        await protected(desk, user)
        desk.stack.kill("order-engine")
        await desk.price("106500", exchange=exchange)
        await desk.stack.start("order-engine")
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_a_stream_cut_while_an_exit_executes_is_made_good_from_rest(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        await protected(desk, user)
        await desk.fault("refuse_connections", exchange=exchange, delay_ms=1_500)
        await desk.fault("drop_sockets", exchange=exchange, sockets="all")
        await desk.price("106500", exchange=exchange)
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_a_connector_killed_while_an_exit_executes_misses_nothing(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await user.buy("0.01")
        await protected(desk, user)
        desk.stack.kill(f"{exchange}-connector")
        await desk.price("94000", exchange=exchange)
        await desk.stack.start(f"{exchange}-connector")
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_an_answer_lost_after_the_entry_was_accepted_leads_to_one_entry(desk: Any, exchange: str) -> None:
    async with desk.user(exchange) as user:
        await desk.fault("lost_response", exchange=exchange, uid=user.uid, method="POST", count=1)
        await user.attempt("0.01")
        books = await protected(desk, user, within_s=120)
        assert books.entries == 1
        assert books.held <= Decimal("0.01")


@pytest.mark.parametrize(("exchange", "stop"), [("gateio", {}), ("bitget", {"stopType": "limit"})])
async def test_a_triggered_limit_that_rests_below_the_market_is_escalated(desk: Any, exchange: str, stop: Any) -> None:
    """A gap beyond the slippage leaves the order that the trigger spawned resting."""
    async with desk.user(exchange) as user:
        await user.buy("0.01", tpLevels=[104_000], **stop)
        await protected(desk, user)
        await desk.price("90000", gap=True, exchange=exchange)
        await flat(desk, user)


@pytest.mark.parametrize("exchange", OTHERS)
async def test_a_partner_whose_cancel_is_refused_until_it_is_too_late_sells_nothing_twice(
    desk: Any, exchange: str
) -> None:
    """MEXC's market sell waits for the proof that its target is gone, so there other coins of the account are safe."""
    stock = "0.03" if exchange == "mexc" else "0"
    first, second = ("94000", "104500") if exchange == "mexc" else ("104500", "94000")
    async with desk.user(exchange, USDT="100000", BTC=stock) as user:
        await user.buy("0.01", tpLevels=[104_000])
        await desk.eventually(
            lambda: waiting_for(desk, user), lambda seen: seen == EXIT[exchange], "the exit is placed"
        )
        await desk.fault("error_before", exchange=exchange, uid=user.uid, **CANCELS[exchange], **REFUSALS[exchange])
        await desk.price(first, exchange=exchange)
        if exchange != "mexc":
            await desk.eventually(lambda: desk.books(user), lambda b: b.held < DUST, "the target has sold all")
        await desk.price(second, exchange=exchange)
        await desk.eventually(
            lambda: desk.books(user),
            lambda b: abs(b.held - Decimal(stock)) < DUST,
            "one leg has sold, the other nothing",
        )
        await desk.paper.delete(f"/control/{exchange}/faults")
        await desk.eventually(lambda: desk.books(user), lambda b: not b.waiting, "nothing waits to sell", 90)
        assert abs((await desk.books(user)).held - Decimal(stock)) < DUST


@pytest.mark.parametrize("exchange", ["binance", *OTHERS])
async def test_with_every_third_answer_lost_there_is_one_entry_and_no_order_is_forgotten(
    desk: Any, exchange: str
) -> None:
    async with desk.user(exchange) as user:
        for method in ("POST", "DELETE"):
            await desk.fault("lost_response", exchange=exchange, uid=user.uid, method=method, probability=0.35)
        await user.attempt("0.01")
        bought = (await covered(desk, user, within_s=150)).held
        await desk.price("104500", exchange=exchange)
        await desk.eventually(lambda: desk.books(user), lambda b: b.held < bought * Decimal("0.6"), "half is sold", 90)
        await desk.price("94000", exchange=exchange)
        books = await flat(desk, user, within_s=150)
        assert books.entries == 1
        assert sold_once(books)


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
        await desk.stack.start("order-engine", CGT_TRIGGER_LIFETIME_MS="12000")
        try:
            await user.buy("0.01")
            first = (await protected(desk, user)).raw["price_orders"]
            books = await desk.eventually(
                lambda: desk.books(user), lambda b: renewed(b, first), "all four orders have successors"
            )
            assert {order["status"] for order in books.raw["price_orders"]} <= {"open", "cancelled", "canceled"}
            await protected(desk, user)
        finally:
            await desk.stack.stop("order-engine")
            await desk.stack.start("order-engine")
        await desk.price("94000", exchange="gateio")
        await flat(desk, user)


async def test_a_held_stop_is_met_although_no_price_is_streamed(desk: Any) -> None:
    async with desk.user("mexc") as user:
        await user.buy("0.01")
        await protected(desk, user)
        await desk.fault("refuse_connections", exchange="mexc", delay_ms=20_000)
        await desk.fault("drop_sockets", exchange="mexc", sockets="market")
        await desk.price("94000", exchange="mexc")
        await flat(desk, user)


async def test_an_engine_killed_as_it_latches_a_stop_sells_when_it_is_back(desk: Any) -> None:
    async with desk.user("mexc") as user:
        await user.buy("0.01")
        await protected(desk, user)
        await desk.price("94000", exchange="mexc")
        desk.stack.kill("order-engine")
        await desk.stack.start("order-engine")
        await flat(desk, user)


def renewed(books: Any, before: list[dict[str, Any]]) -> bool:
    """Whether none of these price orders waits any more, and as many others do."""
    gone = {order["id"] for order in before}
    waits = [order["id"] for order in books.raw["price_orders"] if order["status"] == "open"]
    return len(waits) == len(before) and not gone.intersection(waits)


async def waiting_for(desk: Any, user: Any) -> int:
    """How many orders wait or rest to sell."""
    return len((await desk.books(user)).waiting)


async def covered(desk: Any, user: Any, within_s: float) -> Any:
    """Protected, on whichever exchange."""
    if user.exchange != "binance":
        return await protected(desk, user, within_s)
    await desk.until_protected(user, within_s)
    return await desk.books(user)


def sold_once(books: Any) -> bool:
    """Whether no more was sold than one purchase of it brought."""
    sold = sum((qty for side, qty in books.trades if side == "SELL"), Decimal(0))
    bought = sum((qty for side, qty in books.trades if side == "BUY"), Decimal(0))
    return bool(0 < sold <= bought <= Decimal("0.01"))


EXIT = {"bitget": 2, "gateio": 2, "mexc": 1}
"""How many orders an exit of one target is on the exchange."""
REFUSALS = {
    "bitget": {"status": 400, "code": 40034, "msg": "Parameter does not exist"},
    "gateio": {"status": 400, "label": "BAD_REQUEST", "msg": "not now"},
    "mexc": {"status": 400, "code": 30005, "msg": "not now"},
}
LOCKS = {"bitget": ("plan_locks_balance", True, False), "gateio": ("trigger_balance", "lock", "ignore")}
CANCELS = {
    "bitget": {"path": "/api/v2/spot/trade/cancel-plan-order"},
    "gateio": {"method": "DELETE"},
    "mexc": {"method": "DELETE"},
}


def _control_id(exchange: str, order_id: Any) -> Any:
    """The control API takes numbers where the exchange's ids are numbers."""
    return int(order_id) if exchange == "gateio" else str(order_id)


async def test_a_stop_that_the_engine_holds_is_cancelled_at_the_traders_word(desk: Any) -> None:
    async with desk.user("mexc") as user:
        await user.buy("0.01", tpLevels=[104_000])

        async def stops() -> list[Any]:
            shown = await user.trader.get("/exchanges/open-orders", exchange="MEXC", symbol="BTCUSDT")
            return [order for order in shown if order["orderRole"] == "SL"]

        (stop,) = await desk.eventually(stops, lambda seen: len(seen) == 1, "the engine holds a stop")
        assert (stop["orderId"], stop["residency"]) == (None, "engine")
        ended = await user.trader.delete(
            "/exchanges/cancel-order", exchange="MEXC", symbol="BTCUSDT", clientOrderId=stop["clientOrderId"]
        )
        assert ended["status"] == "CANCELED", "answered, not sent to an operation"
        assert (await desk.books(user)).waiting == []
