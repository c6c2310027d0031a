"""Rooms stay small, and nothing tracked speaks of the machine it was written on."""

import re
from collections.abc import Iterator
from pathlib import Path

MOST_LINES_OF_A_MODULE = 350
MOST_LINES_OF_A_TEST = 500

# Written as patterns, so that this file does not hold what it forbids.
_NOT_FOR_THE_TREE = {
    "a path of one machine": re.compile(r"(?<![\w.])/(work|root|home/\w+)/\w|(?<![\w.])/tmp/\w"),
    "a package registry": re.compile(
        r"pypi\.(org|python)|pythonhosted\.[o]rg|registry\.npmjs|repo1?\.maven\.[a]pache|repo1\.maven|"
        r"static\.crates|index\.crates|proxy\.golang|deb\.debian\.[o]rg",
        re.IGNORECASE,
    ),
    "unfinished work": re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b"),
}


def _text_files(tracked: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in tracked:
        try:
            yield path, path.read_text()
        except UnicodeDecodeError:
            continue


def test_nothing_tracked_speaks_of_what_does_not_belong_there(root: Path, tracked: list[Path]) -> None:
    found = [
        f"{path.relative_to(root)}:{number}: {what}: {line.strip()[:80]}"
        for path, text in _text_files(tracked)
        for number, line in enumerate(text.splitlines(), start=1)
        for what, pattern in _NOT_FOR_THE_TREE.items()
        if pattern.search(line)
    ]
    assert found == []


def test_no_private_key_is_tracked_outside_the_tests(root: Path, tracked: list[Path]) -> None:
    key = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KE[Y]-----")
    found = [path.relative_to(root) for path, text in _text_files(tracked) if not _is_test(path) and key.search(text)]
    assert found == []


def test_no_file_outgrows_its_room(root: Path, tracked: list[Path]) -> None:
    lines = {path: path.read_text().count("\n") for path in tracked if path.suffix == ".py"}
    too_long = {
        str(path.relative_to(root)): count
        for path, count in lines.items()
        if count > (MOST_LINES_OF_A_TEST if _is_test(path) else MOST_LINES_OF_A_MODULE)
    }
    assert too_long == {}


def test_every_module_says_what_it_is(root: Path, tracked: list[Path]) -> None:
    modules = {path: path.read_text() for path in tracked if path.suffix == ".py" and not _is_test(path)}
    silent = [
        str(path.relative_to(root))
        for path, text in modules.items()
        if text.strip() and not text.lstrip().startswith(('"""', "#!"))
    ]
    assert silent == []


def _is_test(path: Path) -> bool:
    return "tests" in path.parts or "benchmarks" in path.parts
