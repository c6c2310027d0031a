"""`cgt admin`: who is an admin of the system that `cgt up` runs. Elsewhere: `python -m gateway admin`."""

import os
import subprocess
import sys
from pathlib import Path

from common.errors import CgtError

_URL_FILE = "database.url"


class NotUp(CgtError):
    """No `cgt up` runs in this folder."""


def remember(run_dir: Path, database_url: str) -> None:
    """Leave the database's address, with its password, where only this user reads it."""
    place = run_dir / _URL_FILE
    place.unlink(missing_ok=True)
    place.touch(mode=0o600)
    place.write_text(database_url)


def forget(run_dir: Path) -> None:
    """The database is gone."""
    (run_dir / _URL_FILE).unlink(missing_ok=True)


def database_url(run_dir: Path) -> str:
    """The database of what runs in this folder, with its password. Raises NotUp."""
    place = run_dir / _URL_FILE
    if not place.exists():
        raise NotUp(f"Nothing runs in {run_dir}: start it with `make up`, or say where it runs with --run-dir.")
    return place.read_text()


def run(run_dir: Path, action: str, email: str | None) -> int:
    """Let the gateway's own command do it; its exit status. Raises NotUp."""
    arguments = [sys.executable, "-m", "gateway", "admin", action, *([email] if email else [])]
    environment = os.environ | {"CGT_DATABASE_URL": database_url(run_dir)}
    return subprocess.run(arguments, env=environment, check=False).returncode  # noqa: S603 - our own program.
