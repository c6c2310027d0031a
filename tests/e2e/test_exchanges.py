"""Bitget, Gate.io and MEXC: three other ways to protect, and what goes wrong on each."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from tests.e2e.judging import DUST, covered, flat, protected, sold_once, waiting_for

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

OTHERS = ["bitget", "gateio", "mexc"]
WITH_TRIGGERS = ["bitget", "gateio"]


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


EXIT = {"bitget": 2, "gateio": 2, "mexc": 1}
"""How many orders an exit of one target is on the exchange."""
REFUSALS = {
    "bitget": {"status": 400, "code": 40034, "msg": "Parameter does not exist"},
    "gateio": {"status": 400, "label": "BAD_REQUEST", "msg": "not now"},
    "mexc": {"status": 400, "code": 30005, "msg": "not now"},
}
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
