"""Tells a run as one line a step, with the time since its start; a step counts only when its condition was observed."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from rich.console import Console
from rich.markup import escape

from common.errors import CgtError

T = TypeVar("T")

_ASK_EVERY_S = 0.05


class NotObserved(CgtError):
    """What a step waits for did not happen in time; the message says what was seen instead."""


class Story:
    """Prints the steps of one run."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._began = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Since the story began."""
        return time.monotonic() - self._began

    def step(self, what: str, detail: str = "") -> None:
        """Something that was observed."""
        self._line("[green]ok[/]", f"[bold]{escape(what)}[/]  {escape(detail)}".rstrip())

    def act(self, what: str) -> None:
        """Something that is done now, whose effect a later step observes."""
        self._line("[cyan]>>[/]", escape(what))

    def fail(self, why: str) -> None:
        """Why the story ends here."""
        self._line("[red]!![/]", escape(why))

    def _line(self, mark: str, text: str) -> None:
        self._console.print(f"{self.elapsed_s:6.1f} s  {mark}  {text}", highlight=False, soft_wrap=True)


async def eventually(what: str, look: Callable[[], Awaitable[T]], enough: Callable[[T], bool], within_s: float) -> T:
    """What `look` sees once it is `enough`. Raises NotObserved after `within_s`, with what it saw last."""
    deadline = time.monotonic() + within_s
    while not enough(seen := await look()):
        if time.monotonic() > deadline:
            raise NotObserved(f"Waited {within_s:g} s for: {what}. Last seen: {seen}")
        await asyncio.sleep(_ASK_EVERY_S)
    return seen
