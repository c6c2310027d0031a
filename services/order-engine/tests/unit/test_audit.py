"""The audit finds nothing in a history as it happened, and finds whatever was taken out of it or changed in it."""

import dataclasses
from decimal import Decimal

import msgspec
import orjson
import pytest

from common.bus.messages import Record
from common.bus.topics import ORDER_EVENTS, PROTECTION_EVENTS, market_data, order_commands
from common.codec import encode
from common.commands import CommandBase
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderFact, OrderStatus, OrderType
from order_engine.audit.report import Json, Stored, Window, as_bytes, audited, is_clean
from order_engine.decide import next_wake_ms
from order_engine.events import CancelAllWanted, Observed, PriceSeen, Ticked
from order_engine.policy import DEFAULT_POLICY
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, a_fill, an_entry_fill, an_intent
from order_engine.testing.model_exchange import ModelExchange
from order_engine.testing.tape import Tape

ALWAYS = Window()
MEXC_BTCUSDT = msgspec.structs.replace(BTCUSDT, exchange=Exchange.MEXC, max_algo_orders=0, oco_allowed=False)


class Trade:
    """A market buy: filled in two parts, protected, its first target taken, the rest stopped."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.exchange = ModelExchange("account-1")
        self.tape = Tape(an_intent(), now_ms=NOW_MS)
        self._carry_out(self.tape.effects)
        entry = self.tape.bracket.entry
        assert entry is not None
        self.hear(self.exchange.fill(entry.client_order_id, Decimal("0.004")))
        self.hear(self.exchange.fill(entry.client_order_id, Decimal("0.006")))
        self.wait()
        self.sell("LIMIT_MAKER")
        while self.exchange.open_orders():
            self.sell("STOP_LOSS")

    def hear(self, facts: list[OrderFact]) -> None:
        for fact in facts:
            self.now_ms += 3
            self._carry_out(self.tape.play(Observed(cause="", now_ms=self.now_ms, fact=fact)))

    def wait(self) -> None:
        """Time passes until the bracket waits for facts alone (but for questions far ahead)."""
        while (wake_ms := next_wake_ms(self.tape.bracket)) is not None and wake_ms < self.now_ms + 1_000:
            self.now_ms = max(self.now_ms, wake_ms)
            self._carry_out(self.tape.play(Ticked(cause="", now_ms=self.now_ms)))

    def sell(self, order_type: str) -> None:
        order = next(each for each in self.exchange.open_orders() if each.order_type.value == order_type)
        self.hear(self.exchange.fill(order.client_order_id, order.qty))

    def _carry_out(self, effects: tuple[object, ...]) -> None:
        for command in effects:
            if isinstance(command, CommandBase):
                self.hear(self.exchange.handle(command, self.now_ms))  # type: ignore[arg-type]

    @property
    def stored(self) -> list[Stored]:
        bracket = self.tape.bracket
        return [Stored(bracket.bracket_id, bracket.version, orjson.loads(encode(bracket)))]


@pytest.fixture(scope="module")
def trade() -> Trade:
    return Trade()


def test_a_history_as_it_happened_is_clean(trade: Trade) -> None:
    report = audited(trade.tape.records, DEFAULT_POLICY, ALWAYS, trade.stored)
    assert is_clean(report), report["violations"] or report["ledger"]
    assert report["brackets"] == 1
    assert report["units"]["filled"] >= 2
    assert report["units"]["never_protected"] == 0
    assert report["units"]["bare_ms"]["max"] > 0
    assert sum(Decimal(unit["qty"]) for unit in report["units"]["each"]) == trade.tape.bracket.received_qty


def test_the_same_input_gives_the_same_bytes(trade: Trade) -> None:
    first, second = (audited(trade.tape.records, DEFAULT_POLICY, ALWAYS, trade.stored) for _ in range(2))
    assert as_bytes(first) == as_bytes(second)
    assert first["digest"] == second["digest"]


def test_every_message_of_the_engine_that_is_deleted_is_reported(trade: Trade) -> None:
    said = {PROTECTION_EVENTS.name, order_commands("binance").name}
    deleted = [record for record in trade.tape.records if record.topic in said]
    assert len(deleted) > 8
    for gone in deleted:
        rest = [record for record in trade.tape.records if record is not gone]
        report = audited(rest, DEFAULT_POLICY, ALWAYS, trade.stored)
        assert ("missing", gone.ce_id) in {(each["kind"], each["what"]) for each in report["violations"]}


def test_every_price_that_is_altered_is_reported(trade: Trade) -> None:
    altered = 0
    for number, record in enumerate(trade.tape.records):
        for name, value in orjson.loads(record.value or b"{}").items():
            if name.endswith("px") and name != "reference_px" and isinstance(value, str):
                body = orjson.loads(record.value or b"{}") | {name: str(Decimal(value) + 1)}
                records = list(trade.tape.records)
                records[number] = _with_value(record, orjson.dumps(body))
                assert not is_clean(audited(records, DEFAULT_POLICY, ALWAYS, trade.stored)), (record.ce_id, name)
                altered += 1
    assert altered > 5


def test_a_fact_that_is_deleted_is_reported(trade: Trade) -> None:
    fills = [record for record in trade.tape.records if b"order.filled" in (record.value or b"")]
    for gone in fills:
        rest = [record for record in trade.tape.records if record is not gone]
        assert not is_clean(audited(rest, DEFAULT_POLICY, ALWAYS, trade.stored))


def test_a_message_published_twice_is_no_difference(trade: Trade) -> None:
    said = [record for record in trade.tape.records if record.topic == PROTECTION_EVENTS.name]
    assert is_clean(audited([*trade.tape.records, *said], DEFAULT_POLICY, ALWAYS, trade.stored))


def test_a_bracket_that_is_stored_differently_is_reported(trade: Trade) -> None:
    bracket = msgspec.structs.replace(trade.tape.bracket, missing_qty=Decimal("0.001"))
    stored = [Stored(bracket.bracket_id, bracket.version, orjson.loads(encode(bracket)))]
    (difference,) = audited(trade.tape.records, DEFAULT_POLICY, ALWAYS, stored)["ledger"]
    assert "missing_qty" in difference["difference"]


def test_a_stored_bracket_that_no_topic_knows_is_reported(trade: Trade) -> None:
    report = audited([], DEFAULT_POLICY, ALWAYS, trade.stored)
    assert report["ledger"] == [
        {"bracket_id": trade.tape.bracket.bracket_id, "difference": "the topics do not hold what opened it"}
    ]


def test_bytes_that_nobody_can_read_are_reported(trade: Trade) -> None:
    records = [*trade.tape.records, _with_value(trade.tape.records[-1], b"{")]
    (violation,) = audited(records, DEFAULT_POLICY, ALWAYS, trade.stored)["violations"]
    assert violation["kind"] == "unreadable"


def test_a_window_counts_only_what_was_filled_within_it(trade: Trade) -> None:
    before = audited(trade.tape.records, DEFAULT_POLICY, Window(0, NOW_MS), trade.stored)
    assert before["units"]["filled"] == 0
    assert before["brackets"] == 1


def test_what_happened_between_two_facts_of_one_millisecond_is_decided_between_them() -> None:
    tape = Tape(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)), now_ms=NOW_MS)
    entry = tape.bracket.entry
    assert entry is not None
    for n, qty in enumerate(("0.00002", "0.00001", "0.00001")):  # Too little for any exit: nothing else is said.
        fill = a_fill(entry, tape.bracket, qty, cum_qty=None, trade_id=str(n))
        tape.play(Observed(cause="", now_ms=NOW_MS + 1_000 * n, fact=fill))
        tape.play(Ticked(cause="", now_ms=NOW_MS + 1_000 * (n + 1)))
    assert tape.bracket.version == 7
    assert is_clean(_report(tape))


def test_what_its_user_takes_back_without_a_word_of_ours_is_heeded() -> None:
    tape = Tape(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)), now_ms=NOW_MS)
    assert tape.play(CancelAllWanted(cause="", now_ms=NOW_MS + 5)) == ()
    assert tape.bracket.version == 2
    assert is_clean(_report(tape))


def test_a_fact_told_again_under_its_id_with_more_in_it_is_decided_both_times() -> None:
    tape = Tape(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)), now_ms=NOW_MS)
    entry = tape.bracket.entry
    assert entry is not None
    accepted = a_fact(OrderAccepted, entry, tape.bracket, status=OrderStatus.NEW, exchange_order_id="1")
    for fact in (accepted, an_entry_fill(tape.bracket)):
        tape.play(Observed(cause="", now_ms=NOW_MS, fact=fact))
    once, again = (record.ce_id for record in tape.records if record.topic == ORDER_EVENTS.name)
    tape.records = [_renamed(record, again, once) for record in tape.records]
    assert is_clean(_report(tape))


@pytest.mark.parametrize("kept", [True, False], ids=["with its price", "when prices are kept no more"])
def test_a_price_that_reached_a_held_stop_is_seen_again(kept: bool) -> None:
    tape = Tape(an_intent(exchange=Exchange.MEXC, instrument=MEXC_BTCUSDT), now_ms=NOW_MS)
    entry = tape.bracket.entry
    assert entry is not None
    tape.play(Observed(cause="", now_ms=NOW_MS + 5, fact=a_fill(entry, tape.bracket, "0.01")))
    tape.play(PriceSeen(cause="", now_ms=NOW_MS + 9, px=Decimal("94999.9")))
    if not kept:
        tape.records = [record for record in tape.records if record.topic != market_data("mexc").name]
    assert is_clean(_report(tape))
    noted = next(record for record in tape.records if b"bracket.noted" in (record.value or b""))
    body = orjson.loads(noted.value or b"{}") | {"px": "94998.9"}
    records = [_with_value(noted, orjson.dumps(body)) if each is noted else each for each in tape.records]
    assert is_clean(audited(records, DEFAULT_POLICY, ALWAYS, None)) is False


def test_the_budget_that_other_brackets_left_is_the_one_it_was_opened_with() -> None:
    tape = Tape(an_intent(), now_ms=NOW_MS, algo_orders_in_use=4)
    assert tape.bracket.max_pairs == 1
    assert is_clean(_report(tape))


def test_a_fact_that_the_engine_passed_over_is_reported(trade: Trade) -> None:
    records = list(trade.tape.records)
    place, fill = next((n, each) for n, each in enumerate(records) if b"order.filled" in (each.value or b""))
    unknown = _with_value(fill, (fill.value or b"").replace(b'"trade_id":"', b'"trade_id":"9'))
    unknown = dataclasses.replace(unknown, headers={**fill.headers, "ce_id": "never-decided"})
    records.insert(place, unknown)
    found = audited(records, DEFAULT_POLICY, ALWAYS, trade.stored)["violations"]
    assert ("unheeded", "never-decided") in {(each["kind"], each["what"]) for each in found}


def _report(tape: Tape) -> Json:
    bracket = tape.bracket
    stored = Stored(bracket.bracket_id, bracket.version, orjson.loads(encode(bracket)))
    return audited(tape.records, DEFAULT_POLICY, ALWAYS, [stored])


def _with_value(record: Record, value: bytes) -> Record:
    return Record(record.topic, record.partition, record.offset, record.timestamp_ms, record.key, value, record.headers)


def _renamed(record: Record, old: str, new: str) -> Record:
    headers = {name: new if value == old else value for name, value in record.headers.items()}
    value = (record.value or b"").replace(old.encode(), new.encode())
    return dataclasses.replace(record, headers=headers, value=value)
