"""Histories for property tests: trades by hand and by two brackets, told more than once and not alike."""

from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from common.orders import Side
from portfolio.book import BookFact
from portfolio.fills import Fill
from portfolio.standing import Closing
from portfolio.testing.builders import BRACKET, OTHER_BRACKET, a_closing, a_fill, a_name, a_value

_FEES: Final = {"USDT": "0.913", "BTC": "0.000007", "BNB": "0.00083"}


def a_history(random: Random, *, most: int = 10) -> list[BookFact]:
    """Everything that is told of two to `most` trades, in the order of time; no two seeds tell the same."""
    fills = [_a_trade(random, number) for number in range(1, random.randint(2, most) + 1)]
    facts: list[BookFact] = [a_name(), *fills]
    for fill in fills:
        if random.random() < 0.3:
            facts.append(_told_again(random, fill))
        if fill.fee_asset == "BNB" and random.random() < 0.7:
            facts += [a_value(fill, _price(random), said_ms=random.randint(0, 1)) for _ in range(random.randint(1, 2))]
    for bracket in (BRACKET, OTHER_BRACKET):
        facts += [_a_closing(random, fills, bracket, version) for version in range(random.randint(0, 2))]
    return facts


def in_disorder(random: Random, facts: list[BookFact]) -> list[list[BookFact]]:
    """The same in another order, some of it twice, in batches."""
    told = facts + random.choices(facts, k=random.randint(0, 3))
    random.shuffle(told)
    batches = []
    while told:
        size = random.choice((1, 1, 2, 5))
        batches.append(told[:size])
        told = told[size:]
    return batches


def _a_trade(random: Random, number: int) -> Fill:
    asset = random.choice(("USDT", "BTC", "BNB"))
    return a_fill(
        random.choice((Side.BUY, Side.BUY, Side.SELL, Side.SELL, Side.SELL)),
        random.choice(("0.5", "1", "1.5", "0.33333", "0.00777")),
        _price(random),
        trade=number,
        fee=_FEES[asset] if random.random() < 0.9 else None,
        fee_asset=asset,
        bracket=random.choice((None, BRACKET, OTHER_BRACKET)),
        at_ms=random.randint(0, 6),
    )


def _told_again(random: Random, fill: Fill) -> Fill:
    """As another source tells it: at another millisecond, or without the fee, or in other words."""
    changes = random.choice(
        ({"at_ms": fill.at_ms + 2}, {"at_ms": fill.at_ms - 2}, {"fee": None}, {"client_order_id": None, "fee": None})
    )
    return msgspec.structs.replace(fill, **changes)


def _a_closing(random: Random, fills: list[Fill], bracket: str, version: int) -> Closing:
    """The engine saw what the bracket's orders did up to some moment, and calls the rest dust, or has let it go."""
    seen = [fill for fill in fills[: random.randint(0, len(fills))] if fill.bracket_id == bracket]
    entry = sum((fill.qty for fill in seen if fill.side is Side.BUY), Decimal(0))
    exit_ = sum((fill.qty for fill in seen if fill.side is Side.SELL), Decimal(0))
    dust = random.choice((Decimal(0), Decimal("0.01"), max(entry - exit_, Decimal(0))))
    return a_closing(str(entry), str(exit_), str(dust), bracket=bracket, version=version)


def _price(random: Random) -> str:
    return f"{random.randint(1, 10_000_000)}e-2"
