"""`cgt portfolio`: the numbers of positions, trades and fees, computed again from the topics of a system that runs.

It asks the system that `cgt up` runs, or the one that CGT_DATABASE_URL, CGT_KAFKA_BOOTSTRAP and CGT_BROKER name.
"""

from pathlib import Path
from typing import Annotated

import typer

from cgt.running import call

app = typer.Typer(no_args_is_help=True, help="The portfolio's numbers, computed again from the topics.")
RunDir = Annotated[Path, typer.Option(help="Where `cgt up` runs.")]
RUN_DIR = Path(".run/up")


@app.command()
def verify(run_dir: RunDir = RUN_DIR) -> None:
    """Hold the stored numbers against those the topics tell, byte for byte. 0: equal, 1: not, 3: history too short."""
    _rebuild(run_dir, "--check")


@app.command()
def rebuild(
    into: Annotated[Path, typer.Option(help="The file to write, as JSON lines.")],
    check: Annotated[bool, typer.Option(help="Compare with the stored numbers as well.")] = False,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Compute all numbers from the topics and write them to a file."""
    _rebuild(run_dir, "--into", str(into), *(["--check"] if check else []))


def _rebuild(run_dir: Path, *options: str) -> None:
    raise typer.Exit(call(run_dir, "portfolio", "rebuild", *options))
