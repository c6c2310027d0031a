"""Somebody trades by hand on the exchange and our stream tells nothing of it: sync finds out, and the promise holds."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import aiohttp
import orjson
import pytest

from binance_connector.dialect import BinanceDialect
from bitget_connector.dialect import BitgetDialect
from common.accounts import Credentials
from common.bus.brokers import BusSettings
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS
from common.codec import encode
from common.connector.ports import Dialect, HttpRequest
from common.exchanges import Exchange
from common.orders import OrderCanceled, OrderStatus, type_of
from gateio_connector.dialect import GateioDialect
from mexc_connector.dialect import MexcDialect
from tests.e2e.judging import protected

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

Json = dict[str, Any]
EXCHANGES = ("binance", "bitget", "gateio", "mexc")
DUST = Decimal("0.00006")
PASSPHRASE = "words-of-passage"
DIALECTS: dict[str, Dialect] = {
    "binance": BinanceDialect(ws_api_url="ws://127.0.0.1", stream_url="ws://127.0.0.1"),
    "bitget": BitgetDialect(public_url="ws://127.0.0.1", private_url="ws://127.0.0.1"),
    "gateio": GateioDialect(ws_url="ws://127.0.0.1"),
    "mexc": MexcDialect(ws_url="ws://127.0.0.1"),
}


class Hands:
    """A trader at the exchange's own door, with the same key, past us."""

    def __init__(self, desk: Any, user: Any) -> None:
        self.desk = desk
        self.user = user
        self.exchange = str(user.exchange)
        self._base = f"http://127.0.0.1:{desk.stack.ports[f'CGT_PORT_PAPER_{self.exchange.upper()}']}"
        self._key = Credentials(
            account_id="by-hand",
            exchange=Exchange(self.exchange),
            api_key=user.api_key,
            secret=user.secret,
            passphrase=PASSPHRASE,
            key_version=1,
            expires_at_ms=2**53,
        )

    async def ask(self, method: str, path: str, body: Json | None = None, **params: str) -> Any:
        request = HttpRequest(method=method, path=path, params=tuple(params.items()), body=body, signed=True)
        signed = DIALECTS[self.exchange].sign(request, self._key, int(time.time() * 1000))
        async with (
            aiohttp.ClientSession() as http,
            http.request(
                signed.method, self._base + signed.target, headers=dict(signed.headers), data=signed.body or None
            ) as answer,
        ):
            text = await answer.read()
            assert answer.status < 300, (self.exchange, method, path, text)
            said = orjson.loads(text) if text else {}
            assert not isinstance(said, dict) or said.get("code") in {None, "00000", 0, 200}, said
            return said

    async def deaf(self) -> None:
        """From now on our private stream hears nothing of this account."""
        await self.desk.fault("swallow_event", exchange=self.exchange, uid=self.user.uid)

    async def raw(self) -> Json:
        raw: Json = await self.desk.paper.get(f"/control/{self.exchange}/accounts/{self.user.uid}")
        return raw

    async def waiting(self) -> list[Json]:
        """Everything of ours or of theirs that waits or rests on the sell side."""
        raw = await self.raw()
        match self.exchange:
            case "bitget":
                return [plan for plan in raw["plans"] if plan["status"] == "live"]
            case "gateio":
                return [order for order in raw["price_orders"] if order["status"] == "open"]
            case _:
                return [o for o in raw["orders"] if o["side"] == "SELL" and o["status"] in {"NEW", "PARTIALLY_FILLED"}]

    async def cancel(self, order: Json) -> None:
        match self.exchange:
            case "bitget":
                await self.ask("POST", "/api/v2/spot/trade/cancel-plan-order", {"orderId": order["orderId"]})
            case "gateio":
                await self.ask("DELETE", f"/spot/price_orders/{order['id']}")
            case _:
                await self.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=str(order["orderId"]))

    async def cancel_entry(self, order_id: str) -> None:
        match self.exchange:
            case "bitget":
                await self.ask("POST", "/api/v2/spot/trade/cancel-order", {"symbol": "BTCUSDT", "orderId": order_id})
            case "gateio":
                await self.ask("DELETE", f"/spot/orders/{order_id}", currency_pair="BTC_USDT")
            case _:
                await self.ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=order_id)

    async def place(self, side: str, qty: str, price: str | None = None) -> None:
        """A limit order at this price, or a market sale."""
        kind = "MARKET" if price is None else "LIMIT"
        terms: Any = {} if price is None else {"price": price}
        match self.exchange:
            case "bitget":
                terms |= {"symbol": "BTCUSDT", "side": side.lower(), "orderType": kind.lower(), "size": qty}
                await self.ask("POST", "/api/v2/spot/trade/place-order", terms | {"force": "gtc"})
            case "gateio":
                terms |= {"currency_pair": "BTC_USDT", "side": side.lower(), "type": kind.lower(), "amount": qty}
                terms["time_in_force"] = "gtc" if price else "ioc"
                await self.ask("POST", "/spot/orders", terms)
            case _:
                terms |= {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": qty}
                if price and self.exchange == "binance":
                    terms["timeInForce"] = "GTC"
                await self.ask("POST", "/api/v3/order", **terms)

    async def held(self) -> Decimal:
        btc = (await self.raw())["balances"].get("BTC", {"free": "0", "locked": "0"})
        return Decimal(btc["free"]) + Decimal(btc["locked"])

    async def free(self) -> Decimal:
        return Decimal((await self.raw())["balances"]["BTC"]["free"])

    async def sync(self) -> Json:
        """Ask for it as the user, and follow it to its end."""
        trader = self.user.trader
        report: Json = await trader.post(f"/exchanges/sync?exchange={self.exchange.upper()}", {})

        async def look() -> Json:
            return dict(await trader.get(f"/exchanges/sync/{report['syncId']}"))

        report = await self.desk.eventually(look, lambda r: r["state"] == "DONE", "the sync is done", 60)
        assert report["failures"] == [], report
        return report

    async def protected(self) -> None:
        """Wait until stops cover what is held."""

        async def look() -> tuple[Decimal, Decimal]:
            if self.exchange == "mexc":
                orders = await self.user.trader.get("/exchanges/open-orders", exchange="MEXC")
                stops = [Decimal(str(o["origQty"])) for o in orders if o.get("residency") == "engine"]
            elif self.exchange == "binance":
                stops = [Decimal(o["origQty"]) for o in await self.waiting() if o["type"].startswith("STOP")]
            else:
                books = await self.desk.books(self.user)
                stops = [qty for px, qty in books.waiting if px < 99_000]
            return await self.held(), sum(stops, Decimal(0))

        def covered(seen: tuple[Decimal, Decimal]) -> bool:
            held, stopped = seen
            return held > DUST and 0 <= held - stopped < Decimal("0.00001")

        await self.desk.eventually(look, covered, f"what is held on {self.exchange} is protected", 60)

    async def bought(self, qty: str = "0.01", **fields: Any) -> None:
        """A position with its exits in place, and a stream that tells nothing of what comes now."""
        await self.user.buy(qty, **fields)
        await self.protected()
        await self.deaf()


async def on_every_exchange(
    desk: Any, story: Callable[[Hands], Awaitable[None]], exchanges: Iterable[str] = EXCHANGES
) -> None:
    """The same story on all exchanges at once, each with a trader of its own."""
    async with AsyncExitStack() as stack:
        users = [
            await stack.enter_async_context(
                desk.user(exchange, {"passphrase": PASSPHRASE} if exchange == "bitget" else None)
            )
            for exchange in exchanges
        ]
        await asyncio.gather(*(story(Hands(desk, user)) for user in users))
        for user in users:
            await keeps_its_promise(desk, user)


async def keeps_its_promise(desk: Any, user: Any) -> None:
    """Nothing was sold that was not bought; where the books tell our names, none was used twice."""
    trades = (await desk.books(user)).trades
    sold, bought = (sum((qty for side, qty in trades if side == each), Decimal(0)) for each in ("SELL", "BUY"))
    assert sold <= bought, user.exchange
    if user.exchange == "binance":
        names = [order["clientOrderId"] for order in (await desk.account(user)).orders]
        assert len(names) == len(set(names))


async def test_a_quiet_account_is_left_alone_and_so_is_an_order_placed_by_hand(desk: Any) -> None:
    async def story(hands: Hands) -> None:
        await hands.bought()
        report = await hands.sync()
        assert (report["corrected"], report["foreignOrders"], report["unsettled"]) == (0, 0, 0), report
        assert report["checked"] >= 2
        await hands.place("BUY", "0.001", "60000")
        report = await hands.sync()
        assert (report["corrected"], report["foreignOrders"]) == (0, 1), report
        (shown,) = await hands.user.trader.get("/exchanges/foreign-orders", exchange=hands.exchange.upper())
        assert (shown["side"], Decimal(shown["price"]), Decimal(shown["quantity"])) == (
            "BUY",
            Decimal(60_000),
            Decimal("0.001"),
        )
        raw = await hands.raw()
        assert sum(str(o["side"]).upper() == "BUY" and _rests(o) for o in raw["orders"]) == 1

    await on_every_exchange(desk, story)


async def test_an_exit_cancelled_by_hand_is_placed_again(desk: Any) -> None:
    async def story(hands: Hands) -> None:
        await hands.bought()
        before = {str(order) for order in await hands.waiting()}
        await hands.cancel((await hands.waiting())[0])
        report = await hands.sync()
        assert set(report["byKind"]) <= {"canceled", "expired", "gone"}, report
        assert report["corrected"] >= 1
        await hands.desk.eventually(
            hands.waiting, lambda now: len(now) == len(before), "as many exits wait as before", 60
        )
        await hands.protected()

    await on_every_exchange(desk, story)


async def test_coins_sold_by_hand_leave_no_exit_behind(desk: Any) -> None:
    async def story(hands: Hands) -> None:
        await hands.bought(tpLevels=[104_000])
        if hands.exchange in {"binance", "mexc"}:  # What waits there locks the coins.
            for order in (await hands.waiting())[:1]:
                await hands.cancel(order)
        await hands.desk.eventually(hands.free, lambda free: free >= Decimal("0.00998"), "the coins are free")
        await hands.place("SELL", "0.00998")
        report = await hands.sync()
        assert report["corrected"] >= 1, report
        await hands.desk.eventually(hands.waiting, lambda now: not now, "nothing waits to sell", 90)
        assert await hands.held() < Decimal("0.00003")

    await on_every_exchange(desk, story)


async def test_an_entry_cancelled_by_hand_after_a_partial_fill_is_protected(desk: Any) -> None:
    async def story(hands: Hands) -> None:
        placed = await hands.user.buy("0.01", type="LIMIT", price=99_000)
        await hands.deaf()
        order_id = str(placed["orderId"])
        named: Any = int(order_id) if hands.exchange in {"binance", "gateio"} else order_id
        fill = {"uid": hands.user.uid, "order_id": named, "symbol": "BTCUSDT", "qty": "0.004"}
        await hands.desk.paper.post(f"/control/{hands.exchange}/fill", fill)
        await hands.cancel_entry(order_id)
        report = await hands.sync()
        assert report["byKind"] == {"canceled": 1}, report
        await hands.protected()

    await on_every_exchange(desk, story)


async def test_what_is_changed_by_hand_is_taken_over_or_placed_as_planned(desk: Any) -> None:
    """Bitget lets plans be modified, Gate.io orders be amended, Binance an order be replaced by another."""

    async def bitget(hands: Hands) -> None:
        await hands.bought(tpLevels=[104_000])
        stop = next(plan for plan in await hands.waiting() if Decimal(plan["triggerPrice"]) < 99_000)
        body = {"orderId": stop["orderId"], "triggerPrice": "90000", "size": "0.002", "orderType": "market"}
        await hands.ask("POST", "/api/v2/spot/trade/modify-plan-order", body)
        report = await hands.sync()
        assert report["byKind"] == {"changed": 1}, report
        await hands.protected()

    async def gateio(hands: Hands) -> None:
        placed = await hands.user.buy("0.01", type="LIMIT", price=99_000)
        await hands.deaf()
        path = f"/spot/orders/{placed['orderId']}"
        await hands.ask("PATCH", path, {"amount": "0.02", "price": "98000"}, currency_pair="BTC_USDT")
        report = await hands.sync()
        assert report["byKind"] == {"changed": 1}, report
        assert (await hands.sync())["corrected"] == 0
        fill = {"uid": hands.user.uid, "order_id": int(placed["orderId"]), "symbol": "BTCUSDT"}
        await hands.desk.paper.post("/control/gateio/fill", fill)
        await hands.sync()
        await hands.protected()
        assert await hands.held() > Decimal("0.019")

    async def binance(hands: Hands) -> None:
        placed = await hands.user.buy("0.01", type="LIMIT", price=99_000)
        await hands.deaf()
        params: Any = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.02"}
        params |= {"price": "98000", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": str(placed["orderId"])}
        await hands.ask("POST", "/api/v3/order/cancelReplace", **params)
        report = await hands.sync()
        # A connector that has just read the account anew told the cancel itself.
        assert report["byKind"] in ({"canceled": 1}, {}), report
        assert report["foreignOrders"] == 1, report

        async def open_orders() -> list[Json]:
            return list(await hands.user.trader.get("/exchanges/open-orders", exchange="BINANCE"))

        def is_replaced(orders: list[Json]) -> bool:
            return placed["orderId"] not in [order["orderId"] for order in orders]

        await hands.desk.eventually(open_orders, is_replaced, "our entry is known to be cancelled")

    stories = {"bitget": bitget, "gateio": gateio, "binance": binance}

    async def story(hands: Hands) -> None:
        await stories[hands.exchange](hands)

    await on_every_exchange(desk, story, stories)


async def test_an_order_left_over_after_its_bracket_has_closed_is_cancelled(desk: Any) -> None:
    """A fact that is not true: the entry is told as cancelled, its bracket closes, and the order is still open."""

    async def story(hands: Hands) -> None:
        placed = await hands.user.buy("0.01", type="LIMIT", price=99_000)
        await hands.deaf()
        await tell_a_lie(hands, placed)
        report = await hands.desk.eventually(
            hands.sync, lambda r: r["corrected"] > 0, "it is found to be open well after its end", 30
        )
        assert report["byKind"] == {"left_over": 1}, report

        async def rests() -> list[Json]:
            return [order for order in (await hands.raw())["orders"] if _rests(order)]

        await hands.desk.eventually(rests, lambda orders: not orders, "what is left over is cancelled", 60)

    await on_every_exchange(desk, story)


async def test_an_order_whose_answer_was_lost_is_settled_while_nobody_else_asks(desk: Any) -> None:
    """The connectors were killed while they waited for it, and the engine, which would ask again, is down."""
    connectors = [f"{exchange}-connector" for exchange in EXCHANGES]
    async with AsyncExitStack() as room:
        users = [await room.enter_async_context(desk.user(exchange)) for exchange in EXCHANGES]
        for user in users:
            await desk.fault("slow_response", exchange=user.exchange, uid=user.uid, method="POST", delay_ms=30_000)
            await desk.fault("swallow_event", exchange=user.exchange, uid=user.uid)
        asking = [asyncio.create_task(user.attempt()) for user in users]
        for user in users:
            await desk.eventually(lambda user=user: desk.books(user), lambda b: b.entries == 1, "the entry is there")
        for service in ("order-engine", *connectors):
            desk.stack.kill(service)
        for exchange in EXCHANGES:
            await desk.paper.delete(f"/control/{exchange}/faults")
        await asyncio.gather(*(desk.stack.start(connector) for connector in connectors))

        async def settled() -> set[str]:
            lines = [line for line in desk.stack.log("sync").splitlines() if "overdue_order_settled" in line]
            return {user.exchange for user in users if any(user.credential_id in line for line in lines)}

        try:
            await desk.eventually(settled, lambda done: done == set(EXCHANGES), "the fast lane has settled them", 60)
        finally:
            await desk.stack.start("order-engine")
        await asyncio.gather(*asking)
        for user in users:
            await protected(desk, user)
            await keeps_its_promise(desk, user)


async def test_an_operator_has_every_account_checked_from_the_command_line(desk: Any) -> None:
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sync", "check"),
        env=desk.stack.settings("sync"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await command.communicate()
    report = orjson.loads(said)
    assert (command.returncode, report["state"], report["everyone"]) == (0, "DONE", True), report
    assert report["accounts"] > 0


async def test_what_stays_unprotected_is_told_to_its_user_and_told_again_when_it_is_over(desk: Any) -> None:
    async with desk.user() as user:
        path = "/api/v3/orderList/oco"
        await desk.fault("rate_limited", uid=user.uid, path=path, retry_after_s=5, count=1)
        await user.attempt()

        async def told() -> list[str]:
            events = (await user.trader.get("/events", since="0", limit="500"))["events"]
            return [each["data"]["event"] for each in events if each["event"] == "protection_update"]

        over = await desk.eventually(told, lambda kinds: "protection.restored" in kinds, "the alarm is over")
        assert over.index("protection.overdue") < over.index("protection.restored")
        assert over.count("protection.overdue") == 1
        await desk.until_protected(user)


async def tell_a_lie(hands: Hands, placed: Json) -> None:
    """Publish that this order was cancelled, as a connector with a defect would."""
    now_ms = int(time.time() * 1000)
    lie = OrderCanceled(
        account_id=hands.user.credential_id,
        exchange=Exchange(hands.exchange),
        symbol="BTCUSDT",
        client_order_id=placed["clientOrderId"],
        exchange_order_id=str(placed["orderId"]),
        status=OrderStatus.CANCELED,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )
    message = Outgoing(
        topic=ORDER_EVENTS.name,
        key=lie.account_id,
        value=encode(lie),
        ce_id=f"lie-{placed['clientOrderId']}",
        ce_type=type_of(lie),
        ce_source="test",
        ce_time_ms=now_ms,
        correlation_id=None,
        causation_id=None,
    )
    stack = hands.desk.stack
    bus = BusSettings(kafka_bootstrap=stack.bootstrap, broker=stack.options.broker)
    async with Publisher(bus, (ORDER_EVENTS,), "test") as publisher:
        await publisher.publish((message,))


def _rests(order: Json) -> bool:
    return str(order.get("status")).lower() in {"new", "live", "open", "partially_filled"}
