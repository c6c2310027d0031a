"""Kills everything in turn: `python -m tests.crashes`, or `--victims order-engine --points after-fill` for a part."""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from cgt.trader import HttpJson
from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.stack import Stack, StackOptions
from tests.crashes.matrix import Asked, Row, run, show
from tests.crashes.strikes import VICTIMS, Point
from tests.e2e.conftest import EXCHANGES, SETTINGS, Desk

# On one machine no request is under way for long: "not there" is proof soon, on the other exchanges as on Binance.
PROOF = {"CGT_BITGET_VALIDITY_MS": "2000", "CGT_GATEIO_VALIDITY_MS": "2000", "CGT_MEXC_RECV_WINDOW_MS": "2000"}


def main(argv: Sequence[str], broker: str) -> int:
    """0 when nothing was doubled, lost or fallen, and the audit found nothing."""
    asked, console = _asked(argv), Console() if sys.stdout.isatty() else Console(width=140)
    runs = Path(".run") / "crashes"
    runs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=runs)).absolute()
    options = StackOptions(run_dir=folder, broker=BrokerKind(broker), settings=SETTINGS | PROOF)

    async def struck() -> tuple[list[Row], bool]:
        async with Stack(options) as stack, HttpJson(stack.paper_control_url) as paper:
            return await run(Desk(stack, paper), asked, lambda line: console.print(line, highlight=False, markup=False))

    try:
        rows, proven = asyncio.run(struck())
    except CgtError as error:
        console.print(f"{error}\nThe logs are kept in {folder / 'logs'}", style="bold red", markup=False)
        return 1
    show(rows, console)
    if not proven or any(row.wrong for row in rows):
        console.print(f"The logs are kept in {folder / 'logs'}", style="bold red", markup=False)
        return 1
    shutil.rmtree(folder)
    return 0


def _asked(argv: Sequence[str]) -> Asked:
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description="SIGKILL at chosen points of trades.")
    points = [point.value for point in Point]
    parser.add_argument(
        "--victims", nargs="+", choices=VICTIMS, default=VICTIMS, metavar="NAME", help=", ".join(VICTIMS)
    )
    parser.add_argument("--points", nargs="+", choices=points, default=points, metavar="POINT", help=", ".join(points))
    parser.add_argument("--exchanges", nargs="+", choices=EXCHANGES, default=EXCHANGES, help="where trades run")
    parser.add_argument("--rounds", type=int, default=1, help="how often every point is met")
    given = parser.parse_args(argv)
    return Asked(
        victims=[each for each in VICTIMS if each in given.victims],
        points=[Point(each) for each in given.points],
        exchanges=given.exchanges,
        rounds=given.rounds,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("CGT_BROKER", BrokerKind.EMBEDDED)))
