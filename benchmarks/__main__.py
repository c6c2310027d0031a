"""`python -m benchmarks`: measure, print the tables, keep the numbers. 1 when an order list was lost or doubled."""

import argparse
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.race import EVERYBODY, FLOOR, OURS, Plan, Race, run
from benchmarks.report import as_json, show
from benchmarks.running import OUT, NotMeasured, in_a_folder
from common.bus.brokers import BrokerKind

_HANDED_ON = ("CGT_LOG_", "CGT_BINANCE_")


def main(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the benchmark from the command line."""
    plan = _plan(argv, env)

    async def measured(folder: Path, console: Console) -> None:
        race = await run(plan, folder, console)
        show(race, console)
        console.print(f"The numbers are in {_kept(race)}")
        if not _is_whole(race):
            raise NotMeasured("Order lists were lost or doubled.")

    return in_a_folder(measured)


def _plan(argv: Sequence[str], env: Mapping[str, str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure fill to protection.")
    parser.add_argument("--rates", type=_rates, default=(1.0, 50.0, 300.0), help="fills per second, as 1,50,300")
    parser.add_argument("--rounds", type=int, default=3, help="how often everybody takes a turn at every rate")
    parser.add_argument("--quick", action="store_true", help="one round of short turns")
    parser.add_argument("--accounts", type=int, default=20, help="accounts of each competitor")
    parser.add_argument("--only", nargs="+", choices=EVERYBODY, default=EVERYBODY, help="who takes part")
    asked = parser.parse_args(argv)
    broker = env.get("CGT_BROKER", BrokerKind.EMBEDDED)
    if broker not in [*BrokerKind]:
        parser.error(f"CGT_BROKER is {broker!r}; use one of {', '.join(BrokerKind)}")
    return Plan(
        rates=asked.rates,
        rounds=1 if asked.quick else asked.rounds,
        quick=asked.quick,
        accounts=asked.accounts,
        competitors=tuple(asked.only),
        broker=BrokerKind(broker),
        # Never an address: the benchmark trades on its own paper exchange and nowhere else.
        settings={k: v for k, v in env.items() if k.startswith(_HANDED_ON) and not k.endswith("_URL")},
    )


def _rates(text: str) -> tuple[float, ...]:
    rates = tuple(float(part) for part in text.split(","))
    if min(rates) <= 0:
        raise argparse.ArgumentTypeError("a rate is above 0")
    return rates


def _is_whole(race: Race) -> bool:
    """Whether we (and the floor, which checks the measuring itself) lost and doubled nothing."""
    return all(each.turn.is_whole for each in race.turns if each.competitor in {OURS, FLOOR})


def _kept(race: Race) -> Path:
    path = OUT / f"{time.strftime('%Y%m%d-%H%M%S')}-{race.plan.broker}.json"
    path.write_text(json.dumps(as_json(race), indent=1))
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
