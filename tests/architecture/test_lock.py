"""The lock says which bytes, never where from."""

import re
import tomllib
from pathlib import Path

import pytest


@pytest.fixture
def lock(root: Path) -> str:
    return (root / "requirements.lock").read_text()


def test_the_lock_names_no_address(lock: str) -> None:
    assert re.findall(r"\S*(?:://|--index-url|--extra-index-url|--find-links| @ )\S*", lock) == []


def test_every_locked_distribution_has_a_hash(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", lock.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_holds_nothing_of_our_own(lock: str) -> None:
    assert re.findall(r"^cgt[-_].*", lock, re.MULTILINE) == []


def test_everything_the_packages_ask_for_is_locked(root: Path, lock: str) -> None:
    locked = {_normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    asked = set()
    for project in [
        root / "pyproject.toml",
        *root.glob("libs/*/pyproject.toml"),
        *root.glob("services/*/pyproject.toml"),
    ]:
        table = tomllib.loads(project.read_text())
        needs = [*table["project"]["dependencies"], *table.get("dependency-groups", {}).get("dev", [])]
        for extra in table["project"].get("optional-dependencies", {}).values():
            needs += extra
        asked |= {_normal(re.split(r"[\[<>=!~; ]", need)[0]) for need in needs}
    assert {name for name in asked if not name.startswith("cgt-")} - locked == set()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
