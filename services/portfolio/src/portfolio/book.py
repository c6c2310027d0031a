"""Everything known of one account in one symbol, and the numbers that follow from it. Pure.

A book is a set: facts go in, repeats change nothing, and of two that speak of the same thing the same one stays in
whatever order they came. The numbers are a function of the set: the fills folded in the order of time. So neither the
order in which partitions and topics are read nor the number of times matters.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar, assert_never

import msgspec

from common.codec import encode_sorted
from common.portfolio import FeeValued, SymbolNamed
from portfolio.fees import Charge, charge_of
from portfolio.fills import Fill, FillKey, merged
from portfolio.lots import Lot
from portfolio.standing import Closing, Standing, Step, step

Said = TypeVar("Said", FeeValued, SymbolNamed)
BookFact = Fill | FeeValued | SymbolNamed | Closing
BookKey = tuple[str, str]
"""Account and symbol."""


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """What has been told; a book that was loaded in part stands on what came `before` its first fill."""

    name: SymbolNamed | None = None
    fills: Mapping[FillKey, Fill] = {}
    values: Mapping[FillKey, FeeValued] = {}
    closings: Mapping[str, Closing] = {}
    """By bracket."""
    before: Standing = Standing()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One fill with its fee, and what it did; None while it is not known which assets the symbol trades."""

    fill: Fill
    charge: Charge | None
    step: Step | None


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from a book."""

    pages: tuple[Page, ...]
    """In the order of time."""
    standing: Standing
    """After the last of them."""

    @property
    def trades(self) -> dict[str, Lot]:
        """Every trade that its fills touched, as the last one left it, by id."""
        return {lot.trade_id: lot for page in self.pages if page.step for lot in page.step.touched}


def key_of(fact: BookFact) -> BookKey:
    """The book a fact belongs into."""
    return fact.account_id, fact.symbol


def apply(book: Book, fact: BookFact) -> Book:
    """The book with a fact in it."""
    return apply_all(book, (fact,))


def apply_all(book: Book, facts: Iterable[BookFact]) -> Book:
    """The book with all of them in it."""
    name, fills, values, closings = book.name, dict(book.fills), dict(book.values), dict(book.closings)
    for fact in facts:
        match fact:
            case Fill():
                known = fills.get(fact.key)
                fills[fact.key] = fact if known is None else merged(known, fact)
            case FeeValued():
                key = FillKey(fact.trade_id, fact.side)
                values[key] = first_said(values.get(key), fact)
            case SymbolNamed():
                name = first_said(name, fact)
            case Closing():
                closings[fact.bracket_id] = _last(closings.get(fact.bracket_id), fact)
            case _:
                assert_never(fact)
    return msgspec.structs.replace(book, name=name, fills=fills, values=values, closings=closings)


def numbers(book: Book) -> Numbers:
    """Fold the fills in the order of time."""
    pages: list[Page] = []
    standing = book.before
    for fill in sorted(book.fills.values(), key=lambda each: each.place):
        if book.name is None:
            pages.append(Page(fill=fill, charge=None, step=None))
            continue
        charge = charge_of(fill, book.name, book.values.get(fill.key))
        done = step(standing, fill, charge, book.closings)
        standing = done.after
        pages.append(Page(fill=fill, charge=charge, step=done))
    return Numbers(pages=tuple(pages), standing=standing)


def first_said(one: Said | None, other: Said) -> Said:
    """Of two answers to one question the earlier; of two at the same time the same one, whichever came first."""
    return other if one is None else min(one, other, key=lambda each: (each.ts_init_ms, encode_sorted(each)))


def _last(one: Closing | None, other: Closing) -> Closing:
    """A bracket that opens again is closed again at a later version."""
    return other if one is None else max(one, other, key=lambda each: (each.version, encode_sorted(each)))
