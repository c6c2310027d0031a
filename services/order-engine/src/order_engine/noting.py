"""What happens inside the engine lies on no topic: a note says that it did, and between which facts. Pure."""

from collections.abc import Sequence

from common.protection import BracketNoted, ProtectionBase
from order_engine.bracket import Bracket
from order_engine.events import Event, Observed, PriceSeen
from order_engine.turn import Effect, protection_fact


def with_note(effects: Sequence[Effect], bracket: Bracket, event: Event, read_to: int) -> tuple[Effect, ...]:
    """All that is told of a decision which led to this bracket.

    Facts are decided in the order of their offsets, so whoever has them knows their order. What came between two of
    them is known by `read_to`, the offset of the last order event decided before it.
    """
    if isinstance(event, Observed):
        return tuple(effects)
    note = protection_fact(
        BracketNoted,
        bracket,
        position=sum(isinstance(effect, ProtectionBase) for effect in effects),
        cause=event.cause,
        read_to=read_to,
        px=event.px if isinstance(event, PriceSeen) else None,
    )
    return (*effects, note)
