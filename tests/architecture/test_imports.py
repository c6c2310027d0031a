"""Imports point one way: service, machinery, language. The contracts stand in pyproject.toml."""

import subprocess
import sys
import tomllib
from pathlib import Path


def test_every_import_contract_is_kept(root: Path) -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint_imports], cwd=root, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_the_contracts_cover_every_package_of_the_workspace(root: Path) -> None:
    configured = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    packages = {path.parent.name for path in root.glob("*/*/src/*/__init__.py")}
    assert set(configured) == packages
