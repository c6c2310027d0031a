"""Facts reach the topic in order, through an outage, or the account is read again."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from common import ids
from common.accounts import AssetBalance, BalanceChanged
from common.bus.errors import MessageTooLarge
from common.bus.messages import Outgoing
from common.codec import decode
from common.connector.fact_ids import fact_id
from common.connector.facts import FactPublisher
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderFilled, OrderRejected, OrderStatus, Side
from common.testing.connector import MemoryBus


def a_fact(n: int, account_id: str = "a") -> OrderAccepted:
    return OrderAccepted(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        client_order_id=f"order-{n}",
        status=OrderStatus.NEW,
        ts_event_ms=n,
        ts_init_ms=n,
    )


def publisher(bus: MemoryBus, **options: Any) -> FactPublisher:
    return FactPublisher(bus, Exchange.BINANCE, "test", **options)


async def test_facts_go_out_in_order_and_are_acknowledged() -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    acknowledged = facts.orders([a_fact(n) for n in range(5)], correlation_id="trade")
    assert await facts.drain(5)
    assert all(each.done() for each in acknowledged)
    assert [message.ce_time_ms for message in bus.messages] == [0, 1, 2, 3, 4]
    assert {message.correlation_id for message in bus.messages} == {"trade"}


async def test_what_one_reply_tells_leaves_together_and_a_second_confirmation_stays_untold() -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    told = facts.orders([a_fact(1), a_fact(2)], causation_id="reply")
    again = facts.orders([a_fact(1)], causation_id="stream")
    assert await facts.drain(5)
    assert bus.attempts == 1
    assert len(bus.messages) == 2
    assert again == told[:1]


async def test_what_confirms_an_exit_waits_for_company_and_leaves_in_order_with_what_does_not_wait() -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    bracket = ids.bracket_id("a", "intent")
    exit_, entry = (
        msgspec.structs.replace(a_fact(n), client_order_id=ids.client_order_id(bracket, leg, n))
        for n, leg in enumerate((ids.Leg.STOP_LOSS, ids.Leg.ENTRY))
    )
    (told,) = facts.orders([exit_])
    await asyncio.sleep(0)
    assert bus.attempts == 0
    facts.orders([entry])
    await told
    assert bus.attempts == 1
    assert [message.ce_time_ms for message in bus.messages] == [0, 1]


async def test_what_waits_for_company_leaves_alone_when_none_comes() -> None:
    bus = MemoryBus()
    (told,) = publisher(bus).orders([msgspec.structs.replace(a_fact(1), list_client_order_id="list")])
    await told
    assert len(bus.messages) == 1


async def test_a_trade_is_told_again_because_a_broker_may_have_forgotten_it() -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    trade = OrderFilled(
        account_id="a", exchange=Exchange.BINANCE, symbol="BTCUSDT", trade_id="7", ts_event_ms=1, ts_init_ms=1
    )
    facts.orders([trade])
    facts.orders([trade])
    assert await facts.drain(5)
    assert len(bus.messages) == 2


async def test_an_outage_is_waited_out_and_the_order_kept(eventually: Any) -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    bus.down = True
    facts.orders([a_fact(1), a_fact(2)])
    await eventually(lambda: bus.attempts > 2)
    facts.orders([a_fact(3)])
    assert not facts.acknowledged("a")
    bus.down = False
    assert await facts.drain(5)
    assert [message.ce_time_ms for message in bus.messages] == [1, 2, 3]
    assert facts.acknowledged("a")


async def test_an_error_nobody_foresaw_loses_no_fact_and_holds_up_no_later_one(eventually: Any) -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    bus.defect = LookupError("a defect")
    facts.orders([a_fact(1), a_fact(2)])
    await eventually(lambda: bus.attempts > 2)
    facts.orders([a_fact(3)])
    bus.defect = None
    assert await facts.drain(5)
    assert [message.ce_time_ms for message in bus.messages] == [1, 2, 3]
    assert facts.acknowledged("a")


class NarrowBus(MemoryBus):
    """Takes no fact of the moment 2."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if any(message.ce_time_ms == 2 for message in messages):
            raise MessageTooLarge(messages[0].topic, 2_000_000, 1_000_000)
        await super().publish(messages)


async def test_a_fact_too_large_for_any_broker_is_given_up_and_those_around_it_are_told() -> None:
    bus = NarrowBus()
    facts = publisher(bus)
    told = facts.orders([a_fact(1), a_fact(2), a_fact(3)])
    assert await facts.drain(5)
    assert [message.ce_time_ms for message in bus.messages] == [1, 3]
    assert [each.cancelled() for each in told] == [False, True, False]
    assert facts.acknowledged("a")


async def test_one_accounts_outage_of_memory_loses_facts_on_purpose_and_asks_for_a_reading(eventually: Any) -> None:
    bus = MemoryBus()
    facts = publisher(bus, max_line=2)
    gaps = []
    facts.on_gap = lambda account_id, from_ms: gaps.append((account_id, from_ms))
    bus.down = True
    lost = facts.orders([a_fact(n) for n in range(1, 6)])
    assert [each.cancelled() for each in lost] == [False, False, True, True, True]
    await eventually(lambda: bus.attempts > 2)
    assert gaps == []
    bus.down = False
    assert await facts.drain(5)
    assert gaps == [("a", 3)]


async def test_a_broker_that_stays_away_is_not_waited_for_for_ever() -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    bus.down = True
    facts.orders([a_fact(1)])
    assert not await facts.drain(0.05)
    assert facts.unacknowledged == 1


def test_a_trade_has_one_identity_whoever_tells_it() -> None:
    def fill(cum_qty: str | None, ts_init_ms: int) -> OrderFilled:
        return OrderFilled(
            account_id="a",
            exchange=Exchange.BINANCE,
            symbol="BTCUSDT",
            client_order_id="order-1",
            trade_id="77",
            cum_qty=None if cum_qty is None else Decimal(cum_qty),
            ts_event_ms=5,
            ts_init_ms=ts_init_ms,
        )

    assert fact_id(fill("1", 1)) == fact_id(fill(None, 2), "command-9")


def test_the_two_sides_of_an_accounts_trade_with_itself_are_two_trades() -> None:
    bought, sold = (
        OrderFilled(
            account_id="a", exchange=Exchange.GATEIO, symbol="BTCUSDT", trade_id="77", side=side,
            ts_event_ms=5, ts_init_ms=5,
        )
        for side in (Side.BUY, Side.SELL)
    )  # fmt: skip
    assert fact_id(bought) != fact_id(sold)


def test_a_refusal_is_known_by_the_command_it_answers() -> None:
    refusal = OrderRejected(
        account_id="a",
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        client_order_id="order-1",
        category=ErrorCategory.FILTER,
        ts_event_ms=1,
        ts_init_ms=1,
    )
    assert fact_id(refusal, "command-1") != fact_id(refusal, "command-2")


async def test_balances_are_gathered_and_the_last_word_of_each_asset_counts() -> None:
    bus = MemoryBus()
    facts = publisher(bus)
    facts.balances([a_balance(1, BTC="1", USDT="100")])
    facts.balances([a_balance(2, BTC="2")])
    facts.balances([a_balance(1, BTC="9")])
    assert await facts.drain(5)
    (message,) = bus.messages
    told = decode(message.value or b"", BalanceChanged)
    assert {balance.asset: balance.free for balance in told.balances} == {"BTC": Decimal(2), "USDT": Decimal(100)}


def a_balance(at_ms: int, **free: str) -> BalanceChanged:
    return BalanceChanged(
        account_id="a",
        exchange=Exchange.BINANCE,
        balances=tuple(AssetBalance(asset=asset, free=Decimal(qty), locked=Decimal(0)) for asset, qty in free.items()),
        ts_event_ms=at_ms,
        ts_init_ms=at_ms,
    )
