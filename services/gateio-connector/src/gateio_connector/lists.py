"""Lists that come in pages, as one call each."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from common.connector.bodies import parse
from common.connector.ports import Call, HttpRequest, Rejected, Reply, Unknown
from gateio_connector import queries
from gateio_connector.frames import OrderRow, PairOrders, PriceOrderRow
from gateio_connector.replies import value_of

T = TypeVar("T")
MOST_PAGES: Final = 20
Rows = tuple[T, ...] | Rejected | Unknown


def paged(
    request: Callable[[int], HttpRequest],
    rows: Callable[[bytes], Sequence[T]],
    *,
    size: int,
    most: int = MOST_PAGES,
    enough: Callable[[Sequence[T]], bool] = lambda rows: False,
) -> Call[Rows[T]]:
    """Rows page by page (from 0), until one is not full, or these are enough, or there are too many."""

    def page(number: int, before: tuple[T, ...]) -> Call[Rows[T]]:
        def read(reply: Reply, now_ms: int) -> "Rows[T] | Call[Rows[T]]":
            found = value_of(reply, rows)
            if isinstance(found, Rejected | Unknown):
                return found
            gathered = (*before, *found)
            if len(found) < size or number + 1 >= most or enough(gathered):
                return gathered
            return page(number + 1, gathered)

        return Call(request(number), read)

    return page(0, ())


def price_orders(
    status: str, pair: str | None, enough: Callable[[Sequence[PriceOrderRow]], bool] = lambda rows: False
) -> Call[Rows[PriceOrderRow]]:
    """Price orders, `open` or `finished`."""
    return paged(
        lambda number: queries.price_orders(status, pair, number * queries.PAGE),
        lambda body: parse(body, list[PriceOrderRow]),
        size=queries.PAGE,
        enough=enough,
    )


def orders(
    pair: str, status: str, *, most: int = MOST_PAGES, enough: Callable[[Sequence[OrderRow]], bool] = lambda rows: False
) -> Call[Rows[OrderRow]]:
    """A pair's orders, `open` or `finished`."""
    return paged(
        lambda number: queries.orders(pair, status, number + 1),
        lambda body: parse(body, list[OrderRow]),
        size=queries.PAGE,
        most=most,
        enough=enough,
    )


def open_orders() -> Call[Rows[OrderRow]]:
    """Open orders of all pairs: pages count inside each pair, so the next one is asked for while any pair is full."""

    def page(number: int, before: tuple[OrderRow, ...]) -> Call[Rows[OrderRow]]:
        def read(reply: Reply, now_ms: int) -> "Rows[OrderRow] | Call[Rows[OrderRow]]":
            pairs = value_of(reply, lambda body: parse(body, list[PairOrders]))
            if isinstance(pairs, Rejected | Unknown):
                return pairs
            gathered = (*before, *(order for each in pairs for order in each.orders))
            full = any(len(each.orders) >= queries.PAGE for each in pairs)
            return page(number + 1, gathered) if full and number < MOST_PAGES else gathered

        return Call(queries.open_orders(number), read)

    return page(1, ())
