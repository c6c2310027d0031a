"""Makes a violation small: leaves out whatever is not needed for it."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.plan import Plan
from tests.simulation.services import Parts
from tests.simulation.world import Outcome, live


def shrink(outcome: Outcome, parts: Callable[[], Parts] = Parts) -> Outcome:
    """The history with everything left out without which the same promise is still broken."""
    promises = {violation.promise for violation in outcome.violations}
    while True:
        smaller = next(
            (found for plan in _smaller(outcome.plan) if _breaks(found := live(plan, parts()), promises)), None
        )
        if smaller is None:
            return outcome
        outcome = smaller


def _breaks(outcome: Outcome, promises: set[str]) -> bool:
    return any(violation.promise in promises for violation in outcome.violations)


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Every history that is one thing less, the great things first."""
    if len(plan.exchanges) > 1:
        for exchange in plan.exchanges:
            steps = tuple(step for step in plan.steps if step.exchange is exchange)
            yield replace(plan, exchanges=(exchange,), steps=steps)
    if plan.standby:
        yield replace(plan, standby=False)
    for strike in plan.strikes:
        yield plan.without(strike=strike)
    for step in plan.steps:
        yield plan.without(step=step)
    if plan.partitions > 1:
        yield replace(plan, partitions=1)
