"""What was measured, as tables to read and as JSON to keep."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.cpu import OTHER_WORK
from benchmarks.hops import SIZES, together
from benchmarks.race import CCXT, CCXT_UNLIMITED, FLOOR, OURS, Measured, Race
from benchmarks.stats import Spread, median, spread

IDLE_TARGET_PERCENT = 25.0


def show(race: Race, console: Console) -> None:
    """Print every table that there is something for."""
    console.print(_latencies(race), _ratios(race), _hops(race), _cpu(race), sep="\n")
    if race.idle_percent:
        console.print(_idle(race))


def as_json(race: Race) -> dict[str, Any]:
    """The same, with the single rounds, for comparing runs."""
    return {
        "broker": race.plan.broker,
        "rounds": race.plan.rounds,
        "accounts": race.plan.accounts,
        "results": [_result(rate, name, turns) for rate, name, turns in _grouped(race)],
        "ratios": [
            {"rate": rate, "against": other, "p50": p50, "p99": p99} for rate, other, p50, p99 in _ratio_rows(race)
        ],
        "idle_percent": race.idle_percent,
    }


def _result(rate: float, name: str, turns: Sequence[Measured]) -> dict[str, Any]:
    hops = together([each.hops for each in turns])
    return {
        "rate": rate,
        "competitor": name,
        "latency_ms": asdict(_latency(turns)),
        "spread_ms": asdict(_between_requests(turns)),
        "fills": sum(each.turn.fills for each in turns),
        "lists": {
            key: sum(getattr(each.turn, key) for each in turns)
            for key in ("expected", "seen", "missing", "doubled", "repeated")
        },
        "rounds": [
            {"round": each.round, **asdict(spread(each.turn.latencies_ms)), "cpu_percent": each.cpu_percent}
            for each in turns
        ],
        "hops": {
            hop: {"count": found.count, "mean_ms": found.mean_ms, "p50_ms": found.quantile_ms(0.5),
                  "p99_ms": found.quantile_ms(0.99)}
            for hop, found in hops.items()
            if not hop.endswith(SIZES)
        },
    }  # fmt: skip


def _grouped(race: Race) -> Iterator[tuple[float, str, list[Measured]]]:
    order = {name: place for place, name in enumerate((OURS, FLOOR, CCXT, CCXT_UNLIMITED))}
    turns = sorted(race.turns, key=lambda each: (each.rate, order[each.competitor], each.round))
    for (rate, name), found in itertools.groupby(turns, key=lambda each: (each.rate, each.competitor)):
        yield rate, name, list(found)


def _latency(turns: Sequence[Measured]) -> Spread:
    return spread([value for each in turns for value in each.turn.latencies_ms])


def _between_requests(turns: Sequence[Measured]) -> Spread:
    return spread([value for each in turns for value in each.turn.spreads_ms])


def _latencies(race: Race) -> Table:
    table = Table(
        title="Fill frame written -> last protective request read, and last - first request (apart), in ms; all rounds"
    )
    for heading in ("fills/s", "who"):
        table.add_column(heading)
    measured = ("fills", "p50", "p90", "p99", "max", "apart p50", "apart p99")
    for heading in (*measured, "lists", "seen", "missing", "doubled", "repeated"):
        table.add_column(heading, justify="right")
    for rate, name, turns in _grouped(race):
        whole, apart = _latency(turns), _between_requests(turns)
        lists = [sum(getattr(each.turn, key) for each in turns)
                 for key in ("expected", "seen", "missing", "doubled", "repeated")]  # fmt: skip
        table.add_row(
            f"{rate:g}", name, str(sum(each.turn.fills for each in turns)),
            *map(_ms, (whole.p50, whole.p90, whole.p99, whole.max, apart.p50, apart.p99)), *map(str, lists),
            style=None if all(each.turn.is_whole for each in turns) else "bold red",
        )  # fmt: skip
    return table


def _ratio_rows(race: Race) -> Iterator[tuple[float, str, float, float]]:
    """(rate, other, ours / other at p50, at p99): medians over the rounds, each round compared with itself."""
    found = {(each.rate, each.competitor, each.round): spread(each.turn.latencies_ms) for each in race.turns}
    for rate, other in itertools.product(race.plan.rates, (FLOOR, CCXT, CCXT_UNLIMITED)):
        pairs = [
            (found[rate, OURS, number], found[rate, other, number])
            for number in range(1, race.plan.rounds + 1)
            if (rate, OURS, number) in found and (rate, other, number) in found
        ]
        if pairs:
            yield (
                rate,
                other,
                median([mine.p50 / theirs.p50 for mine, theirs in pairs]),
                median([mine.p99 / theirs.p99 for mine, theirs in pairs]),
            )


def _ratios(race: Race) -> Table:
    table = Table(title="Ours as a multiple of the others (median of the rounds)")
    for heading in ("fills/s", "against"):
        table.add_column(heading)
    for heading in ("p50", "p99"):
        table.add_column(heading, justify="right")
    for rate, other, p50, p99 in _ratio_rows(race):
        table.add_row(f"{rate:g}", other, f"{p50:.2f}", f"{p99:.2f}")
    return table


def _hops(race: Race) -> Table:
    table = Table(
        title="Our hops in ms, by the services' own histograms: all messages of the turns, quantiles from buckets"
    )
    table.add_column("fills/s")
    table.add_column("hop")
    for heading in ("count", "mean", "p50", "p99"):
        table.add_column(heading, justify="right")
    for rate, name, turns in _grouped(race):
        if name == OURS:
            for hop, found in together([each.hops for each in turns]).items():
                # Records per batch are no milliseconds: undo the conversion.
                unit = 1000 if hop.endswith(SIZES) else 1
                numbers = (found.mean_ms / unit, found.quantile_ms(0.5) / unit, found.quantile_ms(0.99) / unit)
                table.add_row(f"{rate:g}", hop, f"{found.count:g}", *map(_ms, numbers))
            table.add_section()
    return table


def _cpu(race: Race) -> Table:
    table = Table(title="CPU while filling, % of one core (median of the rounds)")
    for heading in ("fills/s", "who", "processes"):
        table.add_column(heading)
    table.add_column("sum", justify="right")
    table.add_column("ms per fill", justify="right")
    for rate, name, turns in _grouped(race):
        processes = sorted({process for each in turns for process in each.cpu_percent})
        used = {process: median([each.cpu_percent.get(process, 0.0) for each in turns]) for process in processes}
        shown = "  ".join(f"{process} {percent:.0f}" for process, percent in used.items())
        total = sum(used.values()) - used.get(OTHER_WORK, 0.0)
        table.add_row(f"{rate:g}", name, shown, f"{total:.0f}", f"{total * 10 / rate:.1f}")
    return table


def _idle(race: Race) -> Table:
    total = sum(race.idle_percent.values()) - race.idle_percent.get(OTHER_WORK, 0.0)
    verdict = "under" if total < IDLE_TARGET_PERCENT else "ABOVE"
    table = Table(title=f"The whole system at rest: {total:.1f} % of one core, {verdict} {IDLE_TARGET_PERCENT:g} %")
    table.add_column("process")
    table.add_column("% of one core", justify="right")
    for process, percent in sorted(race.idle_percent.items(), key=lambda item: -item[1]):
        table.add_row(process, f"{percent:.1f}")
    return table


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
