"""A crowd on one stack: what one trader who floods, and one whose key was revoked, cost everybody else.

`python -m benchmarks.crowd --accounts 200`: turns with and without the two, one after the other in one run. In each the
others' entries fill at a steady rate; what counts is the ratio of their fill-to-protection times. The flood comes
through the gateway, as a trader's does: as many orders as the answers allow, refusals included.
"""

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Final

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.bots.config import Account
from benchmarks.ours import Ours
from benchmarks.paper import Paper
from benchmarks.race import calm, quiet
from benchmarks.running import NotMeasured, on_a_stack
from benchmarks.stamps import Turn, turn_of
from benchmarks.stats import median, spread
from benchmarks.trade import ENTRY_PX, ENTRY_QTY, STOP, SYMBOL, TAKE_PROFITS
from cgt.trader import HttpJson, Refused, Trader
from common.bus.brokers import BrokerKind
from common.runtime.stack import Stack

_AT_ONCE: Final = 8
"""Requests of the flood under way at the same time."""
_ORDER: Final = {
    "exchange": "BINANCE", "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "price": str(ENTRY_PX),
    "quantity": str(ENTRY_QTY), "tpLevels": [str(px) for px in TAKE_PROFITS], "sl": str(STOP),
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """How large the crowd is, and how long it is watched."""

    accounts: int
    fills: int
    per_second: float
    rounds: int


@dataclass
class Flood:
    """What the flooding trader sent."""

    taken: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Pair:
    """One round: the others alone, and beside the two."""

    alone: Turn
    beside: Turn
    flood: Flood


async def run(asked: Asked, stack: Stack, console: Console) -> list[Pair]:
    """Every round, the order changing with the round. Raises CgtError."""
    async with (
        Paper(stack.paper_control_url, stack.paper_binance_url) as paper,
        HttpJson(stack.paper_control_url) as control,
        _trader(stack, paper) as trader,
    ):
        accounts = await paper.open_accounts(asked.accounts + asked.rounds)
        ours = Ours(stack, paper, accounts)
        await ours.start()
        ours.accounts, revoked = accounts[: asked.accounts], accounts[asked.accounts :]
        console.print(f"{len(accounts)} accounts are live.")
        await _turn(asked, ours, paper)  # The first turn warms everything up, and does not count.
        pairs = []
        for number, victim in enumerate(revoked):
            flood = Flood()
            alone = None if number % 2 else await _turn(asked, ours, paper)
            beside = await _turn(asked, ours, paper, _disturbed(trader, flood, control, victim))
            pairs.append(Pair(alone or await _turn(asked, ours, paper), beside, flood))
            console.print(_told(number, pairs[-1]), highlight=False)
    return pairs


async def _turn(
    asked: Asked, ours: Ours, paper: Paper, disturbance: AbstractAsyncContextManager[None] | None = None
) -> Turn:
    """Entries of the others rest, all is calm, and then they fill at the rate; the disturbance lasts for that long."""
    entries = await ours.place(asked.fills)
    await calm(paper)
    async with disturbance or nullcontext():
        await paper.reset_timings()
        await paper.fill(entries, asked.per_second)
        timings = await quiet(paper, entries)
    book = await paper.book(ours.accounts)
    return turn_of(timings, [entry.group for entry in entries], book.by_order, book.lists)


@asynccontextmanager
async def _trader(stack: Stack, paper: Paper) -> AsyncIterator[Trader]:
    """A trader of the gateway who is going to flood it."""
    (account,) = await paper.open_accounts(1)
    async with Trader(stack.gateway_url) as trader:
        await trader.sign_in(f"flood-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(16))
        await trader.post("/api-credentials", _key(account))
        yield trader


def _key(account: Account) -> dict[str, object]:
    return {
        "exchange": "BINANCE", "apiKey": account.api_key, "secretKey": account.secret, "label": "flood",
        "activeTrading": True,
    }  # fmt: skip


@asynccontextmanager
async def _disturbed(trader: Trader, flood: Flood, control: HttpJson, revoked: Account) -> AsyncIterator[None]:
    """The trader orders as fast as it is answered, and somebody's key stops working."""

    async def order() -> None:
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                try:
                    await trader.post("/exchanges/place-order", _ORDER)
                    flood.taken += 1
                except Refused:
                    flood.refused += 1

    async with AsyncExitStack() as running:
        for _ in range(_AT_ONCE):
            running.callback(asyncio.create_task(order()).cancel)
        await control.post(f"/control/binance/accounts/{revoked.uid}/revoke-key", {})
        yield


def _told(number: int, pair: Pair) -> str:
    alone, beside = spread(pair.alone.latencies_ms), spread(pair.beside.latencies_ms)
    return (
        f"  round {number + 1}  alone p50 {alone.p50:8.2f} p99 {alone.p99:8.2f}  beside the two p50 {beside.p50:8.2f}"
        f" p99 {beside.p99:8.2f} ms  flood: {pair.flood.taken} taken, {pair.flood.refused} refused"
    )


def show(asked: Asked, pairs: Sequence[Pair], console: Console) -> None:
    """The table: the others alone, beside the two, and the ratio of each round against itself."""
    table = Table(title=f"Fill to protection of {asked.accounts} accounts at {asked.per_second:g} fills/s, ms")
    for name in ("", "p50", "p99", "max", "missing", "doubled", "n"):
        table.add_column(name, justify="right" if name else "left")
    for name, turns in (("alone", [pair.alone for pair in pairs]), ("beside the two", [pair.beside for pair in pairs])):
        found = spread([each for turn in turns for each in turn.latencies_ms])
        table.add_row(
            name, f"{found.p50:.2f}", f"{found.p99:.2f}", f"{found.max:.2f}",
            str(sum(turn.missing for turn in turns)), str(sum(turn.doubled for turn in turns)), str(found.count),
        )  # fmt: skip
    console.print(table)
    both = [(spread(pair.alone.latencies_ms), spread(pair.beside.latencies_ms)) for pair in pairs]
    p50, p99 = median([b.p50 / a.p50 for a, b in both]), median([b.p99 / a.p99 for a, b in both])
    console.print(f"beside / alone, median of the rounds: p50 x {p50:.2f}, p99 x {p99:.2f}", highlight=False)


def main(argv: Sequence[str], broker: str) -> int:
    """0 unless a list of the others was lost or doubled; no time makes it fail."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description="What two cost everybody else.")
    parser.add_argument("--accounts", type=int, default=200, help="the others")
    parser.add_argument("--fills", type=int, default=200, help="fills of one turn")
    parser.add_argument("--per-second", type=float, default=20, help="how fast they come")
    parser.add_argument("--rounds", type=int, default=3, help="turns with and without the two")
    asked = Asked(**vars(parser.parse_args(argv)))

    async def measured(stack: Stack, console: Console) -> None:
        pairs = await run(asked, stack, console)
        show(asked, pairs, console)
        if not all(turn.is_whole for pair in pairs for turn in (pair.alone, pair.beside)):
            raise NotMeasured("Order lists of the others were lost or doubled.")

    return on_a_stack(broker, measured)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("CGT_BROKER", BrokerKind.EMBEDDED)))
