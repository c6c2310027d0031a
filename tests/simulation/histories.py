"""Runs of many histories in one process, and the telling of one."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from common.exchanges import Exchange
from tests.simulation import log
from tests.simulation.plan import draw
from tests.simulation.services import Parts
from tests.simulation.shrink import shrink
from tests.simulation.world import Outcome, live

_LAST_LINES = 60


@dataclass(frozen=True)
class Chunk:
    """Some seeds, for one process."""

    seeds: range
    exchange: Exchange | None = None


@dataclass(frozen=True)
class Result:
    """A broken promise, as it travels between processes."""

    seed: int
    exchanges: tuple[str, ...]
    violations: tuple[str, ...]


@dataclass
class Done:
    """What became of a chunk."""

    histories: int = 0
    virtual_s: float = 0.0
    cpu_s: float = 0.0
    broken: list[Result] = field(default_factory=list)


def prepare() -> None:
    """Once per process: hear the logs, and keep the collector away from what stays for ever."""
    log.quiet()
    gc.collect()
    gc.freeze()


def run_chunk(chunk: Chunk) -> Done:
    """Run the histories of a chunk."""
    prepare()
    done, began_s = Done(), time.process_time()
    for seed in chunk.seeds:
        outcome = live(draw(seed, exchange=chunk.exchange))
        done.histories += 1
        done.virtual_s += outcome.virtual_s
        if outcome.violations:
            done.broken.append(
                Result(seed, tuple(map(str, outcome.plan.exchanges)), tuple(map(str, outcome.violations)))
            )
    done.cpu_s = time.process_time() - began_s
    return done


def first_broken(
    seeds: range, exchange: Exchange | None, parts: Callable[[], Parts], promise: str = ""
) -> Outcome | None:
    """The first history of these seeds in which a promise is broken, or this one."""
    outcomes = (live(draw(seed, exchange=exchange), parts()) for seed in seeds)
    broken = (each for each in outcomes if any(found.promise.startswith(promise) for found in each.violations))
    return next(broken, None)


def run_one(seed: int, exchange: Exchange | None, *, shrinks: bool) -> int:
    """Run one history and tell its story; a violation is made small first."""
    prepare()
    outcome = live(draw(seed, exchange=exchange))
    if outcome.violations and shrinks:
        outcome = shrink(outcome)
    print(told(outcome))
    return 1 if outcome.violations else 0


def told(outcome: Outcome) -> str:
    """A history as text: what was planned, what happened, what was wrong."""
    plan = outcome.plan
    about = (
        f"seed {plan.seed} on {', '.join(plan.exchanges)}: {plan.accounts} accounts, {plan.partitions} partitions"
        f"{', two of every service' if plan.standby else ''}{', with a reserve' if plan.reserve else ''}"
    )
    planned = [f"  at {step.at_ms / 1000:6.3f} s  {step}" for step in plan.steps]
    harmed = [f"  {strike.step}, no. {strike.nth}: {strike.harm}" for strike in plan.strikes]
    verdict = [f"  {violation}" for violation in outcome.violations] or ["  every promise was kept"]
    happened = ("What happened:", *outcome.story[-_LAST_LINES:])
    return "\n".join((about, *planned, *harmed, *happened, "Judgement:", *verdict, f"Digest: {outcome.digest}"))
