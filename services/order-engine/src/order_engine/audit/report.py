"""The audit's report: same input, same bytes. Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from common.bus.messages import Record
from common.codec import encode_sorted, plain
from common.instruments import ZERO
from common.orders import OrderAccepted, OrderFilled, OrderSnapshot, Side
from order_engine.audit.exposure import Unit, lost_cover, percentile, units
from order_engine.audit.replay import Finding, Replayed, Step, replay
from order_engine.audit.told import PRICES, Told, sorted_out
from order_engine.bracket import Bracket
from order_engine.policy import Policy

Json = dict[str, Any]

P1, P2, P3 = "P1 protected", "P2 never oversold", "P3 never doubled"
P4, P5 = "P4 nothing lost", "P5 explainable"
_OF_KIND: Final = {
    "unreadable": P5,
    "altered": P5,
    "missing": P5,
    "unexplained": P5,
    "no_intent": P5,
    "no_cause": P5,
    "unheeded": P4,
}


@dataclass(frozen=True)
class Window:
    """What the report is about, in epoch ms: what happened from `from_ms` on and before `to_ms`."""

    from_ms: int = 0
    to_ms: int = 2**62

    def has(self, at_ms: int) -> bool:
        """Whether a moment belongs to it."""
        return self.from_ms <= at_ms < self.to_ms


@dataclass(frozen=True)
class Stored:
    """A bracket as the ledger has it."""

    bracket_id: str
    version: int
    doc: Json


def audited(
    records: Sequence[Record],
    policy: Policy,
    window: Window,
    stored: Iterable[Stored] | None,
    bound_ms: int | None = None,
) -> Json:
    """The report over these records. `stored` is the ledger, where there is one to compare with.

    What stayed unprotected for longer than `bound_ms` is a violation; by default than the engine's own bound.
    """
    bound_ms = policy.overdue_after_ms if bound_ms is None else bound_ms
    told = sorted_out(records)
    done = replay(told, policy)
    violations = [_violation(each) for each in done.findings if _in_window(each, done, window)]
    for bracket_id, steps in sorted(done.steps.items()):
        violations += [each for each in _broken(steps, bound_ms) if window.has(each["at_ms"])]
        violations += _doubled(bracket_id, told)
    held = [unit for steps in done.steps.values() for unit in units(steps) if window.has(unit.since_ms)]
    held.sort(key=lambda unit: (unit.since_ms, unit.bracket_id))
    differences = None if stored is None else _differences(done, stored)
    report: Json = {
        "audit": 1,
        "window": {"from_ms": window.from_ms or None, "to_ms": window.to_ms if window.to_ms < 2**62 else None},
        "bound_ms": bound_ms,
        "inputs": _inputs(records),
        "brackets": len(done.steps),
        "units": _units(held),
        "violations": violations,
        "ledger": differences,
    }
    return {**report, "digest": hashlib.sha256(encode_sorted(report)).hexdigest()}


def is_clean(report: Json) -> bool:
    """Whether nothing was found."""
    return not report["violations"] and not report["ledger"]


def as_bytes(report: Json) -> bytes:
    """The report as a file."""
    return orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def _in_window(finding: Finding, done: Replayed, window: Window) -> bool:
    """A finding counts where its bracket was alive within the window; one without a bracket always does."""
    steps = done.steps.get(finding.bracket_id)
    return not steps or any(window.has(step.now_ms) for step in steps)


def _violation(finding: Finding) -> Json:
    return {
        "invariant": _OF_KIND[finding.kind],
        "kind": finding.kind,
        "bracket_id": finding.bracket_id,
        "at_ms": None,
        "what": finding.what,
        "detail": finding.detail,
    }


def _broken(steps: Sequence[Step], bound_ms: int) -> Iterable[Json]:
    """What a bracket's own history shows of P1 and P2."""
    for since_ms, until_ms, qty in lost_cover(steps, bound_ms):
        bracket = steps[-1].after
        detail = f"{plain(qty)} {bracket.instrument.base} stayed unprotected for {until_ms - since_ms} ms"
        yield _breach(P1, "unprotected", bracket, since_ms, detail)
    for step in steps:
        bracket = step.after
        excess = bracket.sold_qty - bracket.received_qty
        if excess > 0 and (step.before is None or step.before.sold_qty <= step.before.received_qty):
            detail = f"its exits sold {plain(excess)} {bracket.instrument.base} more than it received"
            yield _breach(P2, "oversold", bracket, step.now_ms, detail)


def _breach(invariant: str, kind: str, bracket: Bracket, at_ms: int, detail: str) -> Json:
    return {
        "invariant": invariant,
        "kind": kind,
        "bracket_id": bracket.bracket_id,
        "at_ms": at_ms,
        "what": bracket.symbol,
        "detail": detail,
    }


def _doubled(bracket_id: str, told: Told) -> list[Json]:
    """One client id that the exchange knows under two ids of its own was placed twice."""
    known: dict[str, set[str]] = {}
    for item in told.inputs.get(bracket_id, ()):
        fact = item.message
        if not isinstance(fact, OrderAccepted | OrderFilled | OrderSnapshot) or fact.side is not Side.BUY:
            continue
        if fact.client_order_id is not None and fact.exchange_order_id is not None:
            known.setdefault(fact.client_order_id, set()).add(fact.exchange_order_id)
    return [
        {
            "invariant": P3,
            "kind": "doubled",
            "bracket_id": bracket_id,
            "at_ms": None,
            "what": client_id,
            "detail": f"the exchange has it as {' and '.join(sorted(exchange_ids))}",
        }
        for client_id, exchange_ids in sorted(known.items())
        if len(exchange_ids) > 1
    ]


def _units(held: Sequence[Unit]) -> Json:
    covered = sorted(unit.bare_ms for unit in held if unit.bare_ms is not None)
    return {
        "filled": len(held),
        "never_protected": sum(unit.until_ms is None for unit in held),
        "bare_ms": {
            "p50": percentile(covered, 0.5),
            "p99": percentile(covered, 0.99),
            "max": covered[-1] if covered else None,
        },
        "notional": plain(sum((unit.notional for unit in held), ZERO)),
        "each": [
            {
                "bracket_id": unit.bracket_id,
                "symbol": unit.symbol,
                "qty": plain(unit.qty),
                "since_ms": unit.since_ms,
                "protected_ms": unit.until_ms,
                "bare_ms": unit.bare_ms,
                "fill": unit.fill,
            }
            for unit in held
        ],
    }


def _differences(done: Replayed, stored: Iterable[Stored]) -> list[Json]:
    """Where the ledger holds something else than the topics lead to."""
    found: list[Json] = []
    for row in sorted(stored, key=lambda each: each.bracket_id):
        steps = done.steps.get(row.bracket_id)
        if not steps:
            found.append({"bracket_id": row.bracket_id, "difference": "the topics do not hold what opened it"})
            continue
        same = next((step.after for step in steps if step.after.version == row.version), None)
        if same is None:
            reached = steps[-1].after.version
            found.append(
                {"bracket_id": row.bracket_id, "difference": f"stored at version {row.version}, replayed to {reached}"}
            )
            continue
        rebuilt = orjson.loads(encode_sorted(same))
        changed = sorted(name for name in {*rebuilt, *row.doc} if rebuilt.get(name) != row.doc.get(name))
        if changed:
            found.append({"bracket_id": row.bracket_id, "difference": f"{', '.join(changed)} differ"})
    return found


def _inputs(records: Iterable[Record]) -> Json:
    """By topic and partition: which offsets were read. Prices go on while nobody trades, and are no history."""
    counted: Counter[tuple[str, int]] = Counter()
    first: dict[tuple[str, int], int] = {}
    last: dict[tuple[str, int], int] = {}
    prices = {topic.name for topic in PRICES}
    for record in records:
        if record.topic in prices:
            continue
        place = (record.topic, record.partition)
        counted[place] += 1
        first.setdefault(place, record.offset)
        last[place] = record.offset
    return {
        f"{topic}/{partition}": {"first": first[topic, partition], "last": last[topic, partition], "records": count}
        for (topic, partition), count in sorted(counted.items())
    }
