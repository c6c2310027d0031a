"""Decides everything again with the production engine, and says where it comes out differently. Pure.

A bracket's history is its intent, the facts about its orders, and what happened inside the engine: timers, prices,
cancels. The last are known by what the engine said of them: every message names its cause, its bracket's version and
its time. So each version is decided again from the same event, and must say the same, byte for byte.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import orjson

from common.bus.messages import Record
from common.instruments import ZERO
from common.intents import CancelOrderIntent, PlaceExits, PlaceOrder
from common.orders import type_of
from common.protection import StopLatched
from order_engine.audit.told import Said, Told
from order_engine.batch import Read, outgoing
from order_engine.bracket import Bracket
from order_engine.decide import decide, held_stop_px, next_wake_ms
from order_engine.events import AskAll, CancelAllWanted, CancelWanted, Event, Observed, PriceSeen, Ticked
from order_engine.opening import algo_orders_kept, open_bracket
from order_engine.policy import Policy
from order_engine.turn import Effect

TICK, RESET, POLL = "tick-", "broker-reset-", "poll-"
"""How the engine names causes that are no messages."""
_SILENT_TICKS = 20


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
    for first, again in told.repeated:
        done.findings.append(Finding("altered", "", again.ce_id, f"published again, {_difference(first, again.value)}"))
    by_market: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    opened = sorted(told.opening.items(), key=lambda each: (_opened_ms(told, each[0], each[1]), each[0]))
    for bracket_id, opening in opened:
        market = (opening.message.account_id, opening.message.symbol)
        others = [done.steps[other] for other in by_market[market] if done.steps.get(other)]
        history = _History(bracket_id, opening, told, policy, others)
        done.steps[bracket_id] = history.run()
        done.findings += history.findings
        by_market[market].append(bracket_id)
    for bracket_id in sorted({*told.said, *told.inputs} - told.opening.keys()):
        done.findings.append(Finding("no_intent", bracket_id, bracket_id, "the topics do not hold what opened it"))
    return done


class _History:
    """One bracket, decided again."""

    def __init__(
        self, bracket_id: str, opening: Read, told: Told, policy: Policy, others: Sequence[Sequence[Step]]
    ) -> None:
        self._bracket_id, self._opening, self._policy, self._others = bracket_id, opening, policy, others
        self._told = told
        self._said: Mapping[str, Said] = told.said.get(bracket_id, {})
        self._by_version: defaultdict[int, list[Said]] = defaultdict(list)
        for said in self._said.values():
            self._by_version[said.version].append(said)
        self._facts = list(told.inputs.get(bracket_id, ()))
        self._cancels = {item.record.ce_id: item for item in self._own_cancels()}
        self._expected: set[str] = set()
        self._steps: list[Step] = []
        self.findings: list[Finding] = []

    def run(self) -> list[Step]:
        """Every step; what does not come out is in `findings`."""
        bracket = self._open()
        while bracket is not None and (event := self._next(bracket)) is not None:
            after, effects = decide(bracket, event, self._policy)
            if after is not bracket:
                self._step(bracket, after, event, effects)
                bracket = after
        for ce_id, said in self._said.items():
            if ce_id not in self._expected:
                self._find("unexplained", ce_id, f"nothing on the topics leads to this {type_of(said.message)}")
        return self._steps

    def _open(self) -> Bracket | None:
        intent, record = self._opening.message, self._opening.record
        assert isinstance(intent, PlaceOrder | PlaceExits)
        first = self._by_version.get(1) or self._by_version.get(0) or []
        now_ms = first[0].record.ce_time_ms if first else record.ce_time_ms
        bracket, effects = open_bracket(
            intent,
            algo_orders_in_use=sum(_kept_at(steps, now_ms) for steps in self._others),
            cause=record.ce_id,
            now_ms=now_ms,
            policy=self._policy,
        )
        self._compare(effects, record.ce_id)
        if bracket is not None:
            self._steps.append(Step(now_ms, record.ce_id, "opened", None, bracket))
        return bracket

    def _next(self, bracket: Bracket) -> Event | None:
        """What happened to the bracket next; None when nothing more is known to have happened."""
        said = self._by_version.get(bracket.version + 1)
        inside = self._inside(bracket, said[0]) if said else None
        if inside is not None:
            return inside
        if self._facts:
            item = self._facts.pop(0)
            return Observed(cause=item.record.ce_id, now_ms=item.record.ce_time_ms, fact=item.message)  # type: ignore[arg-type]
        if any(version > bracket.version for version in self._by_version):
            return self._silent(bracket, said)
        return None

    def _inside(self, bracket: Bracket, said: Said) -> Event | None:
        """What happened inside the engine, by what it said of it; None where a fact is the cause."""
        cause = said.record.causation_id or ""
        now_ms = said.record.ce_time_ms
        if cause.startswith(TICK):
            return Ticked(cause=cause, now_ms=now_ms)
        if cause.startswith(RESET):
            return AskAll(cause=cause, now_ms=now_ms)
        if cause.startswith(POLL) or cause in self._told.prices:
            return PriceSeen(cause=cause, now_ms=now_ms, px=self._price(bracket, cause))
        wanted = self._cancels.get(cause)
        if wanted is None:
            return None
        if isinstance(wanted.message, CancelOrderIntent):
            order_id = self._meant(bracket, wanted.message)
            return CancelWanted(cause=cause, now_ms=now_ms, client_order_id=order_id)
        return CancelAllWanted(cause=cause, now_ms=now_ms)

    def _price(self, bracket: Bracket, cause: str) -> Decimal:
        """The price that was seen. One that was asked for lies on no topic; then what the engine said of it counts."""
        ticker = self._told.prices.get(cause)
        if ticker is not None:
            return ticker.bid_px or ticker.last_px or ZERO
        said = (each.message for each in self._by_version[bracket.version + 1])
        latched = next((each.px for each in said if isinstance(each, StopLatched)), None)
        return latched or held_stop_px(bracket) or ZERO

    def _silent(self, bracket: Bracket, said: Sequence[Said] | None) -> Event | None:
        """A timer that changed the bracket and said nothing, or whose words are missing."""
        if said:
            cause = said[0].record.causation_id or ""
            if cause not in self._told.known_ids:
                self._find("no_cause", said[0].record.ce_id, f"its cause, {cause or 'nothing'}, is not on the topics")
            return None
        wake_ms = next_wake_ms(bracket)
        silent = sum(step.event == "silent" for step in self._steps)
        if wake_ms is None or silent >= _SILENT_TICKS:
            return None
        return Ticked(cause=f"{TICK}{wake_ms}", now_ms=wake_ms)

    def _step(self, before: Bracket, after: Bracket, event: Event, effects: Iterable[Effect]) -> None:
        self._compare(effects, event.cause)
        silent = isinstance(event, Ticked) and after.version not in self._by_version
        name = "silent" if silent else type(event).__name__
        self._steps.append(Step(event.now_ms, event.cause, name, before, after))

    def _compare(self, effects: Iterable[Effect], cause: str) -> None:
        intent = self._opening.message
        assert isinstance(intent, PlaceOrder | PlaceExits)
        for effect in effects:
            expected = outgoing(effect, cause, intent.intent_id)
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

    def _own_cancels(self) -> list[Read]:
        intent = self._opening.message
        return self._told.cancels.get((intent.account_id, intent.symbol), [])

    @staticmethod
    def _meant(bracket: Bracket, intent: CancelOrderIntent) -> str:
        for order in bracket.orders:
            if intent.client_order_id in {order.client_order_id, order.list_client_order_id or ""} or (
                intent.exchange_order_id is not None and intent.exchange_order_id == order.exchange_order_id
            ):
                return order.client_order_id
        return intent.client_order_id or ""


def _opened_ms(told: Told, bracket_id: str, opening: Read) -> int:
    times = [said.record.ce_time_ms for said in told.said.get(bracket_id, {}).values() if said.version <= 1]
    return min(times, default=opening.record.ce_time_ms)


def _kept_at(steps: Sequence[Step], now_ms: int) -> int:
    """The waiting orders that another bracket kept at that time."""
    before = [step.after for step in steps if step.now_ms <= now_ms]
    return algo_orders_kept(before[-1]) if before else 0


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
