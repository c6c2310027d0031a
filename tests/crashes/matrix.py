"""The matrix: every victim at every point while trades run on every exchange, and what it comes to."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from rich.console import Console
from rich.table import Table

from common.runtime.stack import Stack
from tests.crashes.books import BTC, ETH, Market
from tests.crashes.seats import Load, NotSettled, Seat
from tests.crashes.strikes import BROKER, Point, Struck, exchanges_of, strike
from tests.e2e.conftest import Desk

_AUDIT_WITHIN_S: Final = 60.0
_AUDIT_BOUND_MS: Final = 120_000
"""The audit is asked for what is lost; how long things took is in the table."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is to be run."""

    victims: Sequence[str]
    points: Sequence[Point]
    exchanges: Sequence[str]
    rounds: int


@dataclass
class Row:
    """All that one victim did. `trades` are those of the load; what went wrong with them is in `doubled` and `lost`."""

    victim: str
    struck: list[Struck] = field(default_factory=list)
    trades: int = 0
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """Every finding, with the kill it belongs to."""
        found = [
            f"{each.victim} at {each.point}: {kind}: {what}"
            for each in self.struck
            for kind, whats in (("doubled", each.doubled), ("lost", each.lost), ("fallen", each.fallen))
            for what in whats
        ]
        found += [f"{self.victim}, under load: doubled: {what}" for what in self.doubled]
        return found + [f"{self.victim}, under load: lost: {what}" for what in self.lost]


async def run(desk: Desk, asked: Asked, say: Say) -> tuple[list[Row], bool]:
    """Every kill, one after the other; answers the rows, and whether the audit before the broker's fall is clean."""
    rows: list[Row] = []
    proven = True
    await desk.paper.post("/control/mexc/switches", {"account_calls_per_s": 1000})  # As in the end-to-end tests.
    for victim in asked.victims:
        if victim == BROKER and rows:
            proven = await audited(desk.stack, say)
        if exchanges_of(victim, asked.exchanges):
            rows.append(await _row(desk, victim, asked, say))
    if BROKER not in asked.victims:
        proven = await audited(desk.stack, say)
    return rows, proven


async def _row(desk: Desk, victim: str, asked: Asked, say: Say) -> Row:
    row = Row(victim)
    async with _seated(desk, asked.exchanges, ETH) as trading:
        loads = [Load(seat) for seat in trading]
        try:
            for number, point in product(range(asked.rounds), asked.points):
                # New accounts for every kill, so that nothing is carried over: where an account's last stops were
                # placed a second ago, Gate.io takes the next ones that much later.
                async with _seated(desk, exchanges_of(victim, asked.exchanges), BTC) as seats:
                    struck = await strike(desk, victim, point, seats)
                row.struck.append(struck)
                say(_told(struck, number))
            for load in loads:
                await _end(load, row)
        finally:
            for load in loads:
                load.cancel()
    return row


async def _end(load: Load, row: Row) -> None:
    try:
        row.trades += await load.ended()
    except NotSettled as missed:
        row.lost.append(str(missed))
    twice, missing = await load.seat.judged()
    row.doubled += twice
    row.lost += missing


@asynccontextmanager
async def _seated(desk: Desk, exchanges: Sequence[str], market: Market) -> AsyncIterator[list[Seat]]:
    """A new trader on each of these exchanges, their market where it belongs."""
    async with AsyncExitStack() as room:
        # One after the other: the gateway takes a crowd of registrations from one address for an attack.
        seats = [Seat(desk, await room.enter_async_context(desk.user(each)), market) for each in exchanges]
        for seat in seats:
            await desk.paper.delete(f"/control/{seat.exchange}/faults")
            await seat.move(str(market.at), gap=True)
        yield seats


async def audited(stack: Stack, say: Say) -> bool:
    """Whether the topics, decided again, come to the same as the ledger; the last facts may still be on their way."""
    deadline = time.monotonic() + _AUDIT_WITHIN_S
    command = [sys.executable, "-m", "order_engine", "audit", "--bound-ms", str(_AUDIT_BOUND_MS)]
    while True:
        audit = await asyncio.create_subprocess_exec(
            *command, env=stack.settings("order-engine"), stdout=asyncio.subprocess.PIPE
        )
        out, _ = await audit.communicate()
        if audit.returncode == 0 or time.monotonic() > deadline:
            say(f"audit: exit status {audit.returncode}\n{out.decode().rstrip()}")
            return audit.returncode == 0


def show(rows: Sequence[Row], console: Console) -> None:
    """The table, and every finding below it."""
    table = Table(title="SIGKILL on real processes, judged by the exchanges' own books")
    for name in ("victim", "kills", "survived", "trades", "doubled", "lost", "slowest start", "slowest recovery"):
        table.add_column(name, justify="left" if name == "victim" else "right")
    for row in rows:
        doubled = len(row.doubled) + sum(len(each.doubled) for each in row.struck)
        lost = len(row.lost) + sum(len(each.lost) for each in row.struck)
        table.add_row(
            row.victim, str(len(row.struck)), str(sum(each.survived for each in row.struck)), str(row.trades),
            str(doubled), str(lost), f"{max(each.ready_s for each in row.struck):.1f} s",
            f"{max(each.recovery_s for each in row.struck):.1f} s",
        )  # fmt: skip
    console.print(table)
    console.print("start: from the start of the process until it says it is ready; recovery: from there until every")
    console.print("struck trade is protected, or sold where a stop executed. trades: those that ran beside them.")
    for row in rows:
        for wrong in row.wrong:
            console.print(wrong, style="bold red", markup=False)


def _told(struck: Struck, number: int) -> str:
    verdict = "survived" if struck.survived else "NOT survived"
    times = f"start {struck.ready_s:.1f} s, recovery {struck.recovery_s:.1f} s"
    return f"round {number + 1}: {struck.victim:<18} {struck.point:<14} {verdict}, {times}"
