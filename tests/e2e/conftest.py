"""The whole system as processes, and what a test needs to be a trader, the market and the judge."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio

from cgt.trader import HttpJson, Refused, Trader
from common.bus.brokers import BrokerKind
from common.runtime.stack import Stack, StackOptions

T = TypeVar("T")
Json = dict[str, Any]

FEE = Decimal("0.001")
LOT = Decimal("0.00001")
SYMBOL, BASE = "BTCUSDT", "BTC"
OPEN = ("NEW", "PARTIALLY_FILLED")
EXCHANGES = ("binance", "bitget", "gateio", "mexc")
# Answers of the paper exchange come from this machine: "not there" is conclusive much sooner than over the internet.
SETTINGS = {
    "CGT_SETTLE_MARGIN_MS": "300",
    "CGT_BINANCE_RECV_WINDOW_MS": "1000",
    "CGT_ORDER_ASK_AFTER_MS": "500",
    "CGT_SYNC_SHORT_AFTER_MS": "1000",
    "CGT_SYNC_OVERDUE_AFTER_MS": "2000",
    "CGT_PROTECTION_BOUND_MS": "2000",
}


@dataclass
class Account:
    """What the exchange knows of one trader's account: the truth a test judges by."""

    raw: Json

    @property
    def orders(self) -> list[Json]:
        return list(self.raw["orders"])

    def of(self, side: str, *statuses: str) -> list[Json]:
        return [o for o in self.orders if o["side"] == side and (not statuses or o["status"] in statuses)]

    @property
    def open_exits(self) -> list[Json]:
        return self.of("SELL", "NEW", "PARTIALLY_FILLED")

    @property
    def bought(self) -> Decimal:
        """Base received, after fees in base."""
        trades = [t for t in self.raw["trades"] if t["isBuyer"]]
        return sum((Decimal(t["qty"]) - self._fee(t, "BTC") for t in trades), Decimal(0))

    @property
    def sold(self) -> Decimal:
        return sum((Decimal(t["qty"]) for t in self.raw["trades"] if not t["isBuyer"]), Decimal(0))

    @property
    def protected(self) -> Decimal:
        """The quantity of lists whose stop still works."""
        stops = [o for o in self.open_exits if o["type"].startswith("STOP_LOSS")]
        return sum((Decimal(o["origQty"]) - Decimal(o["executedQty"]) for o in stops), Decimal(0))

    @staticmethod
    def _fee(trade: Json, asset: str) -> Decimal:
        return Decimal(trade["commission"]) if trade["commissionAsset"] == asset else Decimal(0)


@dataclass
class Books:
    """An account on any of the exchanges: the base asset it holds, and what waits to sell it."""

    exchange: str
    raw: Json

    @property
    def held(self) -> Decimal:
        btc = self.raw["balances"].get(BASE, {"free": "0", "locked": "0"})
        return Decimal(btc["free"]) + Decimal(btc["locked"])

    @property
    def waiting(self) -> list[tuple[Decimal, Decimal]]:
        """(trigger or limit price, quantity) of everything armed or resting that would sell."""
        match self.exchange:
            case "bitget":
                live = [p for p in self.raw["plans"] if p["status"] == "live"]
                return [(Decimal(p["triggerPrice"]), Decimal(p["size"])) for p in live]
            case "gateio":
                live = [p for p in self.raw["price_orders"] if p["status"] == "open"]
                return [(Decimal(p["trigger"]["price"]), Decimal(p["put"]["amount"])) for p in live]
            case _:
                live = [o for o in self.raw["orders"] if o["side"] == "SELL" and o["status"] in OPEN]
                return [(Decimal(o["price"]), Decimal(o["origQty"])) for o in live]

    @property
    def trades(self) -> list[tuple[str, Decimal]]:
        """(BUY or SELL, quantity) of everything that traded."""
        names = {"binance": "qty", "bitget": "size", "gateio": "amount", "mexc": "qty"}
        return [(_side_of(trade), Decimal(trade[names[self.exchange]])) for trade in self.raw["trades"]]

    @property
    def entries(self) -> int:
        """How many buys ever reached the exchange."""
        return sum(str(order["side"]).upper() == "BUY" for order in self.raw["orders"])


def _side_of(trade: Json) -> str:
    if "isBuyer" in trade:
        return "BUY" if trade["isBuyer"] else "SELL"
    return str(trade["side"]).upper()


@dataclass
class User:
    """A signed-in trader with one exchange key."""

    trader: Trader
    uid: int
    api_key: str
    secret: str
    credential_id: str
    exchange: str

    async def buy(self, qty: str = "0.01", *, within_s: float = 25.0, **fields: Any) -> Json:
        """Place a market buy with two targets and a stop, once the gateway has seen where the market stands now.

        A 503 is taken for what it says: the same again, under the same key.
        """
        order = _an_order(qty) | {"exchange": self.exchange.upper()} | fields
        for _ in range(50):
            try:
                placed: Json = await self.trader.post_patiently("/exchanges/place-order", order, within_s=within_s)
            except Refused as refused:
                if refused.code != "LEVEL_WRONG_SIDE":
                    raise
                await asyncio.sleep(0.1)
            else:
                return placed
        raise AssertionError("the gateway does not see the market's price")

    async def attempt(self, qty: str = "0.01", **fields: Any) -> None:
        """The same, whatever the gateway answers: what counts is what the exchange has in the end."""
        with suppress(Refused):
            await self.buy(qty, within_s=0, **fields)


def _an_order(qty: str) -> Json:
    return {
        "exchange": "BINANCE",
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "MARKET",
        "quantity": qty,
        "tpLevels": [104_000, 106_000],
        "sl": 95_000,
    }


class Desk:
    """The stack, the market, and a judge who sees the exchange's own books."""

    def __init__(self, stack: Stack, paper: HttpJson) -> None:
        self.stack = stack
        self.paper = paper

    @asynccontextmanager
    async def user(self, exchange: str = "binance", also: Json | None = None, **balances: str) -> AsyncIterator[User]:
        """A new trader whose key is stored and whose account trades; `also` is what else the exchange is told."""
        wanted = {"balances": balances or {"USDT": "100000"}, **(also or {})}
        account = await self.paper.post(f"/control/{exchange}/accounts", wanted)
        async with Trader(self.stack.gateway_url) as trader:
            await trader.sign_in(f"trader-{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(16))
            # After a stream cut MEXC's limits are used up for a while, and the answer is "later".
            stored = await trader.post_patiently(
                "/api-credentials",
                {
                    "exchange": exchange.upper(),
                    "apiKey": account["api_key"],
                    "secretKey": account["secret"],
                    **({"passphrase": account["passphrase"]} if account.get("passphrase") else {}),
                    "label": "test",
                    "activeTrading": True,
                },
                within_s=25.0,
            )
            yield User(trader, account["uid"], account["api_key"], account["secret"], stored["id"], exchange)

    async def account(self, user: User) -> Account:
        return Account(await self.paper.get(f"/control/binance/accounts/{user.uid}"))

    async def price(self, px: str, *, gap: bool = False, exchange: str = "binance") -> None:
        await self.paper.post(f"/control/{exchange}/price", {"symbol": SYMBOL, "price": px, "gap": gap})

    async def fault(self, kind: str, *, exchange: str = "binance", **fields: Any) -> None:
        await self.paper.post(f"/control/{exchange}/faults", {"kind": kind, **fields})

    async def books(self, user: User) -> Books:
        """What the exchange knows, in words that fit all four."""
        return Books(user.exchange, await self.paper.get(f"/control/{user.exchange}/accounts/{user.uid}"))

    async def fill(self, user: User, order: Json, qty: str | None = None) -> None:
        body = {"uid": user.uid, "order_id": order["orderId"], "symbol": SYMBOL}
        await self.paper.post("/control/binance/fill", body | ({"qty": qty} if qty else {}))

    async def until(self, user: User, holds: Callable[[Account], bool], what: str, within_s: float = 40.0) -> Account:
        """Wait until the exchange's books show it."""
        return await eventually(lambda: self.account(user), holds, what, within_s)

    async def until_protected(self, user: User, within_s: float = 40.0) -> Account:
        """Wait until everything bought and not sold is covered by stops, but for less than a lot."""

        def covered(account: Account) -> bool:
            held = account.bought - account.sold
            return held > 0 and 0 <= held - account.protected < LOT

        return await self.until(user, covered, "what is held is protected", within_s)

    async def until_flat(self, user: User, within_s: float = 40.0) -> Account:
        """Wait until nothing but dust is held and nothing rests."""

        def flat(account: Account) -> bool:
            return not account.open_exits and account.bought - account.sold < LOT

        return await self.until(user, flat, "the position is flat", within_s)

    async def eventually(
        self, look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], what: str, within_s: float = 40.0
    ) -> T:
        """Wait until what is looked at shows it."""
        return await eventually(look, holds, what, within_s)


async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], bool], what: str, within_s: float = 40.0
) -> T:
    """Look until it holds; say what was last seen if it does not."""
    async with asyncio.timeout(within_s + 30):
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            seen = await look()
            if holds(seen):
                return seen
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"not within {within_s:g} s: {what}; last seen: {seen}")
            await asyncio.sleep(0.05)


def assert_promise(account: Account) -> None:
    """P2 and P3 by the exchange's own books: nothing oversold, nothing sent twice."""
    ids = [order["clientOrderId"] for order in account.orders]
    assert len(ids) == len(set(ids)), "a client order id was used twice"
    lists: dict[Any, Decimal] = {}
    for order in account.open_exits:
        key = order["orderListId"] if order["orderListId"] != -1 else order["orderId"]
        leaves = Decimal(order["origQty"]) - Decimal(order["executedQty"])
        lists[key] = max(lists.get(key, Decimal(0)), leaves)
    assert account.sold + sum(lists.values(), Decimal(0)) <= account.bought, "exits could sell more than is held"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(broker_kind: BrokerKind, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """One system for a test module, its market still at 100,000."""
    run_dir: Path = tmp_path_factory.mktemp("stack")
    options = StackOptions(run_dir=run_dir, broker=broker_kind, settings=SETTINGS)
    async with Stack(options) as stack, HttpJson(stack.paper_control_url) as paper:
        yield Desk(stack, paper)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def calm_market(desk: Desk) -> None:
    """Every test starts without faults, at 100,000."""
    # MEXC lets an account be read twice a second; that is proven elsewhere and would only slow these tests down.
    await desk.paper.post("/control/mexc/switches", {"account_calls_per_s": 1000})
    for exchange in EXCHANGES:
        await desk.paper.delete(f"/control/{exchange}/faults")
        await desk.price("100000", gap=True, exchange=exchange)


@pytest.fixture
def promise() -> Callable[[Account], None]:
    return assert_promise
