"""Placing and cancelling, as calls: what each answer leads to next.

Creating a price order answers with a number and nothing else. REPEAT_REQUEST ("too soon after another of this market
and rule") may also answer a repetition of one that was taken: so it is looked for, and only then sent again, in its
turn of the limit that spaces such requests. Cancelling one that has fired cancels the order it became.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from common.commands import CancelOrder, SubmitOrder
from common.connector.amounts import ZERO, some
from common.connector.bodies import parse
from common.connector.calls import then
from common.connector.ports import Accepted, Call, HttpRequest, OrderAbsent, Outcome, Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderAccepted, OrderFact, OrderStatus
from gateio_connector import price_orders, queries, requests
from gateio_connector.finding import Finder, Trigger, trigger
from gateio_connector.frames import OrderRow, PriceOrderCreated, PriceOrderRow, TickerRow
from gateio_connector.memory import Memory
from gateio_connector.names import exchange_id_of, price_order_of, text_of
from gateio_connector.orders import Reader
from gateio_connector.refusals import REPEAT_REQUEST
from gateio_connector.replies import value_of

_REPEATS: Final = 2
_LOOK_ELSEWHERE: Final = frozenset(
    {ErrorCategory.NOT_FOUND, ErrorCategory.ALREADY_CLOSED, ErrorCategory.BAD_REQUEST, ErrorCategory.UNCLASSIFIED}
)


def outcome_of(reply: Reply, facts: Callable[[bytes], tuple[OrderFact, ...]]) -> Outcome:
    """A reply to an order or a cancel."""
    told = value_of(reply, facts)
    return told if isinstance(told, Rejected | Unknown) else Accepted(told)


# --- orders ---------------------------------------------------------------------------------------------------------


def place(command: SubmitOrder, instrument: Instrument, habits: requests.Habits) -> Call[Outcome]:
    """A plain order; a market buy of a base quantity asks for the best ask first. Raises Refused."""
    if not requests.needs_reference(command):
        return _sent(command, requests.submit_order(command, instrument, habits))
    requests.submit_order(command, instrument, habits, Decimal(1))  # What no request can say is refused before asking.

    def read(reply: Reply, now_ms: int) -> "Outcome | Call[Outcome]":
        ask_px = value_of(reply, lambda body: some(_only(parse(body, list[TickerRow])).lowest_ask, "lowest_ask"))
        if not isinstance(ask_px, Decimal):
            # Nothing was sent, so nothing is unknown.
            return Rejected(ErrorCategory.EXCHANGE_DOWN, "no_price", "the exchange told no price to buy at")
        return _sent(command, requests.submit_order(command, instrument, habits, ask_px))

    return Call(queries.tickers(instrument.exchange_symbol), read)


def _sent(command: SubmitOrder, request: HttpRequest) -> Call[Outcome]:
    def facts(body: bytes, now_ms: int) -> tuple[OrderFact, ...]:
        row = parse(body, OrderRow)
        if not row.id:
            raise UnreadableFrame("id: an order that was placed has one")
        told = Reader(command.account_id, now_ms).placed(row)
        return told or (_accepted(command, row.id, now_ms),)

    return Call(request, lambda reply, now_ms: outcome_of(reply, lambda body: facts(body, now_ms)))


def _only(rows: list[TickerRow]) -> TickerRow:
    if len(rows) != 1:
        raise UnreadableFrame("one ticker is needed")
    return rows[0]


# --- price orders ---------------------------------------------------------------------------------------------------


def arm(command: SubmitOrder, instrument: Instrument, habits: requests.Habits, memory: Memory) -> Call[Outcome]:
    """A price order. Raises Refused."""
    request = requests.arm(command, instrument, habits)

    def attempt(left: int) -> Call[Outcome]:
        def read(reply: Reply, now_ms: int) -> "Outcome | Call[Outcome]":
            created = value_of(reply, lambda body: parse(body, PriceOrderCreated))
            if isinstance(created, PriceOrderCreated):
                memory.armed(command.account_id, exchange_id_of(created.id))
                return Accepted((_accepted(command, exchange_id_of(created.id), now_ms),))
            if isinstance(created, Unknown) and created.code == REPEAT_REQUEST and left and reply.status < 500:
                finder = Finder(memory, command.account_id, instrument)
                others = memory.armed_lately(command.account_id)
                return then(finder.by_terms(command, others), found(left, created))
            return created

        return Call(request, read)

    def found(left: int, refusal: Unknown) -> Callable[[Trigger, int], "Outcome | Call[Outcome]"]:
        def decided(row: Trigger, now_ms: int) -> "Outcome | Call[Outcome]":
            # It may be this one, or one of equal terms placed by an earlier process: whoever settles knows.
            return attempt(left - 1) if isinstance(row, OrderAbsent) else refusal

        return decided

    return attempt(_REPEATS)


def _accepted(command: SubmitOrder, exchange_order_id: str, now_ms: int) -> OrderAccepted:
    return OrderAccepted(
        account_id=command.account_id,
        exchange=Exchange.GATEIO,
        symbol=command.symbol,
        client_order_id=command.client_order_id,
        exchange_order_id=exchange_order_id,
        side=command.side,
        order_type=command.order_type,
        status=OrderStatus.NEW,
        qty=command.qty,
        price=command.price,
        trigger_px=command.trigger_px,
        cum_qty=ZERO,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )


# --- cancelling -----------------------------------------------------------------------------------------------------


def cancel(command: CancelOrder, pair: str, memory: Memory) -> Call[Outcome]:
    """A cancel of an order, or of a price order and what it became. Raises Refused."""
    price_order_id = price_order_of(command.exchange_order_id)
    if price_order_id is not None:
        return _disarm(command, pair, price_order_id, memory)
    order_id = command.exchange_order_id
    return _cancel_order(command, pair, order_id or text_of(command.client_order_id or ""))


def _cancel_order(command: CancelOrder, pair: str, order_id: str, owner: PriceOrderRow | None = None) -> Call[Outcome]:
    def facts(body: bytes, now_ms: int) -> tuple[OrderFact, ...]:
        row, reader = parse(body, OrderRow), Reader(command.account_id, now_ms)
        if owner is None:
            return tuple(_under(fact, command.client_order_id) for fact in reader.ended(row))
        told = (price_orders.as_price_order(fact, exchange_id_of(owner.id)) for fact in reader.ended(row))
        return tuple(_under(fact, command.client_order_id) for fact in told if fact is not None)

    return Call(
        requests.cancel(pair, order_id), lambda reply, now_ms: outcome_of(reply, lambda body: facts(body, now_ms))
    )


def _disarm(command: CancelOrder, pair: str, price_order_id: str, memory: Memory) -> Call[Outcome]:
    def stands(row: Trigger, now_ms: int) -> "Outcome | Call[Outcome]":
        if isinstance(row, OrderAbsent):
            return Rejected(ErrorCategory.NOT_FOUND, row.code, f"there is no price order {price_order_id}")
        if isinstance(row, Rejected | Unknown):
            return row
        memory.learn(command.account_id, (row,))
        if row.status == price_orders.FIRED and row.fired_order_id:
            return _cancel_order(command, pair, str(row.fired_order_id), row)
        try:
            facts = price_orders.ended(row, Reader(command.account_id, now_ms), command.client_order_id)
        except UnreadableFrame as error:
            return Unknown("unreadable", error.reason)
        waits = any(fact.status is OrderStatus.NEW for fact in facts)
        return Unknown("still_waiting", "it was not cancelled, and waits as before") if waits else Accepted(facts)

    def read(reply: Reply, now_ms: int) -> "Outcome | Call[Outcome]":
        row = value_of(reply, lambda body: parse(body, PriceOrderRow))
        if isinstance(row, PriceOrderRow):
            return stands(row, now_ms)
        # Which label says that it has fired or ended already is not documented: whatever is refused is looked at.
        looks = isinstance(row, Rejected) and row.category in _LOOK_ELSEWHERE
        unlisted = isinstance(row, Unknown) and 400 <= reply.status < 500 and row.code != f"http-{reply.status}"
        return then(trigger(price_order_id), stands) if looks or unlisted else row

    return Call(requests.disarm(price_order_id), read)


def cancel_all(account_id: str, pair: str) -> Call[Outcome]:
    """Everything open on the pair: price orders first, so that none fires while the orders are cancelled."""

    def disarmed(reply: Reply, now_ms: int) -> "Outcome | Call[Outcome]":
        reader = Reader(account_id, now_ms)

        def facts(body: bytes) -> tuple[OrderFact, ...]:
            rows = parse(body, list[PriceOrderRow])
            return tuple(
                fact for row in rows if row.status != price_orders.FIRED for fact in price_orders.ended(row, reader)
            )

        outcome = outcome_of(reply, facts)
        if isinstance(outcome, Rejected) and outcome.category is ErrorCategory.NOT_FOUND:
            outcome = Accepted(())
        return _orders_too(account_id, pair, outcome.facts) if isinstance(outcome, Accepted) else outcome

    return Call(requests.disarm_all(pair), disarmed)


def _orders_too(account_id: str, pair: str, before: tuple[OrderFact, ...]) -> Call[Outcome]:
    def read(reply: Reply, now_ms: int) -> Outcome:
        reader = Reader(account_id, now_ms)
        rows = value_of(reply, lambda body: parse(body, list[OrderRow]))
        if isinstance(rows, Rejected | Unknown):
            nothing = isinstance(rows, Rejected) and rows.category is ErrorCategory.NOT_FOUND
            return Accepted(before) if nothing else Unknown(rows.code, rows.reason)
        failed = next((row for row in rows if row.succeeded is False), None)
        if failed is not None:
            return Unknown(failed.label or "not_succeeded", failed.message or "an order was not cancelled")
        try:
            return Accepted((*before, *(fact for row in rows for fact in reader.ended(row))))
        except UnreadableFrame as error:
            return Unknown("unreadable", error.reason)

    return Call(requests.cancel_all(pair), read)


def _under(fact: OrderFact, client_order_id: str | None) -> OrderFact:
    return fact if client_order_id is None else msgspec.structs.replace(fact, client_order_id=client_order_id)
