"""The logs of a history: nothing is written, but what a service says of its own defects is heard."""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import structlog

Hear = Callable[[str, str, dict[str, Any]], None]
_hears: list[Hear] = []
_LOUD: Final = {"error", "critical", "exception"}


def _ear(_: Any, level: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    if _hears and level in _LOUD:
        about = {name: str(value) for name, value in event.items() if name not in {"event", "exc_info"}}
        error = event.get("exc_info")
        if error is True:
            error = sys.exc_info()[1]
        if error is not None:
            about["error"] = repr(error)
        _hears[-1](level, str(event["event"]), about)
    raise structlog.DropEvent


def quiet() -> None:
    """Send all logs of this process to whoever listens; nowhere else."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _ear],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)


@contextmanager
def listening(hear: Hear) -> Iterator[None]:
    """Hear of defects for a while."""
    _hears.append(hear)
    try:
        yield
    finally:
        _hears.pop()
