"""What became of an order: by its id, by its `text`, or, for a price order whose id was never told, by its terms.

A price order that fired is followed to the order it became; an order that carries no id of ours may have been placed
by a price order, which then is the order that is told.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from common.commands import SubmitOrder
from common.connector.bodies import parse
from common.connector.calls import then
from common.connector.ports import Call, OrderAbsent, OrderAnswer, OrderFound, OrderRef, Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.instruments import Instrument
from common.orders import OrderSnapshot
from gateio_connector import lists, price_orders, queries
from gateio_connector.frames import OrderRow, PriceOrderRow
from gateio_connector.memory import Memory
from gateio_connector.names import client_id_of, price_order_of, text_of
from gateio_connector.orders import Reader
from gateio_connector.replies import value_of

RowT = TypeVar("RowT", OrderRow, PriceOrderRow)
ABSENT = {ErrorCategory.NOT_FOUND, ErrorCategory.ALREADY_CLOSED}
NOT_LISTED = "not_listed"
# Orders are found by `text` while they are open only; an order asked about is among the latest that have ended.
_ENDED_PAGES = 3

Trigger = PriceOrderRow | OrderAbsent | Rejected | Unknown
Child = OrderRow | OrderAbsent | Rejected | Unknown


class Finder:
    """Finds one account's orders of one pair."""

    def __init__(self, memory: Memory, account_id: str, instrument: Instrument) -> None:
        self._memory = memory
        self._account_id = account_id
        self._instrument = instrument
        self._pair = instrument.exchange_symbol

    def order(self, ref: OrderRef) -> Call[OrderAnswer]:
        """The order of this reference, by the surest thing that is known of it."""
        if (price_order_id := price_order_of(ref.exchange_order_id)) is not None:
            return then(trigger(price_order_id), self._shown_as(ref.client_order_id))
        if ref.exchange_order_id is not None:
            return then(placed(self._pair, ref.exchange_order_id), self._plain_as(ref.client_order_id))
        if ref.terms is not None:
            return then(self.by_terms(ref.terms, ref.taken), self._shown_as(ref.client_order_id))
        assert ref.client_order_id is not None, "an order is asked for by one of its ids"
        return then(self._by_text(text_of(ref.client_order_id)), self._plain_as(ref.client_order_id))

    def by_terms(self, terms: SubmitOrder, taken: tuple[str, ...]) -> Call[Trigger]:
        """The price order that was placed with these terms and is no other's; waiting ones first, then ended ones."""

        def picked(rows: lists.Rows[PriceOrderRow]) -> Trigger:
            if isinstance(rows, Rejected | Unknown):
                return rows
            self._memory.learn(self._account_id, rows)
            row = price_orders.matching(rows, terms, self._instrument, taken)
            return OrderAbsent(NOT_LISTED) if row is None else row

        def past(rows: lists.Rows[PriceOrderRow], now_ms: int) -> "Trigger | Call[Trigger]":
            row = picked(rows)
            if not isinstance(row, OrderAbsent):
                return row
            ended = lists.price_orders(
                "finished", self._pair, lambda rows: not isinstance(picked(tuple(rows)), OrderAbsent)
            )
            return then(ended, lambda rows, _: picked(rows))

        return then(lists.price_orders("open", self._pair), past)

    def followed(self, row: PriceOrderRow, client_order_id: str | None) -> Call[OrderAnswer]:
        """A price order that fired, by the order it became."""
        self._memory.learn(self._account_id, (row,))

        def shown(child: Child, now_ms: int) -> OrderAnswer:
            if isinstance(child, OrderAbsent):
                return Unknown(NOT_LISTED, f"price order {row.id} fired, and its order is not listed yet")
            if isinstance(child, Rejected | Unknown):
                return child
            return self._read(lambda r: price_orders.followed(row, child, r, client_order_id), now_ms)

        return then(placed(self._pair, str(row.fired_order_id)), shown)

    def _by_text(self, text: str) -> Call[Child]:
        def ended(child: Child, now_ms: int) -> "Child | Call[Child]":
            if not isinstance(child, OrderAbsent):
                return child

            def picked(rows: lists.Rows[OrderRow], _: int) -> Child:
                if isinstance(rows, Rejected | Unknown):
                    return rows
                return next((row for row in rows if row.text == text), child)

            return then(
                lists.orders(
                    self._pair, "finished", most=_ENDED_PAGES, enough=lambda rows: any(r.text == text for r in rows)
                ),
                picked,
            )

        return then(placed(self._pair, text), ended)

    def _shown_as(self, client_order_id: str | None) -> Callable[[Trigger, int], "OrderAnswer | Call[OrderAnswer]"]:
        def shown(row: Trigger, now_ms: int) -> "OrderAnswer | Call[OrderAnswer]":
            if not isinstance(row, PriceOrderRow):
                return row
            if row.status == price_orders.FIRED:
                if not row.fired_order_id:
                    return Unknown(NOT_LISTED, f"price order {row.id} fired, and does not tell its order yet")
                return self.followed(row, client_order_id)
            return self._read(lambda r: price_orders.snapshot(row, r, client_order_id), now_ms)

        return shown

    def _plain_as(self, client_order_id: str | None) -> Callable[[Child, int], "OrderAnswer | Call[OrderAnswer]"]:
        def shown(row: Child, now_ms: int) -> "OrderAnswer | Call[OrderAnswer]":
            if not isinstance(row, OrderRow):
                return row
            if client_id_of(row.text) is not None or client_order_id is not None:
                return self._read(lambda r: _named(r.snapshot(row), client_order_id), now_ms)
            return then(self._owner(row), lambda owner, now_ms: self._owned(row, owner, now_ms))

        return shown

    def _owner(self, row: OrderRow) -> Call[Trigger]:
        """The price order that placed an order without an id of ours."""

        def mine(each: PriceOrderRow) -> bool:
            return str(each.fired_order_id) == row.id

        def picked(rows: lists.Rows[PriceOrderRow], _: int) -> Trigger:
            if isinstance(rows, Rejected | Unknown):
                return rows
            self._memory.learn(self._account_id, rows)
            return next((each for each in rows if mine(each)), OrderAbsent(NOT_LISTED))

        known = price_order_of(self._memory.owner(self._account_id, row.id))
        if known is not None:
            return trigger(known)
        return then(lists.price_orders("finished", self._pair, lambda rows: any(map(mine, rows))), picked)

    def _owned(self, row: OrderRow, owner: Trigger, now_ms: int) -> OrderAnswer:
        if isinstance(owner, Rejected | Unknown):
            return owner
        if isinstance(owner, OrderAbsent):
            return self._read(lambda r: r.snapshot(row), now_ms)
        return self._read(lambda r: price_orders.followed(owner, row, r), now_ms)

    def _read(self, snapshot: Callable[[Reader], OrderSnapshot], now_ms: int) -> OrderFound | Unknown:
        try:
            return OrderFound(snapshot(Reader(self._account_id, now_ms)))
        except UnreadableFrame as error:
            return Unknown("unreadable", error.reason)


def trigger(price_order_id: str) -> Call[Trigger]:
    """One price order by its number."""
    return Call(queries.price_order(price_order_id), lambda reply, now_ms: one(reply, PriceOrderRow))


def placed(pair: str, order_id: str) -> Call[Child]:
    """One order by its number or `text`."""
    return Call(queries.order(pair, order_id), lambda reply, now_ms: one(reply, OrderRow))


def one(reply: Reply, type_: type[RowT]) -> RowT | OrderAbsent | Rejected | Unknown:
    """A row, or that it is not there."""
    row = value_of(reply, lambda body: parse(body, type_))
    if isinstance(row, Rejected) and row.category in ABSENT:
        return OrderAbsent(row.code)
    return row


def _named(order: OrderSnapshot, client_order_id: str | None) -> OrderSnapshot:
    return order if client_order_id is None else msgspec.structs.replace(order, client_order_id=client_order_id)
