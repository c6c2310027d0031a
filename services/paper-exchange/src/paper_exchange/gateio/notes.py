"""What Gate.io remembers of an order or a price order beyond what the core needs."""

from dataclasses import dataclass, field
from typing import Any

from paper_exchange.core.trigger import Trigger

NO_TEXT = "-"


@dataclass(slots=True)
class OrderNote:
    """`exits` are stop_profit and stop_loss as they were sent; `is_amended` is set from the first amend on."""

    amend_text: str = NO_TEXT
    is_amended: bool = False
    iceberg: str = "0"
    slippage: str | None = None
    exits: dict[str, dict[str, str]] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """What of it appears on the order only when it applies."""
        slippage = {} if self.slippage is None else {"slippage": self.slippage}
        return slippage | self.exits


@dataclass(frozen=True, slots=True)
class TriggerNote:
    """How a price order was put: seconds to live (None: until cancelled), and its words."""

    expiration_s: int | None
    account: str
    source: str = "api"


def note_of(trigger: Trigger) -> TriggerNote:
    """The note of a price order, all of which have one."""
    note = trigger.request.note
    assert isinstance(note, TriggerNote)
    return note
