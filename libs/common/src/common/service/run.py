"""Runs one service process: starts its parts, watches its long tasks, and stops everything in reverse order.

A long task that dies would leave a process that looks idle and does nothing; here it ends the process, with the reason
in the log, and whoever supervises the process starts a new one.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from typing import Any, Final, TypeVar

import structlog
import uvloop

from common.errors import CgtError, MissingSetting
from common.log import LogSettings, configure_logging
from common.settings import InvalidSetting

T = TypeVar("T")

STOP_GRACE_S: Final = 10.0
EXIT_BROKEN: Final = 1
EXIT_BAD_SETTINGS: Final = 2
_GC_YOUNG: Final = 50_000
"""Objects made before the collector looks at them; at Python's 700 it looks a hundred times a second at what lives."""

_log = structlog.get_logger(__name__)

Start = Callable[["Process"], Coroutine[Any, Any, None]]
"""A service: builds its parts and hands them to the process it is given."""


class Process:
    """The parts of a running service, in the order in which they were started."""

    def __init__(self) -> None:
        self._parts = AsyncExitStack()
        self._ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    async def enter(self, part: AbstractAsyncContextManager[T]) -> T:
        """Open a part now, close it when the process stops."""
        return await self._parts.enter_async_context(part)

    def on_stop(self, callback: Callable[[], Awaitable[object]]) -> None:
        """Await this when the process stops."""
        self._parts.push_async_callback(callback)

    def spawn(
        self, name: str, work: Coroutine[Any, Any, object], stop: Callable[[], Awaitable[object]] | None = None
    ) -> None:
        """Run a task that lasts as long as the process: `stop` tells it to end, without one it is cancelled."""
        task = asyncio.create_task(work, name=name)
        stopping = False

        def watch(done: asyncio.Task[object]) -> None:
            if not stopping:
                error = None if done.cancelled() else done.exception()
                _log.critical("task_died", task=name, exc_info=error)
                self.end(f"{name}: {error!r}")

        async def finish() -> None:
            nonlocal stopping
            stopping = True
            if stop is not None and not task.done():
                await stop()
                await asyncio.wait([task], timeout=STOP_GRACE_S)
            if not task.done():
                if stop is not None:
                    _log.warning("task_cancelled", task=name, after_s=STOP_GRACE_S)
                task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

        task.add_done_callback(watch)
        self._parts.push_async_callback(finish)

    def end(self, reason: str | None = None) -> None:
        """Stop the process: in order, or because of `reason`."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def run(self, start: Start) -> int:
        """Start, run until the end, stop; the exit code."""
        settled = asyncio.Event()
        starting = asyncio.create_task(start(self))
        starting.add_done_callback(lambda _: settled.set())
        self._ended.add_done_callback(lambda _: settled.set())
        await settled.wait()
        if not starting.done():
            starting.cancel()
        elif isinstance(error := starting.exception(), MissingSetting | InvalidSetting):
            await self._parts.aclose()
            raise error
        elif error is not None:
            self._log_failed_start(error)
            self.end(repr(error))
        else:
            _spare_the_collector()
            _log.info("started", pid=os.getpid())
        reason = await self._ended
        _log.info("stopping", reason=reason or "asked to")
        with suppress(asyncio.CancelledError, Exception):
            await starting
        await self._parts.aclose()
        _log.info("stopped")
        return EXIT_BROKEN if reason else 0

    def _log_failed_start(self, error: BaseException) -> None:
        # An error raised on purpose says in one line what to do; a defect needs its stack.
        if isinstance(error, CgtError):
            _log.critical("cannot_start", error=str(error))
        else:
            _log.critical("cannot_start", exc_info=error)


def _spare_the_collector() -> None:
    """Modules and parts live as long as the process: to walk through them again and again costs pauses of 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_YOUNG, *gc.get_threshold()[1:])


def run(name: str, start: Start) -> None:
    """Run a service until SIGTERM or SIGINT and exit: 0 when asked to stop, 1 when broken, 2 for a bad setting."""
    try:
        configure_logging(name, LogSettings.from_env(os.environ))
        code = uvloop.run(_main(start))
    except (MissingSetting, InvalidSetting) as error:
        print(error, file=sys.stderr)  # The log may be what is set wrong.
        code = EXIT_BAD_SETTINGS
    sys.exit(code)


async def _main(start: Start) -> int:
    process = Process()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.end)
    return await process.run(start)
