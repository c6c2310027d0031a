"""Replies as outcomes: refused only where a code proves it, unknown where nobody can say."""

import json
from decimal import Decimal
from typing import Any

import pytest

from common.commands import CancelAllOrders, CancelOrder, SubmitOrder
from common.connector.ports import Accepted, Call, KeyCheck, OrderAbsent, OrderFound, OrderRef, Rejected, Reply, Unknown
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderStatus, OrderType, Side
from mexc_connector import queries
from mexc_connector.refusals import BY_CODE

NOW_MS = 1_736_420_000_000
ABOUT: dict[str, Any] = {
    "command_id": "command-1",
    "bracket_id": "b",
    "account_id": "acc-1",
    "exchange": Exchange.MEXC,
    "symbol": "MXUSDT",
    "ts_init_ms": 0,
    "valid_until_ms": 1,
}
REF = OrderRef(account_id="acc-1", symbol="MXUSDT", client_order_id="p1-tp1-1")


def as_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status=status, headers=headers, body=json.dumps(value).encode())


@pytest.fixture
def placing(dialect: Any, mxusdt: Any) -> Call[Any]:
    order = SubmitOrder(
        **ABOUT, client_order_id="b-e1", side=Side.BUY, order_type=OrderType.LIMIT, qty=Decimal(40), price=Decimal(3)
    )
    call: Call[Any] = dialect.submit_order(order, mxusdt)
    return call


def test_an_acknowledgement_is_an_accepted_order_under_our_own_id(placing: Any, reply: Any) -> None:
    outcome = placing.read(reply("rest_order_ack_limit"), NOW_MS)
    assert isinstance(outcome, Accepted)
    (fact,) = outcome.facts
    assert isinstance(fact, OrderAccepted)
    assert (fact.client_order_id, fact.exchange_order_id) == ("b-e1", "C02__505979017439002624115")
    assert (fact.status, fact.qty, fact.price, fact.ts_event_ms) == (
        OrderStatus.NEW, Decimal(40), Decimal("3.7"), 1736417034259,
    )  # fmt: skip


@pytest.mark.parametrize("code", sorted(BY_CODE))
@pytest.mark.parametrize("status", [200, 400])
def test_a_code_of_the_allowlist_is_a_refusal(placing: Any, code: int, status: int) -> None:
    outcome = placing.read(as_reply({"code": code, "msg": "…"}, status), NOW_MS)
    assert isinstance(outcome, Rejected)
    assert (outcome.category, outcome.code) == (BY_CODE[code], str(code))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_the_exchange_is_unknown_whatever_code_it_writes(placing: Any, status: int) -> None:
    assert isinstance(placing.read(as_reply({"code": 30004, "msg": "…"}, status), NOW_MS), Unknown)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"code":1234567,"msg":"new"}', b'{"code":-1003}'])
def test_a_code_nobody_documented_and_an_answer_nobody_can_read_are_unknown(placing: Any, body: bytes) -> None:
    for status in (200, 400, 403):
        assert isinstance(placing.read(Reply(status=status, body=body), NOW_MS), Unknown)


@pytest.mark.parametrize(
    ("code", "text", "category"),
    [
        (500, "invalid type", ErrorCategory.BAD_REQUEST),
        (400, "api key required", ErrorCategory.AUTH),
        (730001, "Pair not found", ErrorCategory.INVALID_SYMBOL),
        (730001, "something else", ErrorCategory.BAD_REQUEST),
        (500, "something else", None),
    ],
)
def test_where_a_code_has_two_meanings_the_text_decides(placing: Any, code: int, text: str, category: Any) -> None:
    outcome = placing.read(as_reply({"code": code, "message": text}, 400), NOW_MS)
    assert getattr(outcome, "category", None) is category


def test_a_limit_says_how_long_to_wait(placing: Any, dialect: Any) -> None:
    limited = as_reply({"code": 429, "msg": "Too Many Requests"}, 429, **{"retry-after": "7"})
    assert placing.read(limited, NOW_MS).retry_after_ms == 7_000
    assert dialect.usage(limited).retry_after_ms == 7_000
    assert dialect.usage(as_reply({}, 418)).retry_after_ms == 120_000
    assert dialect.usage(Reply(status=403, body=b"<html>")).retry_after_ms == 60_000
    assert dialect.usage(as_reply({})).retry_after_ms is None


@pytest.mark.parametrize("shape", ["docs", "live", "minimal"])
def test_a_cancel_that_was_taken_is_not_yet_done(dialect: Any, reply: Any, shape: str) -> None:
    call = dialect.cancel_order(CancelOrder(**ABOUT, client_order_id="p1-tp1-1"))
    assert call.read(reply(f"rest_order_cancel_{shape}_shape"), NOW_MS) == Accepted((), done=False)


def test_a_cancel_of_nothing_is_not_found_and_a_cancel_of_everything_open_is_done(dialect: Any, reply: Any) -> None:
    one = dialect.cancel_order(CancelOrder(**ABOUT, client_order_id="p1-tp1-1"))
    everything = dialect.cancel_all_orders(CancelAllOrders(**ABOUT))
    unknown = reply("rest_error_unknown_order_cancel")
    assert one.read(unknown, NOW_MS).category is ErrorCategory.NOT_FOUND
    assert everything.read(unknown, NOW_MS) == Accepted(())
    assert everything.read(reply("rest_openOrders_cancel"), NOW_MS) == Accepted((), done=False)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_order_is_absent_when_the_exchange_says_so_or_answers_nothing(dialect: Any, body: bytes) -> None:
    call = dialect.fetch_order(REF)
    assert isinstance(call.read(Reply(status=200, body=body), NOW_MS), OrderAbsent)
    for code in (-2011, -2013, 22222, 30026):
        assert call.read(as_reply({"code": code, "msg": "…"}, 400), NOW_MS) == OrderAbsent(str(code))
    assert isinstance(call.read(as_reply({}, 503), NOW_MS), Unknown)


def test_an_order_keeps_the_name_it_was_asked_for_by(dialect: Any, frame: Any) -> None:
    nameless = {**frame("rest_order_get_new"), "clientOrderId": None}
    found = dialect.fetch_order(REF).read(as_reply(nameless), NOW_MS)
    assert isinstance(found, OrderFound)
    assert found.order.client_order_id == "p1-tp1-1"


def rows(ids: range, ms: int) -> list[dict[str, Any]]:
    return [
        {"symbol": "MXUSDT", "id": f"{n}X1", "orderId": "C02__1", "price": "3.9", "qty": "1", "commission": "0",
         "commissionAsset": "USDT", "time": ms + 1000 * n, "isBuyer": False}
        for n in reversed(ids)
    ]  # fmt: skip


@pytest.mark.parametrize("newest_first", [True, False])
def test_trades_beyond_a_page_are_read_on_whichever_end_a_full_page_leaves_out(
    dialect: Any, newest_first: bool
) -> None:
    everything = rows(range(250), 0)
    call, asked = dialect.fetch_my_trades("acc-1", "MXUSDT", since_ms=0), 0
    while isinstance(call, Call):
        params = dict(call.request.params)
        first, last = int(params.get("startTime", 0)), int(params.get("endTime", 10**9))
        inside = [row for row in everything if first <= row["time"] <= last]
        page = inside[: queries.PAGE] if newest_first else inside[-queries.PAGE :]
        call, asked = call.read(as_reply(page), NOW_MS), asked + 1
    assert [fill.trade_id for fill in call] == [f"{n}X1" for n in range(250)]
    assert asked < 20


def test_trades_of_one_second_stay_in_the_order_they_happened(dialect: Any) -> None:
    page = [*rows(range(1, 2), 5_000), {**rows(range(1), 5_000)[0], "time": 5_000}]
    fills = dialect.fetch_my_trades("acc-1", "MXUSDT", exchange_order_id="C02__1").read(as_reply(page), NOW_MS)
    assert [fill.trade_id for fill in fills] == ["0X1", "1X1"]


def test_a_key_is_judged_by_its_own_permissions_and_else_by_its_account(dialect: Any, reply: Any, frame: Any) -> None:
    check = dialect.check_key()
    assert check.read(reply("rest_apiKeyInfo"), NOW_MS).ok
    info = frame("rest_apiKeyInfo")
    reading = check.read(as_reply({**info, "permissions": "SPOT_ACCOUNT_READ"}), NOW_MS)
    assert isinstance(reading, KeyCheck)
    assert (reading.ok, reading.can_trade) == (False, False)
    assert check.read(as_reply({**info, "permissions": info["permissions"] + ",SPOT_WITHDRAW_W"}), NOW_MS).can_withdraw
    otherwise = check.read(as_reply({"code": 26, "msg": "…"}, 400), NOW_MS)
    assert isinstance(otherwise, Call)
    account, refused = (otherwise.read(reply(name), NOW_MS) for name in ("rest_account", "rest_error_bad_signature"))
    assert isinstance(account, KeyCheck)
    assert isinstance(refused, KeyCheck)
    assert (account.ok, refused.ok) == (True, False)


@pytest.mark.parametrize("same_ids", [True, False])
def test_a_trade_the_stream_told_is_one_trade_whatever_rest_calls_it(
    dialect: Any, credentials: Any, push: Any, frame: Any, same_ids: bool
) -> None:
    stream = dialect.private_stream()
    stream.add(credentials, 0)
    (event,) = stream.on_frame(push("ws_private_deals_maker_sell"), NOW_MS)
    page = frame("rest_myTrades")
    if not same_ids:
        page = [{**row, "id": f"0123456789abcdef{n}"} for n, row in enumerate(page)]
    order_id = event.orders[0].exchange_order_id
    fills = dialect.fetch_my_trades("acc-1", "MXUSDT", exchange_order_id=order_id).read(as_reply(page), NOW_MS)
    assert [fill.trade_id for fill in fills] == [event.orders[0].trade_id, page[1]["id"]]
