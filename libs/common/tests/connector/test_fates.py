"""Another service asks what became of an order: one look, and "not there" is proof only when it can be."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.codec import encode
from common.commands import QueryOrder, SubmitOrder
from common.connector.facts import FactPublisher
from common.connector.fates import Fates, question_of
from common.connector.lookups import Lookups
from common.connector.ports import (
    Call,
    FateKind,
    HttpRequest,
    OrderAbsent,
    OrderFound,
    OrderQuestion,
    OrderRef,
    Unknown,
)
from common.connector.rates import Priority
from common.connector.settling import Settler
from common.connector.trail import Trails
from common.errors import Refused
from common.exchanges import Exchange
from common.orders import OrderSnapshot, OrderStatus, OrderType, Side
from common.testing.connector import FakeExchange, MemoryBus

REF = OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="mine")
PROOF_MS = 10_000
ASKING = QueryOrder(
    command_id="q",
    bracket_id="b",
    account_id="a",
    exchange=Exchange.BINANCE,
    symbol="BTCUSDT",
    ts_init_ms=0,
    valid_until_ms=1,
    client_order_id="mine",
    submitted_ms=0,
)


class Answers:
    """A dialect whose questions are answered as the test says."""

    exchange = Exchange.BINANCE

    def __init__(self) -> None:
        self.order: Any = OrderAbsent("-2013")
        self.asked: list[str] = []

    def fetch_order(self, ref: OrderRef) -> Call[Any]:
        return self._call("order", self.order)

    def fetch_my_trades(self, account_id: str, symbol: str, **_: Any) -> Call[Any]:
        return self._call("trades", ())

    def _call(self, what: str, answer: Any) -> Call[Any]:
        self.asked.append(what)
        return Call(HttpRequest(method="GET", path=f"/{what}", signed=True, read=True), lambda reply, now_ms: answer)


class Desk:
    """The parts around the questions."""

    def __init__(self, exchange: FakeExchange) -> None:
        answers: Any = Answers()
        self.answers: Answers = answers
        self.accounts = frozenset({"a"})
        facts, trails = FactPublisher(MemoryBus(), Exchange.BINANCE, "test"), Trails()
        lookups = Lookups(answers, exchange.client, exchange.clock, Priority.RECOVERY)
        self.settler = Settler(Exchange.BINANCE, lookups, facts, trails, exchange.clock, proof_ms=PROOF_MS)
        self.fates = Fates(self.settler, lookups, lookups, self, exchange.clock)


@pytest.fixture
def desk(exchange: FakeExchange) -> Desk:
    return Desk(exchange)


def asked(exchange: FakeExchange, ago_ms: int = 0) -> OrderQuestion:
    return OrderQuestion(ref=REF, submitted_ms=exchange.clock.now_ms() - ago_ms)


async def test_an_order_that_is_there_is_told_with_what_it_looks_like(desk: Desk, exchange: FakeExchange) -> None:
    now_ms = exchange.clock.now_ms()
    order = OrderSnapshot(
        account_id="a", exchange=Exchange.BINANCE, symbol="BTCUSDT", client_order_id="mine",
        status=OrderStatus.NEW, ts_event_ms=now_ms, ts_init_ms=now_ms,
    )  # fmt: skip
    desk.answers.order = OrderFound(order)
    fate = await desk.fates.of(asked(exchange))
    assert (fate.kind, fate.facts) == (FateKind.FOUND, (order,))


@pytest.mark.parametrize(
    ("ago_ms", "kind", "questions"),
    [(PROOF_MS - 1, FateKind.ABSENT, ["order"]), (PROOF_MS, FateKind.NEVER_ARRIVED, ["order", "trades"])],
)
async def test_not_there_is_proof_only_when_it_can_no_longer_arrive_and_no_trade_shows_it(
    desk: Desk, exchange: FakeExchange, ago_ms: int, kind: FateKind, questions: list[str]
) -> None:
    assert (await desk.fates.of(asked(exchange, ago_ms))).kind is kind
    assert desk.answers.asked == questions


async def test_no_usable_answer_is_told_as_such(desk: Desk, exchange: FakeExchange) -> None:
    desk.answers.order = Unknown("timeout", "no answer in time")
    fate = await desk.fates.of(asked(exchange, PROOF_MS))
    assert (fate.kind, fate.code) == (FateKind.UNCLEAR, "timeout")


async def test_an_order_that_is_being_asked_about_is_not_asked_about_twice(desk: Desk, exchange: FakeExchange) -> None:
    desk.settler.settle((REF,), ASKING, submitted_ms=exchange.clock.now_ms(), causation_id=None, correlation_id=None)
    fate = await desk.fates.of(asked(exchange))
    await desk.settler.stop()
    assert fate.kind is FateKind.SETTLING
    assert desk.answers.asked == []


async def test_an_order_known_by_its_terms_alone_is_told_only_where_it_was_placed(
    desk: Desk, exchange: FakeExchange
) -> None:
    stop = SubmitOrder(
        command_id="c", bracket_id="b", account_id="a", exchange=Exchange.GATEIO, symbol="BTCUSDT", ts_init_ms=0,
        valid_until_ms=1, client_order_id="mine", side=Side.SELL, order_type=OrderType.STOP_LOSS, qty=Decimal(1),
    )  # fmt: skip
    question = OrderQuestion(ref=msgspec.structs.replace(REF, terms=stop), submitted_ms=exchange.clock.now_ms())
    desk.accounts = frozenset()
    assert (await desk.fates.of(question)).kind is FateKind.UNCLEAR
    assert desk.answers.asked == []


def a_body(ref: OrderRef) -> bytes:
    return encode(OrderQuestion(ref=ref, submitted_ms=1))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "body"),
        (a_body(OrderRef(account_id="b", symbol="BTCUSDT", client_order_id="x")), "ref.account_id"),
        (a_body(OrderRef(account_id="a", symbol="BTCUSDT")), "ref"),
    ],
)
def test_a_question_that_cannot_be_asked_names_its_fault(body: bytes, field: str) -> None:
    with pytest.raises(Refused) as refused:
        question_of(body, "a")
    assert refused.value.field == field
