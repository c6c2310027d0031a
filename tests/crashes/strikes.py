"""One kill: what falls and how it stands up again, the point at which it falls, and what became of the trades."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from common.runtime.services import SERVICES
from common.runtime.stack import Stack
from tests.crashes.seats import NotSettled, Seat
from tests.e2e.conftest import Desk

POSTGRES: Final = "postgresql"
BROKER: Final = "broker"
_CONNECTOR: Final = "-connector"
VICTIMS: Final = (*(each.name for each in SERVICES if each.name != "paper-exchange"), POSTGRES, BROKER)
"""In the order in which they fall. The broker comes last: on the embedded one it takes all history with it."""
_SLOW_MS: Final = 400
"""How late the exchange answers where a kill is to meet requests under way."""
_LOOK_S: Final = 0.01
_REACHED_WITHIN_S: Final = 5.0


class Point(StrEnum):
    """When the kill comes."""

    BEFORE_THE_FILL = "before-fill"
    AFTER_THE_FILL = "after-fill"
    PLACING_EXITS = "placing-exits"
    STOP_EXECUTES = "stop-executes"


@dataclass
class Struck:
    """What one kill did. `recovery_s` is the slowest trade's way from the restart to where it belongs."""

    victim: str
    point: Point
    ready_s: float = 0.0
    recovery_s: float = 0.0
    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        """Whether every trade ended as if nothing had happened, and nothing else fell."""
        return not (self.doubled or self.lost or self.fallen)


def exchanges_of(victim: str, asked: Sequence[str]) -> list[str]:
    """Whose trades a victim can harm: a connector's are those of its own exchange."""
    if not victim.endswith(_CONNECTOR):
        return list(asked)
    return [each for each in asked if each == victim.removesuffix(_CONNECTOR)]


async def kill(stack: Stack, victim: str) -> None:
    """SIGKILL, without a word before."""
    match victim:
        case "postgresql":
            await stack.kill_database()
        case "broker":
            await stack.kill_broker()
        case service:
            stack.kill(service)


async def restart(stack: Stack, victim: str) -> None:
    """Start it again and wait until it is ready."""
    match victim:
        case "postgresql":
            await stack.start_database()
        case "broker":
            await stack.start_broker()
        case service:
            await stack.start(service)


async def strike(desk: Desk, victim: str, point: Point, seats: Sequence[Seat]) -> Struck:
    """One trade per seat brought to the point, the kill, the restart, and every trade to its end."""
    struck = Struck(victim, point)
    try:
        await _bring_to(desk, victim, point, seats)
        began = time.monotonic()
        await restart(desk.stack, victim)
        ready = time.monotonic()
        struck.ready_s = ready - began
        stopped = point is Point.STOP_EXECUTES
        await _each(seats, Seat.until_flat if stopped else Seat.until_protected)
        struck.recovery_s = time.monotonic() - ready
        if not stopped:
            await _each(seats, lambda seat: seat.move(seat.market.beyond_stop))
            await _each(seats, Seat.until_flat)
        await _each(seats, lambda seat: seat.move(str(seat.market.at), gap=True))
    except NotSettled as missed:
        struck.lost.append(str(missed))
    for seat in seats:
        twice, missing = await seat.judged()
        struck.doubled += twice
        struck.lost += missing
    struck.fallen = await desk.stack.fallen()
    return struck


async def _bring_to(desk: Desk, victim: str, point: Point, seats: Sequence[Seat]) -> None:
    """Everything up to the kill."""
    entries = await asyncio.gather(*(seat.rest() for seat in seats))
    for seat in seats:
        await desk.paper.post(f"/control/{seat.exchange}/timings/reset", {})

    async def fill() -> None:
        await asyncio.gather(*(seat.fill(entry) for seat, entry in zip(seats, entries, strict=True)))

    match point:
        case Point.BEFORE_THE_FILL:
            await kill(desk.stack, victim)
            await fill()
        case Point.AFTER_THE_FILL:
            await fill()
            await kill(desk.stack, victim)
        case Point.PLACING_EXITS:
            await _slowly(desk, seats)
            await fill()
            await _first_to_act(seats)
            await kill(desk.stack, victim)
            await _promptly(desk, seats)
        case Point.STOP_EXECUTES:
            await fill()
            await _each(seats, Seat.until_protected)
            for seat in seats:
                await desk.paper.post(f"/control/{seat.exchange}/timings/reset", {})
            await _slowly(desk, seats)
            await _each(seats, lambda seat: seat.move(seat.market.beyond_stop))
            await _first_to_act(seats)
            await kill(desk.stack, victim)
            await _promptly(desk, seats)


async def _slowly(desk: Desk, seats: Sequence[Seat]) -> None:
    """From now on what these accounts ask is done at once and answered late."""
    for seat in seats:
        await desk.fault("slow_response", exchange=seat.exchange, uid=seat.uid, delay_ms=_SLOW_MS)


async def _promptly(desk: Desk, seats: Sequence[Seat]) -> None:
    for seat in seats:
        await desk.paper.delete(f"/control/{seat.exchange}/faults")


async def _first_to_act(seats: Sequence[Seat]) -> None:
    """Until the first of them has sold or asked the exchange for something; the others are then still before it."""
    deadline = time.monotonic() + _REACHED_WITHIN_S
    while time.monotonic() < deadline and not any(await asyncio.gather(*(seat.acted() for seat in seats))):
        await asyncio.sleep(_LOOK_S)


async def _each(seats: Sequence[Seat], do: Callable[[Seat], Awaitable[None]]) -> None:
    await asyncio.gather(*(do(seat) for seat in seats))
