"""`python -m benchmarks.fanout`: one order for two hundred accounts, by a signal and by hand.

Both start at one moment of this machine's clock; the exchange stamps each order with the same clock when it takes it.
They take turns, and who begins changes with the round. By hand is what nobody can beat: one process that holds every
key, knows every size, asks for no balance, checks no limit, stores nothing, and sends all orders at once.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.running import on_a_stack
from benchmarks.signing import rest_body
from benchmarks.stats import median, spread
from cgt.trader import HttpJson, Trader
from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.process import run
from common.runtime.stack import Stack
from common.testing.crowd import Member, gather_crowd

OURS: Final = "signal"
RECEIPTS: Final = "signal, receipts"
BY_HAND: Final = "by hand"
NEEDED: Final = ("paper-exchange", "credentials-vault", "binance-connector", "order-engine", "gateway")
SYMBOL, QTY, PX = "BTCUSDT", "0.001", "90000"
"""A buy that rests: what a fill would cause is measured elsewhere."""
_WITHIN_S: Final = 60.0


@dataclass(frozen=True)
class Turn:
    """One order for everybody: when the exchange had each, and (a signal) when every receipt said so; in ms."""

    who: str
    orders_ms: tuple[float, ...]
    receipts_ms: float | None = None


class Admin(Trader):
    """Sends signals."""

    async def signal(self) -> Turn:
        """One signal, followed until every account has an outcome. Raises CgtError when an account went without."""
        self._headers["Idempotency-Key"] = secrets.token_hex(8)
        order = {
            "exchange": "BINANCE",
            "symbol": SYMBOL,
            "side": "BUY",
            "type": "LIMIT",
            "quantity": QTY,
            "price": PX,
            "tpLevels": ["4%"],
            "sl": "5%",
            "validForSeconds": 120,
        }
        begun = time.time()
        sent = await self.post("/exchanges/signals", order)
        while sent["status"] != "DONE":
            await asyncio.sleep(0.01)
            sent = await self.get(f"/exchanges/signals/{sent['signalId']}", limit="1")
        done_ms = (time.time() - begun) * 1000
        if sent["counts"]["PLACED"] != sent["accounts"]:
            raise CgtError(f"not everybody got the order: {sent['counts']}")
        return Turn(OURS, (begun * 1000,), done_ms)


async def by_hand(http: aiohttp.ClientSession, url: str, members: Sequence[Member]) -> Turn:
    """Every account's order at once."""

    async def place(member: Member) -> None:
        params = {
            "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": QTY, "price": PX,
        }  # fmt: skip
        headers = {"X-MBX-APIKEY": member.api_key, "Content-Type": "application/x-www-form-urlencoded"}
        body = rest_body(params, member.secret)
        async with http.post(f"{url}/api/v3/order", data=body, headers=headers) as answer:
            if answer.status != 200:
                raise CgtError(f"an order by hand answered {answer.status}: {await answer.text()}")

    begun_ms = time.time() * 1000
    await asyncio.gather(*(place(member) for member in members))
    return Turn(BY_HAND, (begun_ms,))


async def stamped(paper: HttpJson, members: Sequence[Member], turn: Turn, count: int) -> Turn:
    """The turn with the moments at which the exchange took each account's newest order, of `count` that it has."""
    (begun_ms,) = turn.orders_ms
    taken: list[float] = []
    for member in members:
        orders = (await paper.get(f"/control/binance/accounts/{member.uid}"))["orders"]
        if len(orders) != count:
            raise CgtError(f"account {member.uid} has {len(orders)} orders, not {count}")
        taken.append(max(order["time"] for order in orders) - begun_ms)
    return Turn(turn.who, tuple(taken), turn.receipts_ms)


async def measure(stack: Stack, accounts: int, rounds: int, console: Console) -> list[Turn]:
    """Everybody's turns; the first of each does not count."""
    members = await gather_crowd(stack, accounts, USDT="100000000")
    console.print(f"{accounts} accounts are live.")
    turns: list[Turn] = []
    unlimited = aiohttp.TCPConnector(limit=0)
    async with (
        Admin(stack.gateway_url) as admin,
        HttpJson(stack.paper_control_url) as paper,
        aiohttp.ClientSession(connector=unlimited) as http,
    ):
        await _sign_in(stack, admin)
        for number in range(2 * (rounds + 1)):
            ours_turn = (number // 2 + number) % 2 == 0
            await asyncio.sleep(1)  # What the last turn left to be done is done.
            async with asyncio.timeout(_WITHIN_S):
                turn = await (admin.signal() if ours_turn else by_hand(http, stack.paper_binance_url, members))
                turns.append(await stamped(paper, members, turn, number + 1))
    return turns[2:]


async def _sign_in(stack: Stack, admin: Admin) -> None:
    email = f"admin-{secrets.token_hex(4)}@example.com"
    await admin.sign_in(email, secrets.token_urlsafe(16))
    grant = [sys.executable, "-m", "gateway", "admin", "grant", email]
    await run("admin grant", grant, log=stack.logs / "admin.log", env=stack.settings("gateway"))


def show(turns: Sequence[Turn], console: Console) -> None:
    """Print the table: medians over the rounds, with the least and the greatest."""
    table = Table(title=f"One order for {len(turns[0].orders_ms)} accounts, ms until the exchange has it")
    table.add_column("")
    for name in ("first", "p50", "p90", "last", "last, least..greatest"):
        table.add_column(name, justify="right")
    for who in (OURS, BY_HAND):
        found = [spread(turn.orders_ms) for turn in turns if turn.who == who]
        firsts = [min(turn.orders_ms) for turn in turns if turn.who == who]
        lasts = [each.max for each in found]
        cells = (median(firsts), median([each.p50 for each in found]), median([each.p90 for each in found]))
        table.add_row(who, *(f"{each:.0f}" for each in (*cells, median(lasts))), f"{min(lasts):.0f}..{max(lasts):.0f}")
    receipts = [turn.receipts_ms for turn in turns if turn.receipts_ms is not None]
    table.add_row(RECEIPTS, "", "", "", f"{median(receipts):.0f}", f"{min(receipts):.0f}..{max(receipts):.0f}")
    console.print(table)
    console.print(f"signal / by hand, last order: {_ratio(turns):.1f} (median over the rounds)")


def _ratio(turns: Sequence[Turn]) -> float:
    ours = [max(turn.orders_ms) for turn in turns if turn.who == OURS]
    others = [max(turn.orders_ms) for turn in turns if turn.who == BY_HAND]
    return median([one / other for one, other in zip(ours, others, strict=True)])


def main(argv: Sequence[str], broker: str) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description="Measure one order for many.")
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args(argv)

    async def measured(stack: Stack, console: Console) -> None:
        show(await measure(stack, asked.accounts, asked.rounds, console), console)

    return on_a_stack(broker, measured, NEEDED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("CGT_BROKER", BrokerKind.EMBEDDED)))
