"""A trader's orders take turns: some at once, then one after the other, and only a long line is refused."""

import asyncio

from common.errors import Refused
from gateway.pacing import LONGEST_MS, Line, Pacer


def test_a_seconds_worth_passes_at_once_and_the_next_ones_follow_evenly() -> None:
    line = Line(10)
    assert [line.join("a", 50_000) for _ in range(13)] == [0] * 10 + [100, 200, 300]


def test_who_keeps_the_pace_never_waits() -> None:
    line = Line(10)
    assert {line.join("a", now_ms) for now_ms in range(0, 60_000, 100)} == {0}


def test_nobody_waits_for_another() -> None:
    line = Line(10)
    for _ in range(40):
        line.join("a", 0)
    assert line.join("b", 0) == 0


def test_who_was_refused_did_not_make_the_line_longer() -> None:
    line = Line(10)
    waits = [line.join("a", 0) for _ in range(200)]
    assert waits[-1] == min(each for each in waits if each > LONGEST_MS)
    assert line.join("a", 200) <= LONGEST_MS


def test_the_longest_unused_place_is_let_go_of() -> None:
    line = Line(1, most=2)
    for caller in ("a", "b", "a", "c"):
        line.join(caller, 0)
    assert (line.join("a", 0), line.join("b", 0)) == (2_000, 0)


async def test_too_long_a_line_is_refused_at_once_with_the_time_to_come_back() -> None:
    pacer = Pacer(10)
    turns = [asyncio.create_task(pacer.turn("a")) for _ in range(100)]
    done, waiting = await asyncio.wait(turns, return_when=asyncio.FIRST_EXCEPTION)
    for turn in waiting:
        turn.cancel()
    refusals = [turn.exception() for turn in done if turn.exception() is not None]
    assert len(done) - len(refusals) == 10, "a second's worth passes"
    assert isinstance(refused := refusals[0], Refused)
    assert (refused.code, refused.status) == ("TOO_MANY_REQUESTS", 429)
    assert refused.retry_after_ms
