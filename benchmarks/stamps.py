"""The paper exchange's stamps -> what one turn of one competitor measured. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.trade import LISTS_PER_FILL, OCO_CALLS, group_of

_MS = 1_000_000


@dataclass(frozen=True)
class Turn:
    """One competitor at one rate in one round. Latencies and spreads in ms, one for each wholly protected fill."""

    fills: int
    latencies_ms: tuple[float, ...]
    spreads_ms: tuple[float, ...]
    expected: int
    """Order lists that the fills call for."""
    missing: int
    """Expected lists that the exchange does not have."""
    doubled: int
    """Lists that the exchange has beyond those expected."""
    repeated: int
    """Requests for a list that had been requested before; the exchange refuses them, so they double nothing."""

    @property
    def seen(self) -> int:
        """Expected lists that the exchange has."""
        return self.expected - self.missing

    @property
    def is_whole(self) -> bool:
        """Nothing lost, nothing doubled."""
        return self.missing == 0 and self.doubled == 0


def protecting_requests(timings: Mapping[str, Any]) -> int:
    """How many requests for order lists have been read."""
    return sum(request["call"] in OCO_CALLS for request in timings["requests"])


def turn_of(
    timings: Mapping[str, Any], groups: Sequence[str], by_order: Mapping[tuple[int, int], str], lists: Sequence[str]
) -> Turn:
    """Match fills with requests by group; `lists` are the ids of all lists on the exchange once everything is quiet."""
    wanted = set(groups)
    written = _written_ns(timings, by_order)
    requested, repeated = _requested_ns(timings, wanted)
    whole = [group for group in groups if group in written and len(requested[group]) >= LISTS_PER_FILL]
    existing = Counter(group_of(name) for name in lists)
    return Turn(
        fills=len(written.keys() & wanted),
        latencies_ms=tuple((requested[group][LISTS_PER_FILL - 1] - written[group]) / _MS for group in whole),
        spreads_ms=tuple((requested[group][LISTS_PER_FILL - 1] - requested[group][0]) / _MS for group in whole),
        expected=len(groups) * LISTS_PER_FILL,
        missing=sum(max(0, LISTS_PER_FILL - existing[group]) for group in groups),
        doubled=sum(max(0, existing[group] - LISTS_PER_FILL) for group in groups),
        repeated=repeated,
    )


def _written_ns(timings: Mapping[str, Any], by_order: Mapping[tuple[int, int], str]) -> dict[str, int]:
    """When the frame of each group's fill was written first."""
    written: dict[str, int] = {}
    for fill in timings["fills"]:
        group = by_order.get((fill["uid"], fill["order_id"]))
        if group is not None:
            written.setdefault(group, fill["written_ns"])
    return written


def _requested_ns(timings: Mapping[str, Any], wanted: set[str]) -> tuple[defaultdict[str, list[int]], int]:
    """When each list of a group was requested first, in order, and how many requests were repetitions."""
    seen: set[tuple[str, ...]] = set()
    requested: defaultdict[str, list[int]] = defaultdict(list)
    repeated = 0
    for request in sorted(timings["requests"], key=lambda each: each["read_ns"]):
        ids = tuple(sorted(request["client_order_ids"]))
        if request["call"] not in OCO_CALLS or not ids or group_of(ids[0]) not in wanted:
            continue
        if ids in seen:
            repeated += 1
            continue
        seen.add(ids)
        requested[group_of(ids[0])].append(request["read_ns"])
    return requested, repeated
