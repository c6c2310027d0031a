"""Reading lists to their end, or to the row that was looked for."""

from collections.abc import Callable
from typing import Final, TypeAlias, TypeVar

from bitget_connector.replies import value_of
from bitget_connector.rows import Page
from common.connector.calls import then
from common.connector.ports import Call, HttpRequest, OrderAbsent, Rejected, Reply, Unknown

T = TypeVar("T")
NOT_LISTED: Final = "not_listed_yet"
"""Why something is called absent that no list shows."""
MAX_PAGES = 50
"""Five thousand rows. What lies deeper is not proven absent: the answer is then Unknown."""

Ask = Callable[[str | None], HttpRequest]
"""The request of a page, by where it begins."""
AskAt = Callable[[int, str | None], HttpRequest]
"""The same where the request also says what time it is, in ms."""
Read = Callable[[bytes], Page[T]]
Rows = tuple[T, ...] | Rejected | Unknown
Listed: TypeAlias = T | OrderAbsent | Rejected | Unknown


def everything(ask: Ask, read: Read[T]) -> Call[Rows[T]]:
    """All rows, newest first."""
    return _page(ask, read, lambda row: False, None, (), 1)


def up_to(ask: Ask, read: Read[T], found: Callable[[T], bool]) -> Call[Rows[T]]:
    """Rows, newest first, down to the page with the row that was looked for."""
    return _page(ask, read, found, None, (), 1)


def listed(current: Ask, past: AskAt, read: Read[T], wanted: Callable[[T], bool]) -> Call[Listed[T]]:
    """The row that is wanted: out of the list of what is open, else out of that of what is past."""

    def picked(rows: Rows[T]) -> Listed[T]:
        if isinstance(rows, Rejected | Unknown):
            return rows
        return next((row for row in rows if wanted(row)), OrderAbsent(NOT_LISTED))

    def or_past(rows: Rows[T], now_ms: int) -> Listed[T] | Call[Listed[T]]:
        row = picked(rows)
        if not isinstance(row, OrderAbsent):
            return row
        return then(up_to(lambda older: past(now_ms, older), read, wanted), lambda rows, _: picked(rows))

    return then(up_to(current, read, wanted), or_past)


def _page(
    ask: Ask, read: Read[T], found: Callable[[T], bool], older: str | None, before: tuple[T, ...], number: int
) -> Call[Rows[T]]:
    def page_read(reply: Reply, now_ms: int) -> Rows[T] | Call[Rows[T]]:
        page = value_of(reply, read)
        if not isinstance(page, Page):
            return page
        rows = (*before, *page.rows)
        if page.older is None or any(found(row) for row in page.rows):
            return rows
        if page.older == older:
            # What lies behind it was never shown: a list that leads nowhere proves nothing absent.
            return Unknown("no_next_page", f"the page before {older} leads back to itself")
        if number >= MAX_PAGES:
            return Unknown("too_many_rows", f"more than {MAX_PAGES} pages")
        return _page(ask, read, found, page.older, rows, number + 1)

    return Call(ask(older), page_read)
