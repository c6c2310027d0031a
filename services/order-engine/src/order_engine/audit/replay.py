"""Decides everything again with the production engine, and says where it comes out differently. Pure.

A bracket's history is its intent, the facts about its orders, and what happened inside the engine: timers, prices,
cancels. `history.py` puts them into the order in which the engine decided on them. Each version is decided again from
the same event, and must say the same, byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from common.bus.messages import Record
from common.intents import PlaceExits, PlaceOrder
from common.orders import type_of
from common.protection import BracketDenied, BracketOpened
from order_engine.audit.history import Broken, History
from order_engine.audit.told import Said, Told
from order_engine.batch import Read, outgoing
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.noting import with_note
from order_engine.opening import open_bracket
from order_engine.policy import Policy
from order_engine.turn import Effect


@dataclass(frozen=True)
class Finding:
    """Something that does not come out as the topics say."""

    kind: str
    bracket_id: str
    what: str
    """The message's id, or the order's."""
    detail: str


@dataclass(frozen=True)
class Step:
    """A bracket before and after one event."""

    now_ms: int
    cause: str
    event: str
    before: Bracket | None
    after: Bracket


@dataclass
class Replayed:
    """What came of it."""

    steps: dict[str, list[Step]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def brackets(self) -> dict[str, Bracket]:
        """Every bracket as it ended."""
        return {bracket_id: steps[-1].after for bracket_id, steps in self.steps.items() if steps}


def replay(told: Told, policy: Policy) -> Replayed:
    """Decide everything again."""
    done = Replayed()
    for record, reason in told.unreadable:
        done.findings.append(Finding("unreadable", "", _where(record), reason))
    for first, later in told.repeated:
        done.findings.append(Finding("altered", "", later.ce_id, f"published again, {_difference(first, later.value)}"))
    for bracket_id, opening in sorted(told.opening.items()):
        again = _Again(bracket_id, opening, told, policy)
        done.steps[bracket_id] = again.run()
        done.findings += again.findings
    for bracket_id in sorted({*told.said, *told.inputs} - told.opening.keys()):
        done.findings.append(Finding("no_intent", bracket_id, bracket_id, "the topics do not hold what opened it"))
    return done


class _Again:
    """One bracket, decided again."""

    def __init__(self, bracket_id: str, opening: Read, told: Told, policy: Policy) -> None:
        assert isinstance(opening.message, PlaceOrder | PlaceExits)
        self._bracket_id, self._intent, self._record = bracket_id, opening.message, opening.record
        self._policy = policy
        self._said: Mapping[str, Said] = told.said.get(bracket_id, {})
        self._history = History(bracket_id, opening.message, told, policy)
        self._expected: set[str] = set()
        self._steps: list[Step] = []
        self.findings: list[Finding] = []

    def run(self) -> list[Step]:
        """Every step; what does not come out is in `findings`."""
        bracket = self._open()
        try:
            while bracket is not None and (event := self._history.next(bracket)) is not None:
                after, effects = decide(bracket, event, self._policy)
                if after is not bracket:
                    self._compare(with_note(effects, after, event, self._history.read_to), event.cause)
                    self._steps.append(Step(event.now_ms, event.cause, type(event).__name__, bracket, after))
                    bracket = after
        except Broken as broken:
            self._find("no_cause", broken.what, broken.detail)
        for item in self._history.unheeded:
            self._find("unheeded", item.record.ce_id, "it calls for a change of the bracket, and there was none")
        for ce_id, said in self._said.items():
            if ce_id not in self._expected:
                self._find("unexplained", ce_id, f"nothing on the topics leads to this {type_of(said.message)}")
        return self._steps

    def _open(self) -> Bracket | None:
        first: Sequence[Said] = self._history.said_of(1) or self._history.said_of(0)
        now_ms = first[0].record.ce_time_ms if first else self._record.ce_time_ms
        opened = (said.message for said in first)
        in_use = (each.algo_orders_in_use for each in opened if isinstance(each, BracketOpened | BracketDenied))
        bracket, effects = open_bracket(
            self._intent,
            algo_orders_in_use=next(in_use, 0),
            cause=self._record.ce_id,
            now_ms=now_ms,
            policy=self._policy,
        )
        self._compare(effects, self._record.ce_id)
        if bracket is not None:
            self._steps.append(Step(now_ms, self._record.ce_id, "opened", None, bracket))
        return bracket

    def _compare(self, effects: Iterable[Effect], cause: str) -> None:
        for effect in effects:
            expected = outgoing(effect, cause, self._intent.intent_id)
            self._expected.add(expected.ce_id)
            said = self._said.get(expected.ce_id)
            if said is None:
                self._find("missing", expected.ce_id, f"{expected.ce_type} is called for by {cause}, and not there")
            elif said.record.value != expected.value:
                self._find("altered", expected.ce_id, f"{expected.ce_type}: {_difference(said.record, expected.value)}")
            elif said.record.causation_id != cause:
                detail = f"it names {said.record.causation_id} as its cause, and {cause} leads to it"
                self._find("altered", expected.ce_id, detail)

    def _find(self, kind: str, what: str, detail: str) -> None:
        self.findings.append(Finding(kind, self._bracket_id, what, detail))


def _where(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def _difference(record: Record, expected: bytes | None) -> str:
    """The fields in which a message differs from what it should be."""
    there, wanted = orjson.loads(record.value or b"{}"), orjson.loads(expected or b"{}")
    names = sorted({*there, *wanted})
    changed = [
        f"{name} is {orjson.dumps(there.get(name)).decode()}, not {orjson.dumps(wanted.get(name)).decode()}"
        for name in names
        if there.get(name) != wanted.get(name)
    ]
    return "; ".join(changed) or "its bytes differ"
