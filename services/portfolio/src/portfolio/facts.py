"""Records of the topics the portfolio reads to what of them matters here. Pure."""

from typing import Any, Final

from common.accounts import AccountChanged
from common.bus.messages import Record
from common.bus.topics import ACCOUNTS, ORDER_EVENTS, PORTFOLIO_EVENTS, PROTECTION_EVENTS, Topic
from common.codec import decode, decode_union
from common.orders import OrderFact, OrderFilled, type_of_class
from common.portfolio import PortfolioFact, SnapshotTaken
from common.protection import BracketClosed, ProtectionFact
from portfolio.book import BookFact
from portfolio.fills import fill_from
from portfolio.standing import closing_from

TOPICS: Final[tuple[Topic, ...]] = (ORDER_EVENTS, PROTECTION_EVENTS, PORTFOLIO_EVENTS, ACCOUNTS)

Fact = BookFact | SnapshotTaken | AccountChanged

_WANTED: Final[dict[str, tuple[Any, type[Any]]]] = {
    ORDER_EVENTS.name: (OrderFact, OrderFilled),
    PROTECTION_EVENTS.name: (ProtectionFact, BracketClosed),
}


def fact_of(record: Record) -> Fact | None:
    """The fact a record holds; None for one that says nothing about a portfolio. Raises UnreadableMessage."""
    if record.value is None:
        return None
    if record.topic == ACCOUNTS.name:
        return decode(record.value, AccountChanged)
    if record.topic == PORTFOLIO_EVENTS.name:
        fact: Fact = decode_union(record.value, PortfolioFact)
        return fact
    union, wanted = _WANTED[record.topic]
    if record.ce_type not in {None, type_of_class(wanted)}:
        return None  # The header says so, and most records end here: nothing is decoded for nothing.
    match decode_union(record.value, union):
        case OrderFilled() as filled:
            return fill_from(filled, record.ce_id)
        case BracketClosed() as closed:
            return closing_from(closed)
        case _:
            return None
