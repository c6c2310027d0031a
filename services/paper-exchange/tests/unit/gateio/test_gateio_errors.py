"""Every refusal has the label, the text and the status of the reference."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from paper_exchange.gateio.face import RestRequest
from paper_exchange.gateio.keys import ApiKey

BTC = "BTC_USDT"
Sample = Callable[[str], Any]


def test_a_header_that_is_missing_is_named(desk: Any, sample: Sample) -> None:
    headers = desk.headers("GET", "/api/v4/spot/accounts")
    del headers["sign"]
    reply = desk.face.rest(RestRequest("GET", "/api/v4/spot/accounts", headers=headers), desk.now_ms)
    assert (reply.status, desk_json(reply)) == (401, sample("rest.error.missing_header"))


def test_a_key_that_nobody_has_is_invalid(desk: Any, sample: Sample) -> None:
    desk.key = ApiKey("x" * 32, 0, "s" * 64)
    assert desk.call("GET", "spot/accounts") == (401, sample("rest.error.invalid_key"))


def test_a_wrong_secret_is_a_signature_mismatch(desk: Any, sample: Sample) -> None:
    desk.key = ApiKey("k" * 32, 0, "wrong")
    assert desk.call("GET", "spot/accounts") == (401, sample("rest.error.invalid_signature"))


def test_a_revoked_key_is_invalid(desk: Any) -> None:
    desk.venue.keys.revoke(desk.account.uid)
    assert desk.label("GET", "spot/accounts") == (401, "INVALID_KEY")


def test_a_key_may_do_what_it_has_rights_for(desk: Any, sample: Sample) -> None:
    desk.key.rights = {"spot": "read", "wallet": "none"}
    assert desk.call("GET", "spot/accounts")[0] == 200
    assert desk.call("POST", "spot/orders", desk.order()) == (403, sample("rest.error.read_only"))
    assert desk.label("GET", "wallet/fee") == (403, "FORBIDDEN")


def test_a_key_may_be_bound_to_addresses(desk: Any, sample: Sample) -> None:
    desk.key.addresses = frozenset({"10.0.0.1"})
    assert desk.call("GET", "spot/accounts") == (403, sample("rest.error.ip_forbidden"))


def test_an_unknown_pair_is_named(desk: Any, sample: Sample) -> None:
    body = desk.order(currency_pair="FOO_USDT")
    assert desk.call("POST", "spot/orders", body) == (400, sample("rest.error.invalid_pair"))


def test_a_text_must_begin_with_t(desk: Any, sample: Sample) -> None:
    assert desk.call("POST", "spot/orders", desk.order(text="abc")) == (400, sample("rest.error.bad_text"))


@pytest.mark.parametrize(("text", "fits"), [("t-" + "a" * 28, True), ("t-" + "a" * 29, False), ("t-a b", False)])
def test_a_text_has_28_bytes_after_its_beginning(desk: Any, text: str, fits: bool) -> None:
    assert desk.call("POST", "spot/orders", desk.order(text=text))[0] == (201 if fits else 400)


def test_an_order_that_has_ended_cannot_be_cancelled(desk: Any, sample: Sample) -> None:
    filled, gone = desk.market("buy", "100")["id"], desk.place()["id"]
    desk.call("DELETE", f"spot/orders/{gone}", currency_pair=BTC)
    cancel = [desk.call("DELETE", f"spot/orders/{name}", currency_pair=BTC) for name in (filled, gone)]
    assert cancel == [(400, sample("rest.error.order_closed")), (400, sample("rest.error.order_cancelled"))]
    assert desk.label("DELETE", "spot/orders/4711", currency_pair=BTC) == (404, "ORDER_NOT_FOUND")


def test_fill_or_kill_that_would_not_fill_is_refused(desk: Any, sample: Sample) -> None:
    body = desk.order(time_in_force="fok")
    assert desk.call("POST", "spot/orders", body) == (400, sample("rest.error.fok_not_fill"))
    assert desk.account.orders == {}


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"amount": "0.0100001"}, "INVALID_PRECISION"),
        ({"price": "97000.01"}, "INVALID_PRECISION"),
        ({"amount": "0.00001"}, "INVALID_PARAM_VALUE"),
        ({"amount": "1000"}, "AMOUNT_TOO_MUCH"),
        ({"price": "1000", "amount": "0.1"}, "PRICE_THRESHOLD_EXCEEDED"),
        ({"amount": "1"}, "BALANCE_NOT_ENOUGH"),
        ({"price": "98100", "time_in_force": "poc"}, "POC_FILL_IMMEDIATELY"),
        ({"type": "market", "price": None}, "INVALID_PARAM_VALUE"),
        ({"type": "stop"}, "INVALID_PARAM_VALUE"),
        ({"side": None}, "MISSING_REQUIRED_PARAM"),
        ({"amount": None}, "MISSING_REQUIRED_PARAM"),
        ({"price": None}, "MISSING_REQUIRED_PARAM"),
        ({"amount": "0"}, "INVALID_PARAM_VALUE"),
        ({"amount": "-1"}, "INVALID_PARAM_VALUE"),
        ({"amount": "NaN"}, "INVALID_PARAM_VALUE"),
        ({"amount": 0.01}, "INVALID_PARAM_VALUE"),
        ({"account": "margin"}, "INVALID_PARAM_VALUE"),
        ({"stp_act": "cn"}, "INVALID_PARAM_VALUE"),
        ({"slippage": "0.01"}, "INVALID_PARAM_VALUE"),
        ({"time_in_force": "day"}, "INVALID_PARAM_VALUE"),
        ({"action_mode": "SOME"}, "INVALID_PARAM_VALUE"),
    ],
)
def test_an_order_outside_the_rules_is_refused_and_leaves_nothing(desk: Any, fields: Any, label: str) -> None:
    assert desk.refused(**fields) == (400, label)
    assert desk.account.orders == {}
    assert (desk.free("USDT"), desk.locked("USDT")) == (10000, 0)


def test_what_is_below_the_minimum_says_how_much_it_must_be(desk: Any) -> None:
    answer = desk.call("POST", "spot/orders", desk.order(amount="0.00001"))[1]
    assert answer["message"].endswith("too small. The minimum is 3 USDT")


def test_a_closed_market_takes_no_orders(desk: Any) -> None:
    desk.exchange.markets["BTCUSDT"].is_open = False
    assert desk.public("spot/currency_pairs/BTC_USDT")["trade_status"] == "untradable"
    assert desk.refused() == (400, "TRADE_RESTRICTED")


def test_a_path_or_a_method_that_is_not_there_is_said_so(desk: Any) -> None:
    assert desk.label("GET", "spot/nowhere") == (404, "NOT_FOUND")
    assert desk.label("PUT", "spot/orders") == (405, "METHOD_NOT_ALLOWED")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_object_is_refused(desk: Any, body: bytes) -> None:
    path = "/api/v4/spot/orders"
    reply = desk.face.rest(RestRequest("POST", path, "", body, desk.headers("POST", path, body=body)), desk.now_ms)
    assert (reply.status, desk_json(reply)["label"]) == (400, "INVALID_REQUEST_BODY")


def test_ten_orders_a_second_and_market_and_no_more(desk: Any, sample: Sample) -> None:
    replies = [desk.reply("POST", "spot/orders", desk.order()) for _ in range(11)]
    assert [reply.status for reply in replies] == [201] * 10 + [429]
    assert desk_json(replies[-1]) == sample("rest.error.too_many_requests")
    assert replies[0].headers == {
        "X-Gate-RateLimit-Requests-Remain": "9",
        "X-Gate-RateLimit-Limit": "10",
        "X-Gate-RateLimit-Reset-Timestamp": str(desk.now_ms // 1000 + 1),
    }
    assert desk.call("POST", "spot/orders", desk.order(currency_pair="ETH_USDT", price="3000"))[0] == 201
    desk.now_ms += 1000
    assert desk.call("POST", "spot/orders", desk.order(price="96000"))[0] == 400  # not enough balance, but counted
    assert desk.reply("GET", "spot/accounts").headers["X-Gate-RateLimit-Limit"] == "200"


def desk_json(reply: Any) -> Any:
    return json.loads(reply.body)
