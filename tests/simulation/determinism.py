"""Time and chance, taken from the seed while a history runs.

Production code asks the standard library for both: `time.*`, `random`, `os.urandom` (under `uuid` and `secrets`). They
are replaced here, at the root, so that not one line of it has to know that it is being simulated.
"""

import gc
import os
import random
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.simulation.loop import NODE, VirtualLoop

BEGIN_MS: Final = 1_795_341_600_000
"""When every history begins, in ms since the epoch."""


def world_ms(loop: VirtualLoop) -> int:
    """The true time: what an exchange's clock shows."""
    return BEGIN_MS + int(loop.time() * 1000)


@contextmanager
def buried() -> Iterator[None]:
    """Collect nothing while a history runs, and all of it afterwards: what it leaves must not stir in the next."""
    gc.disable()
    hook = sys.unraisablehook
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sys.unraisablehook = lambda _: None  # The dead may complain that their loop is gone.
            gc.collect()
            sys.unraisablehook = hook
        gc.enable()


@contextmanager
def determined(loop: VirtualLoop, seed: int) -> Iterator[None]:
    """Within this, time is the loop's and chance is the seed's. Clocks of processes may be skewed."""
    chance = random.Random(f"entropy-{seed}")

    def wall_ns() -> int:
        node = NODE.get()
        skew_ms = 0 if node is None else node.skew_ms
        return (BEGIN_MS + skew_ms) * 1_000_000 + int(loop.time() * 1e9)

    replaced: dict[tuple[Any, str], Any] = {
        (time, "time"): lambda: wall_ns() / 1e9,
        (time, "time_ns"): wall_ns,
        (time, "monotonic"): loop.time,
        (time, "monotonic_ns"): lambda: int(loop.time() * 1e9),
        (time, "perf_counter"): loop.time,
        (os, "urandom"): chance.randbytes,
        (random, "_urandom"): chance.randbytes,
    }
    genuine = {(module, name): getattr(module, name) for module, name in replaced}
    state = random.getstate()
    random.seed(seed)
    try:
        for (module, name), stand_in in replaced.items():
            setattr(module, name, stand_in)
        yield
    finally:
        for (module, name), original in genuine.items():
            setattr(module, name, original)
        random.setstate(state)
