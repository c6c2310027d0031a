"""Orders whose exchange keeps no id of ours are written down, found by their terms, and named again."""

import asyncio
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.clock import FixedClock
from common.commands import SubmitOrder
from common.connector.nameless import Nameless
from common.connector.ports import HttpRequest, LimitKind, LimitScope, LimitShape, OrderRef, RateLimit
from common.connector.rates import Priority, RateGate
from common.connector.trail import Trail, Trails
from common.connector.triggers import fires_below, reached
from common.errors import Unavailable
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderCanceled, OrderFilled, OrderSnapshot, OrderStatus, OrderType, Side


def a_stop(client_order_id: str = "s1", **changes: Any) -> SubmitOrder:
    stop = SubmitOrder(
        command_id="c", bracket_id="b", account_id="a", exchange=Exchange.GATEIO, symbol="BTCUSDT", ts_init_ms=1_000,
        valid_until_ms=11_000, client_order_id=client_order_id, side=Side.SELL, order_type=OrderType.STOP_LOSS,
        qty=Decimal("0.01"), trigger_px=Decimal(90_000),
    )  # fmt: skip
    return msgspec.structs.replace(stop, **changes)


def a_fact(type_: Any = OrderFilled, *, exchange_order_id: str = "po-1", **fields: Any) -> Any:
    about: dict[str, Any] = {
        "account_id": "a", "exchange": Exchange.GATEIO, "symbol": "BTCUSDT", "side": Side.SELL, "ts_event_ms": 2_000,
        "ts_init_ms": 2_000,
    }  # fmt: skip
    return type_(**about, exchange_order_id=exchange_order_id, **fields)


class Written:
    def __init__(self) -> None:
        self.refs: list[OrderRef] = []
        self.down = False
        self.ours = True

    async def remember(self, ref: OrderRef) -> None:
        if self.down:
            raise Unavailable("the database")
        self.refs.append(ref)

    async def recall(self, account_id: str) -> None:
        """Everything is at hand."""

    def keeps(self, account_id: str) -> bool:
        return self.ours


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def trails() -> Trails:
    return Trails()


@pytest.fixture
def nameless(trails: Trails, written: Written) -> Nameless:
    nameless = Nameless(Exchange.GATEIO, trails, recall=written.recall, remember=written.remember)
    nameless.keeps = written.keeps
    return nameless


async def test_terms_are_written_down_before_an_order_is_sent(nameless: Nameless, written: Written) -> None:
    await nameless.expect(a_stop())
    assert [ref.terms for ref in written.refs] == [a_stop()]


async def test_without_a_database_the_terms_are_kept_in_memory(nameless: Nameless, written: Written) -> None:
    written.down = True
    await nameless.expect(a_stop())
    assert nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1")).terms == a_stop()


async def test_an_ended_order_whose_command_is_read_again_is_not_looked_for_by_its_terms(
    nameless: Nameless, trails: Trails
) -> None:
    await nameless.expect(a_stop("s1"))
    assert await nameless.claimed(
        nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1")), "po-1"
    )
    trails.note([a_fact(OrderCanceled, client_order_id="s1", status=OrderStatus.CANCELED)])
    after_a_crash = Trails()
    after_a_crash.restore(Trail(account_id="a", ended=trails.of("a").lately_ended()))
    again = Nameless(Exchange.GATEIO, after_a_crash, recall=Written().recall, remember=Written().remember)
    await again.expect(a_stop("s1"))
    found = again.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1"))
    assert (found.exchange_order_id, after_a_crash.of("a").open_orders) == ("po-1", {})


async def test_an_order_is_found_by_its_terms_and_never_as_another_one(nameless: Nameless) -> None:
    await nameless.expect(a_stop("s1"))
    await nameless.expect(a_stop("s2"))
    first = nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1"))
    assert await nameless.claimed(first, "po-1")
    second = nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s2"))
    assert second.taken == ("po-1",)
    assert not await nameless.claimed(second, "po-1")
    assert await nameless.claimed(second, "po-2")


async def test_an_order_that_was_never_written_down_is_not_found_as_one_that_was(nameless: Nameless) -> None:
    await nameless.expect(a_stop("s1"))
    await nameless.learn([a_fact(OrderAccepted, client_order_id="s1", status=OrderStatus.NEW)])
    asked = OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s2", terms=a_stop("s2"), taken=("po-9",))
    assert nameless.completed(asked).taken == ("po-9", "po-1")


async def test_what_may_be_an_order_that_is_just_being_placed_is_taken_for_no_other(nameless: Nameless) -> None:
    await nameless.expect(a_stop("s1"))
    await nameless.expect(a_stop("s2"))
    second = nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s2"))
    with nameless.placing(a_stop("s1", command_id="c1")):
        assert not await nameless.claimed(second, "po-1"), "it may be s1, whose answer is on its way"
        with nameless.placing(a_stop("s2", command_id="c2")):
            assert not await nameless.claimed(second, "po-1"), "its own answer will say what it is called"
    with nameless.placing(a_stop("s1", command_id="c3", trigger_px=Decimal(80_000))):
        assert await nameless.claimed(second, "po-2"), "another trigger is no mistake to make"


async def test_what_the_exchange_calls_an_order_is_written_down_before_anybody_is_told(
    nameless: Nameless, trails: Trails, written: Written
) -> None:
    await nameless.expect(a_stop("s1"))
    told = a_fact(OrderAccepted, client_order_id="s1", status=OrderStatus.NEW)
    await nameless.learn([told])
    assert [ref.exchange_order_id for ref in written.refs] == [None, "po-1"]
    await nameless.learn([told])
    assert len(written.refs) == 2, "once is enough"
    after_a_crash = Trails()
    after_a_crash.restore(Trail(account_id="a", open_orders={"s1": written.refs[-1], "s2": written.refs[0]}))
    again = Nameless(Exchange.GATEIO, after_a_crash, recall=written.recall, remember=written.remember)
    other = again.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s2"))
    assert not await again.claimed(other, "po-1"), "a stop of the same terms is not counted twice"


async def test_what_cannot_be_written_down_is_told_to_nobody_until_it_is(nameless: Nameless, written: Written) -> None:
    await nameless.expect(a_stop("s1"))
    written.down = True
    telling = asyncio.create_task(nameless.learn([a_fact(OrderAccepted, client_order_id="s1", status=OrderStatus.NEW)]))
    first = nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1"))
    assert not await nameless.claimed(first, "po-1")
    assert not telling.done()
    written.down = False
    assert await telling


async def test_what_was_not_written_down_is_left_to_whoever_has_the_account_now(
    nameless: Nameless, written: Written
) -> None:
    await nameless.expect(a_stop("s1"))
    written.down, written.ours = True, False
    assert not await nameless.learn([a_fact(OrderAccepted, client_order_id="s1", status=OrderStatus.NEW)])


async def test_what_another_process_took_for_another_order_meanwhile_is_not_told_as_this_one(
    nameless: Nameless, trails: Trails, written: Written
) -> None:
    await nameless.expect(a_stop("s1"))
    await nameless.expect(a_stop("s2"))
    trails.of("a").became("s2", "po-1")
    assert not await nameless.learn([a_fact(OrderAccepted, client_order_id="s1", status=OrderStatus.NEW)])
    assert [ref.exchange_order_id for ref in written.refs] == [None, None]


async def test_an_order_that_is_just_being_written_down_as_ours_is_nobody_elses(trails: Trails) -> None:
    writing, may_end = asyncio.Event(), asyncio.Event()

    async def remember(ref: OrderRef) -> None:
        if ref.exchange_order_id is not None:
            writing.set()
            await may_end.wait()

    nameless = Nameless(Exchange.GATEIO, trails, recall=Written().recall, remember=remember)
    await nameless.expect(a_stop("s1"))
    await nameless.expect(a_stop("s2"))
    first, second = (
        nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id=name)) for name in ("s1", "s2")
    )
    claiming = asyncio.create_task(nameless.claimed(first, "po-1"))
    await writing.wait()
    assert not await nameless.claimed(second, "po-1")
    assert nameless.named(a_fact()).client_order_id is None, "told under no name before it is written down"
    may_end.set()
    assert await claiming
    assert nameless.named(a_fact()).client_order_id == "s1"


async def test_a_fact_of_the_exchanges_id_is_told_under_ours_even_after_the_end(
    nameless: Nameless, trails: Trails
) -> None:
    await nameless.expect(a_stop())
    trails.note([a_fact(OrderSnapshot, client_order_id="s1", status=OrderStatus.NEW)])
    assert nameless.named(a_fact()).client_order_id == "s1"
    trails.note([a_fact(OrderCanceled, client_order_id="s1", status=OrderStatus.CANCELED)])
    assert trails.of("a").open_orders == {}
    assert nameless.named(a_fact()).client_order_id == "s1"
    assert nameless.named(a_fact(exchange_order_id="po-9")).client_order_id is None


async def test_a_nameless_fact_waits_while_it_may_be_an_order_that_is_under_way(nameless: Nameless) -> None:
    await nameless.expect(a_stop())
    assert nameless.unclaimed(a_fact())
    assert not nameless.unclaimed(msgspec.structs.replace(a_fact(), side=Side.BUY))
    assert not nameless.unclaimed(msgspec.structs.replace(a_fact(), ts_init_ms=10**6))


async def test_terms_outlive_the_process(nameless: Nameless, trails: Trails) -> None:
    await nameless.expect(a_stop())
    stored = msgspec.json.decode(msgspec.json.encode(trails.of("a").open_orders), type=dict[str, OrderRef])
    assert Trail(account_id="a", open_orders=stored).nameless("s1") is not None


async def test_an_exchange_that_keeps_our_ids_is_left_alone(trails: Trails, written: Written) -> None:
    nameless = Nameless(Exchange.BINANCE, trails, recall=written.recall, remember=written.remember)
    assert not nameless.concerns(a_stop())
    assert nameless.named(a_fact()) == a_fact()
    assert not nameless.unclaimed(a_fact())


@pytest.mark.parametrize(
    ("order_type", "side", "below"),
    [
        (OrderType.STOP_LOSS, Side.SELL, True),
        (OrderType.STOP_LOSS_LIMIT, Side.BUY, False),
        (OrderType.TAKE_PROFIT, Side.SELL, False),
        (OrderType.TAKE_PROFIT_LIMIT, Side.BUY, True),
    ],
)
def test_a_stop_waits_on_the_side_where_money_is_lost(order_type: OrderType, side: Side, below: bool) -> None:
    assert fires_below(order_type, side) is below
    stop = a_stop(order_type=order_type, side=side)
    assert reached(stop, side, Decimal(90_000))
    assert reached(stop, side, Decimal(89_999)) is below


async def test_a_limit_per_lane_holds_up_no_other_lane() -> None:
    limit = RateLimit(
        kind=LimitKind.REQUESTS, scope=LimitScope.ACCOUNT, interval_ms=2_000, limit=1, bucket="arm", per_lane=True,
        shape=LimitShape.SLIDING_WINDOW,
    )  # fmt: skip
    gate = RateGate((limit,), FixedClock())
    below, above = (HttpRequest(method="POST", path="/", bucket="arm", lane=lane) for lane in ("BTC<=", "BTC>="))
    assert gate.try_take(below, "a", Priority.PROTECTION)
    assert not gate.try_take(below, "a", Priority.PROTECTION)
    assert gate.try_take(above, "a", Priority.PROTECTION)
    assert gate.try_take(below, "other", Priority.PROTECTION)


async def test_an_order_heard_of_before_its_terms_were_recalled_is_asked_for_by_its_number(written: Written) -> None:
    told = OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1", waits_for_trigger=True, terms=a_stop())
    trails = Trails()
    trails.note([a_fact(OrderAccepted, client_order_id="s1", status=OrderStatus.NEW)])
    trails.restore(Trail(account_id="a", open_orders={"s1": told}))
    nameless = Nameless(Exchange.GATEIO, trails, recall=written.recall, remember=written.remember)
    asked = nameless.completed(OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="s1"))
    assert (asked.exchange_order_id, asked.terms) == ("po-1", a_stop())
