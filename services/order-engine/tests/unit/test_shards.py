"""The shards of an engine, on a ledger in memory that can lose a commit or its answer; nothing is published."""

import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.bus.errors import ShardLost
from common.bus.messages import Outgoing, Record, rfc3339
from common.bus.publisher import Publisher
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, Topic
from common.clock import FixedClock
from common.codec import decode, encode
from common.commands import QueryOrder
from common.db.leases import Lease
from common.db.offsets import Offsets
from common.errors import Unavailable
from common.exchanges import Exchange
from common.intents import CancelOrderIntent, PlaceOrder
from common.orders import (
    ORDER_FACTS,
    ListStatus,
    OrderAccepted,
    OrderFilled,
    OrderStatus,
    OrderType,
    OrderUnknown,
    type_of_class,
)
from common.protection import BracketDenied, BracketNoted, BracketOpened, StopLatched
from order_engine import batch
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.events import Event
from order_engine.opening import algo_orders_kept
from order_engine.policy import DEFAULT_POLICY, Policy
from order_engine.shards import Shards
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_fact, a_plan, an_entry_fill, an_exits_intent, an_intent
from order_engine.testing.ledger import Lost, MemoryLedger


class SilentBroker(Publisher):
    """Leaves everything to the relay, so that the outbox shows what was decided."""

    def __init__(self) -> None:
        """It connects to nothing."""
        self.heard: list[str] = []

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.heard += [message.ce_type for message in messages]
        raise Unavailable("the broker")


class Positions(Offsets):
    """The positions that the ledger was given; knows whether they have been forgotten."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.forgotten = False
        self._ledger = ledger

    async def positions(self, shard: int) -> dict[tuple[str, int], int]:
        return {(topic, shard): offset for topic, offset in self._ledger.positions.items()}

    async def forget(self, shard: int) -> None:
        self.forgotten = True


class Bench:
    """An engine with one shard."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.clock = FixedClock(NOW_MS)
        self.positions = Positions(self.ledger)
        self.broker = SilentBroker()
        self.shards = Shards(self.ledger, self.positions, self.broker, self.clock, DEFAULT_POLICY, tick_ms=1)
        self._offset = 0

    async def start(self) -> None:
        await self.shards.gain(Lease("order-engine", 0, "engine", 1, time.monotonic() + 60))

    async def handle(self, *records: Record) -> None:
        await self.shards.handle(0, records)

    async def open(self, intent: PlaceOrder) -> Bracket:
        """The bracket the intent opens."""
        self._offset += 1
        await self.handle(a_record(ORDER_INTENTS, self._offset, intent))
        return next(b for b in self.memory.values() if b.intent_id == intent.intent_id)

    @property
    def memory(self) -> dict[str, Bracket]:
        return self.shards.owned[0].brackets

    def sent(self, ce_type: str) -> list[Outgoing]:
        return [message for message in self.ledger.outbox.values() if message.ce_type == ce_type]


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.start()
    return bench


def a_record(topic: Topic, offset: int, message: Any, *, at_ms: int = NOW_MS) -> Record:
    """A message as the broker hands it over."""
    headers = {"ce_id": f"{topic.name}-{offset}", "ce_time": rfc3339(at_ms)}
    return Record(topic.name, 0, offset, at_ms, message.account_id, encode(message), headers, fresh=True)


def a_fill(bracket: Bracket) -> OrderFilled:
    """The whole entry, at 100,000."""
    return an_entry_fill(bracket, avg_px=Decimal(100_000), trade_id="trade-1", fee_asset="USDT")


def a_cancel(bracket: Bracket) -> CancelOrderIntent:
    """The user's word to cancel the entry."""
    assert bracket.entry is not None
    return CancelOrderIntent(
        intent_id="cancel-1",
        user_id=bracket.user_id,
        account_id=bracket.account_id,
        exchange=bracket.exchange,
        symbol=bracket.symbol,
        ts_init_ms=NOW_MS,
        valid_until_ms=NOW_MS + 30_000,
        client_order_id=bracket.entry.client_order_id,
    )


async def wake(bench: Bench, after_ms: int) -> None:
    """Let time pass, and the timers of the shard see it once."""
    bench.clock.advance(after_ms)
    await bench.shards.wake(bench.shards.owned[0])


async def test_a_timer_never_moves_the_offset_behind_a_batch_that_failed(bench: Bench) -> None:
    bracket = await bench.open(an_intent())
    await bench.open(an_intent(intent_id="intent-9"))
    bench.ledger.loses = Lost.STATEMENT
    with pytest.raises(Unavailable):
        await bench.handle(a_record(ORDER_EVENTS, 7, a_fill(bracket)))
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    assert bench.sent("command.query_order")
    assert ORDER_EVENTS.name not in bench.ledger.positions  # Else nobody would ever read the fill again.


@pytest.mark.parametrize("lost", [None, Lost.ANSWER])
async def test_a_timer_says_between_which_facts_it_came(bench: Bench, lost: Lost | None) -> None:
    bracket = await bench.open(an_intent())
    bench.ledger.loses = lost
    with pytest.raises(Unavailable) if lost else nullcontext():
        await bench.handle(a_record(ORDER_EVENTS, 4, a_fill(bracket)))
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    (noted,) = bench.sent("bracket.noted")
    assert decode(noted.value or b"", BracketNoted).read_to == 4


async def test_records_that_change_nothing_are_passed_with_the_next_commit(bench: Bench) -> None:
    bracket = await bench.open(an_intent())
    repeated = a_record(ORDER_INTENTS, 5, an_intent())
    await bench.handle(repeated)
    assert bench.ledger.positions == {ORDER_INTENTS.name: 2}
    await bench.handle(a_record(ORDER_EVENTS, 0, a_fill(bracket)))
    assert bench.ledger.positions == {ORDER_INTENTS.name: 6, ORDER_EVENTS.name: 1}


async def test_a_commit_whose_answer_was_lost_leaves_memory_and_ledger_the_same(bench: Bench) -> None:
    bracket = await bench.open(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)))
    cancel = a_record(ORDER_INTENTS, 2, a_cancel(bracket))
    bench.ledger.loses = Lost.ANSWER
    with pytest.raises(Unavailable):
        await bench.handle(cancel)
    await bench.handle(cancel)
    assert bench.memory[bracket.bracket_id] == bench.ledger.bracket(bracket.bracket_id)
    # The order filled meanwhile: the ids of its exits must not be those of the cancel.
    await bench.handle(a_record(ORDER_EVENTS, 0, a_fill(bracket)))
    assert len(bench.sent("command.submit_order_list")) == 2


@pytest.mark.parametrize(("lost", "told_at_once"), [(Lost.ANSWER, True), (Lost.STATEMENT, False)])
async def test_what_a_commit_called_for_leaves_as_soon_as_it_is_known_to_be_durable(
    bench: Bench, lost: Lost, told_at_once: bool
) -> None:
    bracket = await bench.open(an_intent())
    bench.ledger.loses = lost
    with pytest.raises(Unavailable):
        await bench.handle(a_record(ORDER_EVENTS, 0, a_fill(bracket)))
    await bench.shards.stop()
    assert "command.submit_order_list" not in bench.broker.heard, "it may not have happened"
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    await bench.shards.stop()
    assert ("command.submit_order_list" in bench.broker.heard) is told_at_once


async def test_a_batch_whose_answer_was_lost_is_not_decided_twice(bench: Bench) -> None:
    bracket = await bench.open(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)))
    assert bracket.entry is not None
    accepted = a_fact(OrderAccepted, bracket.entry, bracket, status=OrderStatus.NEW)
    unknown = a_fact(OrderUnknown, bracket.entry, bracket, code="timeout")
    batch = [a_record(ORDER_EVENTS, offset, fact) for offset, fact in enumerate((accepted, unknown))]
    bench.ledger.loses = Lost.ANSWER
    with pytest.raises(Unavailable):
        await bench.handle(*batch)
    decided = bench.ledger.bracket(bracket.bracket_id)
    await bench.handle(*batch)
    assert bench.ledger.bracket(bracket.bracket_id) == bench.memory[bracket.bracket_id] == decided
    assert bench.ledger.positions[ORDER_EVENTS.name] == 2


async def test_a_timer_decides_on_what_the_ledger_holds_after_an_answer_was_lost(bench: Bench) -> None:
    bracket = await bench.open(an_intent())
    bench.ledger.loses = Lost.ANSWER
    with pytest.raises(Unavailable):
        await bench.handle(a_record(ORDER_EVENTS, 0, a_fill(bracket)))
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    assert bench.memory[bracket.bracket_id] == bench.ledger.bracket(bracket.bracket_id)
    entry = bench.memory[bracket.bracket_id].entry
    assert entry is not None
    assert entry.filled_qty == Decimal("0.01")


async def test_an_intent_whose_commit_was_ambiguous_is_watched_by_timers(bench: Bench) -> None:
    intent = a_record(ORDER_INTENTS, 0, an_intent())
    bench.ledger.loses = Lost.ANSWER
    with pytest.raises(Unavailable):
        await bench.handle(intent)
    await bench.handle(intent)
    assert list(bench.memory) == list(bench.ledger.docs)
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    assert len(bench.sent("command.query_order")) == 1


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Brackets that meet a defect whenever they are decided."""
    ids: set[str] = set()

    def decided(bracket: Bracket, event: Event, policy: Policy) -> Any:
        assert bracket.bracket_id not in ids, "a defect that this bracket alone meets"
        return decide(bracket, event, policy)

    monkeypatch.setattr(batch, "decide", decided)
    return ids


async def test_a_bracket_that_cannot_be_decided_does_not_stop_the_timers_of_others(
    bench: Bench, poison: set[str]
) -> None:
    broken = await bench.open(an_intent())
    sound = await bench.open(an_intent(intent_id="intent-9"))
    poison.add(broken.bracket_id)
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    assert [decode(m.value or b"", QueryOrder).bracket_id for m in bench.sent("command.query_order")] == [
        sound.bracket_id
    ]
    assert bench.shards.owned[0].parked == {broken.bracket_id}


async def test_a_parked_bracket_is_woken_again_after_its_next_fact(bench: Bench, poison: set[str]) -> None:
    broken = await bench.open(an_intent())
    poison.add(broken.bracket_id)
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    poison.clear()
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    assert not bench.sent("command.query_order")
    await bench.handle(a_record(ORDER_EVENTS, 0, a_fill(broken)))
    await wake(bench, DEFAULT_POLICY.ask_after_ms)
    assert bench.sent("command.query_order")


def latched(bench: Bench) -> list[str]:
    return [decode(m.value or b"", StopLatched).bracket_id for m in bench.sent("protection.stop_latched")]


async def held_on_mexc(bench: Bench, intent_id: str = "intent-1", offset: int = 0) -> Bracket:
    """A bracket whose stop the engine holds."""
    mexc = msgspec.structs.replace(BTCUSDT, exchange=Exchange.MEXC, max_algo_orders=0)
    plan = a_plan(take_profit_type=OrderType.LIMIT)
    bracket = await bench.open(an_intent(intent_id=intent_id, exchange=Exchange.MEXC, instrument=mexc, plan=plan))
    await bench.handle(a_record(ORDER_EVENTS, offset, a_fill(bracket)))
    return bracket


async def test_a_bracket_that_cannot_be_decided_does_not_keep_a_price_from_others(
    bench: Bench, poison: set[str]
) -> None:
    brackets = [await held_on_mexc(bench, name, n) for n, name in enumerate(("intent-1", "intent-9"))]
    poison.add(brackets[0].bracket_id)
    await bench.shards.see_price(Exchange.MEXC, "BTCUSDT", Decimal(94_000), "price-1", NOW_MS + 1)
    assert latched(bench) == [brackets[1].bracket_id]


@pytest.mark.parametrize("lost", list(Lost))
async def test_a_price_that_reached_a_held_stop_counts_although_it_could_not_be_written(
    bench: Bench, lost: Lost
) -> None:
    bracket = await held_on_mexc(bench)
    bench.ledger.loses = lost
    await bench.shards.see_price(Exchange.MEXC, "BTCUSDT", Decimal(94_000), "price-1", bench.clock.now_ms())
    await bench.shards.see_price(Exchange.MEXC, "BTCUSDT", Decimal(96_000), "price-2", bench.clock.now_ms())
    await wake(bench, 1_000)
    assert latched(bench) == [bracket.bracket_id]


async def test_a_price_seen_by_whoever_lost_the_shard_counts_when_it_comes_back(bench: Bench) -> None:
    await held_on_mexc(bench)
    bench.ledger.refuses = ShardLost
    await bench.shards.see_price(Exchange.MEXC, "BTCUSDT", Decimal(94_000), "price-1", bench.clock.now_ms())
    bench.ledger.refuses = None
    bench.shards.lose(0)
    await bench.start()
    await wake(bench, 1_000)
    assert bench.sent("protection.stop_latched")


async def test_a_price_that_is_a_minute_old_sells_nothing(bench: Bench) -> None:
    await held_on_mexc(bench)
    bench.ledger.refuses = Unavailable
    await bench.shards.see_price(Exchange.MEXC, "BTCUSDT", Decimal(94_000), "price-1", bench.clock.now_ms())
    for _ in range(3):
        await wake(bench, 20_000)
    bench.ledger.refuses = None
    await wake(bench, 1_000)
    assert not bench.sent("protection.stop_latched")


async def test_a_reset_that_loses_its_shard_half_way_is_done_by_the_next_owner(bench: Bench) -> None:
    await bench.open(an_intent())
    bench.ledger.refuses = ShardLost
    with pytest.raises(ShardLost):
        await bench.shards.broker_reset(0)
    assert not bench.positions.forgotten  # By the old positions the next owner knows that it has to ask.


async def test_a_reset_asks_about_every_order_and_keeps_no_old_position(bench: Bench) -> None:
    await bench.open(an_intent())
    await bench.handle(a_record(ORDER_INTENTS, 5, an_intent()))
    await bench.shards.broker_reset(0)
    assert bench.positions.forgotten
    assert bench.sent("command.query_order")
    bench.ledger.positions.clear()
    await wake(bench, DEFAULT_POLICY.ask_ceiling_ms)
    assert not bench.ledger.positions


async def test_an_intent_read_after_its_validity_is_denied(bench: Bench) -> None:
    bench.clock.advance(3_600_000)
    await bench.handle(a_record(ORDER_INTENTS, 0, an_exits_intent()))
    assert not bench.memory
    denied = [decode(message.value or b"", BracketDenied).code for message in bench.sent("bracket.denied")]
    assert denied == ["intent_expired"]


def test_only_what_confirms_an_order_may_wait_for_others() -> None:
    def said(ce_type: str) -> Record:
        return Record(ORDER_EVENTS.name, 0, 1, NOW_MS, "account", b"", {"ce_type": ce_type})

    patient = {each for each in ORDER_FACTS if batch.is_patient(said(type_of_class(each)))}
    assert patient == {OrderAccepted, ListStatus}
    assert not batch.is_patient(said("cgt.place-order.v1"))


def by_market(brackets: Iterable[Bracket]) -> dict[tuple[str, str], dict[str, int]]:
    """What the shard keeps by account and symbol, from a look through all of its brackets."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for each in brackets:
        found.setdefault((each.account_id, each.symbol), {})[each.bracket_id] = algo_orders_kept(each)
    return found


async def test_what_is_promised_to_an_account_is_counted_without_a_look_at_anybody_else(bench: Bench) -> None:
    roomy = msgspec.structs.replace(BTCUSDT, max_algo_orders=50)

    def intent(offset: int, name: str, **fields: Any) -> Record:
        return a_record(ORDER_INTENTS, offset, an_intent(intent_id=name, instrument=roomy, **fields))

    await bench.handle(intent(1, "first"), intent(2, "second"))
    await bench.handle(intent(3, "of another", account_id="another"), intent(4, "third"))
    opened = [decode(message.value or b"", BracketOpened) for message in bench.sent("bracket.opened")]
    promised = {fact.intent_id: fact.algo_orders_in_use for fact in opened}
    assert promised == {"first": 0, "second": 2, "of another": 0, "third": 4}


async def test_a_bracket_that_is_closed_promises_nothing_any_more(bench: Bench) -> None:
    shard, first = bench.shards.owned[0], await bench.open(an_intent())
    await bench.open(an_intent(intent_id="intent-2"))
    for offset, fact in enumerate((a_fill(first), a_cancel(first))):
        await bench.handle(a_record(ORDER_EVENTS if offset == 0 else ORDER_INTENTS, 10 + offset, fact))
        assert {where: market.kept for where, market in shard.markets.items()} == by_market(bench.memory.values())
    ended = msgspec.structs.replace(
        first, closed_reason="done", entry=None, exits=(), alarm_at_ms=None, protect_at_ms=None
    )
    shard.keep(ended)
    assert first.bracket_id not in bench.memory
    assert {where: market.kept_total for where, market in shard.markets.items()} == {("account-1", "BTCUSDT"): 2}


async def test_an_emptied_brokers_records_are_decided_whatever_the_old_ones_offsets_were(bench: Bench) -> None:
    bracket = await bench.open(an_intent(order_type=OrderType.LIMIT, price=Decimal(100_000)))
    assert bracket.entry is not None
    bench.ledger.loses = Lost.ANSWER
    accepted = a_fact(OrderAccepted, bracket.entry, bracket, status=OrderStatus.NEW)
    with pytest.raises(Unavailable):
        await bench.handle(a_record(ORDER_EVENTS, 7, accepted))
    await bench.shards.broker_reset(0)
    bench.ledger.positions.clear()
    await bench.handle(a_record(ORDER_EVENTS, 0, a_fill(bracket)))
    assert bench.memory[bracket.bracket_id].held_qty > 0
