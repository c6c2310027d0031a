"""One signal for two hundred traders, while the gateway and the engine are killed under it."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from cgt.trader import HttpJson, Trader
from common.bus.brokers import BrokerKind
from common.runtime.services import SERVICES
from common.runtime.stack import Stack, StackOptions
from common.testing.crowd import ROOMY, gather_crowd
from tests.e2e.admins import make_admin

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

TRADERS = 200
NEEDED = ("paper-exchange", "credentials-vault", "binance-connector", "order-engine", "gateway")
ORDER = {
    "exchange": "BINANCE",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "sizeUsd": 500,
    "tpLevels": ["4%", "6%"],
    "sl": "5%",
    "validForSeconds": 120,
}


class Crowded:
    """The services that one exchange needs, and a look at its books."""

    def __init__(self, stack: Stack, paper: HttpJson) -> None:
        self.stack = stack
        self.paper = paper

    async def price(self, px: str, *, gap: bool = False, exchange: str = "binance") -> None:
        await self.paper.post(f"/control/{exchange}/price", {"symbol": "BTCUSDT", "price": px, "gap": gap})

    async def books(self, uid: int) -> Any:
        return await self.paper.get(f"/control/binance/accounts/{uid}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(broker_kind: BrokerKind, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowded]:
    options = StackOptions(
        run_dir=tmp_path_factory.mktemp("stack"),
        broker=broker_kind,
        settings=ROOMY,
        services=tuple(service for service in SERVICES if service.name in NEEDED),
    )
    async with Stack(options) as stack, HttpJson(stack.paper_control_url) as paper:
        yield Crowded(stack, paper)


class Admin(Trader):
    """An admin, whose requests carry a key, and who is told how signals get on."""

    async def told(self) -> list[Any]:
        """All of it since the socket was opened; what came while no gateway was there to carry it, too."""
        updates: list[Any] = []
        since, more = 0, True
        while more:
            page = await self.get("/events", since=str(since), limit="500")
            updates += [each["data"] for each in page["events"] if each["event"] == "signal_update"]
            since, more = max((each["data"]["seq"] for each in page["events"]), default=since), page["more"]
        return updates

    async def send(self, key: str) -> Any:
        self._headers["Idempotency-Key"] = key
        return await self.post("/exchanges/signals", ORDER)

    async def signal(self, signal_id: str, **query: str) -> Any:
        return await self.get(f"/exchanges/signals/{signal_id}", **query)

    async def receipts(self, signal_id: str) -> list[Any]:
        """All of them, page by page."""
        found, query = [], {"limit": "70"}
        while True:
            page = await self.signal(signal_id, **query)
            found += page["receipts"]
            if page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]


async def _an_admin(desk: Crowded, admin: Admin) -> None:
    email = f"admin-{secrets.token_hex(4)}@example.com"
    await admin.sign_in(email, secrets.token_urlsafe(16))
    await make_admin(desk.stack, email)


async def test_two_hundred_traders_get_one_order_each_whatever_is_killed_half_way(desk: Crowded) -> None:
    members = await gather_crowd(desk.stack, TRADERS)
    async with Admin(desk.stack.gateway_url) as admin:
        await _an_admin(desk, admin)
        await admin.listen()
        key = secrets.token_hex(8)
        signal_id = (await admin.send(key))["signalId"]
        counts = await _until(admin, signal_id, lambda seen: seen["counts"]["PENDING"] <= TRADERS * 3 // 4)
        desk.stack.kill("gateway")
        desk.stack.kill("order-engine")
        assert counts["counts"]["PENDING"] > 0, "killed half-way"
        await asyncio.gather(desk.stack.start("gateway"), desk.stack.start("order-engine"))
        assert (await admin.send(key))["signalId"] == signal_id
        done = await _until(admin, signal_id, lambda seen: seen["status"] == "DONE")
        receipts = await admin.receipts(signal_id)
        async with asyncio.timeout(60):
            while not (told := await admin.told()) or told[-1]["status"] != "DONE":
                await asyncio.sleep(0.1)
        assert {update["signalId"] for update in told} == {signal_id}
    assert done["counts"]["PROTECTED"] == done["accounts"] == TRADERS, done["counts"]
    by_account = {each["credentialId"]: each for each in receipts}
    assert by_account.keys() == {member.account_id for member in members}
    assert len(receipts) == TRADERS
    for member in members:
        _assert_one_outcome(await desk.books(member.uid), by_account[member.account_id])


def _assert_one_outcome(books: Any, receipt: Any) -> None:
    """One buy, as the receipt says, and all of it protected, by the exchange's own books."""
    (entry,) = [order for order in books["orders"] if order["side"] == "BUY"]
    assert (str(entry["orderId"]), entry["clientOrderId"]) == (receipt["orderId"], receipt["clientOrderId"])
    assert Decimal(entry["executedQty"]) == Decimal(receipt["executedQty"]) > 0
    assert all(receipt[when] for when in ("sentAt", "placedAt", "filledAt", "protectedAt"))
    exits = Counter(order["type"] for order in books["orders"] if order["side"] == "SELL" and order["status"] == "NEW")
    assert exits == {"STOP_LOSS": 2, "LIMIT_MAKER": 2}


async def _until(admin: Admin, signal_id: str, holds: Any) -> Any:
    """Look until it holds; a gateway that is being started again is waited for."""
    async with asyncio.timeout(120):
        while True:
            try:
                seen = await admin.signal(signal_id, limit="1")
            except aiohttp.ClientError:
                continue
            if holds(seen):
                return seen
            await asyncio.sleep(0.02)
