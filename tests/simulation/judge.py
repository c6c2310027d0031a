"""Judges a history by the exchange's own books: never oversold, never doubled, protected, nothing lost (P1 to P4).

What the exchange holds is the truth; the engine's ledger must come to the same in the end. While the history runs, only
the exchange is looked at, after every event: what is wrong for a moment is wrong.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import orjson

from common import ids
from common.bus.messages import Record
from common.codec import decode, encode
from common.exchanges import CAPABILITIES, Exchange, ExitStyle
from common.instruments import ZERO, Instrument
from common.intents import IntentBase, PlaceExits
from common.protection import BracketDenied
from order_engine.audit.report import P2, Stored, Window, audited
from order_engine.bracket import Bracket
from order_engine.decide import next_wake_ms
from order_engine.order import Order as LedgerOrder
from order_engine.policy import DEFAULT_POLICY
from paper_exchange.core.events import Event, OrderEvent, OrderTraded, TriggerChanged
from paper_exchange.core.orders import STOPS, Order
from paper_exchange.core.trigger import Trigger
from tests.simulation.database import Row, Schema
from tests.simulation.determinism import BEGIN_MS
from tests.simulation.exchanges import BASE, SYMBOL, Venue

REACTION_MS: Final = 2_500
"""Without faults, held quantity may be bare for so long: the debounce, the patience with a slow target, a few trips."""
LANE_MS: Final = 2_000
"""Gate.io takes one trigger of a side and market in this time: every further pair of an account waits so long."""

_LONG_MS: Final = 3_600_000
"""A bracket that waits for longer than this waits for tomorrow, not for an answer."""


@dataclass(frozen=True)
class Violation:
    """A promise that was broken."""

    promise: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.what}"


class Book:
    """One account on one exchange, as the exchange sees it."""

    def __init__(self, venue: Venue, account_id: str) -> None:
        self.venue, self.account_id, self.uid = venue, account_id, venue.uids[account_id]
        self._core = venue.server.exchange
        self._account = self._core.ledger.accounts[self.uid]

    @property
    def orders(self) -> Iterable[Order]:
        return [order for order in self._account.orders.values() if order.symbol == SYMBOL]

    @property
    def triggers(self) -> Collection[Trigger]:
        known: dict[int, dict[int, Trigger]] = getattr(self._core, "triggers", {})
        return known.get(self.uid, {}).values()

    @property
    def bought(self) -> Decimal:
        """Base received from purchases, net of fees taken in base."""
        fills = [fill for order in self.orders if order.side == "BUY" for fill in order.fills]
        return sum((fill.qty - (fill.fee if fill.fee_asset == BASE else ZERO) for fill in fills), ZERO)

    @property
    def sold(self) -> Decimal:
        return sum((order.cum_qty for order in self.orders if order.side == "SELL"), ZERO)

    @property
    def stops(self) -> Decimal:
        """What still sells when the price falls, waiting or working; where no stop can wait, what rests to be sold."""
        armed = sum((each.request.child.qty for each in self.triggers if each.is_armed and _is_stop(each)), ZERO)
        falling = sum((each.leaves_qty for each in self.selling() if self._falls(each)), ZERO)
        return armed + falling

    @property
    def targets(self) -> Decimal:
        """What still sells when the price rises."""
        armed = sum((each.request.child.qty for each in self.triggers if each.is_armed and not _is_stop(each)), ZERO)
        return armed + sum((each.leaves_qty for each in self.selling() if not self._falls(each)), ZERO)

    @property
    def widowed(self) -> Decimal:
        """What unlinked legs may still sell, or have sold, whose partner has sold: a race nobody can exclude."""
        fired: dict[bool, list[Decimal]] = {True: [], False: []}
        for each in self.triggers:
            if each.order is not None and each.order.cum_qty:
                fired[_is_stop(each)].append(each.request.child.qty)
        total = ZERO
        for each in self.triggers:
            partners, qty = fired[not _is_stop(each)], each.request.child.qty
            if (each.is_armed or each.order is not None) and qty in partners:
                partners.remove(qty)
                total += qty
        return total

    def selling(self) -> Iterator[Order]:
        return (
            order for order in self._account.open_orders.values() if order.side == "SELL" and order.symbol == SYMBOL
        )

    def _falls(self, order: Order) -> bool:
        held = CAPABILITIES[self.venue.exchange].exit_style is ExitStyle.HELD_STOP
        return order.type in STOPS or order.type == "MARKET" or held or self._of_stop(order)

    def _of_stop(self, order: Order) -> bool:
        return any(each.order is order and _is_stop(each) for each in self.triggers)

    def named(self, client_order_id: str) -> list[Order]:
        """The orders of one of our ids."""
        return [order for order in self.orders if order.client_order_id.removeprefix("t-") == client_order_id]


class Judge:
    """Watches the exchanges of one history."""

    def __init__(self, venues: dict[Exchange, Venue], instruments: dict[Exchange, Instrument]) -> None:
        self.violations: list[Violation] = []
        self.prompt = False
        """Whether quantity that stays bare for long is held against us even before the end."""
        self._instruments = instruments
        self._books = {
            (venue.exchange, uid): Book(venue, account_id)
            for venue in venues.values()
            for account_id, uid in venue.uids.items()
        }
        self._given: dict[str, Decimal] = {}
        self._handed: dict[str, Decimal] = {}
        """By intent, what was handed over; none of it is ours to protect once that is denied."""
        self._denied: dict[str, Decimal] = {}
        self._bare_since_ms: dict[str, int] = {}

    def note_intent(self, intent: IntentBase) -> None:
        """A trader hands over what an account holds already."""
        if isinstance(intent, PlaceExits):
            self._given[intent.account_id] = self._given.get(intent.account_id, ZERO) + intent.qty
            self._handed[intent.intent_id] = intent.qty

    def note_denied(self, denied: BracketDenied) -> None:
        """The engine says that it does not protect what was handed over."""
        qty = self._handed.pop(denied.intent_id, ZERO)
        self._denied[denied.account_id] = self._denied.get(denied.account_id, ZERO) + qty

    def hear(self, exchange: Exchange, event: Event) -> None:
        """Something happened on an exchange: look at the account it happened to."""
        if isinstance(event, OrderEvent):
            uid = event.order.uid
        elif isinstance(event, TriggerChanged):
            uid = event.trigger.uid
        else:
            return
        book = self._books[exchange, uid]
        held = book.bought + self._given.get(book.account_id, ZERO)
        sold, widowed = book.sold, book.widowed
        if isinstance(event, OrderTraded) and sold > held + widowed:
            self._blame("P2 never oversold", f"{book.account_id} has sold {sold} of {held}")
        if max(book.stops, book.targets) + sold > held + widowed:
            may = f"stops {book.stops}, targets {book.targets}, sold {sold}"
            self._blame("P2 never oversold", f"{book.account_id} holds {held} and may sell more: {may}")
        if self.prompt:
            bare = held - sold - book.stops - self._denied.get(book.account_id, ZERO)
            self._watch_bare(book, bare, event.ts_ms)

    def _watch_bare(self, book: Book, bare: Decimal, now_ms: int) -> None:
        """Of every purchase, what could not be sold by itself may stay bare."""
        instrument, last = self._instruments[book.venue.exchange], book.venue.server.exchange.markets[SYMBOL].last
        purchases = sum(order.side == "BUY" and bool(order.cum_qty) for order in book.orders)
        if not instrument.sellable(instrument.floor_qty(bare / max(purchases, 1)), last * Decimal("0.9")):
            self._bare_since_ms.pop(book.account_id, None)
            return
        since_ms = self._bare_since_ms.setdefault(book.account_id, now_ms)
        lanes_ms = LANE_MS * len(book.triggers) if book.venue.exchange is Exchange.GATEIO else 0
        if now_ms - since_ms > REACTION_MS + lanes_ms:
            self._blame("P1 protected", f"{book.account_id} held {bare} bare for {now_ms - since_ms} ms")

    def prove(self, records: Sequence[Record], schema: Schema) -> None:
        """Decide everything on the topics again: the same words and the same brackets come out (P4, P5).

        What was sold is judged above, by the exchange: there two legs that nothing links may both execute.
        """
        stored = [
            Stored(bracket.bracket_id, bracket.version, orjson.loads(encode(bracket)))
            for bracket in brackets_of(schema)
        ]
        report = audited(records, DEFAULT_POLICY, Window(), stored, _LONG_MS)
        for each in report["violations"]:
            if each["invariant"] != P2:
                what = f"audit: {each['bracket_id']} {each['kind']}: {each['what']} {each['detail']}"
                self._blame(each["invariant"], what)
        for each in report["ledger"]:
            self._blame("P5 explainable", f"audit: {each['bracket_id']}: {each['difference']}")

    def _blame(self, promise: str, what: str) -> None:
        self.violations.append(Violation(promise, what))

    # -- at rest ----------------------------------------------------------------------------------------------------

    def restless(self, schema: Schema, intents: Iterable[IntentBase]) -> list[str]:
        """What is still under way; nothing when the history has come to rest."""
        waiting = [f"the outbox holds {len(schema.outbox)} messages"] if schema.outbox else []
        decided = {key[1] for key in schema.intents}
        waiting += [f"{intent.intent_id} is not decided" for intent in intents if intent.intent_id not in decided]
        for bracket in brackets_of(schema):
            flight = [order.client_order_id for order in bracket.orders if order.live and not order.confirmed]
            if flight:
                waiting.append(f"in flight: {', '.join(flight)}")
            elif (wake_ms := next_wake_ms(bracket)) is not None and wake_ms - bracket.now_ms < _LONG_MS:
                waiting.append(f"{bracket.bracket_id} ({bracket.state}) waits for {wake_ms - BEGIN_MS} ms")
        return waiting

    def conclude(self, schema: Schema) -> None:
        """The history is over: compare the ledger with the exchanges."""
        brackets = brackets_of(schema)
        for bracket in brackets:
            self._conclude_bracket(bracket)
        for book in self._books.values():
            mine = [each for each in brackets if each.account_id == book.account_id]
            self._conclude_book(book, mine, schema.orders)

    def _conclude_bracket(self, bracket: Bracket) -> None:
        book = next(book for book in self._books.values() if book.account_id == bracket.account_id)
        if bracket.unprotected_qty > 0:
            self._blame("P1 protected", f"{bracket.bracket_id} keeps {bracket.unprotected_qty} unprotected")
        for order in bracket.orders:
            if order.sent:
                self._compare(book, order)

    def _compare(self, book: Book, order: LedgerOrder) -> None:
        name = order.client_order_id
        found = book.named(name)
        if len(found) > 1:
            self._blame("P3 never doubled", f"{len(found)} orders on the exchange are called {name}")
        live, cum_qty = _truth_of(book, order, found)
        if cum_qty != order.filled_qty:
            self._blame("P4 nothing lost", f"{name} traded {cum_qty}, the ledger knows {order.filled_qty}")
        if live != order.live:
            self._blame("P4 nothing lost", f"{name} is {'open' if live else 'over'}, the ledger says {order.status}")

    def _conclude_book(self, book: Book, brackets: list[Bracket], recorded: Mapping[str, Row]) -> None:
        known = {order.client_order_id: order for bracket in brackets for order in bracket.orders}
        # A bracket lets go of its oldest exits that sold nothing; the ledger keeps every order.
        seen = {row["exchange_order_id"] for row in recorded.values() if row["account_id"] == book.account_id}
        for placed in book.orders:
            name = placed.client_order_id.removeprefix("t-")
            if ids.parse(name) is not None and name not in recorded:
                self._blame("P4 nothing lost", f"{name} is on the exchange and not in the ledger")
        for trigger in book.triggers:
            ended = not trigger.is_armed and trigger.order is None
            if not ended and trigger.client_id not in known and not _ids_of(trigger) & seen:
                self._blame("P4 nothing lost", f"trigger {trigger.order_id} is on the exchange and not in the ledger")
        held = book.bought + sum((each.given_qty for each in brackets), ZERO)
        spoken_for = sum((each.dust_qty + each.missing_qty + each.released_qty for each in brackets), ZERO)
        if CAPABILITIES[book.venue.exchange].exit_style is ExitStyle.HELD_STOP:
            spoken_for += sum((each.guarded_qty for each in brackets), ZERO) - book.stops
        bare = held - book.sold - book.stops - spoken_for
        if bare > self._instruments[book.venue.exchange].lot_size * max(len(brackets), 1):
            self._blame("P1 protected", f"{book.account_id} holds {bare} that nothing covers and nobody declares")


def _is_stop(trigger: Trigger) -> bool:
    """By our id where the exchange keeps it: a stop that came too late waits for the price to rise through it."""
    key = ids.parse(trigger.client_id)
    return not trigger.rises if key is None else key.leg is ids.Leg.STOP_LOSS


def _ids_of(trigger: Trigger) -> set[str]:
    """What our facts may call a trigger: by its number, as Gate.io's connector marks it, or by its child's."""
    numbers = [trigger.order_id] + ([] if trigger.order is None else [trigger.order.order_id])
    return {f"{mark}{number}" for number in numbers for mark in ("", "po-")}


def brackets_of(schema: Schema) -> list[Bracket]:
    """Every bracket of the ledger, as committed."""
    return [decode(row["doc"].encode(), Bracket) for row in schema.brackets.values()]


def _truth_of(book: Book, order: LedgerOrder, found: list[Order]) -> tuple[bool, Decimal]:
    """Whether it is open on the exchange, and what it traded."""
    live, cum_qty = any(each.is_open for each in found), sum((each.cum_qty for each in found), ZERO)
    for trigger in book.triggers:
        child = trigger.order
        if trigger.client_id == order.client_order_id or order.exchange_order_id in _ids_of(trigger):
            live = live or trigger.is_armed or (child is not None and child.is_open)
            cum_qty += ZERO if child is None else child.cum_qty
    return live, cum_qty
