"""Cancels, balances, open orders, positions and trades, each user's own."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common import ids
from common.exchanges import Exchange
from common.intents import CancelAllOrdersIntent, CancelOrderIntent
from common.orders import OrderCanceled, OrderSnapshot, OrderStatus, OrderType, Side
from common.protection import ProtectionReduced
from gateway.ports import COMMIT_MARGIN_MS, BracketView, IntentView
from gateway.testing.builders import AT, a_bracket_row, an_order_row, order_fact, protection_fact


def resting(account_id: str, name: str, number: str) -> OrderSnapshot:
    return OrderSnapshot(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        client_order_id=name,
        exchange_order_id=number,
        exchange_list_id="9",
        side=Side.SELL,
        order_type=OrderType.LIMIT_MAKER,
        status=OrderStatus.NEW,
        qty=Decimal(1),
        price=Decimal(105000),
        ts_event_ms=1,
        ts_init_ms=1,
    )


@pytest.fixture
def account_id(house: Any, trader: Any) -> str:
    return str(next(iter(house.vault.accounts)))


def cancels(house: Any, *names: str) -> Any:
    def cancel(intent: Any) -> None:
        for name in names:
            house.waiting.tell(order_fact(OrderCanceled, intent, client_order_id=name, status=OrderStatus.CANCELED))

    return cancel


@pytest.mark.parametrize("named", ["orderId=7", "clientOrderId=by-hand"])
async def test_an_order_is_cancelled_by_either_id(house: Any, trader: Any, account_id: str, named: str) -> None:
    house.connector.orders = [resting(account_id, "by-hand", "7")]
    house.bus.engine = cancels(house, "by-hand")
    reply = await trader.ask("DELETE", f"/exchanges/cancel-order?exchange=BINANCE&symbol=BTCUSDT&{named}")
    (intent,) = house.bus.intents
    assert (reply.status, reply.body["data"]["status"]) == (200, "CANCELED")
    assert isinstance(intent, CancelOrderIntent)
    assert (intent.client_order_id, intent.exchange_order_id) == ("by-hand", "7")


async def test_an_order_of_ours_is_cancelled_before_it_rests(house: Any, trader: Any, account_id: str) -> None:
    house.ledger.order_rows = [an_order_row(account_id, "in-flight", status="PENDING", order_id=None)]
    house.bus.engine = cancels(house, "in-flight")
    query = "exchange=BINANCE&symbol=BTC/USDT&clientOrderId=in-flight"
    assert (await trader.ask("DELETE", f"/exchanges/cancel-order?{query}")).status == 200


async def test_a_stop_that_the_engine_holds_is_cancelled_when_its_exit_has_ended(
    house: Any, trader: Any, account_id: str
) -> None:
    bracket = ids.bracket_id(account_id, "an intent")
    stop = ids.client_order_id(bracket, ids.Leg.STOP_LOSS, 4)
    held = {"order_role": "SL", "status": "NEW", "residency": "engine", "order_id": None, "pair": 2}
    house.ledger.order_rows = [an_order_row(account_id, stop, **held)]

    def release(intent: Any) -> None:
        ended = {"list_client_order_id": None, "sold_qty": Decimal(0), "returned_qty": Decimal(1), "reason": ""}
        for level in (0, 1):
            house.waiting.tell(protection_fact(ProtectionReduced, intent, bracket_id=bracket, level=level, **ended))

    house.bus.engine = release
    query = f"exchange=BINANCE&symbol=BTCUSDT&clientOrderId={stop}"
    reply = await trader.ask("DELETE", f"/exchanges/cancel-order?{query}")
    assert (reply.status, reply.body["data"]["status"], reply.body["data"]["clientOrderId"]) == (200, "CANCELED", stop)


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("exchange=BINANCE&symbol=BTCUSDT&orderId=8", 404, "orderId"),
        ("exchange=BINANCE&symbol=BTCUSDT", 400, "orderId"),
        ("exchange=BINANCE&symbol=BTCUSDT&orderId=7&clientOrderId=by-hand", 400, "orderId"),
        ("exchange=BINANCE&orderId=7", 400, "symbol"),
        ("symbol=BTCUSDT&orderId=7", 400, "exchange"),
    ],
)
async def test_a_cancel_that_names_no_order_is_refused(
    house: Any, trader: Any, account_id: str, query: str, status: int, field: str
) -> None:
    house.connector.orders = [resting(account_id, "by-hand", "7")]
    reply = await trader.ask("DELETE", f"/exchanges/cancel-order?{query}")
    assert (reply.status, reply.body["field"]) == (status, field)
    assert not house.bus.published


async def test_everything_on_a_symbol_is_cancelled_and_listed(house: Any, trader: Any, account_id: str) -> None:
    house.connector.orders = [resting(account_id, "one", "1"), resting(account_id, "two", "2")]
    house.bus.engine = cancels(house, "one", "two")
    reply = await trader.ask("DELETE", "/exchanges/cancel-all-orders?exchange=BINANCE&symbol=BTCUSDT")
    assert reply.status == 200
    assert [order["clientOrderId"] for order in reply.body["data"]["orders"]] == ["one", "two"]
    assert isinstance(house.bus.intents[0], CancelAllOrdersIntent)


async def test_a_balance_is_shown_as_the_spec_does(trader: Any) -> None:
    reply = await trader.ask("GET", "/exchanges/balance?exchange=BINANCE")
    assert reply.body["data"][0] == {"asset": "USDT", "free": "1000", "locked": "0", "total": "1000"}


@pytest.mark.parametrize("path", ["balance", "open-orders", "open-positions", "trades"])
async def test_a_read_without_an_exchange_is_refused_in_the_words_of_the_spec(trader: Any, path: str) -> None:
    reply = await trader.ask("GET", f"/exchanges/{path}")
    assert (reply.status, reply.body["title"]) == (400, "Exchange parameter required")


async def test_open_orders_show_their_part_in_a_bracket(house: Any, trader: Any, account_id: str) -> None:
    house.connector.orders = [resting(account_id, "ours", "1"), resting(account_id, "by-hand", "2")]
    house.ledger.order_rows = [an_order_row(account_id, "ours", order_role="TP1", status="NEW")]
    ours, by_hand = (await trader.ask("GET", "/exchanges/open-orders?exchange=BINANCE")).body["data"]
    assert (ours["orderRole"], ours["residencyReason"], ours["price"]) == ("TP1", "native OCO", "105000")
    assert (by_hand["orderRole"], by_hand["orderId"]) == (None, "2")


async def test_open_positions_are_valued_in_dollars(trader: Any) -> None:
    (position,) = (await trader.ask("GET", "/exchanges/open-positions?exchange=BINANCE")).body["data"]
    assert (position["asset"], position["quantity"], position["usdValue"]) == ("BTC", "0.5", "50000")


async def test_trades_are_shown_with_profit_as_numbers(house: Any, trader: Any, account_id: str) -> None:
    house.ledger.order_rows = [an_order_row(account_id, "e"), an_order_row(account_id, "t", order_role="TP1")]
    house.ledger.bracket_rows = [a_bracket_row(account_id=account_id, fees={"USDT": Decimal("0.5")})]
    (trade,) = (await trader.ask("GET", "/exchanges/trades?exchange=BINANCE")).body["data"]
    assert (trade["entryPriceAvg"], trade["currentPnL"]) == (90000, 9999.5)
    assert trade["entryOrder"]["orderId"] == "4711"
    await trader.sign_in("other@example.com")
    await trader.store_key()
    assert (await trader.ask("GET", "/exchanges/trades?exchange=BINANCE")).body["data"] == []


async def test_an_order_that_nobody_read_in_time_has_failed_for_good_and_a_cancel_may_still_be_read(
    house: Any, trader: Any, account_id: str
) -> None:
    house.bus.engine = lambda _: None
    house.connector.orders = [resting(account_id, "by-hand", "7")]
    key = {"Idempotency_Key": "one"}
    order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.001"}
    bought = await trader.ask("POST", "/exchanges/place-order?exchange=BINANCE", order, **key)
    cancelled = await trader.ask("DELETE", "/exchanges/cancel-order?exchange=BINANCE&symbol=BTCUSDT&orderId=7")
    assert (bought.status, cancelled.status) == (202, 202)

    async def state(of: Any) -> str:
        return str((await trader.ask("GET", of.body["data"]["statusUrl"])).body["data"]["state"])

    house.clock.advance(30_000 + COMMIT_MARGIN_MS)
    assert (await state(bought), await state(cancelled)) == ("PENDING", "PENDING")
    house.clock.advance(1)
    assert (await state(bought), await state(cancelled)) == ("FAILED", "PENDING")
    again = await trader.ask("POST", "/exchanges/place-order?exchange=BINANCE", order, **key)
    assert (again.status, again.body["code"], again.body["outcome"]) == (409, "INTENT_EXPIRED", "not_sent")
    assert len(house.bus.published) == 2


async def pages(trader: Any, path: str, between: Callable[[], None] = lambda: None) -> list[list[dict[str, Any]]]:
    """All pages of a list, two elements each."""
    found: list[list[dict[str, Any]]] = []
    cursor: str | None = ""
    while cursor is not None:
        reply = await trader.ask("GET", f"{path}&limit=2" + (f"&cursor={cursor}" if cursor else ""))
        assert reply.status == 200, reply
        found.append(reply.body["data"])
        cursor = reply.body["nextCursor"]
        between()
    return found


async def test_open_orders_come_page_by_page_though_one_fills_in_part_and_another_comes(
    house: Any, trader: Any, account_id: str
) -> None:
    house.connector.orders = [resting(account_id, f"o{number}", str(number)) for number in (4, 2, 5, 1)]
    house.ledger.order_rows = [
        an_order_row(account_id, "held", residency="engine", status="NEW", order_id=None, order_role="SL")
    ]

    def meanwhile() -> None:
        orders = {each.exchange_order_id: each for each in house.connector.orders}
        orders["4"] = msgspec.structs.replace(orders["4"], ts_event_ms=9, cum_qty=Decimal("0.1"))
        orders["3"] = resting(account_id, "o3", "3")
        house.connector.orders = list(orders.values())

    found = await pages(trader, "/exchanges/open-orders?exchange=BINANCE", meanwhile)
    assert [[each["clientOrderId"] for each in page] for page in found] == [["o1", "o2"], ["o3", "o4"], ["o5", "held"]]
    everything = (await trader.ask("GET", "/exchanges/open-orders?exchange=BINANCE")).body
    assert (len(everything["data"]), everything["nextCursor"]) == (6, None)


async def test_trades_come_page_by_page_the_newest_first_though_another_is_opened(
    house: Any, trader: Any, account_id: str
) -> None:
    def a_trade(number: int) -> BracketView:
        opened = AT + timedelta(milliseconds=number // 2)
        return a_bracket_row(bracket_id=f"b{number}", account_id=account_id, created_at=opened)

    house.ledger.bracket_rows = [a_trade(number) for number in range(4)]
    meanwhile = lambda: house.ledger.bracket_rows.append(a_trade(10 + len(house.ledger.bracket_rows)))  # noqa: E731
    found = await pages(trader, "/exchanges/trades?exchange=BINANCE", meanwhile)
    assert [[each["orderGroupId"] for each in page] for page in found] == [["b3", "b2"], ["b1", "b0"]]


@pytest.mark.parametrize("path", ["open-orders", "trades", "foreign-orders"])
async def test_what_is_no_cursor_and_no_limit_is_refused_by_name(trader: Any, account_id: str, path: str) -> None:
    for field, value in (("cursor", "x"), ("cursor", "WyJzaWduYWxzIiwxLCJhIl0"), ("limit", "0"), ("limit", "501")):
        reply = await trader.ask("GET", f"/exchanges/{path}?exchange=BINANCE&{field}={value}")
        assert (reply.status, reply.body["field"]) == (400, field)
        assert reply.body["rule"]
        assert reply.body["fix"]


async def test_an_operation_finds_its_end_in_the_ledger(house: Any, trader: Any, account_id: str) -> None:
    house.bus.engine = lambda _: None
    pending = (await trader.buy()).body["data"]
    entry = ids.client_order_id(ids.bracket_id(account_id, pending["operationId"]), ids.Leg.ENTRY, 0)
    about: dict[str, Any] = {"intent_id": pending["operationId"], "user_id": "u", "account_id": account_id}
    accepted = IntentView(**about, bracket_id="b", outcome="accepted", code=None, reason=None, created_at=AT)
    house.ledger.intents[pending["operationId"]] = accepted
    house.ledger.order_rows = [an_order_row(account_id, entry, status="PENDING")]
    assert (await trader.ask("GET", pending["statusUrl"])).body["data"]["state"] == "PENDING"
    house.ledger.order_rows = [an_order_row(account_id, entry)]
    operation = (await trader.ask("GET", pending["statusUrl"])).body["data"]
    assert (operation["state"], operation["result"]["status"], operation["result"]["orderId"]) == (
        "SUCCEEDED",
        "FILLED",
        "4711",
    )


async def test_a_denied_operation_says_why(house: Any, trader: Any, account_id: str) -> None:
    house.bus.engine = lambda _: None
    pending = (await trader.buy()).body["data"]
    house.ledger.intents[pending["operationId"]] = IntentView(
        intent_id=pending["operationId"],
        user_id="u",
        account_id=account_id,
        bracket_id=None,
        outcome="denied",
        code="intent_expired",
        reason="Too late.",
        created_at=AT,
    )
    operation = (await trader.ask("GET", pending["statusUrl"])).body["data"]
    assert (operation["state"], operation["problem"]["code"]) == ("FAILED", "INTENT_EXPIRED")
