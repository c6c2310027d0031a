"""What Bitget remembers of a trigger beyond what the core needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from paper_exchange.core.trigger import Trigger

Kind = Literal["plan", "tpsl", "strategy"]
Leg = Literal["", "takeProfit", "stopLoss"]


@dataclass(frozen=True, slots=True)
class Note:
    """How a trigger was placed: a plan order, a TP/SL order, or one leg of a strategy order with its `terms`."""

    kind: Kind
    plan_type: Literal["amount", "total"] = "amount"
    trigger_type: str = "fill_price"
    leg: Leg = ""
    terms: Mapping[str, str] = field(default_factory=dict)


def note_of(trigger: Trigger) -> Note:
    """The note of a trigger of this face, all of which have one."""
    note = trigger.request.note
    assert isinstance(note, Note)
    return note
