"""Runs histories: `python -m tests.simulation --seeds 1000`, or `--seed 17` to see one again."""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from common.exchanges import Exchange
from tests.simulation.histories import Chunk, Result, run_chunk, run_one

_CHUNK: Final = 50
_HASH_SEED: Final = "0"


def main() -> int:
    """0 when every promise was kept."""
    arguments = _arguments()
    if arguments.seed is not None:
        if os.environ.get("PYTHONHASHSEED") != _HASH_SEED:  # The order of sets of text is part of a history.
            os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], _environment())
        return run_one(arguments.seed, arguments.exchange, shrinks=arguments.shrink)
    first, last = arguments.first, arguments.first + arguments.seeds
    chunks = [
        Chunk(range(start, min(start + _CHUNK, last)), arguments.exchange) for start in range(first, last, _CHUNK)
    ]
    return _run(chunks, arguments.jobs, arguments.shrink)


def _run(chunks: Sequence[Chunk], jobs: int, shrinks: bool) -> int:
    os.environ.update(_environment())
    began_s, total, broken, virtual_s, cpu_s = time.monotonic(), 0, list[Result](), 0.0, 0.0
    with multiprocessing.get_context("spawn").Pool(jobs, maxtasksperchild=20) as pool:
        for done in pool.imap_unordered(run_chunk, chunks):
            total, virtual_s, cpu_s = total + done.histories, virtual_s + done.virtual_s, cpu_s + done.cpu_s
            for result in done.broken:
                broken.append(result)
                print(f"seed {result.seed} ({', '.join(result.exchanges)}): {result.violations[0]}", flush=True)
            _progress(total, len(broken), began_s)
    print(
        f"{total:,} histories of {virtual_s / max(total, 1):.0f} s each, {len(broken)} with a broken promise, "
        f"in {time.monotonic() - began_s:.0f} s ({cpu_s:.0f} s of processor time)"
    )
    for result in broken[:1] if shrinks else ():
        run_one(result.seed, None, shrinks=True)
    if broken:
        print(f"See one again: make simulate SEED={broken[0].seed}")
    return 1 if broken else 0


def _progress(total: int, broken: int, began_s: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{total:,} histories, {broken} broken, {time.monotonic() - began_s:.0f} s", end="", file=sys.stderr)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONHASHSEED": _HASH_SEED}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many histories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run this history alone, and tell its story")
    parser.add_argument("--exchange", type=Exchange, choices=list(Exchange), help="on this exchange only")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument(
        "--no-shrink", dest="shrink", action="store_false", help="tell the story of a violation as it is"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
