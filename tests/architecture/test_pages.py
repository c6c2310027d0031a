"""What a page of documentation points at is there."""

import re
from collections.abc import Iterator
from pathlib import Path

# Written between backticks: `opening.py`, `order_engine/opening.py`, `opening.py::open_bracket`.
_IN_BACKTICKS = re.compile(r"`([^`\n]+)`")
_MODULE = re.compile(r"(?<![\w./-])([\w-][\w./-]*\.py)(?:::(\w+))?")
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _pages(tracked: list[Path]) -> Iterator[tuple[Path, str]]:
    """The prose of every page; examples of code are not ours to follow."""
    for path in tracked:
        if path.suffix == ".md":
            yield path, _FENCED.sub("", path.read_text())


def _where(page: Path, root: Path, named: str, modules: list[Path]) -> list[Path]:
    """The modules a page may mean: a bare name is one of its own package, a path is looked for everywhere."""
    own = page.name == "README.md" and "/" not in named
    places = [path for path in modules if not own or page.parent in path.parents]
    return [path for path in places if f"/{path.relative_to(root)}".endswith(f"/{named}")]


def test_every_module_that_a_page_names_is_there(root: Path, tracked: list[Path]) -> None:
    modules = [path for path in tracked if path.suffix == ".py"]
    missing = []
    for page, text in _pages(tracked):
        for named, thing in _MODULE.findall(" ".join(_IN_BACKTICKS.findall(text))):
            found = _where(page, root, named, modules)
            defined = re.compile(rf"^(?:(?:async )?def |class )?{thing}\b", re.MULTILINE)
            if not any(defined.search(path.read_text()) for path in found):
                missing.append(f"{page.relative_to(root)}: {named}{thing and '::' + thing}")
    assert missing == []


def test_every_link_of_a_page_leads_somewhere(root: Path, tracked: list[Path]) -> None:
    astray = [
        f"{page.relative_to(root)}: {target}"
        for page, text in _pages(tracked)
        for target in _LINK.findall(text)
        if not (page.parent / target).exists()
    ]
    assert astray == []
