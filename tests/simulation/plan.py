"""What happens in a history, drawn from its seed: who trades what, how the price moves, and what goes wrong.

A plan is plain data, so that a violation can be replayed from it and shrunk by leaving things out.
"""

import random
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from common.exchanges import Exchange
from tests.simulation.strikes import Harm, Strike

TRADING_MS: Final = 16_000
"""In the first so many ms traders act, prices move and things go wrong; then the world comes to rest."""


class What(StrEnum):
    """The kinds of step."""

    BUY = "buys at market"
    BID = "bids"
    PROTECT = "protects what is held"
    CANCEL_ENTRY = "cancels its entry"
    CANCEL_EXIT = "gives an exit up"
    CANCEL_ALL = "cancels everything"
    MOVE = "the price moves"
    GAP = "the price jumps"
    PART = "part of a resting order fills"
    HAND_CANCEL = "cancels an exit by hand"
    HAND_SELL = "sells by hand"
    KILL_ENGINE = "the engine is killed"
    KILL_CONNECTOR = "a connector is killed"
    KILL_SYNC = "sync is killed"
    HOLD_ENGINE = "the engine's machine pauses"
    HOLD_CONNECTOR = "a connector's machine pauses"
    BROKER_AWAY = "the broker is away"
    BROKER_FORGETS = "the broker comes back empty"
    DATABASE_AWAY = "the database fails over"
    EXCHANGE_AWAY = "the exchange is cut off"
    SOCKETS_DROP = "sockets drop"
    EVENTS_TWICE = "pushes come twice"
    EVENTS_LATE = "pushes come late"
    EVENTS_LOST = "pushes are lost"
    LIMITS = "the exchange limits"
    SKEW_CONNECTOR = "a connector's clock jumps"
    SKEW_ENGINE = "the engine's clock jumps"


TRADES: Final = frozenset({What.BUY, What.BID, What.PROTECT, What.CANCEL_ENTRY, What.CANCEL_EXIT, What.CANCEL_ALL})
MARKET: Final = frozenset({What.MOVE, What.GAP, What.PART})
HANDS: Final = frozenset({What.HAND_CANCEL, What.HAND_SELL})


@dataclass(frozen=True, order=True)
class Step:
    """One thing that happens; `amount` and `for_ms` mean what the kind needs."""

    at_ms: int
    what: What
    exchange: Exchange
    account: int = 0
    amount: float = 0.0
    for_ms: int = 0
    number: int = 0
    """Which of its kind in the plan: an intent's identity, whatever else is left out."""

    def __str__(self) -> str:
        details = {
            "account": self.account if self.what in TRADES | HANDS else None,
            "amount": self.amount or None,
            "for": f"{self.for_ms} ms" if self.for_ms else None,
        }
        said = ", ".join(f"{name} {value}" for name, value in details.items() if value is not None)
        return f"{self.exchange}: {self.what}" + (f" ({said})" if said else "")


@dataclass(frozen=True)
class Plan:
    """One history. `reserve` is what an account holds of the base asset besides: what too large an exit would sell."""

    seed: int
    exchanges: tuple[Exchange, ...]
    accounts: int
    partitions: int
    standby: bool
    reserve: bool
    steps: tuple[Step, ...]
    strikes: tuple[Strike, ...]

    @property
    def faultless(self) -> bool:
        """Whether nothing goes wrong in it."""
        return not self.strikes and all(step.what in TRADES | MARKET for step in self.steps)

    def without(self, *, step: Step | None = None, strike: Strike | None = None) -> "Plan":
        """The same history, one thing less."""
        return replace(
            self,
            steps=tuple(each for each in self.steps if each != step),
            strikes=tuple(each for each in self.strikes if each != strike),
        )


_FAULTS: Final = (
    (What.KILL_ENGINE, 3),
    (What.KILL_CONNECTOR, 3),
    (What.HOLD_ENGINE, 1),
    (What.HOLD_CONNECTOR, 1),
    (What.BROKER_AWAY, 1),
    (What.BROKER_FORGETS, 2),
    (What.DATABASE_AWAY, 2),
    (What.EXCHANGE_AWAY, 1),
    (What.SOCKETS_DROP, 2),
    (What.EVENTS_TWICE, 1),
    (What.EVENTS_LATE, 1),
    (What.EVENTS_LOST, 2),
    (What.KILL_SYNC, 1),
    (What.LIMITS, 1),
    (What.SKEW_CONNECTOR, 1),
    (What.SKEW_ENGINE, 1),
    (What.HAND_CANCEL, 2),
    (What.HAND_SELL, 1),
)
_LONGEST_MS: Final = {
    What.HOLD_ENGINE: 5_000,
    What.HOLD_CONNECTOR: 5_000,
    What.BROKER_AWAY: 3_000,
    What.BROKER_FORGETS: 2_000,
    What.DATABASE_AWAY: 4_000,
    What.EXCHANGE_AWAY: 5_000,
    What.EVENTS_LATE: 4_000,
    What.LIMITS: 3_000,
}
_MOST: Final = {What.SKEW_CONNECTOR: 3_000.0, What.SKEW_ENGINE: 900.0, What.HAND_SELL: 1.0}
_REQUEST_HARMS: Final = (
    *(Harm.LOSE, Harm.LOSE_ANSWER, Harm.LOSE_ANSWER, Harm.FAIL, Harm.FAIL_AFTER, Harm.LIMIT),
    *(Harm.DELAY, Harm.CUT, Harm.KILL_BEFORE, Harm.KILL_AFTER),
)
_PUBLISH_HARMS: Final = (
    *(Harm.LOSE, Harm.LOSE_ANSWER, Harm.FAIL_AFTER, Harm.TWICE, Harm.DELAY, Harm.KILL_BEFORE, Harm.KILL_AFTER),
)
_WRITE_HARMS: Final = (*(Harm.LOSE, Harm.LOSE_ANSWER, Harm.FAIL_AFTER, Harm.DELAY, Harm.KILL_BEFORE, Harm.KILL_AFTER),)


def draw(seed: int, *, exchange: Exchange | None = None) -> Plan:
    """The plan of a seed: the exchanges take turns, every tenth history of each is without a fault."""
    chance = random.Random(seed)
    order = tuple(Exchange)
    first = order[seed % len(order)] if exchange is None else exchange
    others = [each for each in order if each is not first]
    exchanges = (first, chance.choice(others)) if chance.random() < 0.1 else (first,)
    accounts = chance.choice((1, 1, 2, 3))
    steps = [step for each in exchanges for step in (*_trades(chance, each, accounts), *_prices(chance, each))]
    strikes: list[Strike] = []
    if (seed // len(order)) % 10:
        for each in exchanges:
            steps += _faults(chance, each, accounts)
            strikes += _strikes(chance, each)
    return Plan(
        seed=seed,
        exchanges=exchanges,
        accounts=accounts,
        partitions=chance.choice((1, 2)),
        standby=chance.random() < 0.12,
        reserve=chance.random() < 0.5,
        steps=tuple(sorted(replace(step, number=number) for number, step in enumerate(steps))),
        strikes=tuple(sorted(set(strikes))),
    )


def _when(chance: random.Random) -> int:
    return chance.randrange(1_500, TRADING_MS)


def _trades(chance: random.Random, exchange: Exchange, accounts: int) -> list[Step]:
    steps = []
    for _ in range(chance.choice((1, 2, 2, 3))):
        account, at_ms = chance.randrange(accounts), chance.randrange(1_500, TRADING_MS // 2)
        kind = chance.choice((What.BUY, What.BUY, What.BID, What.BID, What.PROTECT))
        worth = round(chance.choice((8, 12, 30, 100, 400)) * chance.uniform(0.9, 1.5), 2)
        steps.append(Step(at_ms, kind, exchange, account, worth))
        if kind is What.BID:
            parts = chance.choice((0, 1, 2, 3))
            later = sorted(chance.randrange(at_ms, TRADING_MS) for _ in range(parts))
            steps += [
                Step(part_ms, What.PART, exchange, account, round(chance.uniform(0.1, 0.9), 2)) for part_ms in later
            ]
    for kind, likely in ((What.CANCEL_ENTRY, 0.25), (What.CANCEL_EXIT, 0.12), (What.CANCEL_ALL, 0.06)):
        if chance.random() < likely:
            steps.append(Step(_when(chance), kind, exchange, chance.randrange(accounts)))
    return steps


def _prices(chance: random.Random, exchange: Exchange) -> list[Step]:
    """Moves are percent of where the market opened: targets lie at +4 to +8, stops at -5."""
    steps, at_pct = [], 0.0
    for at_ms in sorted(_when(chance) for _ in range(chance.choice((1, 2, 3, 5)))):
        at_pct = round(max(-9.0, min(9.0, at_pct + chance.choice((0.3, 1.0, 3.0, 6.0)) * chance.choice((-1, 1)))), 2)
        steps.append(Step(at_ms, chance.choice((What.MOVE, What.MOVE, What.GAP)), exchange, amount=at_pct))
    return steps


def _faults(chance: random.Random, exchange: Exchange, accounts: int) -> list[Step]:
    kinds, weights = zip(*_FAULTS, strict=True)
    steps = []
    for kind in chance.choices(kinds, weights, k=chance.choice((0, 1, 1, 2, 3))):
        longest, most = _LONGEST_MS.get(kind, 0), _MOST.get(kind, 0.0)
        steps.append(
            Step(
                _when(chance),
                kind,
                exchange,
                chance.randrange(accounts),
                amount=round(chance.uniform(-most if most > 1 else 0.1, most), 2) if most else 0.0,
                for_ms=chance.randrange(100, longest) if longest else 0,
            )
        )
    return steps


def _strikes(chance: random.Random, exchange: Exchange) -> list[Strike]:
    kinds = (
        (f"{exchange} orders", 14, _REQUEST_HARMS),
        (f"{exchange} orders", 14, _REQUEST_HARMS),
        (f"{exchange} asked", 40, _REQUEST_HARMS),
        (f"{exchange} tells", 40, (Harm.DELAY, Harm.CUT)),
        (f"{exchange}-connector publishes", 30, _PUBLISH_HARMS),
        (f"{exchange}-connector writes", 40, _WRITE_HARMS),
        ("order-engine publishes", 12, _PUBLISH_HARMS),
        ("order-engine writes", 60, _WRITE_HARMS),
    )
    strikes = []
    for step, most, harms in chance.choices(kinds, k=chance.choice((1, 2, 2, 3, 5))):
        strikes.append(Strike(step, chance.randrange(most), chance.choice(harms)))
    return strikes
