"""The events of one bracket, in the order in which the engine decided on them. Pure.

No clock is asked: what happens in the same millisecond has no order by it. What the engine publishes tells the order:

- facts about a bracket share a partition, and are decided in the order of their offsets;
- what came of anything else ends with a note (`BracketNoted`), which says after which fact it was decided;
- every change is a version. One that nothing was said of came of a fact, the next that changes the bracket.
"""

from collections import Counter, defaultdict, deque
from decimal import Decimal
from typing import Final

from common.instruments import ZERO
from common.intents import CancelOrderIntent, IntentBase
from common.protection import BracketNoted, StopLatched
from order_engine.audit.told import Said, Told
from order_engine.batch import Read, meant_by
from order_engine.bracket import Bracket
from order_engine.decide import decide, next_wake_ms
from order_engine.events import AskAll, CancelAllWanted, CancelWanted, Event, Observed, PriceSeen, Ticked
from order_engine.policy import Policy
from order_engine.turn import Effect

TICK, RESET, POLL = "tick-", "broker-reset-", "poll-"
"""How the engine names causes that are no messages."""
_GUESSES: Final = 20
"""How many versions whose messages are gone are taken for timers before a history is given up."""
_HARMLESS: Final = Decimal("Infinity")
"""A price that is told nowhere: the note and the latch are gone, or it has reached no stop."""


class Broken(Exception):
    """The topics do not hold what the engine decided on next."""

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(detail)
        self.what, self.detail = what, detail


class History:
    """What happened to one bracket, event by event."""

    def __init__(self, bracket_id: str, intent: IntentBase, told: Told, policy: Policy) -> None:
        self._told, self._policy = told, policy
        self._by_version: defaultdict[int, list[Said]] = defaultdict(list)
        for said in told.said.get(bracket_id, {}).values():
            self._by_version[said.version].append(said)
        self._last_told = max(self._by_version, default=0)
        self._named = Counter(said[0].record.causation_id for said in self._by_version.values())
        """By message id, how many versions still to come name it as their cause: a message may be there twice."""
        self._facts = deque(told.inputs.get(bracket_id, ()))
        self._cancels = {item.record.ce_id: item for item in told.cancels.get((intent.account_id, intent.symbol), ())}
        self._guesses = 0
        self._asked = -1
        """The version at which something inside the engine was last to be decided."""
        self.read_to = -1
        """What the note of the event that is being decided says."""
        self.unheeded: list[Read] = []
        """Facts that were decided without a change, by all that was said, and should have led to one."""

    def said_of(self, version: int) -> list[Said]:
        """What the engine published with a version of the bracket."""
        return self._by_version.get(version, [])

    def next(self, bracket: Bracket) -> Event | None:
        """What was decided next; it may have changed nothing. None at the end. Raises Broken."""
        said = self.said_of(bracket.version + 1)
        if not said:
            return self._untold(bracket)
        inside = self._inside(bracket, said)
        if inside is None:
            return _observed(self._heard(bracket, said[0]))
        if self._asked == bracket.version:
            raise Broken(said[0].record.ce_id, f"its cause, {inside.cause}, changes nothing")
        self._asked = bracket.version
        self.read_to = next((each.message.read_to for each in said if isinstance(each.message, BracketNoted)), -1)
        while self._facts and self._facts[0].record.offset <= self.read_to:
            self._pass_over(bracket, self._facts.popleft())
        return inside

    def _inside(self, bracket: Bracket, said: list[Said]) -> Event | None:
        """What happened inside the engine, by what it said of it; None where a fact is the cause."""
        cause, now_ms = said[0].record.causation_id or "", said[0].record.ce_time_ms
        if cause.startswith(TICK):
            return Ticked(cause=cause, now_ms=now_ms)
        if cause.startswith(RESET):
            return AskAll(cause=cause, now_ms=now_ms)
        px = self._price(cause, said)
        if px is not None:
            return PriceSeen(cause=cause, now_ms=now_ms, px=px)
        wanted = self._cancels.get(cause)
        if wanted is None:
            return None
        if isinstance(wanted.message, CancelOrderIntent):
            order = meant_by(wanted.message, bracket)
            order_id = wanted.message.client_order_id or "" if order is None else order.client_order_id
            return CancelWanted(cause=cause, now_ms=now_ms, client_order_id=order_id)
        return CancelAllWanted(cause=cause, now_ms=now_ms)

    def _price(self, cause: str, said: list[Said]) -> Decimal | None:
        """The price that was seen, as published; else as noted: it was asked for, or is no longer kept."""
        ticker = self._told.prices.get(cause)
        if ticker is not None:
            return ticker.bid_px or ticker.last_px or ZERO
        messages = (each.message for each in said)
        noted = (each.px for each in messages if isinstance(each, StopLatched | BracketNoted) and each.px is not None)
        return next(noted, _HARMLESS if cause.startswith(POLL) else None)

    def _heard(self, bracket: Bracket, said: Said) -> Read:
        """The fact that a version names; those before it changed nothing."""
        cause = said.record.causation_id or "nothing"
        self._named[cause] -= 1
        left = sum(item.record.ce_id == cause for item in self._facts)
        if not left:
            raise Broken(said.record.ce_id, f"its cause, {cause}, is no fact that was still to be decided")
        while True:
            item = self._facts.popleft()
            left -= item.record.ce_id == cause
            if item.record.ce_id == cause and (not left or self._decided(bracket, item)[0] is not bracket):
                return item
            self._pass_over(bracket, item)

    def _pass_over(self, bracket: Bracket, item: Read) -> None:
        """A fact that the next version was not made by."""
        if self._decided(bracket, item)[0] is not bracket:
            self.unheeded.append(item)

    def _decided(self, bracket: Bracket, item: Read) -> tuple[Bracket, tuple[Effect, ...]]:
        return decide(bracket, _observed(item), self._policy)

    def _untold(self, bracket: Bracket) -> Event | None:
        """A version that nothing was said of, if there was one: it came of the next fact that changes anything."""
        if self._facts and not self._is_named(bracket, self._facts[0]):
            return _observed(self._facts.popleft())
        if bracket.version >= self._last_told:
            return None
        self._guesses += 1
        wake_ms = next_wake_ms(bracket)  # Something was said, and is gone: a timer is the likeliest that is left.
        return None if wake_ms is None or self._guesses > _GUESSES else Ticked(cause=f"{TICK}{wake_ms}", now_ms=wake_ms)

    def _is_named(self, bracket: Bracket, item: Read) -> bool:
        """Whether this fact is one that a version still to come names as its cause.

        A fact can be told again, under the same id, with more in it or when it means more: then one of them is named.
        """
        if not self._named[item.record.ce_id]:
            return False
        told_again = sum(other.record.ce_id == item.record.ce_id for other in self._facts) > 1
        return not told_again or bool(self._decided(bracket, item)[1])


def _observed(item: Read) -> Observed:
    return Observed(cause=item.record.ce_id, now_ms=item.record.ce_time_ms, fact=item.message)  # type: ignore[arg-type]
