"""One account held against its exchange: as few questions as will do, and nothing told that the ledger knows."""

from decimal import Decimal
from typing import Any

import pytest

from common.clock import FixedClock
from common.connector.outcomes import FateKind, OrderFate
from common.exchanges import Exchange
from common.orders import OrderStatus, OrderType
from sync.check import Checked, Checker, Patience
from sync.ledger import Account, Drift, LedgerOrder
from sync.testing.builders import ACCOUNT, NOW_MS, a_holding, a_trade, an_order, shown
from sync.testing.fakes import MemoryExchange, MemoryFacts, MemoryForeign, MemoryLedger

SYMBOLS = ["BTCUSDT"]


class Desk:
    """A checker between fakes."""

    def __init__(self, *orders: LedgerOrder) -> None:
        self.clock = FixedClock(NOW_MS)
        self.ledger, self.exchange, self.foreign = MemoryLedger(*orders), MemoryExchange(), MemoryForeign()
        self.facts = MemoryFacts(self.ledger)
        patience = Patience(second_look_ms=0)
        self.checker = Checker(self.ledger, self.exchange, self.foreign, self.facts, self.clock, patience)

    async def check(self, account: Account = ACCOUNT) -> Checked:
        return await self.checker.check(account, SYMBOLS, "sync/test")

    def found(self, order: LedgerOrder, *facts: Any) -> None:
        self.exchange.fates[order.client_order_id] = OrderFate(kind=FateKind.FOUND, facts=facts)


async def test_an_account_where_both_sides_agree_costs_one_question() -> None:
    orders = [an_order("t1"), an_order("t2"), an_order("s1", order_type=OrderType.STOP_LOSS)]
    desk = Desk(*orders)
    desk.exchange.open = [shown(order) for order in orders]
    checked = await desk.check()
    assert (checked.checked, checked.findings, desk.exchange.asked) == (3, (), ["open-orders"])


async def test_what_has_vanished_is_asked_about_and_told_once() -> None:
    order = an_order()
    desk = Desk(order)
    desk.found(order, shown(order, OrderStatus.CANCELED))
    checked = await desk.check()
    assert [finding.drift for finding in checked.findings] == [Drift.CANCELED]
    assert desk.exchange.asked == ["open-orders", "fate"]
    again = await desk.check()
    assert (again.findings, len(desk.facts.findings)) == ((), 1)


async def test_what_the_ledger_hears_by_itself_before_the_second_look_is_no_difference() -> None:
    order = an_order()
    desk = Desk(order)
    done = an_order(status=OrderStatus.FILLED, cum_qty=order.qty, itemised_qty=order.qty)
    desk.ledger.catches_up = {order.client_order_id: done}
    checked = await desk.check()
    assert (checked.findings, desk.exchange.asked) == ((), ["open-orders"])


async def test_many_vanished_orders_are_settled_by_one_listing_of_trades() -> None:
    orders = [an_order(f"t{n}") for n in range(4)]
    desk = Desk(*orders)
    desk.exchange.trades = [a_trade(order, "0.01", f"trade-{n}") for n, order in enumerate(orders[:3])]
    desk.found(orders[3], shown(orders[3], OrderStatus.EXPIRED))
    checked = await desk.check()
    assert desk.exchange.asked == ["open-orders", "my-trades", "fate"]
    assert sorted(finding.drift for finding in checked.findings) == ["expired", "filled", "filled", "filled"]


async def test_an_order_the_exchange_keeps_no_name_of_is_asked_for_by_its_terms() -> None:
    stop = an_order(
        "s1",
        exchange=Exchange.GATEIO,
        order_type=OrderType.STOP_LOSS_LIMIT,
        trigger_px=Decimal(95_000),
        exchange_order_id=None,
        status=None,
    )
    other = an_order("s2", exchange=Exchange.GATEIO, exchange_order_id="po-9", status=OrderStatus.CANCELED)
    desk = Desk(stop, other)
    await desk.check(Account(ACCOUNT.account_id, "user-1", Exchange.GATEIO))
    (question,) = desk.exchange.questions
    assert question.ref.terms is not None
    assert (question.ref.terms.trigger_px, question.ref.taken) == (Decimal(95_000), ("po-9",))
    assert question.submitted_ms == stop.valid_until_ms


async def test_not_there_is_judged_from_the_last_moment_the_order_may_have_left() -> None:
    desk = Desk(an_order(status=None, valid_until_ms=NOW_MS + 20_000))
    await desk.check()
    assert desk.exchange.questions[0].submitted_ms == NOW_MS


async def test_an_order_of_somebody_else_is_kept_and_caused_nothing() -> None:
    desk = Desk()
    foreign = shown(an_order(), client_order_id="web_1")
    desk.exchange.open = [foreign]
    checked = await desk.check()
    assert (checked.foreign, desk.facts.findings) == ((foreign,), [])
    assert desk.foreign.kept == {(ACCOUNT.account_id, "BTCUSDT"): (foreign,)}


@pytest.mark.parametrize(("exchange", "asked"), [(Exchange.BINANCE, 0), (Exchange.MEXC, 0), (Exchange.BITGET, 1)])
async def test_balances_are_read_only_where_exits_lock_nothing(exchange: Exchange, asked: int) -> None:
    desk = Desk()
    desk.ledger.held = [a_holding()]
    checked = await desk.check(Account(ACCOUNT.account_id, "user-1", exchange))
    assert desk.exchange.asked.count("balances") == asked
    assert bool(checked.suspects) is bool(asked)


async def test_an_account_that_stays_short_is_told_with_what_is_left() -> None:
    desk = Desk()
    desk.ledger.held = [a_holding()]
    desk.exchange.balances = {"BTC": Decimal("0.004")}
    account = Account(ACCOUNT.account_id, "user-1", Exchange.BITGET)
    checked = await desk.check(account)
    assert checked.findings == ()
    confirmed = await desk.checker.confirm(account, checked.suspects, "sync/test")
    assert [finding.drift for finding in confirmed.findings] == [Drift.HOLDING_SHORT]
    assert (await desk.checker.confirm(account, checked.suspects, "sync/test")).findings == ()
