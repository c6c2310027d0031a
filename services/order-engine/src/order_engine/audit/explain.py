"""The chain of causes of one order: from what somebody wanted to what became of it. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from common import ids
from common.bus.messages import Record, rfc3339
from order_engine.audit.history import POLL, RESET, TICK

_SHOWN = (
    "side", "order_type", "qty", "quote_qty", "price", "trigger_px", "cum_qty", "avg_px", "last_qty", "last_px",
    "trade_id", "fee", "fee_asset", "code", "reason", "state", "protected_qty", "unprotected_qty", "realised_pnl",
)  # fmt: skip
_IDS = ("client_order_id", "exchange_order_id", "list_client_order_id", "entry_client_order_id")


def explained(records: Sequence[Record], order_id: str) -> list[str]:
    """One line for each message that led to the order or tells of it, oldest cause first; nothing for a strange id."""
    by_id = {record.ce_id: record for record in records}
    bodies = {record.ce_id: _body(record) for record in by_id.values()}
    about = [record for record in by_id.values() if order_id in _ids_of(bodies[record.ce_id])]
    if not about:
        return []
    wanted: dict[str, Record] = {}
    for record in about:
        for cause in _causes(record, by_id):
            wanted[cause.ce_id] = cause
        wanted[record.ce_id] = record
    for opening in _openings(about, bodies, by_id.values()):
        wanted[opening.ce_id] = opening
    depths = _depths(wanted)
    ordered = sorted(wanted.values(), key=lambda record: (record.ce_time_ms, depths[record.ce_id], record.ce_id))
    return [_line(record, bodies[record.ce_id], depths[record.ce_id], by_id) for record in ordered]


def _openings(about: Iterable[Record], bodies: dict[str, Any], records: Iterable[Record]) -> Iterable[Record]:
    """What opened the brackets these messages belong to."""
    brackets = {_bracket_of(bodies[record.ce_id]) for record in about} - {None}
    for record in records:
        body = bodies[record.ce_id]
        if body.get("type") not in {"intent.place_order", "intent.place_exits"}:
            continue
        if ids.bracket_id(str(body["account_id"]), str(body["intent_id"])) in brackets:
            yield record


def _causes(record: Record, by_id: dict[str, Record]) -> list[Record]:
    """What led to it, nearest first."""
    found: list[Record] = []
    cause = record.causation_id
    while cause in by_id and by_id[cause] not in found:
        found.append(by_id[cause])
        cause = by_id[cause].causation_id
    return found


def _depths(wanted: dict[str, Record]) -> dict[str, int]:
    """How many causes each has among those that are shown."""
    depths: defaultdict[str, int] = defaultdict(int)
    for ce_id, record in wanted.items():
        depths[ce_id] = len(_causes(record, wanted))
    return depths


def _line(record: Record, body: dict[str, Any], depth: int, by_id: dict[str, Record]) -> str:
    told = ", ".join(f"{name} {body[name]}" for name in (*_IDS, *_SHOWN) if body.get(name) not in (None, ""))
    where = f"{record.topic}/{record.partition}/{record.offset}"
    indent = "  " * min(depth, 12)
    kind = record.ce_type or body.get("type", "message")
    return f"{rfc3339(record.ce_time_ms)}  {indent}{kind}  {told}\n{' ' * 26}{indent}{where}  {_because(record, by_id)}"


def _because(record: Record, by_id: dict[str, Record]) -> str:
    cause = record.causation_id
    if cause is None:
        return "from outside"
    if cause in by_id:
        return f"because of {by_id[cause].ce_type or 'a message'} {cause}"
    if cause.startswith(TICK):
        return f"because time had passed ({cause.removeprefix(TICK)})"
    if cause.startswith(RESET):
        return "because the broker had forgotten"
    if cause.startswith(POLL):
        return f"because of a price that was asked for ({cause.removeprefix(POLL)})"
    return f"because of {cause}, which is not on these topics"


def _bracket_of(body: dict[str, Any]) -> str | None:
    if body.get("bracket_id"):
        return str(body["bracket_id"])
    key = ids.parse(str(body.get("client_order_id") or ""))
    return None if key is None else key.bracket_id


def _ids_of(body: dict[str, Any]) -> set[str]:
    found = {str(body[name]) for name in _IDS if body.get(name)}
    for leg in ("take_profit", "stop_loss"):
        if isinstance(body.get(leg), dict) and body[leg].get("client_order_id"):
            found.add(str(body[leg]["client_order_id"]))
    for leg in body.get("legs") or ():
        if isinstance(leg, dict) and leg.get("client_order_id"):
            found.add(str(leg["client_order_id"]))
    return found


def _body(record: Record) -> dict[str, Any]:
    try:
        body = orjson.loads(record.value or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
