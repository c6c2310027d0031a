"""`cgt demo`: one protected trade from the stored key to the profit, through the gateway as a frontend would do it.

Only the market is moved from outside, by the paper exchange's control API. Every step is printed once it was observed.
"""

import os
import secrets
import shutil
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from cgt.settings import broker_of
from cgt.story import NotObserved, Story, eventually
from cgt.trader import HttpJson, Json, Trader
from common.errors import CgtError
from common.runtime.stack import Stack, StackOptions

SYMBOL = "BTCUSDT"
START_PX, TP1_PX, TP2_PX, STOP_PX = 100_000, 104_000, 106_000, 98_000
ABOVE_TP1_PX, BELOW_STOP_PX = "104500", "97500"
SIZE_PCT = 0.1
DUST = Decimal("0.00001")  # One lot of BTCUSDT: what is left below it cannot be sold.
TARGET, STOP = "TP", "SL"  # How the roles of exit orders begin.
WITHIN_S = 20.0


async def run(exchange: str) -> int:
    """Start everything, trade once, stop everything. 0 only if every step was observed."""
    console = Console()
    if exchange.lower() != "binance":
        console.print(f"The demo trades on binance; {exchange!r} is not served yet.", style="bold red", markup=False)
        return 2
    story = Story(console)
    folder = Path(tempfile.mkdtemp(prefix="cgt-demo-"))
    try:
        options = StackOptions(run_dir=folder, broker=broker_of(os.environ))
        story.act("Starting PostgreSQL, a broker, the paper exchange and the services")
        async with Stack(options) as stack:
            story.step(
                "System running", f"{len(stack.urls)} services, PostgreSQL, a broker; gateway {stack.gateway_url}"
            )
            async with HttpJson(stack.paper_control_url) as paper, Trader(stack.gateway_url) as trader:
                await _trade(story, paper, trader)
    except CgtError as error:
        story.fail(f"{error}\nThe logs are kept in {folder / 'logs'}")
        return 1
    shutil.rmtree(folder)
    story.step("System stopped", "every step above was observed")
    return 0


async def _trade(story: Story, paper: HttpJson, trader: Trader) -> None:
    await _price(story, paper, str(START_PX), "The market stands")
    await _sign_in(story, trader)
    await _store_key(story, paper, trader)
    await trader.listen()
    story.step("Frontend listening", "Socket.IO connected as the user")
    trade_id = await _buy(story, trader)
    await _protected(story, trader)
    await _price(story, paper, ABOVE_TP1_PX, "The price rises above the first target")
    await _first_target_done(story, trader, trade_id)
    await _price(story, paper, BELOW_STOP_PX, "The price falls below the stop")
    await _stopped(story, trader, trade_id)
    await _profit(story, trader, trade_id)
    await _heard(story, trader)


async def _price(story: Story, paper: HttpJson, price: str, what: str) -> None:
    await paper.post("/control/binance/price", {"symbol": SYMBOL, "price": price})
    story.act(f"{what}: {SYMBOL} at {price}")


async def _sign_in(story: Story, trader: Trader) -> None:
    email = f"trader-{secrets.token_hex(4)}@example.com"
    await trader.sign_in(email, secrets.token_urlsafe(16))
    story.step("Signed in", email)


async def _store_key(story: Story, paper: HttpJson, trader: Trader) -> None:
    account = await paper.post("/control/binance/accounts", {"balances": {"USDT": "10000"}})
    await trader.post(
        "/api-credentials",
        {
            "exchange": "BINANCE",
            "apiKey": account["api_key"],
            "secretKey": account["secret"],
            "label": "demo",
            "activeTrading": True,
        },
    )
    shown = str(await trader.get("/api-credentials"))
    if account["secret"] in shown:
        raise NotObserved("The gateway shows the secret of a stored key.")
    story.step("Key stored", "sealed by the vault; the gateway does not show the secret again")


async def _buy(story: Story, trader: Trader) -> str:
    order = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "MARKET",
        "sizePct": SIZE_PCT,
        "tpLevels": [TP1_PX, TP2_PX],
        "sl": STOP_PX,
        "exchange": "BINANCE",
    }
    placed = await trader.post("/exchanges/place-order", order)
    story.step(
        "Order placed",
        f"buy {SYMBOL} for {SIZE_PCT:.0%} of the portfolio, targets {TP1_PX} and {TP2_PX}, stop {STOP_PX}",
    )
    held = await eventually("the position is there", lambda: _position(trader), lambda qty: qty > DUST, WITHIN_S)
    story.step("Entry filled", f"order {placed['orderId']} at {placed['avgPrice']}: {held} BTC held")
    trade_id: str = placed["orderGroupId"]
    return trade_id


async def _protected(story: Story, trader: Trader) -> None:
    orders = await eventually(
        "two OCO lists of a target and a stop each rest on the exchange",
        lambda: _open_orders(trader),
        lambda seen: len(seen) == 4 and len(_lists(seen)) == 2,
        WITHIN_S,
    )
    for number, legs in enumerate(_lists(orders).values(), start=1):
        story.step(f"OCO list {number} resting", " or ".join(_leg(leg) for leg in legs))


async def _first_target_done(story: Story, trader: Trader, trade_id: str) -> None:
    sold = await _filled(trader, trade_id, TARGET, 1)
    orders = await eventually(
        "one OCO list is left",
        lambda: _open_orders(trader),
        lambda seen: len(seen) == 2 and len(_lists(seen)) == 1,
        WITHIN_S,
    )
    held = await _position(trader)
    story.step(
        "First target done",
        f"{sold[0]['executedQty']} BTC sold at {sold[0]['avgPrice']}, its stop went with it; "
        f"{held} BTC left, protected by {len(orders)} legs",
    )


async def _stopped(story: Story, trader: Trader, trade_id: str) -> None:
    sold = await _filled(trader, trade_id, STOP, 1)
    story.step("Stop hit", f"{sold[0]['executedQty']} BTC sold at {sold[0]['avgPrice']}")
    await eventually("no order is left", lambda: _open_orders(trader), lambda seen: not seen, WITHIN_S)
    held = await eventually("the position is flat", lambda: _position(trader), lambda qty: qty <= DUST, WITHIN_S)
    story.step("Position flat", f"{held:f} BTC left, nothing rests on the exchange")


async def _profit(story: Story, trader: Trader, trade_id: str) -> None:
    trade = await eventually(
        "the trade is closed",
        lambda: _the_trade(trader, trade_id),
        lambda seen: seen.get("state") == "CLOSED",
        WITHIN_S,
    )
    fees = ", ".join(f"{fee} {asset}" for asset, fee in trade["fees"].items())
    story.step(
        "PnL net of fees",
        f"{trade['currentPnL']} USDT ({trade['pnlPercentage']:.2f} %): in at {trade['entryPriceAvg']}, "
        f"out at {trade['exitPriceAvg']} on average; fees {fees}",
    )


async def _heard(story: Story, trader: Trader) -> None:
    async def received() -> dict[str, int]:
        return dict(trader.received)

    counts = await eventually(
        "the frontend heard of orders, lists and protection",
        received,
        lambda seen: {"order_update", "list_status_update", "auto_oco_placed"} <= set(seen),
        WITHIN_S,
    )
    story.step("Socket.IO events", ", ".join(f"{name} x{count}" for name, count in sorted(counts.items())))


async def _the_trade(trader: Trader, trade_id: str) -> Json:
    trades: list[Json] = await trader.get("/exchanges/trades", exchange="BINANCE")
    return next((trade for trade in trades if trade["orderGroupId"] == trade_id), {})


async def _filled(trader: Trader, trade_id: str, role: str, count: int) -> list[Json]:
    async def look() -> list[Json]:
        related = (await _the_trade(trader, trade_id)).get("relatedOrders", [])
        return [each for each in related if each["orderRole"].startswith(role) and each["status"] == "FILLED"]

    return await eventually(f"a {role} order is filled", look, lambda seen: len(seen) == count, WITHIN_S)


async def _open_orders(trader: Trader) -> list[Json]:
    orders: list[Json] = await trader.get("/exchanges/open-orders", exchange="BINANCE")
    return orders


async def _position(trader: Trader) -> Decimal:
    positions: list[Json] = await trader.get("/exchanges/open-positions", exchange="BINANCE")
    return sum((Decimal(str(each["total"])) for each in positions if each["asset"] == "BTC"), Decimal(0))


def _lists(orders: list[Json]) -> dict[Any, list[Json]]:
    lists: dict[Any, list[Json]] = {}
    for order in orders:
        lists.setdefault(order["orderListId"], []).append(order)
    return lists


def _leg(order: Json) -> str:
    price = order["price"] if Decimal(str(order["price"] or 0)) else order["stopPrice"]
    return f"{order['type']} {order['origQty']} at {price}"
