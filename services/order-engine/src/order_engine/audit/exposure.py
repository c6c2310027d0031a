"""From when every unit was held until it was protected: first held, first protected. Pure."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from common.instruments import ZERO
from order_engine.audit.replay import Step
from order_engine.bracket import Bracket


@dataclass(frozen=True)
class Unit:
    """A quantity that was held and became protected (or guarded, sold, or dust) at one time."""

    bracket_id: str
    symbol: str
    qty: Decimal
    notional: Decimal
    """In quote asset, at the average price of the entry."""
    since_ms: int
    until_ms: int | None
    """None: it never became so."""
    fill: str
    """The message that told of it."""

    @property
    def bare_ms(self) -> int | None:
        """How long it was unprotected."""
        return None if self.until_ms is None else self.until_ms - self.since_ms


def units(steps: Sequence[Step]) -> list[Unit]:
    """The units of one bracket, in the order in which they became held."""
    found: list[Unit] = []
    bare: deque[tuple[Decimal, int, str]] = deque()
    seen = ZERO
    for step in steps:
        bracket = step.after
        received = bracket.received_qty
        fresh = max(received - seen, ZERO)
        seen = max(received, seen)
        if fresh > 0:
            bare.append((fresh, step.now_ms, step.cause))
        excess = sum((qty for qty, _, _ in bare), ZERO) - bracket.unprotected_qty
        while excess > 0 and bare:
            qty, since_ms, fill = bare.popleft()
            covered = min(qty, excess)
            excess -= covered
            if covered < qty:
                bare.appendleft((qty - covered, since_ms, fill))
            found.append(_unit(bracket, covered, since_ms, max(step.now_ms, since_ms), fill))
    if steps:
        found += [_unit(steps[-1].after, qty, since_ms, None, fill) for qty, since_ms, fill in bare]
    return found


def percentile(sorted_ms: Sequence[int], share: float) -> int | None:
    """The smallest value that so large a share is not above (nearest rank); None of nothing."""
    if not sorted_ms:
        return None
    rank = max(-(-int(share * 1000) * len(sorted_ms) // 1000), 1)
    return sorted_ms[rank - 1]


def lost_cover(steps: Iterable[Step], bound_ms: int) -> list[tuple[int, int, Decimal]]:
    """(from, to, at most how much) for every stretch in which something stayed unprotected beyond the bound."""
    found: list[tuple[int, int, Decimal]] = []
    since_ms: int | None = None
    most = ZERO
    last_ms = 0
    for step in steps:
        last_ms = max(last_ms, step.now_ms)
        if step.after.unprotected_qty > 0:
            since_ms = last_ms if since_ms is None else since_ms
            most = max(most, step.after.unprotected_qty)
        elif since_ms is not None:
            if last_ms - since_ms > bound_ms:
                found.append((since_ms, last_ms, most))
            since_ms, most = None, ZERO
    if since_ms is not None and last_ms - since_ms > bound_ms:
        found.append((since_ms, last_ms, most))
    return found


def _unit(bracket: Bracket, qty: Decimal, since_ms: int, until_ms: int | None, fill: str) -> Unit:
    px = bracket.avg_px or bracket.reference_px
    return Unit(bracket.bracket_id, bracket.symbol, qty, qty * px, since_ms, until_ms, fill)
