"""`cgt sync` where nothing runs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cgt.app import app


def test_where_nothing_runs_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CGT_DATABASE_URL", raising=False)
    told = CliRunner().invoke(app, ["sync", "--run-dir", str(tmp_path)])
    assert told.exit_code == 2
    assert "Nothing runs in" in told.output
