"""A trader with an account on one exchange, who knows nothing of crashes: repeats what was not answered, and waits."""

import asyncio
import secrets
import time
from collections.abc import Callable
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import asyncpg

from cgt.trader import Refused
from common.errors import CgtError
from order_engine.store import SCHEMA
from tests.crashes.books import ETH, ZERO, Market, View, doubled, lost
from tests.e2e.conftest import Desk, Json, User

SETTLED_WITHIN_S: Final = 90.0
_ANSWERED_WITHIN_S: Final = 90.0
_PAUSE_S: Final = 0.1
_PLACE: Final = "/exchanges/place-order"
_FILLS: Final = f"SELECT side, sum(qty) AS qty FROM {SCHEMA}.fills WHERE account_id = $1 GROUP BY side"


class NotSettled(CgtError):
    """A trade did not come to where it should; the message says what was awaited and what the exchange has."""


class Seat:
    """One trader, one account, one market."""

    def __init__(self, desk: Desk, user: User, market: Market) -> None:
        self.exchange, self.uid, self.market = user.exchange, user.uid, market
        self._desk, self._user = desk, user
        self._intents = 0
        self._before = ZERO

    async def buy(self, **fields: Any) -> Json:
        """Place an entry with two targets and a stop; what is not answered is asked again under the same key.

        Raises NotSettled when it was not taken in time.
        """
        market = self.market
        order = {
            "exchange": self.exchange.upper(), "symbol": market.symbol, "side": "BUY", "type": "MARKET",
            "quantity": market.qty, "tpLevels": list(market.targets), "sl": market.stop, **fields,
        }  # fmt: skip
        self._intents += 1
        self._before += (await self.view()).held
        key, deadline, said = secrets.token_hex(8), time.monotonic() + _ANSWERED_WITHIN_S, ""
        while (left_s := deadline - time.monotonic()) > 0:
            try:
                placed: Json = await self._user.trader.post_patiently(_PLACE, order, within_s=left_s, key=key)
            except (Refused, aiohttp.ClientError, TimeoutError) as error:
                said = repr(error)
                if isinstance(error, Refused) and _is_final(error):  # A new request is the right thing.
                    key = secrets.token_hex(8)
            else:
                if "statusUrl" not in placed:
                    return placed
                said = f"under way: {placed}"
            await asyncio.sleep(_PAUSE_S)
        raise NotSettled(f"{self}: an entry was not taken: {said}")

    async def rest(self) -> Json:
        """Place an entry below the market; answers what fills it at the control API."""
        placed = await self.buy(type="LIMIT", price=self.market.at * 99 // 100)
        named = str(placed["orderId"])
        order_id = int(named) if self.exchange in {"binance", "gateio"} else named
        return {"uid": self.uid, "order_id": order_id, "symbol": self.market.symbol}

    async def fill(self, entry: Json) -> None:
        """Fill the resting entry."""
        await self._desk.paper.post(f"/control/{self.exchange}/fill", entry)

    async def acted(self) -> bool:
        """Whether it has sold some of what it bought, or sent the exchange anything since the stamps were reset."""
        timings = await self._desk.paper.get(f"/control/{self.exchange}/timings")
        sent = any(each["uid"] == self.uid for each in timings["requests"])
        return sent or (await self.view()).held < Decimal(self.market.qty) * 9 / 10

    async def move(self, px: str, *, gap: bool = False) -> None:
        """Move this seat's market."""
        body = {"symbol": self.market.symbol, "price": px, "gap": gap}
        await self._desk.paper.post(f"/control/{self.exchange}/price", body)

    async def view(self) -> View:
        """What the exchange has."""
        return View(self.exchange, (await self._desk.books(self._user)).raw, self.market, self._before)

    async def until(self, holds: Callable[[View], bool], what: str) -> None:
        """Wait until the exchange's books show it. Raises NotSettled."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while not holds(view := await self.view()):
            if time.monotonic() > deadline:
                seen = f"held {view.held}, waiting to sell {view.waiting}, traded {view.trades}"
                raise NotSettled(f"{self}: not {what} within {SETTLED_WITHIN_S:g} s: {seen}")
            await asyncio.sleep(_PAUSE_S / 2)

    async def until_protected(self) -> None:
        """Wait until exits cover what is held. Raises NotSettled."""
        await self.until(lambda view: view.protected, "protected")

    async def until_flat(self) -> None:
        """Wait until nothing is held and nothing waits. Raises NotSettled."""
        await self.until(lambda view: view.flat, "flat")

    async def judged(self) -> tuple[list[str], list[str]]:
        """What is doubled and what is lost now that the account rests, once the ledger had its time to hear."""
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while True:
            view, ledger = await self.view(), await self._ledger()
            twice, missing = doubled(view, self._intents, ledger), lost(view, ledger)
            if not missing or time.monotonic() > deadline:
                return [f"{self}: {each}" for each in twice], [f"{self}: {each}" for each in missing]
            await asyncio.sleep(_PAUSE_S)

    async def _ledger(self) -> dict[str, Decimal]:
        connection = await asyncpg.connect(self._desk.stack.database_url)
        try:
            rows = await connection.fetch(_FILLS, self._user.credential_id)
        finally:
            await connection.close()
        return {"BUY": ZERO, "SELL": ZERO} | {row["side"]: row["qty"] for row in rows}

    def __str__(self) -> str:
        return f"{self.exchange} account {self.uid} ({self._user.credential_id})"


def _is_final(refused: Refused) -> bool:
    """Whether this refusal says that nothing was placed and nothing will be."""
    return refused.rejected or refused.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}


class Load:
    """Trades of one seat one after the other, through whatever happens meanwhile."""

    def __init__(self, seat: Seat) -> None:
        assert seat.market is ETH, "a market that nobody else moves"
        self.seat = seat
        self.trades = 0
        self._ends = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        market = self.seat.market
        while not self._ends.is_set():
            await self.seat.buy()
            await self.seat.until_protected()
            await self.seat.move(market.beyond_targets if self.trades % 2 else market.beyond_stop)
            await self.seat.until_flat()
            await self.seat.move(str(market.at), gap=True)
            self.trades += 1

    async def ended(self) -> int:
        """Let the trade that runs come to its end; answers how many there were. Raises NotSettled."""
        self._ends.set()
        await self._task
        return self.trades

    def cancel(self) -> None:
        """End it as it is."""
        self._task.cancel()
