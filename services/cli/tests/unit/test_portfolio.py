"""Where `cgt portfolio` looks for the system."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cgt import admin
from cgt.app import app
from cgt.running import environment


def test_what_up_runs_is_found_by_its_folder_and_ports(tmp_path: Path) -> None:
    admin.remember(tmp_path, "postgresql://postgres:secret@127.0.0.1:7432/cgt")
    told = environment(tmp_path, {"CGT_PORT_BROKER": "7999"})
    assert told["CGT_DATABASE_URL"] == "postgresql://postgres:secret@127.0.0.1:7432/cgt"
    assert (told["CGT_KAFKA_BOOTSTRAP"], told["CGT_BROKER"]) == ("127.0.0.1:7999", "embedded")


def test_a_system_that_settings_name_needs_no_folder(tmp_path: Path) -> None:
    named = {"CGT_DATABASE_URL": "postgresql://x/y", "CGT_KAFKA_BOOTSTRAP": "kafka:9092", "CGT_BROKER": "kafka"}
    assert environment(tmp_path, named) == named


def test_where_nothing_runs_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CGT_DATABASE_URL", raising=False)
    told = CliRunner().invoke(app, ["portfolio", "verify", "--run-dir", str(tmp_path)])
    assert told.exit_code == 2
    assert "Nothing runs in" in told.output
