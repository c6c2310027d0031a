"""JSON lines in, one JSON line each out, through an exchange's own pure translators.

A connector package registers its tools under the entry point group `cgt.exchanges`; this package imports none of them.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import Any, BinaryIO, Protocol

import typer

GROUP = "cgt.exchanges"

Line = dict[str, Any]


class ExchangeTools(Protocol):
    """What a connector package offers to support, audit and conformance."""

    def translate(self, line: Line) -> Line:
        """`{"kind", "raw" | "raw_base64", ...}` to `{"facts", "outcome"?, "error"?}`."""

    def preview(self, line: Line) -> Line:
        """An intent to the unsigned `{"method", "path", "params" | "body"}`."""


def translate(exchange: str) -> None:
    """Standard input to standard output, through the exchange's `translate`."""
    _pipe(_tools(exchange).translate, {"facts": []})


def preview(exchange: str) -> None:
    """Standard input to standard output, through the exchange's `preview`."""
    _pipe(_tools(exchange).preview, {})


def answers(lines: Iterable[bytes], tool: Callable[[Line], Line], when_unknown: Line) -> Iterable[str]:
    """One line of JSON for each line; what the tool cannot take is `when_unknown` with an `error`."""
    for line in lines:
        try:
            yield json.dumps(tool(_parsed(line)), allow_nan=False)
        except Exception as error:
            yield json.dumps({**when_unknown, "error": f"{type(error).__name__}: {error}"})


class NotALine(ValueError):
    """The input line is not a JSON object."""


def _parsed(line: bytes) -> Line:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NotALine(f"each line must be one JSON object; this one does not parse: {error}") from None
    if not isinstance(parsed, dict):
        raise NotALine(f"each line must be one JSON object; this one is of type {type(parsed).__name__}")
    return parsed


def _tools(exchange: str) -> ExchangeTools:
    known = entry_points(group=GROUP)
    if exchange not in known.names:
        names = ", ".join(sorted(known.names)) or "none"
        raise typer.BadParameter(f"{exchange!r} is no exchange known here; installed: {names}.")
    tools: ExchangeTools = known[exchange].load()
    return tools


def _pipe(tool: Callable[[Line], Line], when_unknown: Line, lines: BinaryIO | None = None) -> None:
    try:
        for answer in answers(lines or sys.stdin.buffer, tool, when_unknown):
            print(answer, flush=True)  # Whoever feeds line by line waits for each answer.
    except BrokenPipeError:
        # The reader has gone (`| head`). Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
