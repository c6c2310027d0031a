"""Faults on demand: what to do wrong, to which requests, events or sockets, how often; seeded, so a run repeats."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What can go wrong."""

    LOST_RESPONSE = "lost_response"
    ERROR_AFTER_ACCEPT = "error_after_accept"
    ERROR_BEFORE = "error_before"
    RATE_LIMITED = "rate_limited"
    SLOW_RESPONSE = "slow_response"
    SWALLOW_EVENT = "swallow_event"
    DUPLICATE_EVENT = "duplicate_event"
    DELAY_EVENT = "delay_event"
    DROP_SOCKETS = "drop_sockets"
    REFUSE_CONNECTIONS = "refuse_connections"
    CLOCK_SKEW = "clock_skew"


REQUEST_KINDS = frozenset(
    {Kind.LOST_RESPONSE, Kind.ERROR_AFTER_ACCEPT, Kind.ERROR_BEFORE, Kind.RATE_LIMITED, Kind.SLOW_RESPONSE}
)  # fmt: skip
EVENT_KINDS = frozenset({Kind.SWALLOW_EVENT, Kind.DUPLICATE_EVENT, Kind.DELAY_EVENT})


@dataclass(slots=True)
class Fault:
    """One armed fault. Filters that are None match everything; `count` None means until removed.

    `delay_ms` is how late (slow_response, delay_event), how long (refuse_connections) or how far ahead (clock_skew,
    may be negative).
    """

    id: int
    kind: Kind
    count: int | None = None
    probability: float = 1.0
    delay_ms: int = 0
    method: str | None = None
    path: str | None = None
    ws_method: str | None = None
    uid: int | None = None
    client_order_id_prefix: str | None = None
    event_type: str | None = None
    sockets: str | None = None
    status: int | None = None
    code: int | None = None
    label: str | None = None
    msg: str | None = None
    retry_after_s: int = 1
    hits: int = 0

    def as_json(self) -> dict[str, Any]:
        """Everything that is set."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What request faults look at; `path` is empty on the WebSocket API, `ws_method` on REST."""

    method: str = ""
    path: str = ""
    ws_method: str = ""
    uid: int | None = None
    client_order_ids: tuple[str, ...] = field(default=())


class Faults:
    """The armed faults of one face."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._armed: dict[int, Fault] = {}
        self._last_id = 0

    def arm(self, kind: Kind, **settings: Any) -> Fault:
        """Add a fault; answers it with its id."""
        self._last_id += 1
        fault = Fault(self._last_id, kind, **settings)
        self._armed[fault.id] = fault
        return fault

    def disarm(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all; answers how many there were."""
        if fault_id is not None:
            return 0 if self._armed.pop(fault_id, None) is None else 1
        count = len(self._armed)
        self._armed.clear()
        return count

    def all(self) -> list[Fault]:
        """Every armed fault."""
        return list(self._armed.values())

    def __bool__(self) -> bool:
        return bool(self._armed)

    def for_request(self, facts: RequestFacts) -> Fault | None:
        """The first armed fault that strikes this request."""
        return self._strike(
            fault for fault in self._armed.values() if fault.kind in REQUEST_KINDS and _fits_request(fault, facts)
        )

    def for_event(self, uid: int, event_type: str) -> Fault | None:
        """The first armed fault that strikes this user data event."""
        return self._strike(
            fault
            for fault in self._armed.values()
            if fault.kind in EVENT_KINDS and fault.uid in {None, uid} and fault.event_type in {None, event_type}
        )

    def skew_ms(self) -> int:
        """How far the exchange's clock is ahead."""
        return sum(fault.delay_ms for fault in self._armed.values() if fault.kind is Kind.CLOCK_SKEW)

    def _strike(self, candidates: Iterable[Fault]) -> Fault | None:
        for fault in candidates:
            if fault.probability < 1 and self._rng.random() >= fault.probability:
                continue
            fault.hits += 1
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    del self._armed[fault.id]
            return fault
        return None


def _fits_request(fault: Fault, facts: RequestFacts) -> bool:
    prefix = fault.client_order_id_prefix
    return (
        fault.method in {None, facts.method}
        and fault.path in {None, facts.path}
        and fault.ws_method in {None, facts.ws_method}
        and fault.uid in {None, facts.uid}
        and (prefix is None or any(client_id.startswith(prefix) for client_id in facts.client_order_ids))
    )
