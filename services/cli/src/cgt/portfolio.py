"""`cgt portfolio`: the numbers of positions, trades and fees, computed again from the topics of a system that runs.

It asks the system that `cgt up` runs, or the one that CGT_DATABASE_URL, CGT_KAFKA_BOOTSTRAP and CGT_BROKER name.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cgt import admin
from cgt.settings import broker_of
from common.errors import CgtError
from common.runtime.services import BROKER

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


def environment(run_dir: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Where the system is, as the portfolio's own command is told. Raises NotUp, InvalidSetting."""
    port = env.get(BROKER.chosen_by) or BROKER.default
    told = {"CGT_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}", "CGT_BROKER": broker_of(env), **env}
    if not told.get("CGT_DATABASE_URL"):
        told["CGT_DATABASE_URL"] = admin.database_url(run_dir)
    return told


def _rebuild(run_dir: Path, *options: str) -> None:
    """The portfolio's own command does it; its exit status is ours."""
    command = [sys.executable, "-m", "portfolio", "rebuild", *options]
    try:
        told = environment(run_dir, os.environ)
    except CgtError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None
    raise typer.Exit(subprocess.run(command, env=told, check=False).returncode)  # noqa: S603 - our own program.
