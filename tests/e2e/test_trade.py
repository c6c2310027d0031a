"""One trade from the key to the profit, and what becomes of it when orders fill only in part."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from cgt.trader import Refused

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

HUNDREDTH = Decimal("0.01")


async def test_a_buy_is_protected_takes_its_first_profit_and_is_stopped_flat(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await user.trader.listen()
        placed = await user.buy("0.01")
        assert placed["status"] == "FILLED"
        account = await desk.until_protected(user)
        assert sorted(order["type"] for order in account.open_exits) == [
            "LIMIT_MAKER",
            "LIMIT_MAKER",
            "STOP_LOSS",
            "STOP_LOSS",
        ]
        await desk.price("104500")
        account = await desk.until(user, lambda a: len(a.open_exits) == 2, "the first pair is done")
        promise(account)
        await desk.price("94000")
        account = await desk.until_flat(user)
        promise(account)
        await _closed_trade(desk, user, _profit(account))
        heard = user.trader.received
        await _eventually_heard(desk, heard, "order_update", "list_status_update", "auto_oco_placed", "balance_update")


async def test_an_entry_canceled_after_a_partial_fill_leaves_what_is_held_protected(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        placed = await user.buy("0.01", type="LIMIT", price=99_000, tpLevels=[104_000], sl=95_000)
        account = await desk.account(user)
        (entry,) = account.of("BUY")
        await desk.fill(user, entry, "0.004")
        await user.trader.delete(
            "/exchanges/cancel-order", exchange="BINANCE", symbol="BTCUSDT", orderId=str(placed["orderId"])
        )
        account = await desk.until_protected(user)
        assert account.of("BUY", "CANCELED")
        assert account.protected == Decimal("0.00399")
        promise(account)


async def test_a_growing_partial_fill_is_protected_as_it_grows(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await user.buy("0.03", type="LIMIT", price=99_000, tpLevels=[104_000, 106_000], sl=95_000)
        (entry,) = (await desk.account(user)).of("BUY")
        for part in ("0.01", "0.01", "0.01"):
            await desk.fill(user, entry, part)
            promise(await desk.until_protected(user))


async def test_a_price_that_fell_through_the_stop_before_the_exits_is_sold_at_once(desk: Any, promise: Any) -> None:
    async with desk.user() as user:
        await user.buy("0.01", type="LIMIT", price=96_000, tpLevels=[104_000], sl=95_000)
        (entry,) = (await desk.account(user)).of("BUY")
        # The gap fills the resting buy and leaves the market below the stop.
        await desk.fault("delay_event", delay_ms=400, uid=user.uid, event_type="executionReport", count=1)
        await desk.fill(user, entry)
        await desk.price("94000", gap=True)
        promise(await desk.until_flat(user))


async def test_an_oco_on_a_holding_protects_it(desk: Any, promise: Any) -> None:
    async with desk.user(USDT="1000", BTC="0.5") as user:
        await desk.eventually(lambda: _worth(user), lambda usd: usd == 50_000, "the gateway sees the market's price")
        body = {
            "symbol": "BTCUSDT",
            "sizePct": 1.0,
            "aboveType": "LIMIT_MAKER",
            "abovePrice": "105000",
            "belowType": "STOP_LOSS_LIMIT",
            "belowPrice": "94900",
            "belowStopPrice": "95000",
            "belowTimeInForce": "GTC",
        }
        await user.trader.post("/exchanges/place-oco-order?exchange=BINANCE", body)
        account = await desk.until(user, lambda a: len(a.open_exits) == 2, "the list rests")
        assert {order["origQty"] for order in account.open_exits} == {"0.49750000"}


async def test_a_dry_run_shows_what_would_be_sent_and_sends_nothing(desk: Any) -> None:
    async with desk.user() as user:
        shown = await user.buy("0.01", dryRun=True)
        legs = [(leg["orderRole"], leg["type"], leg["residency"]) for leg in shown["protection"]["exits"]]
        assert legs == [
            ("TP1", "LIMIT_MAKER", "exchange"),
            ("SL", "STOP_LOSS", "exchange"),
            ("TP2", "LIMIT_MAKER", "exchange"),
            ("SL", "STOP_LOSS", "exchange"),
        ]
        assert (await desk.account(user)).orders == []


async def test_of_two_orders_at_once_one_fits_the_limit_and_a_kill_switch_leaves_protection(
    desk: Any, promise: Any
) -> None:
    async with desk.user() as user:
        await user.trader.put("/risk/limits", {"maxOpenExposure": 1_500})
        await asyncio.gather(*(user.attempt("0.01") for _ in range(3)))
        account = await desk.until_protected(user)
        assert len(account.of("BUY")) == 1, "two orders passed a limit that one fits"
        await user.trader.put("/risk/limits", {})
        await user.buy("0.01", type="LIMIT", price=96_000, tpLevels=[104_000], sl=95_000)
        stopped = await user.trader.post("/risk/kill-switch", {"reason": "enough", "cancelEntries": True})
        assert len(stopped["cancelling"]) == 1
        account = await desk.until(user, lambda a: len(a.of("BUY", "CANCELED")) == 1, "the open entry is cancelled")
        assert len(account.open_exits) == 4, "what protects stays"
        with pytest.raises(Refused) as refused:
            await user.buy("0.01")
        assert refused.value.code == "KILL_SWITCH_ENGAGED"
        await desk.price("106500")
        promise(await desk.until_flat(user))
        assert (await user.trader.delete("/risk/kill-switch")) == {"released": True}
        await desk.price("100000", gap=True)
        assert (await user.buy("0.01"))["status"] == "FILLED"


async def _worth(user: Any) -> Decimal:
    positions = await user.trader.get("/exchanges/open-positions", exchange="BINANCE")
    return sum((Decimal(str(p["usdValue"])) for p in positions if p["asset"] == "BTC"), Decimal(0))


async def _closed_trade(desk: Any, user: Any, profit: Decimal | None = None) -> Any:
    """The trade, once all its orders have ended; with `profit`, once that is what it shows."""

    async def first() -> Any:
        trades = await user.trader.get("/exchanges/trades", exchange="BINANCE")
        return trades[0] if trades else {}

    def done(trade: Any) -> bool:
        told = trade.get("currentPnL")
        return told is not None and _is_closed(trade) and profit in {None, Decimal(str(told))}

    return await desk.eventually(first, done, f"a closed trade with a profit of {profit}")


def _is_closed(trade: Any) -> bool:
    return all(o["status"] not in {"PENDING", "NEW", "PARTIALLY_FILLED"} for o in trade["relatedOrders"])


async def _eventually_heard(desk: Any, heard: Any, *events: str) -> None:
    async def names() -> set[str]:
        return set(heard)

    await desk.eventually(names, lambda seen: set(events) <= seen, f"the frontend heard {events}")


def _profit(account: Any) -> Decimal:
    """The same by hand, from the exchange's own trades: what a unit cost is the whole price over what arrived."""
    buys = [t for t in account.raw["trades"] if t["isBuyer"]]
    sells = [t for t in account.raw["trades"] if not t["isBuyer"]]
    cost = sum((Decimal(t["quoteQty"]) for t in buys), Decimal(0))
    proceeds = sum((Decimal(t["quoteQty"]) - Decimal(t["commission"]) for t in sells), Decimal(0))
    return Decimal(proceeds - account.sold * cost / account.bought)
