"""Histories of the whole system in virtual time: no promise is broken, and what would break one is seen."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.simulation import planted
from tests.simulation.histories import first_broken, prepare
from tests.simulation.plan import draw
from tests.simulation.services import Parts
from tests.simulation.shrink import shrink
from tests.simulation.world import live

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = 320
WITHIN = 1_000


class Mistake(NamedTuple):
    """A mistake, the promise it breaks, and a seed shortly before the first that shows it."""

    promise: str
    from_seed: int
    parts: Callable[[], Parts] = Parts
    planting: Callable[[], AbstractContextManager[None]] = nullcontext


MISTAKES = {
    "a forgotten inbox check": Mistake("P3", 4, parts=planted.forgotten_inbox),
    "swapped ids on cancel": Mistake("P4", 2, parts=planted.swapped_ids),
    "a stop not re-armed after a refusal": Mistake("P1", 8, planting=planted.resignation),
    "a resend on timeout": Mistake("P3", 35, parts=planted.resent_on_timeout),
}


@pytest.fixture(scope="module", autouse=True)
def _prepared() -> None:
    prepare()


def _simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, in a process of its own: there even the order of sets is the seed's."""
    command = [sys.executable, "-m", "tests.simulation", *arguments]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ), check=False, capture_output=True, text=True)


@pytest.mark.timeout(600)
def test_no_history_breaks_a_promise() -> None:
    result = _simulate("--seeds", str(HISTORIES))
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_same_seed_is_the_same_history_to_the_byte() -> None:
    for seed in (5, 10, 15, 16):
        assert live(draw(seed)).digest == live(draw(seed)).digest


def test_the_same_seed_is_told_alike_by_another_process() -> None:
    first, second = _simulate("--seed", "21"), _simulate("--seed", "21")
    assert "Digest: " in first.stdout
    assert first.stdout == second.stdout


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.timeout(600)
def test_a_planted_mistake_is_seen(mistake: Mistake) -> None:
    with mistake.planting():
        broken = first_broken(range(mistake.from_seed, WITHIN), None, mistake.parts, mistake.promise)
    assert broken is not None


def test_a_violation_is_made_small_and_stays_one() -> None:
    broken = first_broken(range(MISTAKES["a resend on timeout"].from_seed, WITHIN), None, planted.resent_on_timeout)
    assert broken is not None
    small = shrink(broken, planted.resent_on_timeout)
    assert small.violations
    assert len(small.plan.steps) + len(small.plan.strikes) < len(broken.plan.steps) + len(broken.plan.strikes)
