import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from binance_connector import replies, symbols
from binance_connector.frames import ExecutionReport, WsApiFrame
from binance_connector.read_frames import SymbolBody
from binance_connector.refusals import BY_CODE, category_of
from binance_connector.translate import order_fact
from common.accounts import BalanceChanged
from common.connector.bodies import parse
from common.connector.ports import (
    Accepted,
    Call,
    KeyCheck,
    LimitKind,
    LimitScope,
    OrderAbsent,
    OrderFound,
    OrderListFound,
    OrderRef,
    Rejected,
    Reply,
    Unknown,
)
from common.errors import ErrorCategory, UnreadableFrame
from common.orders import OrderCanceled, OrderFilled, OrderSnapshot

ERRORS = json.loads((Path(__file__).parent.parent / "frames" / "rest_errors.json").read_bytes())
NOW = 1795341700000
C = ErrorCategory

EXPECTED = {
    "Filter failure: MAX_NUM_ALGO_ORDERS": C.TOO_MANY_ORDERS,
    "Account has insufficient balance for requested action.": C.INSUFFICIENT_BALANCE,
    "Duplicate order sent.": C.DUPLICATE_ID,
    "Order would immediately match and take.": C.PRICE_RELATION,
    "Order would trigger immediately.": C.PRICE_RELATION,
    "The relationship of the prices for the orders is not correct.": C.PRICE_RELATION,
    "Market is closed.": C.MARKET_CLOSED,
    "Unknown order sent.": C.NOT_FOUND,
    "Order was not canceled due to cancel restrictions.": C.BAD_REQUEST,
    "The requested action would change no state; rejecting": C.BAD_REQUEST,
}
BY_DOCUMENTED_CODE = {
    -1013: C.FILTER, -1021: C.CLOCK, -1022: C.AUTH, -1100: C.BAD_REQUEST, -1102: C.BAD_REQUEST, -1104: C.BAD_REQUEST,
    -1106: C.BAD_REQUEST, -1111: C.BAD_REQUEST, -1121: C.INVALID_SYMBOL, -2013: C.NOT_FOUND, -2026: C.ALREADY_CLOSED,
    -2039: C.BAD_REQUEST, -2014: C.AUTH, -2015: C.AUTH, -1003: C.RATE_LIMITED, -1015: C.RATE_LIMITED,
}  # fmt: skip
UNKNOWN = {-1000, -1001, -1006, -1007, -1008}


def a_reply(status: int, body: Any, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, headers={k.replace("_", "-"): v for k, v in headers.items()}, body=data)


@pytest.mark.parametrize("error", ERRORS, ids=lambda e: f"{e['body']['code']} {e['when']}")
def test_every_documented_error_is_classified(error: Any) -> None:
    code, text = error["body"]["code"], error["body"]["msg"]
    outcome = replies.placed("acc-1", a_reply(error["http_status"] or 0, error["body"]), NOW)
    assert isinstance(outcome, Rejected | Unknown)
    assert (outcome.code, outcome.reason if code not in UNKNOWN else "") == (
        str(code),
        text if code not in UNKNOWN else "",
    )
    if code in UNKNOWN:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Rejected)
        assert outcome.category is (EXPECTED.get(text) or BY_DOCUMENTED_CODE[code])


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_no_code_is_a_refusal_under_a_5xx(status: int, code: int) -> None:
    assert isinstance(replies.placed("acc-1", a_reply(status, {"code": code, "msg": ""}), NOW), Unknown)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -9999, 0, 17])
def test_a_code_that_is_not_on_the_allowlist_is_unknown_even_under_a_400(code: int) -> None:
    assert isinstance(replies.placed("acc-1", a_reply(400, {"code": code, "msg": ""}), NOW), Unknown)


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410, 500, 502])
@pytest.mark.parametrize("body", [b"<html>nginx</html>", b"", b"[]", b'{"code":"x"}', b"\xff\xfe"])
def test_an_answer_that_is_not_the_apis_is_unknown(status: int, body: bytes) -> None:
    assert isinstance(replies.placed("acc-1", a_reply(status, body), NOW), Unknown)


@pytest.mark.parametrize("body", [b"<html>", b"{}", b"[]", b"null", b'{"symbol":"BTCUSDT"}'])
def test_a_success_that_cannot_be_read_is_unknown_not_refused(body: bytes) -> None:
    assert isinstance(replies.placed("acc-1", a_reply(200, body), NOW), Unknown)
    assert isinstance(replies.canceled("acc-1", a_reply(200, body), NOW), Unknown)


def test_an_unknown_text_under_a_code_of_many_refusals_is_a_refusal_without_a_class() -> None:
    assert category_of(-2010, "A text written after this test.", 400) is C.UNCLASSIFIED
    assert category_of(-2010, "Duplicate order sent", 400) is C.UNCLASSIFIED


def test_overload_is_a_refusal_only_where_the_status_says_so() -> None:
    assert category_of(-1008, "", 400) is C.EXCHANGE_DOWN
    assert category_of(-1008, "", 0) is None
    assert category_of(-1008, "", 503) is None


@pytest.mark.parametrize("status", [429, 418])
def test_a_limit_without_a_readable_body_is_still_a_limit(status: int) -> None:
    outcome = replies.placed("acc-1", a_reply(status, b"", retry_after="7"), NOW)
    assert isinstance(outcome, Rejected)
    assert (outcome.category, outcome.retry_after_ms) == (C.RATE_LIMITED, 7000)


def test_usage_counts_weight_and_orders_and_stops_whom_it_concerns(dialect: Any) -> None:
    headers = {
        "x_mbx_used_weight": "9",
        "x_mbx_used_weight_1m": "12",
        "x_mbx_order_count_10s": "3",
        "x_mbx_order_count_1d": "4",
    }
    usage = dialect.usage(a_reply(200, {}, **headers))
    assert set(usage.used) == {
        (LimitKind.WEIGHT, 60_000, 12), (LimitKind.ORDERS, 10_000, 3), (LimitKind.ORDERS, 86_400_000, 4)
    }  # fmt: skip
    assert usage.retry_after_ms is None
    weight = dialect.usage(a_reply(429, {"code": -1003, "msg": ""}, retry_after="3"))
    assert (weight.retry_after_ms, weight.retry_scope) == (3000, LimitScope.IP)
    orders = dialect.usage(a_reply(429, {"code": -1015, "msg": ""}))
    assert (orders.retry_after_ms, orders.retry_scope) == (0, LimitScope.ACCOUNT)


def test_nothing_to_cancel_is_accepted_without_facts() -> None:
    outcome = replies.all_canceled("acc-1", a_reply(400, {"code": -2011, "msg": "Unknown order sent."}), NOW)
    assert outcome == Accepted(())


def test_a_cancel_of_all_tells_orders_and_lists(raw: Any) -> None:
    outcome = replies.all_canceled("acc-1", a_reply(200, raw("rest_openOrders_delete")), NOW)
    assert isinstance(outcome, Accepted)
    assert sum(isinstance(fact, OrderCanceled) for fact in outcome.facts) == 3


def test_executions_a_reply_does_not_list_are_told_as_a_snapshot(frame: Any) -> None:
    body = frame("rest_order_post_full_market_filled")
    del body["fills"]
    outcome = replies.placed("acc-1", a_reply(200, body), NOW)
    assert isinstance(outcome, Accepted)
    assert isinstance(outcome.facts[-1], OrderSnapshot)
    assert outcome.facts[-1].cum_qty == Decimal("0.01")


def test_a_reply_and_the_stream_tell_an_acceptance_in_the_same_digits(raw: Any) -> None:
    outcome = replies.placed("acc-1", a_reply(200, raw("rest_order_post_full_limit_resting")), NOW)
    assert isinstance(outcome, Accepted)
    assert str(outcome.facts[0].cum_qty) == "0"
    event = parse(raw("uds_executionReport_new"), WsApiFrame).event
    assert isinstance(event, ExecutionReport)
    assert str(order_fact(event, "acc-1", NOW).cum_qty) == "0"


ABSENT = {"code": -2013, "msg": "Order does not exist."}


def answered(call: Any, *all_replies: Reply) -> Any:
    """The answer after these replies, and the targets that were asked."""
    asked, answer = [], call
    for reply in all_replies:
        assert isinstance(answer, Call)
        asked.append(dict(answer.request.params))
        answer = answer.read(reply, NOW)
    return answer, asked


def a_ref(**ids: Any) -> OrderRef:
    return OrderRef(account_id="acc-1", symbol="BTCUSDT", **ids)


def test_an_order_is_found_and_keeps_the_name_it_was_asked_by(dialect: Any, frame: Any) -> None:
    body = {**frame("rest_order_get_canceled_partial"), "clientOrderId": "some-cancel"}
    answer, _ = answered(dialect.fetch_order(a_ref(exchange_order_id="52", client_order_id="mine")), a_reply(200, body))
    assert isinstance(answer, OrderFound)
    assert (answer.order.client_order_id, answer.order.cum_qty) == ("mine", Decimal("0.002"))


def test_an_order_is_absent_only_after_its_other_names_were_tried(dialect: Any) -> None:
    call = dialect.fetch_order(a_ref(client_order_id="b2345672345672345-s1"))
    answer, asked = answered(call, *[a_reply(400, ABSENT)] * 3)
    assert answer == OrderAbsent("-2013")
    assert asked == [
        {"symbol": "BTCUSDT", "origClientOrderId": "b2345672345672345-s1"},
        {"symbol": "BTCUSDT", "origClientOrderId": "b2345672345672345-s1-c"},
        {"origClientOrderId": "b2345672345672345-l1"},
    ]


def test_a_leg_renamed_by_the_cancel_of_its_list_is_found_through_the_list(dialect: Any, frame: Any) -> None:
    listed = frame("rest_orderList_get_done")
    listed["orders"][0]["clientOrderId"] = "b2345672345672345-s1"
    order = {**frame("rest_order_get_canceled_partial"), "clientOrderId": "b2345672345672345-l1-c"}
    call = dialect.fetch_order(a_ref(client_order_id="b2345672345672345-s1"))
    absent = a_reply(400, ABSENT)
    answer, asked = answered(call, absent, absent, a_reply(200, listed), a_reply(200, order))
    assert asked[-1] == {"symbol": "BTCUSDT", "orderId": "52000000011"}
    assert answer.order.client_order_id == "b2345672345672345-s1"


def test_the_partner_that_a_cancel_named_alike_is_not_taken_for_the_leg(dialect: Any, frame: Any) -> None:
    partner = {**frame("rest_order_get_expired_oco_leg"), "clientOrderId": "b2345672345672345-t1-c"}
    call = dialect.fetch_order(a_ref(client_order_id="b2345672345672345-t1"))
    answer, _ = answered(call, a_reply(400, ABSENT), a_reply(200, partner), a_reply(400, ABSENT))
    assert answer == OrderAbsent("-2013")


def test_an_unanswered_question_is_not_an_absent_order(dialect: Any) -> None:
    answer, _ = answered(dialect.fetch_order(a_ref(client_order_id="mine")), a_reply(502, b"<html>"))
    assert isinstance(answer, Unknown)


def test_the_legs_of_a_list_are_named(dialect: Any, raw: Any) -> None:
    answer, _ = answered(dialect.fetch_order_list("acc-1", "cat-oco1"), a_reply(200, raw("rest_orderList_get")))
    assert answer == OrderListFound(("cat-oco1-stop", "cat-oco1-tp"))
    assert answered(dialect.fetch_order_list("acc-1", "x"), a_reply(400, ABSENT))[0] == OrderAbsent("-2013")


def test_trades_are_read_page_by_page(dialect: Any, frame: Any) -> None:
    one = frame("rest_myTrades")[0]
    full = [{**one, "id": number} for number in range(1, 1001)]
    call = dialect.fetch_my_trades("acc-1", "BTCUSDT", since_ms=5)
    trades, asked = answered(call, a_reply(200, full), a_reply(200, [{**one, "id": 1001}]))
    assert [trade.trade_id for trade in trades] == [str(number) for number in range(1, 1002)]
    assert asked[1] == {"symbol": "BTCUSDT", "fromId": "1001", "limit": "1000"}
    assert all(isinstance(trade, OrderFilled) for trade in trades)


def test_balances_are_absolute(dialect: Any, raw: Any) -> None:
    answer, _ = answered(dialect.fetch_balances("acc-1"), a_reply(200, raw("rest_account")))
    assert isinstance(answer, BalanceChanged)
    assert (answer.balances[0].asset, answer.balances[0].free) == ("BTC", Decimal("0.0152"))


RESTRICTIONS = {
    "enableReading": True,
    "enableSpotAndMarginTrading": True,
    "enableWithdrawals": True,
    "ipRestrict": False,
}


def test_a_key_that_can_withdraw_is_told(dialect: Any) -> None:
    answer, _ = answered(dialect.check_key(), a_reply(200, RESTRICTIONS))
    assert (answer.ok, answer.can_trade, answer.can_withdraw) == (True, True, True)


def test_a_key_that_may_not_trade_is_not_ok(dialect: Any) -> None:
    answer, _ = answered(dialect.check_key(), a_reply(200, {**RESTRICTIONS, "enableSpotAndMarginTrading": False}))
    assert not answer.ok
    assert answer.problem


def test_a_refused_key_is_a_key_that_is_not_ok(dialect: Any) -> None:
    answer, _ = answered(dialect.check_key(), a_reply(401, {"code": -2015, "msg": "Invalid API-key"}))
    assert isinstance(answer, KeyCheck)
    assert not answer.ok


def test_where_restrictions_cannot_be_asked_the_account_answers(dialect: Any, raw: Any) -> None:
    answer, _ = answered(dialect.check_key(), a_reply(404, b"<html>"), a_reply(200, raw("rest_account")))
    assert (answer.ok, answer.can_withdraw, answer.account_kind) == (True, None, "SPOT")


def a_symbol(*filters: dict[str, Any]) -> SymbolBody:
    return SymbolBody(symbol="ABCUSDT", status="TRADING", base_asset="ABC", quote_asset="USDT", filters=filters)


def test_the_legacy_minimum_counts_and_the_stricter_of_two_wins() -> None:
    legacy = {"filterType": "MIN_NOTIONAL", "minNotional": "10", "applyToMarket": True, "avgPriceMins": 5}
    modern = {"filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True, "maxNotional": "0"}
    assert symbols.instrument(a_symbol(legacy)).min_notional == 10
    both = symbols.instrument(a_symbol(modern, legacy))
    assert both.min_notional == both.market_min_notional == 10


def test_a_zero_step_is_off_and_a_missing_flag_is_false() -> None:
    instrument = symbols.instrument(
        a_symbol({"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "0", "stepSize": "0.0"})
    )
    assert instrument.floor_qty(Decimal("1.23456789")) == Decimal("1.23456789")
    assert (instrument.oco_allowed, instrument.tradable, instrument.max_algo_orders) == (False, False, 0)


def test_unknown_filters_are_ignored_and_broken_ones_stop_the_symbol() -> None:
    assert symbols.instrument(a_symbol({"filterType": "T_PLUS_SELL", "endTime": 1}, {})).tick_size == 0
    with pytest.raises(UnreadableFrame):
        symbols.instrument(a_symbol({"filterType": "PRICE_FILTER", "tickSize": "NaN"}))


def test_time_instruments_and_prices_are_read(dialect: Any, raw: Any) -> None:
    assert answered(dialect.fetch_time(), a_reply(200, raw("rest_time")))[0] == 1795341600123
    info, _ = answered(dialect.fetch_instruments(), a_reply(200, raw("rest_exchangeInfo")))
    assert ([i.symbol for i in info.instruments], len(info.limits)) == (["BTCUSDT", "ETHUSDT", "BAZUSD"], 4)
    assert answered(dialect.fetch_depth("BTCUSDT", 100), a_reply(200, raw("rest_depth")))[0].bids[0][0] == 98000
    candles, _ = answered(dialect.fetch_candles("BTCUSDT", "1m", 2), a_reply(200, raw("rest_klines")))
    assert [candle.open_ms for candle in candles] == [1795341540000, 1795341600000]
    assert len(answered(dialect.fetch_public_trades("BTCUSDT", 2), a_reply(200, raw("rest_trades")))[0]) == 2
    tickers, _ = answered(dialect.fetch_tickers(()), a_reply(200, b"[" + raw("rest_ticker_24hr") + b"]"))
    assert tickers[0].last_px == Decimal("98000.01")


def test_open_orders_are_snapshots_of_waiting_stops_too(dialect: Any, raw: Any) -> None:
    orders, _ = answered(dialect.fetch_open_orders("acc-1", "BTCUSDT"), a_reply(200, raw("rest_openOrders_get")))
    assert [order.client_order_id for order in orders] == ["cat-7f3a0001", "cat-7f3a0005", "cat-otoco1-sl"]
