"""A step of the demo counts only when it was observed."""

from io import StringIO

import pytest
from rich.console import Console

from cgt.story import NotObserved, Story, eventually


async def test_eventually_returns_what_was_seen_once_it_is_enough() -> None:
    counted = iter(range(10))

    async def look() -> int:
        return next(counted)

    assert await eventually("three", look, lambda seen: seen == 3, within_s=5) == 3


async def test_what_never_happens_is_reported_with_what_was_seen_instead() -> None:
    async def look() -> str:
        return "nothing"

    with pytest.raises(NotObserved, match=r"the fill\. Last seen: nothing"):
        await eventually("the fill", look, lambda seen: seen == "filled", within_s=0)


def test_steps_read_well_without_colour() -> None:
    out = StringIO()
    Story(Console(file=out, no_color=True, width=200)).step("Key [stored]", "by the [vault]")
    assert out.getvalue().rstrip().endswith("s  ok  Key [stored]  by the [vault]")
