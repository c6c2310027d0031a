"""A frontend's day: one user, four exchanges, three kinds of client; and two gateways behind one user."""

import asyncio
import sys
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cgt.trader import Trader
from common.runtime.process import Child, free_port, start
from gateway.testing.frontends import Frontend, JavaScriptFrontend, PlainFrontend, PythonFrontend, javascript_client

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

EXCHANGES = ("binance", "bitget", "gateio", "mexc")
CLOSED = {"FILLED", "CANCELED", "EXPIRED", "REJECTED"}
D = Decimal


class Day:
    """What one day left behind: what each client heard, what the REST surface says, and the exchanges' own books."""

    def __init__(self, clients: dict[str, Frontend]) -> None:
        self.clients = clients
        self.told: list[tuple[str, Any]] = []
        self.trades: dict[str, list[Any]] = {}
        self.positions: dict[str, Any] = {}
        self.books: dict[str, Any] = {}

    def client(self, kind: str) -> Frontend:
        if kind not in self.clients:
            pytest.skip("the official JavaScript client needs node and npm, and a registry the first time")
        return self.clients[kind]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(desk: Any) -> AsyncIterator[Day]:
    here = Path(__file__)
    clients: dict[str, Frontend] = {"python": PythonFrontend(), "plain": PlainFrontend()}
    script = await javascript_client(here.parent / "frontend", here.parents[2] / ".cache" / "frontend")
    if script is not None:
        clients["javascript"] = await JavaScriptFrontend.start(script)
    day, url = Day(clients), desk.stack.gateway_url
    # MEXC lets an account be read twice a second; that is proven elsewhere and would only slow this day down.
    await desk.paper.post("/control/mexc/switches", {"account_calls_per_s": 1000})
    async with Trader(url) as trader:
        await trader.sign_in("a-day@example.com", "correct horse battery")
        token = trader.authorization["Authorization"].removeprefix("Bearer ")
        users = {exchange: await _with_a_key(desk, trader, exchange) for exchange in EXCHANGES}
        for client in clients.values():
            await client.connect(url, token, 0)
        for exchange in EXCHANGES:
            await desk.price("100000", gap=True, exchange=exchange)
            await _buy(trader, exchange)
            await _eventually_protected(desk, trader, exchange)
        # Lunch: nobody looks while the first targets are reached.
        lasts = {}
        for kind, client in clients.items():
            lasts[kind] = client.last
            await client.disconnect()
        for exchange in EXCHANGES:
            await desk.price("104500", exchange=exchange)
        for exchange in EXCHANGES:
            await desk.eventually(lambda e=exchange: _sold(desk, users[e], e), lambda sold: sold > 0, "a target")
        for kind, client in clients.items():
            await client.connect(url, token, lasts[kind])
        for exchange in EXCHANGES:
            await desk.price("94000", exchange=exchange)
        for exchange in EXCHANGES:
            trades = f"/exchanges/trades?exchange={exchange.upper()}"
            await desk.eventually(lambda path=trades: trader.get(path), _closed, f"flat on {exchange}")
            day.books[exchange] = await desk.paper.get(f"/control/{exchange}/accounts/{users[exchange]}")
        fills = {exchange: len(day.books[exchange]["trades"]) for exchange in EXCHANGES}
        day.positions = await desk.eventually(
            lambda: _positions(trader),
            lambda found: {name: each["fills"] for name, each in found.items()} == fills,
            "the portfolio knows every fill",
        )
        day.told = await _all_told(trader, clients)
        day.trades = {e: await trader.get("/exchanges/trades", exchange=e.upper()) for e in EXCHANGES}
        yield day
    for client in clients.values():
        await client.close()


KINDS = pytest.mark.parametrize("kind", ["python", "plain", "javascript"])


@KINDS
async def test_every_client_hears_every_event_once_and_in_order_across_a_reconnect(day: Day, kind: str) -> None:
    client = day.client(kind)
    assert client.numbers == list(range(1, len(day.told) + 1))
    assert client.events == day.told


@KINDS
async def test_what_happened_at_lunch_came_first_after_it(day: Day, kind: str) -> None:
    heard = day.client(kind).heard
    first, second = (place for place, (name, _) in enumerate(heard) if name == "stream_ready")
    before = [data["seq"] for name, data in heard[first:second] if "seq" in data and name != "stream_ready"]
    ready = heard[second][1]
    assert ready["since"] == before[-1]
    assert ready["seq"] > ready["since"]


async def test_the_events_have_the_fields_of_the_spec(day: Day) -> None:
    told: dict[str, list[Any]] = {}
    for name, data in day.told:
        told.setdefault(name, []).append(data)
    for exchange in EXCHANGES:
        name = exchange.upper()
        statuses = {each["orderStatus"] for each in told["order_update"] if each["exchange"] == name}
        assert {"NEW", "FILLED"} <= statuses
        ocos = [each for each in told["auto_oco_placed"] if each["exchange"] == name]
        assert any("tp1Price" in each and each["slPrice"] is not None for each in ocos)
        assert any(each["exchange"] == name and each["balances"] for each in told["balance_update"])
        last = [each for each in told["position_update"] if each["exchange"] == name][-1]
        assert (last["state"], last["unprotectedQty"]) == ("CLOSED", "0")
    assert {each["listOrderStatus"] for each in told["list_status_update"]} >= {"EXECUTING", "ALL_DONE"}
    assert {"bracket.opened", "protection.placed", "bracket.closed"} <= {e["event"] for e in told["protection_update"]}


@pytest.mark.parametrize("exchange", EXCHANGES)
async def test_profit_and_loss_match_a_ledger_kept_by_hand(day: Day, exchange: str) -> None:
    (trade,) = day.trades[exchange]
    by_hand = _profit(day.books[exchange]["trades"])
    assert D(str(trade["currentPnL"])) == by_hand.quantize(D("0.00000001"), ROUND_HALF_EVEN)
    realised = D(day.positions[exchange]["realisedPnL"])
    assert realised.quantize(D("0.00000001"), ROUND_HALF_EVEN) == by_hand.quantize(D("0.00000001"), ROUND_HALF_EVEN)


async def test_two_gateways_tell_the_same_and_either_takes_over(desk: Any, tmp_path: Path) -> None:
    async with desk.user() as user, _Gateway(desk, tmp_path / "gateway.log") as second:
        token = user.trader.authorization["Authorization"].removeprefix("Bearer ")
        here, there = PythonFrontend(), PlainFrontend()
        await here.connect(desk.stack.gateway_url, token)
        await there.connect(second.url, token)
        await user.buy("0.01")
        await desk.until_protected(user)
        await _agree(here, there)
        desk.stack.kill("gateway")
        await here.until(lambda: not here.connected)
        known = here.last
        await desk.price("104500")
        await desk.until(user, lambda account: len(account.open_exits) == 2, "the first pair is done")
        await here.connect(second.url, token, known)
        await desk.price("94000")
        await desk.until_flat(user)
        await there.until(lambda: any(data.get("state") == "CLOSED" for _, data in there.events))
        await desk.stack.start("gateway")
        # The one that is back tells the whole day to who asks for it.
        third = PlainFrontend()
        await third.connect(desk.stack.gateway_url, token, 0)
        await _agree(here, there)
        await _agree(third, there)
        assert there.numbers == list(range(1, there.last + 1))
        assert here.events == there.events == third.events
        for client in (here, there, third):
            await client.disconnect()
            await client.close()


async def _agree(one: Frontend, other: Frontend) -> None:
    """Wait until both have heard the same last event."""
    while one.last != other.last:
        await one.until(lambda: one.last >= other.last)
        await other.until(lambda: other.last >= one.last)


class _Gateway:
    """A second gateway of the same stack: the same settings, another port."""

    def __init__(self, desk: Any, log: Path) -> None:
        self._port, self._log, self._stack = free_port(), log, desk.stack
        self.url = f"http://127.0.0.1:{self._port}"
        self._child: Child

    async def __aenter__(self) -> "_Gateway":
        settings = self._stack.settings("gateway") | {"CGT_HTTP_PORT": str(self._port)}
        self._child = start("second gateway", [sys.executable, "-m", "gateway"], log=self._log, env=settings)
        async with aiohttp.ClientSession() as http:
            await self._child.ready(lambda: self._answers(http), 60)
        return self

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(f"{self.url}/health") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def __aexit__(self, *_: object) -> None:
        await self._child.stop()


async def _with_a_key(desk: Any, trader: Trader, exchange: str) -> int:
    """The account's number on the exchange."""
    account = await desk.paper.post(f"/control/{exchange}/accounts", {"balances": {"USDT": "100000"}})
    keys = {"exchange": exchange.upper(), "apiKey": account["api_key"], "secretKey": account["secret"]}
    if account.get("passphrase"):
        keys["passphrase"] = account["passphrase"]
    await trader.post("/api-credentials", keys | {"activeTrading": True})
    return int(account["uid"])


async def _buy(trader: Trader, exchange: str) -> None:
    order = {"exchange": exchange.upper(), "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.0137"}
    await trader.post("/exchanges/place-order", order | {"tpLevels": [104_000, 106_000], "sl": 95_000})


async def _eventually_protected(desk: Any, trader: Trader, exchange: str) -> None:
    async def bare() -> Any:
        positions = await trader.get("/exchanges/open-positions", exchange=exchange.upper())
        return next((each for each in positions if each["asset"] == "BTC"), None)

    await desk.eventually(bare, _is_covered, "protected")


def _is_covered(held: Any) -> bool:
    covered = held is not None and D(str(held["protectedQty"])) + D(str(held["guardedQty"])) > 0
    return covered and D(str(held["unprotectedQty"])) == 0


async def _sold(desk: Any, uid: int, exchange: str) -> Decimal:
    books = await desk.paper.get(f"/control/{exchange}/accounts/{uid}")
    return sum((fill.qty for fill in map(_Fill, books["trades"]) if not fill.buys), D(0))


def _closed(trades: list[Any]) -> bool:
    return bool(trades) and all(
        each["currentPnL"] is not None and all(order["status"] in CLOSED for order in each["relatedOrders"])
        for each in trades
    )


async def _positions(trader: Trader) -> dict[str, Any]:
    """The portfolio's positions, by exchange."""
    return {each["exchange"].lower(): each for each in await trader.get("/portfolio/positions")}


async def _all_told(trader: Trader, clients: dict[str, Frontend]) -> list[tuple[str, Any]]:
    """Every event there is, once it is quiet and every client has heard the last one."""
    while True:
        told = await _read_all(trader)
        await asyncio.gather(*[_has_heard(client, len(told)) for client in clients.values()])
        await asyncio.sleep(0.5)
        if await _read_all(trader) == told:
            return told


async def _has_heard(client: Frontend, seq: int) -> None:
    await client.until(lambda: client.last >= seq)


async def _read_all(trader: Trader) -> list[tuple[str, Any]]:
    told: list[tuple[str, Any]] = []
    while True:
        page = await trader.get("/events", since=str(len(told)), limit="500")
        told += [(each["event"], each["data"]) for each in page["events"]]
        if not page["more"]:
            return told


class _Fill:
    """One trade in the words of its exchange."""

    def __init__(self, raw: Any) -> None:
        self.buys = raw["isBuyer"] if "isBuyer" in raw else str(raw["side"]).lower() == "buy"
        self.qty = D(raw.get("qty") or raw.get("size") or raw["amount"])
        self.px = D(raw.get("priceAvg") or raw["price"])
        fee, asset = _fee(raw)
        self.base_fee = fee if asset == "BTC" else D(0)
        self.quote_fee = fee if asset == "USDT" else D(0)


def _fee(raw: Any) -> tuple[Decimal, str]:
    if "feeDetail" in raw:
        return abs(D(raw["feeDetail"]["totalFee"])), raw["feeDetail"]["feeCoin"]
    return abs(D(raw.get("commission") or raw["fee"])), raw.get("commissionAsset") or raw["fee_currency"]


def _profit(trades: list[Any]) -> Decimal:
    """What a unit cost is all that was paid over what arrived; what was sold brought its price less the fee."""
    fills = [_Fill(each) for each in trades]
    cost = sum((f.qty * f.px + f.quote_fee for f in fills if f.buys), D(0))
    received = sum((f.qty - f.base_fee for f in fills if f.buys), D(0))
    sold = sum((f.qty for f in fills if not f.buys), D(0))
    proceeds = sum((f.qty * f.px - f.quote_fee for f in fills if not f.buys), D(0))
    return proceeds - sold * cost / received
