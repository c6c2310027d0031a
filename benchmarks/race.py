"""Everybody in turn, at every rate, in every round, on one running paper exchange."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from benchmarks.competitors import Bot, Competitor
from benchmarks.cpu import OTHER_WORK, usage
from benchmarks.hops import Hops, between
from benchmarks.ours import Ours
from benchmarks.paper import ROOMY, Entry, Paper
from benchmarks.stamps import Turn, protecting_requests, turn_of
from benchmarks.stats import spread
from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.services import SERVICES
from common.runtime.stack import Stack, StackOptions

OURS, FLOOR, CCXT, CCXT_UNLIMITED = "ours", "floor", "ccxt.pro", "ccxt.pro-unlimited"
EVERYBODY: Final = (OURS, FLOOR, CCXT, CCXT_UNLIMITED)

_WARM_UP: Final = (40, 50.0)
_BREATH_S: Final = 1.0
_QUIET_AFTER_S: Final = 10.0
_REST_BEFORE_S: Final = 8.0


class NotFilled(CgtError):
    """The paper exchange could not fill what rested."""


@dataclass(frozen=True)
class Plan:
    """What to run."""

    rates: tuple[float, ...]
    rounds: int
    quick: bool
    accounts: int
    competitors: tuple[str, ...]
    broker: BrokerKind
    settings: dict[str, str]

    def fills(self, rate: float) -> int:
        """Fills of one turn: about six seconds' worth, at least ten."""
        return max(5, int(rate * 2)) if self.quick else max(10, int(rate * 6))

    @property
    def rest_s(self) -> float:
        """How long the system is watched at rest."""
        return 5.0 if self.quick else 15.0


@dataclass(frozen=True)
class Measured:
    """One turn with what was seen beside it."""

    competitor: str
    rate: float
    round: int
    turn: Turn
    cpu_percent: dict[str, float]
    hops: Hops = field(repr=False)


@dataclass(frozen=True)
class Race:
    """Everything measured in a run."""

    plan: Plan
    turns: list[Measured]
    idle_percent: dict[str, float]
    """CPU of the whole system at rest, in percent of one core; empty when we did not take part."""


async def run(plan: Plan, folder: Path, console: Console) -> Race:
    """Start everything, measure, stop everything. Raises CgtError when a part does not come up."""
    ours_runs = OURS in plan.competitors
    options = StackOptions(
        run_dir=folder,
        broker=plan.broker,
        settings={**plan.settings, **ROOMY},
        services=SERVICES if ours_runs else SERVICES[:1],
    )
    console.print(f"Starting the system on the {plan.broker} broker.")
    async with Stack(options) as stack, Paper(stack.paper_control_url, stack.paper_binance_url) as paper:
        idle: dict[str, float] = {}
        async with AsyncExitStack() as running:
            competitors: list[Competitor] = []
            if ours_runs:
                ours = Ours(stack, paper, await paper.open_accounts(plan.accounts))
                await ours.start()
                competitors.append(ours)
                console.print(f"{plan.accounts} accounts are live. Watching the system at rest.")
                idle = await _at_rest(ours, plan.rest_s)
            competitors += [
                await running.enter_async_context(_bot(name, stack, paper, folder, plan.accounts))
                for name in plan.competitors
                if name != OURS
            ]
            turns = [each async for each in _turns(plan, competitors, stack, paper, console)]
    return Race(plan, turns, idle)


async def _at_rest(ours: Ours, watch_s: float) -> dict[str, float]:
    await asyncio.sleep(_REST_BEFORE_S)
    before = usage(ours.processes())
    await asyncio.sleep(watch_s)
    return usage(ours.processes()).percent_since(before)


@asynccontextmanager
async def _bot(name: str, stack: Stack, paper: Paper, folder: Path, accounts: int) -> AsyncIterator[Bot]:
    module = "benchmarks.bots.floor" if name == FLOOR else "benchmarks.bots.ccxt_pro"
    bot = Bot(name, module, paper, await paper.open_accounts(accounts))
    try:
        await bot.start(stack, folder, rate_limiter=name != CCXT_UNLIMITED)
        yield bot
    finally:
        await bot.stop()


async def _turns(
    plan: Plan, competitors: Sequence[Competitor], stack: Stack, paper: Paper, console: Console
) -> AsyncIterator[Measured]:
    for competitor in competitors:
        await _take_turn(competitor, *_WARM_UP, 0, stack, paper)
    for number in range(1, plan.rounds + 1):
        for rate in plan.rates:
            # Who goes first changes with the round, so that nobody always finds the machine as another one left it.
            shift = number % len(competitors)
            for competitor in (*competitors[shift:], *competitors[:shift]):
                measured = await _take_turn(competitor, plan.fills(rate), rate, number, stack, paper)
                console.print(_line(measured), highlight=False)
                yield measured


async def _take_turn(
    competitor: Competitor, fills: int, rate: float, number: int, stack: Stack, paper: Paper
) -> Measured:
    entries = await competitor.place(fills)
    await calm(paper)
    names = {stack.pid(name): name for name in stack.urls} | dict(competitor.processes())
    hops_before = await competitor.hops()
    await paper.reset_timings()
    before = usage(names)
    filled = await paper.fill(entries, rate)
    used = usage(names).percent_since(before)
    if filled != len(entries):
        raise NotFilled(f"{filled} of {len(entries)} entries of {competitor.name} could be filled.")
    timings = await quiet(paper, entries)
    book = await paper.book(competitor.accounts)
    turn = turn_of(timings, [entry.group for entry in entries], book.by_order, book.lists)
    hops = between(hops_before, await competitor.hops())
    return Measured(competitor.name, rate, number, turn, _of_interest(used, competitor), hops)


async def calm(paper: Paper) -> None:
    """Return when nobody has sent the exchange anything for a while: what set the scene is over."""
    seen = -1
    while (count := len((await paper.timings())["requests"])) != seen:
        seen = count
        await asyncio.sleep(_BREATH_S)


async def quiet(paper: Paper, entries: Sequence[Entry]) -> dict[str, Any]:
    """The stamps, once every request has arrived or none has for a while."""
    seen, since = -1, time.monotonic()
    while True:
        await asyncio.sleep(_BREATH_S)
        timings = await paper.timings()
        count = protecting_requests(timings)
        if count != seen:
            seen, since = count, time.monotonic()
        elif count >= 2 * len(entries) or time.monotonic() - since > _QUIET_AFTER_S:
            return timings


def _of_interest(used: dict[str, float], competitor: Competitor) -> dict[str, float]:
    """All processes for us; for a bot its own and the exchange's, because ours only idle beside it."""
    if competitor.name == OURS:
        return {name: percent for name, percent in used.items() if name not in EVERYBODY}
    return {name: percent for name, percent in used.items() if name in {competitor.name, "paper-exchange", OTHER_WORK}}


def _line(measured: Measured) -> str:
    turn, latency = measured.turn, spread(measured.turn.latencies_ms)
    lost = "" if turn.is_whole else f"  MISSING {turn.missing} DOUBLED {turn.doubled}"
    return (
        f"  round {measured.round}  {measured.rate:>5g}/s  {measured.competitor:<21}"
        f" p50 {latency.p50:8.2f}  p99 {latency.p99:8.2f}  max {latency.max:8.2f} ms  n {latency.count}{lost}"
    )
