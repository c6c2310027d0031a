"""Runs a service's own command on the system that `cgt up` runs, or the one the environment names."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import typer

from cgt import admin
from cgt.settings import broker_of
from common.errors import CgtError
from common.runtime.services import BROKER

FAILED = 2


def environment(run_dir: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Where broker and database are. Raises NotUp, InvalidSetting."""
    port = env.get(BROKER.chosen_by) or BROKER.default
    told = {"CGT_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}", "CGT_BROKER": broker_of(env), **env}
    if not told.get("CGT_DATABASE_URL"):
        told["CGT_DATABASE_URL"] = admin.database_url(run_dir)
    return told


def call(run_dir: Path, package: str, *options: str) -> int:
    """The exit status of `python -m package ...`; 2 and a line on standard error when there is nothing to ask."""
    try:
        told = environment(run_dir, os.environ)
    except CgtError as error:
        typer.echo(error, err=True)
        return FAILED
    command = [sys.executable, "-m", package, *options]
    return subprocess.run(command, env=told, check=False).returncode  # noqa: S603 - our own program.
