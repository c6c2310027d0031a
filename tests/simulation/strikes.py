"""Where faults strike: every externally visible step is counted by name, and a plan says what befalls the n-th."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.simulation.loop import Node


class Harm(StrEnum):
    """What befalls a step."""

    LOSE = "lose"
    """It never arrives."""
    LOSE_ANSWER = "lose answer"
    """It is done, and nobody is told."""
    FAIL = "fail"
    """It is refused for a reason of the other side (5xx, a database that restarts)."""
    FAIL_AFTER = "fail after"
    """It is done, and then called failed."""
    LIMIT = "limit"
    """It meets a rate limit (429)."""
    TWICE = "twice"
    DELAY = "delay"
    """It arrives seconds late."""
    CUT = "cut"
    """The connection breaks."""
    KILL_BEFORE = "kill before"
    """Its process dies before it."""
    KILL_AFTER = "kill after"
    """Its process dies when it is done and before it knows."""


@dataclass(frozen=True, order=True)
class Strike:
    """One harm to the `nth` step (from 0) of a name."""

    step: str
    nth: int
    harm: Harm


class Strikes:
    """Counts steps, and says what befalls them."""

    def __init__(self, strikes: list[Strike], tell: Callable[[str], None]) -> None:
        self.counted: Counter[str] = Counter()
        self.over = False
        """No more harm from here on: the world shall come to rest."""
        self.struck: list[Strike] = []
        self._strikes = {(strike.step, strike.nth): strike for strike in strikes}
        self._tell = tell

    def at(self, step: str, node: Node | None = None) -> Harm | None:
        """Count one step of this name; what befalls it. A process that is killed before it is dead already."""
        nth = self.counted[step]
        self.counted[step] += 1
        strike = self._strikes.get((step, nth))
        if strike is None or self.over:
            return None
        self.struck.append(strike)
        self._tell(f"{step} no. {nth}: {strike.harm}")
        if strike.harm is Harm.KILL_BEFORE and node is not None:
            node.kill()
        return strike.harm
