"""Histories for property tests: trades by hand and by two brackets, told more than once and not alike."""

from hypothesis import strategies as st

from common.orders import Side
from portfolio.book import BookFact
from portfolio.fills import Fill
from portfolio.testing.builders import BRACKET, OTHER_BRACKET, a_closing, a_fill, a_name, a_value

_AMOUNTS = st.decimals("0.00001", "5", places=5)
_PRICES = st.decimals("0.01", "100000", places=2)


@st.composite
def fills(draw: st.DrawFn) -> list[Fill]:
    """Up to eight trades, several in one millisecond, with fees in quote, base and a third asset, or not told."""
    history = []
    for trade in range(1, draw(st.integers(1, 8)) + 1):
        asset = draw(st.sampled_from(["USDT", "BTC", "BNB"]))
        fee = draw(st.none() | st.decimals("0", "0.000009" if asset == "BTC" else "2", places=6))
        history.append(
            a_fill(
                draw(st.sampled_from(Side)),
                str(draw(_AMOUNTS)),
                str(draw(_PRICES)),
                trade=trade,
                fee=None if fee is None else str(fee),
                fee_asset=None if fee is None else asset,
                bracket=draw(st.sampled_from([None, BRACKET, OTHER_BRACKET])),
                at_ms=draw(st.integers(0, 3)),
            )
        )
    return history


@st.composite
def tellings(draw: st.DrawFn) -> list[BookFact]:
    """Everything that is told of a history: its trades, prices of fees (two answers to one question), closings."""
    history = draw(fills())
    facts: list[BookFact] = [a_name(), *history]
    for fill in history:
        if fill.fee_asset == "BNB" and draw(st.booleans()):
            facts += [a_value(fill, str(draw(_PRICES)), said_ms=draw(st.integers(0, 1))) for _ in range(2)]
    for version in range(draw(st.integers(0, 2))):
        facts.append(a_closing(str(draw(_AMOUNTS)), str(draw(_AMOUNTS)), str(draw(_AMOUNTS)), version=version))
    return facts
