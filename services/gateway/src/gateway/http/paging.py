"""Lists that are read page by page: how a place in a list is written down for the caller who reads on. Pure.

A list is sorted by a key that is unique and that an element keeps for as long as it is there. The key of the last
element of a page is the cursor of the next one. So whatever comes, goes or changes between two pages, what stays is met
exactly once, which no count of elements to skip could promise.
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Generic, NamedTuple, TypeVar

import msgspec
from fastapi import Query

from common.errors import Refused
from gateway.ports import After
from gateway.trading.refusals import invalid

T = TypeVar("T")

Limit = Annotated[int, Query(ge=1, le=500, description="At most so many on this page.")]
LimitOrAll = Annotated[int | None, Query(ge=1, le=500, description="At most so many on this page; all without it.")]
Cursor = Annotated[
    str | None, Query(max_length=1_000, description="`nextCursor` of the page before, which is null on the last one.")
]


class Page(NamedTuple, Generic[T]):
    """A part of a list."""

    elements: Sequence[T]
    next_cursor: str | None
    """None on the last page."""


class Listing(Generic[T]):
    """One list of the API: its name, and its elements' key. What a key consists of is said by `types`."""

    def __init__(self, name: str, types: tuple[type[int] | type[str], ...], key: Callable[[T], After]) -> None:
        self._name = name
        self._types = types
        self._key = key

    def after(self, cursor: str | None) -> After | None:
        """The key that a page begins after; None for the first page. Raises Refused for no cursor of this list."""
        if cursor is None:
            return None
        try:
            padded = cursor + "=" * (-len(cursor) % 4)
            name, *key = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[int | str])
        except (ValueError, msgspec.MsgspecError):
            raise no_cursor() from None
        if name != self._name or tuple(map(type, key)) != self._types or not all(map(_sound, key)):
            raise no_cursor()
        return tuple(key)

    def page(self, found: Sequence[T], limit: int | None) -> Page[T]:
        """The page that `found` begins with, which is what comes after the last one, and longer if there is more."""
        if limit is None or len(found) <= limit:
            return Page(found, None)
        return Page(found[:limit], self._written(found[limit - 1]))

    def cut(self, everything: Iterable[T], limit: int | None, cursor: str | None) -> Page[T]:
        """A page of a list of which everything is there. Raises Refused."""
        after = self.after(cursor)
        ordered = sorted(everything, key=self._key)
        return self.page([each for each in ordered if after is None or self._key(each) > after], limit)

    def _written(self, element: T) -> str:
        written = msgspec.json.encode((self._name, *self._key(element)))
        return base64.urlsafe_b64encode(written).decode().rstrip("=")


def no_cursor() -> Refused:
    """What was sent as a cursor is none of this list."""
    rule = "A cursor is the nextCursor that a page of this same list was answered with."
    return invalid("cursor", rule, "Send it back as it came, or leave it out for the first page.")


def _sound(part: int | str) -> bool:
    """Whether the database can take it."""
    return part.isprintable() if isinstance(part, str) else 0 <= part < 2**63
