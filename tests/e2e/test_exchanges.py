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


async def test_a_triggered_limit_that_rests_below_the_market_is_escalated(desk: Any) -> None:
    """Gate.io's exits are limits a slippage away: a gap beyond it leaves the spawned order resting."""
    async with desk.user("gateio") as user:
        await user.buy("0.01", tpLevels=[104_000])
        await protected(desk, user)
        await desk.price("90000", gap=True, exchange="gateio")
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


CANCELS = {
    "bitget": {"path": "/api/v2/spot/trade/cancel-plan-order"},
    "gateio": {"method": "DELETE"},
    "mexc": {"method": "DELETE"},
}


def _control_id(exchange: str, order_id: Any) -> Any:
    """The control API takes numbers where the exchange's ids are numbers."""
    return int(order_id) if exchange == "gateio" else str(order_id)
