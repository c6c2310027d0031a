"""An event loop in virtual time, and the processes that live and die in it.

Time stands still while anything is ready and jumps to the next timer when nothing is, so a minute of waiting costs
nothing and the same seed always gives the same order of steps. A process is a context variable that every task
inherits: what belongs to a killed one is never run again, without a `finally` and without a goodbye, as SIGKILL has it.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final

_MOST_STEPS_AT_ONE_MOMENT: Final = 100_000


class Livelock(Exception):
    """Something keeps the loop busy without ever waiting."""


class TimeIsUp(Exception):
    """Nothing is left that could happen."""


class Node:
    """A simulated process: alive, held up for a while (a pause of its machine), or dead."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.skew_ms = 0
        """How far its clock is ahead of the world's."""
        self.on_death: list[Callable[[], None]] = []
        self._held_until_s = 0.0
        self._backlog: list[asyncio.Handle] = []

    def kill(self) -> None:
        """End it between two instructions."""
        self.alive = False
        self._backlog.clear()
        for callback in self.on_death:
            callback()
        self.on_death.clear()

    def hold(self, loop: "VirtualLoop", for_s: float) -> None:
        """Let nothing of it run for a while; then everything that was due."""
        self._held_until_s = max(self._held_until_s, loop.time() + for_s)
        loop.call_at(self._held_until_s, self._release, loop, context=WORLD)

    def takes(self, handle: asyncio.Handle, now_s: float) -> bool:
        """Whether this step may run now."""
        if self.alive and now_s < self._held_until_s:
            self._backlog.append(handle)
            return False
        return self.alive

    def _release(self, loop: "VirtualLoop") -> None:
        if loop.time() >= self._held_until_s:
            loop.resume(self._backlog)
            self._backlog = []


NODE: Final[ContextVar[Node | None]] = ContextVar("node", default=None)
"""Whose step is running; None is the world outside: the exchanges, the broker, the database, the traders."""
WORLD: Final[Context] = copy_context()


class OrderedTask(asyncio.Task[Any]):
    """A task that hashes by its number: a set of tasks is walked alike in every run, whatever their addresses."""

    _numbers = itertools.count()

    def __new__(cls, *_: Any, **__: Any) -> "OrderedTask":
        task = super().__new__(cls)
        task.number = next(cls._numbers)
        return task

    number: int

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs what is ready, in order; then time moves on."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._steps_now = 0
        self._tasks: list[OrderedTask] = []
        """All there ever were: one that nobody kept would be closed, and its `finally` would run after its death."""
        OrderedTask._numbers = itertools.count()
        self.set_task_factory(self._new_task)  # type: ignore[arg-type]  # the stub knows no context

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._now_s

    def spawn(self, node: Node | None, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a task that belongs to a process, or to the world."""
        context = WORLD.copy()
        context.run(NODE.set, node)
        return self.create_task(work, context=context)

    def later(self, delay_s: float, act: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Let something happen in the world, whoever asked for it."""
        return self.call_later(delay_s, act, *args, context=WORLD)

    def resume(self, handles: list[asyncio.Handle]) -> None:
        """Run these steps next, in their order."""
        self._ready.extend(handles)

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0].cancelled():
            self._forget(heapq.heappop(scheduled))
        if not ready:
            if not scheduled:
                raise TimeIsUp
            self._now_s = max(self._now_s, scheduled[0].when())
            self._steps_now = 0
        while scheduled and scheduled[0].when() <= self._now_s:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]  # as the loop of the library does
            ready.append(timer)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle.cancelled():
                continue
            node = handle._context.get(NODE)  # type: ignore[attr-defined]
            if node is None or node.takes(handle, self._now_s):
                self._steps_now += 1
                handle._run()
        if self._steps_now > _MOST_STEPS_AT_ONE_MOMENT:
            raise Livelock(f"{self._steps_now} steps at {self._now_s:.3f} s")

    def _forget(self, timer: asyncio.TimerHandle) -> None:
        timer._scheduled = False  # type: ignore[attr-defined]
        self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)

    _timer_cancelled_count = 0

    def _process_events(self, event_list: list[Any]) -> None:
        """There are none: nothing in here has a file descriptor."""

    def _write_to_self(self) -> None:
        """Nobody else's thread wakes this loop."""

    def _new_task(self, _: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any], **options: Any) -> OrderedTask:
        task = OrderedTask(work, loop=self, **options)
        self._tasks.append(task)
        return task
