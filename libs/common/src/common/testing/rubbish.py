"""Hypothesis strategies for what an exchange might write by mistake: samples with values replaced, and anything."""

import copy
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from common.connector.amounts import finite

FAST = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AMOUNTS = {
    "qty", "price", "cum_qty", "avg_px", "last_qty", "last_px", "fee", "trigger_px", "delta", "tick_size", "lot_size",
    "min_qty", "max_qty", "min_notional", "bid_px", "ask_px", "open_px", "high_px", "low_px", "close_px", "volume",
}  # fmt: skip
"""The fields of facts that hold money or quantities."""

_TRAPS = ["NaN", "-Infinity", "1E+999999", "1E-999999", "-1", "", "0", -1, 2**70]
_WORDS = ["NEW", "TRADE", "MARKET", "live", "executed", "finish", "closed"]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([*_TRAPS, *_WORDS])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=5)
)
"""Any JSON value."""


@st.composite
def mutated(draw: st.DrawFn, samples: Mapping[str, Any]) -> tuple[str, Any]:
    """A sample by its name, with some of its values replaced or removed."""
    name = draw(st.sampled_from(sorted(samples)))
    value = copy.deepcopy(samples[name])
    for _ in range(draw(st.integers(1, 3))):
        places = _paths(value)
        if not places:
            break
        *parents, last = draw(st.sampled_from(places))
        holder = value
        for key in parents:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(anything)
        else:
            del holder[last]
    return name, value


def check_line(line: dict[str, Any]) -> None:
    """A line of `cgt translate` is facts with an outcome, or an error; its amounts are numbers of ordinary size."""
    assert isinstance(line["facts"], list)
    assert ("error" in line) != ("outcome" in line)
    for fact in line["facts"]:
        for name in AMOUNTS & fact.keys():
            assert fact[name] is None or finite(Decimal(fact[name]), name) is not None


def _paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _paths(inner, (*here, key))
    return found
