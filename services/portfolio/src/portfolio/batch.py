"""A batch of facts against the books it speaks of: which rows change. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from common.accounts import AccountChanged
from common.codec import encode_sorted
from common.portfolio import FeeValued, SnapshotTaken
from portfolio import rows
from portfolio.book import Book, BookFact, BookKey, apply_all, key_of, numbers
from portfolio.facts import Fact
from portfolio.fills import Fill
from portfolio.lots import Lot
from portfolio.rows import Row
from portfolio.standing import Closing

BEGINNING: Final = ""
END: Final = "~"
"""Sorts behind the place of any fill: nothing that is stored changes."""


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch says, by what it is about; of accounts and of a day's snapshots only what counts."""

    books: Mapping[BookKey, Sequence[BookFact]]
    snapshots: Mapping[tuple[str, str], SnapshotTaken]
    accounts: Mapping[str, AccountChanged]


def gathered(facts: Iterable[Fact]) -> Gathered:
    """Facts by what they are about."""
    books: defaultdict[BookKey, list[BookFact]] = defaultdict(list)
    snapshots: dict[tuple[str, str], SnapshotTaken] = {}
    accounts: dict[str, AccountChanged] = {}
    for fact in facts:
        match fact:
            case AccountChanged():
                accounts[fact.account_id] = _newest(accounts.get(fact.account_id), fact)
            case SnapshotTaken():
                key = fact.account_id, fact.day
                snapshots[key] = earliest(snapshots.get(key), fact)
            case _:
                books[key_of(fact)].append(fact)
    return Gathered(books=books, snapshots=snapshots, accounts=accounts)


def earliest(one: SnapshotTaken | None, other: SnapshotTaken) -> SnapshotTaken:
    """Of two snapshots of a day the earlier; of two at the same time the same one, whichever came first."""
    return other if one is None else min(one, other, key=lambda each: (each.ts_event_ms, encode_sorted(each)))


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch makes of a book."""

    key: BookKey
    since: str
    """The place in time from which fills and trades are new."""
    facts: Sequence[BookFact]
    book: Book
    position: Row
    fills: Sequence[Row]
    lots: Mapping[str, Lot]
    """The trades that may be new, by id: those open before the part that was loaded, and those it touches."""

    def trades(self, dropped: Collection[str]) -> list[Row]:
        """The trades that are new, and those whose rows were dropped because they might have been."""
        name = self.book.name
        if name is None:
            return []
        new = (lot for lot in self.lots.values() if lot.touched >= self.since or lot.trade_id in dropped)
        return [rows.trade_row(self.key, self.facts[0].exchange, name.quote, lot) for lot in new]


def changed(key: BookKey, since: str, loaded: Book, facts: Sequence[BookFact]) -> Change:
    """What these facts change from the place `since` on; `loaded` has all fills from there on, or from before it."""
    book = apply_all(loaded, facts)
    told = numbers(book)
    return Change(
        key=key,
        since=since,
        facts=facts,
        book=book,
        position=rows.position_row(key, facts[0].exchange, book.name, told.standing),
        fills=[rows.fill_row(page) for page in told.pages if page.fill.place >= since],
        lots={lot.trade_id: lot for lot in book.before.lots} | told.trades,
    )


def since(facts: Iterable[BookFact], places: Mapping[tuple[str, ...], str]) -> str:
    """The first place in time at which these facts may change something.

    `places` has the place of every stored fill they speak of, by its key, and of each bracket's first fill.
    """
    found = [END]
    for fact in facts:
        match fact:
            case Fill():
                found += [fact.place, places.get(fact.key, END)]
            case FeeValued():
                found.append(places.get((fact.trade_id, fact.side), END))
            case Closing():
                found.append(places.get((fact.bracket_id,), END))
            case _:
                return BEGINNING
    return min(found)


def _newest(one: AccountChanged | None, other: AccountChanged) -> AccountChanged:
    return other if one is None else max(one, other, key=lambda each: (each.ts_init_ms, encode_sorted(each)))
