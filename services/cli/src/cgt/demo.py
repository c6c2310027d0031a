"""`cgt demo`: protected trades from the stored key to the profit, through the gateway as a frontend would do it.

Only the market is moved from outside, by the paper exchange's control API. Every step is printed once it was observed.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from cgt.settings import broker_of
from cgt.story import NotObserved, Story, eventually
from cgt.trader import HttpJson, Json, Trader
from cgt.venues import EVERYWHERE, VENUES, Venue, venues_named
from common.errors import CgtError
from common.runtime.stack import Stack, StackOptions

SYMBOL = "BTCUSDT"
START_PX, TP1_PX, TP2_PX, STOP_PX = 100_000, 104_000, 106_000, 98_000
ABOVE_TP1_PX, BELOW_STOP_PX = "104500", "97500"
SIZE_PCT = 0.1
DUST = Decimal("0.00001")  # One lot of BTCUSDT: what is left below it cannot be sold.
TARGET = ("TP",)
STOP = ("SL", "EXIT")  # A stop that the engine holds ends in a market exit.
WITHIN_S = 20.0


async def run(exchange: str) -> int:
    """Start everything, trade once on each exchange named, stop everything. 0 only if every step was observed."""
    console, venues = Console(), venues_named(exchange)
    if not venues:
        known = ", ".join((*VENUES, EVERYWHERE))
        console.print(f"The demo trades on {known}; {exchange!r} is none of them.", style="bold red", markup=False)
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
            for venue in venues:
                async with HttpJson(stack.paper_control_url) as paper, Trader(stack.gateway_url) as trader:
                    await _Trade(story, venue, paper, trader).run()
    except CgtError as error:
        story.fail(f"{error}\nThe logs are kept in {folder / 'logs'}")
        return 1
    shutil.rmtree(folder)
    story.step("System stopped", "every step above was observed")
    return 0


class _Trade:
    """One trade on one exchange, from the stored key over the first target to the stop."""

    def __init__(self, story: Story, venue: Venue, paper: HttpJson, trader: Trader) -> None:
        self._story, self._venue, self._paper, self._trader = story, venue, paper, trader
        self._trade_id = ""

    async def run(self) -> None:
        """Raises NotObserved, Refused."""
        self._story.act(f"A trade on {self._venue.name}")
        await self._price(str(START_PX), "The market stands")
        await self._sign_in()
        await self._store_key()
        await self._trader.listen()
        self._story.step("Frontend listening", "Socket.IO connected as the user")
        await self._buy()
        await self._protected()
        await self._price(ABOVE_TP1_PX, "The price rises above the first target")
        await self._first_target_done()
        await self._price(BELOW_STOP_PX, "The price falls below the stop")
        await self._stopped()
        await self._profit()
        await self._heard()

    async def _price(self, price: str, what: str) -> None:
        await self._paper.post(f"/control/{self._venue.exchange}/price", {"symbol": SYMBOL, "price": price})
        self._story.act(f"{what}: {SYMBOL} at {price}")

    async def _sign_in(self) -> None:
        email = f"trader-{secrets.token_hex(4)}@example.com"
        await self._trader.sign_in(email, secrets.token_urlsafe(16))
        self._story.step("Signed in", email)

    async def _store_key(self) -> None:
        opened = f"/control/{self._venue.exchange}/accounts"
        account = await self._paper.post(opened, {"balances": {"USDT": "10000"}})
        key = {"apiKey": account["api_key"], "secretKey": account["secret"]}
        if "passphrase" in account:
            key["passphrase"] = account["passphrase"]
        named = {"exchange": self._venue.name, "label": "demo", "activeTrading": True}
        await self._trader.post_patiently("/api-credentials", named | key, within_s=WITHIN_S)
        shown = str(await self._trader.get("/api-credentials"))
        if account["secret"] in shown:
            raise NotObserved("The gateway shows the secret of a stored key.")
        self._story.step("Key stored", "sealed by the vault; the gateway does not show the secret again")

    async def _buy(self) -> None:
        order = {
            "symbol": SYMBOL,
            "side": "BUY",
            "type": "MARKET",
            "sizePct": SIZE_PCT,
            "tpLevels": [TP1_PX, TP2_PX],
            "sl": STOP_PX,
            "exchange": self._venue.name,
        }
        answer = await self._trader.post_patiently("/exchanges/place-order", order, within_s=WITHIN_S)
        placed = await self._settled(answer)
        self._trade_id = placed["orderGroupId"]
        self._story.step(
            "Order placed",
            f"buy {SYMBOL} for {SIZE_PCT:.0%} of the portfolio, targets {TP1_PX} and {TP2_PX}, stop {STOP_PX}",
        )
        held = await eventually("the position is there", self._position, lambda qty: qty > DUST, WITHIN_S)
        filled = await self._filled(("ENTRY",), 1)
        self._story.step("Entry filled", f"order {placed['orderId']} at {filled[0]['avgPrice']}: {held} BTC held")

    async def _settled(self, answer: Json) -> Json:
        """The answer itself, or what became of the operation that it names instead."""
        if "statusUrl" not in answer:
            return answer

        async def look() -> Json:
            operation: Json = await self._trader.get(answer["statusUrl"])
            return operation

        self._story.act("The exchange has not answered in time; its answer is waited for")
        ended = await eventually("the order's answer", look, lambda seen: seen["state"] != "PENDING", WITHIN_S)
        if ended["state"] != "SUCCEEDED":
            raise NotObserved(f"The order was not placed: {ended['problem']}")
        placed: Json = ended["result"]
        return placed

    async def _protected(self) -> None:
        orders = await eventually(
            f"two exits ({self._venue.pair}) of a target and a stop each are in place",
            self._open_orders,
            lambda seen: [len(legs) for legs in _pairs(seen).values()] == [2, 2],
            WITHIN_S,
        )
        for number, legs in enumerate(_pairs(orders).values(), start=1):
            said = " or ".join(_leg(leg) for leg in legs)
            self._story.step(f"{self._venue.pair} {number} in place", said)

    async def _first_target_done(self) -> None:
        sold = await self._filled(TARGET, 1)
        orders = await eventually(
            "one exit is left",
            self._open_orders,
            lambda seen: len(seen) == 2 and len(_pairs(seen)) == 1,
            WITHIN_S,
        )
        held = await self._position()
        self._story.step(
            "First target done",
            f"{sold[0]['executedQty']} BTC sold at {sold[0]['avgPrice']}, {self._venue.partner}; "
            f"{held} BTC left, protected by {len(orders)} legs",
        )

    async def _stopped(self) -> None:
        sold = await self._filled(STOP, 1)
        self._story.step(
            "Stop hit", f"{sold[0]['executedQty']} BTC sold at {sold[0]['avgPrice']}: {self._venue.stopped}"
        )
        await eventually("no order is left", self._open_orders, lambda seen: not seen, WITHIN_S)
        held = await eventually("the position is flat", self._position, lambda qty: qty <= DUST, WITHIN_S)
        self._story.step("Position flat", f"{held:f} BTC left, nothing rests on the exchange or with the engine")

    async def _profit(self) -> None:
        trade = await eventually(
            "the trade is closed", self._seen, lambda seen: seen.get("state") == "CLOSED", WITHIN_S
        )
        fees = ", ".join(f"{fee} {asset}" for asset, fee in trade["fees"].items())
        self._story.step(
            "PnL net of fees",
            f"{trade['currentPnL']} USDT ({trade['pnlPercentage']:.2f} %): in at {trade['entryPriceAvg']}, "
            f"out at {trade['exitPriceAvg']} on average; fees {fees}",
        )

    async def _heard(self) -> None:
        async def received() -> dict[str, int]:
            return dict(self._trader.received)

        counts = await eventually(
            f"the frontend heard {', '.join(sorted(self._venue.events))}",
            received,
            lambda seen: self._venue.events <= set(seen),
            WITHIN_S,
        )
        self._story.step("Socket.IO events", ", ".join(f"{name} x{count}" for name, count in sorted(counts.items())))

    # -- looks ----------------------------------------------------------------------------------------------------

    async def _seen(self) -> Json:
        trades: list[Json] = await self._trader.get("/exchanges/trades", exchange=self._venue.name)
        return next((trade for trade in trades if trade["orderGroupId"] == self._trade_id), {})

    async def _filled(self, roles: tuple[str, ...], count: int) -> list[Json]:
        async def look() -> list[Json]:
            trade = await self._seen()
            orders = [trade.get("entryOrder") or {}, *trade.get("relatedOrders", [])]
            return [each for each in orders if _role(each).startswith(roles) and each["status"] == "FILLED"]

        return await eventually(f"a {roles[0]} order is filled", look, lambda seen: len(seen) == count, WITHIN_S)

    async def _open_orders(self) -> list[Json]:
        orders: list[Json] = await self._trader.get("/exchanges/open-orders", exchange=self._venue.name)
        return orders

    async def _position(self) -> Decimal:
        positions: list[Json] = await self._trader.get("/exchanges/open-positions", exchange=self._venue.name)
        return sum((Decimal(str(each["total"])) for each in positions if each["asset"] == "BTC"), Decimal(0))


def _role(order: Json) -> str:
    return str(order.get("orderRole", ""))


def _pairs(orders: Sequence[Json]) -> dict[Any, list[Json]]:
    """The legs by their pair, nearest target first, the target before its stop."""
    pairs: dict[Any, list[Json]] = {}
    # An order the exchange shows a moment before the ledger knows it has no pair yet.
    legs = [order for order in orders if order["pair"] is not None]
    for order in sorted(legs, key=lambda each: (each["pair"], _role(each).startswith(STOP))):
        pairs.setdefault(order["pair"], []).append(order)
    return pairs


def _leg(order: Json) -> str:
    """A leg with the price it waits for, and where it waits if that is not the exchange."""
    where = "" if order["residency"] == "exchange" else f" held by the {order['residency']}"
    trigger, price = (Decimal(str(order[name] or 0)) for name in ("stopPrice", "price"))
    limit = f" (limit {price:f})" if trigger and price and trigger != price else ""
    return f"{order['type']} {order['origQty']} at {trigger or price:f}{limit}{where}"
