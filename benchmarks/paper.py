"""The paper exchange as the benchmark uses it: accounts, resting entries, paced fills, stamps, its books."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from benchmarks.bots.config import Account
from benchmarks.signing import rest_body
from benchmarks.trade import ENTRY_PX, ENTRY_QTY, SYMBOL, entry_id, group_of
from common.errors import CgtError

ROOMY = {
    "CGT_PAPER_WEIGHT_PER_MINUTE": "100000000",
    "CGT_PAPER_ORDERS_PER_10S": "10000000",
    "CGT_PAPER_ORDERS_PER_DAY": "100000000",
    "CGT_PAPER_MAX_ORDERS": "1000000",
    "CGT_PAPER_MAX_ALGO_ORDERS": "1000000",
    "CGT_PAPER_MAX_LISTS": "1000000",
}
"""Settings that keep the exchange's limits out of the measurement."""

_PLACING_AT_ONCE = 16
_DEPOSIT = {"USDT": "100000000"}

Json = dict[str, Any]


class PaperRefused(CgtError):
    """The paper exchange answered with an error."""


@dataclass(frozen=True)
class Entry:
    """A resting entry that is to be filled."""

    uid: int
    group: str


@dataclass(frozen=True)
class Book:
    """The exchange's side of the story."""

    resting: frozenset[str]
    """The groups whose entry rests."""
    by_order: Mapping[tuple[int, int], str]
    """The group of every buy by (uid, order id), because stamps of fills know the exchange's ids only."""
    lists: Sequence[str]
    """The client id of every order list, one for each that exists."""


class Paper:
    """Both faces of the paper exchange: its control API and, for the bots' entries, its REST API."""

    def __init__(self, control_url: str, rest_url: str) -> None:
        self._root, self._rest_url = f"{control_url}/control/binance", rest_url

    async def __aenter__(self) -> Self:
        # Filling at a steady rate answers when it is done, so no request has a time limit.
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def open_accounts(self, count: int) -> tuple[Account, ...]:
        """New accounts with dollars and an HMAC key each."""
        opened = [await self._call("POST", "/accounts", {"balances": _DEPOSIT}) for _ in range(count)]
        return tuple(Account(each["uid"], each["api_key"], each["secret"]) for each in opened)

    async def place_entries(self, entries: Sequence[tuple[Account, str]]) -> None:
        """Place one resting buy for each (account, group)."""
        room = asyncio.Semaphore(_PLACING_AT_ONCE)

        async def place(account: Account, group: str) -> None:
            async with room:
                await self._place(account, group)

        await asyncio.gather(*(place(account, group) for account, group in entries))

    async def _place(self, account: Account, group: str) -> None:
        params = {
            "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC",
            "quantity": f"{ENTRY_QTY:f}", "price": f"{ENTRY_PX:f}", "newClientOrderId": entry_id(group),
        }  # fmt: skip
        headers = {"X-MBX-APIKEY": account.api_key, "Content-Type": "application/x-www-form-urlencoded"}
        body = rest_body(params, account.secret)
        async with self._http.post(f"{self._rest_url}/api/v3/order", data=body, headers=headers) as answer:
            if answer.status != 200:
                raise PaperRefused(f"placing an entry answered {answer.status}: {await answer.text()}")

    async def book(self, accounts: Sequence[Account]) -> Book:
        """What the exchange has of these accounts."""
        resting, by_order, lists = set(), {}, []
        for account in accounts:
            state = await self._call("GET", f"/accounts/{account.uid}")
            lists += [found["listClientOrderId"] for found in state["order_lists"]]
            for order in state["orders"]:
                if order["side"] == "BUY":
                    by_order[account.uid, order["orderId"]] = group_of(order["clientOrderId"])
                    if order["status"] == "NEW":
                        resting.add(group_of(order["clientOrderId"]))
        return Book(frozenset(resting), by_order, lists)

    async def fill(self, entries: Sequence[Entry], per_second: float) -> int:
        """Fill all of them at this rate, wholly; answers how many it filled."""
        orders = [{"uid": each.uid, "client_order_id": entry_id(each.group)} for each in entries]
        answer = await self._call("POST", "/fills", {"orders": orders, "per_second": per_second})
        return int(answer["filled"])

    async def reset_timings(self) -> None:
        """Forget all stamps."""
        await self._call("POST", "/timings/reset", {})

    async def timings(self) -> Json:
        """The stamps since the last reset."""
        answer: Json = await self._call("GET", "/timings")
        return answer

    async def _call(self, method: str, path: str, body: Json | None = None) -> Any:
        async with self._http.request(method, f"{self._root}{path}", json=body) as answer:
            if answer.status >= 400:
                raise PaperRefused(f"{method} {path} answered {answer.status}: {await answer.text()}")
            return await answer.json()
