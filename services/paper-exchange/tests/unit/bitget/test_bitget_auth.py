"""Who asks: signatures, clocks, passphrases, kinds of account, and rates."""

import json
from typing import Any

import pytest

from paper_exchange.bitget import signing
from paper_exchange.bitget.limits import Meter

VECTORS = [
    (
        "1763800000123GET/api/v2/spot/trade/unfilled-orders?limit=100&symbol=BTCUSDT",
        "+KPVO5NdGAYSxlOQuoqTDdWa8pz3u/LbgpOWVzQuvZ8=",
    ),
    (
        (
            '1763800000123POST/api/v2/spot/trade/place-order{"symbol":"BTCUSDT","side":"buy","orderType":"limit",'
            '"force":"gtc","price":"60000","size":"0.005","clientOid":"p1-ENTRY"}'
        ),
        "cGcWLjWx80HIcBfkfe02gEYYY966O9iqEZSV4b0aC+8=",
    ),
    ("1763800000GET/user/verify", "CwRe+zxmSqXrfd7aqHBPcS0q+JMZBe7+wqo9UeJa+Uw="),
]


@pytest.mark.parametrize(("text", "signature"), VECTORS)
def test_the_documented_signatures_come_out(text: str, signature: str) -> None:
    assert signing.sign("demo-secret", text) == signature
    assert signing.fits("demo-secret", text, signature)


def test_the_query_is_signed_unescaped_and_the_body_as_sent() -> None:
    assert signing.prehash("1", "GET", "/api/x", "a=1%2B2&b=%23", "") == "1GET/api/x?a=1+2&b=#"
    assert signing.prehash("1", "GET", "/api/x", "", "") == "1GET/api/x"
    assert signing.prehash("1", "POST", "/api/x", "", '{ "a":1}') == '1POST/api/x{ "a":1}'


@pytest.mark.parametrize(
    ("wrong", "sample"),
    [
        ({"api_key": "bg_other"}, "bad_key"),
        ({"passphrase": "guess"}, "bad_passphrase"),
        ({"sign": "AAAA"}, "sign"),
        ({"timestamp": "1795341569999"}, "timestamp"),
    ],
)
def test_a_request_that_proves_nothing_is_answered_as_documented(
    desk: Any, frame: Any, wrong: dict[str, str], sample: str
) -> None:
    reply = desk.raw("GET", "/api/v2/spot/account/assets", **wrong)
    expected = frame(f"rest.error.{sample}") | {"requestTime": desk.now_ms}
    assert (reply.status, json.loads(reply.body)) == (400, expected)


@pytest.mark.parametrize(("wrong", "code"), [({"passphrase": ""}, "40011"), ({"timestamp": "1795341600"}, "40005")])
def test_headers_that_are_missing_or_malformed_have_codes_of_their_own(
    desk: Any, wrong: dict[str, str], code: str
) -> None:
    assert json.loads(desk.raw("GET", "/api/v2/spot/account/assets", **wrong).body)["code"] == code


def test_thirty_seconds_off_are_just_in_time_on_both_sides(desk: Any) -> None:
    for timestamp in (desk.now_ms - 30_000, desk.now_ms + 30_000):
        assert desk.raw("GET", "/api/v2/spot/account/assets", timestamp=str(timestamp)).status == 200


def test_a_tighter_window_can_be_asked_for(desk: Any) -> None:
    assert desk.get("v2/spot/account/assets", receiveWindow=60000)["code"] == "40079"
    assert desk.get("v2/spot/account/assets", receiveWindow=10, requestTime=desk.now_ms - 11)["code"] == "40078"


def test_each_kind_of_account_has_its_own_api(desk: Any, uta: Any, frame: Any) -> None:
    wrong = uta.get("v2/spot/account/assets")
    assert wrong == frame("rest.error.uta_account_on_v2") | {"requestTime": uta.now_ms}
    assert desk.get("v3/account/assets")["code"] == "40084"
    assert (
        uta.get("v2/spot/public/symbols")["code"] == desk.get("v3/market/tickers", category="SPOT")["code"] == "00000"
    )


def test_a_key_without_permission_to_trade_may_only_read(desk: Any, frame: Any) -> None:
    desk.key.permissions = frozenset({"read"})
    assert desk.buy() == frame("rest.error.permission") | {"requestTime": desk.now_ms}
    assert desk.ask("unfilled-orders")["code"] == "00000"


def test_a_revoked_key_is_nobodys(desk: Any) -> None:
    desk.venue.keys.revoke(desk.key.uid)
    assert desk.ask("unfilled-orders")["code"] == "40006"


def test_more_requests_in_a_second_than_allowed_are_refused_and_the_header_counts_down(desk: Any, frame: Any) -> None:
    desk.venue.meter = Meter()
    replies = [desk.raw("GET", "/api/v2/spot/account/assets") for _ in range(11)]
    assert [reply.headers["x-mbx-used-remain-limit"] for reply in replies] == [*map(str, range(9, -1, -1)), "0"]
    assert (replies[-1].status, json.loads(replies[-1].body)) == (
        429, frame("rest.error.rate_limit") | {"requestTime": desk.now_ms},
    )  # fmt: skip
    desk.now_ms += 1000
    assert desk.raw("GET", "/api/v2/spot/account/assets").status == 200


def test_a_path_that_does_not_exist_is_not_found(desk: Any) -> None:
    assert (desk.raw("GET", "/api/v2/spot/nothing").status, desk.get("v1/spot")["code"]) == (404, "40404")


def test_client_ids_are_checked_for_length_alphabet_and_life(desk: Any, uta: Any, frame: Any) -> None:
    assert desk.buy(clientOid="x" * 51)["code"] == "40304"
    assert desk.buy(clientOid="a b")["code"] == "40305"
    assert desk.buy(clientOid="a#+_-1")["code"] == "00000"
    assert desk.buy(clientOid="a#+_-1") == frame("rest.error.duplicate_client_oid") | {"requestTime": desk.now_ms}
    order = {"category": "SPOT", "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "price": "97000", "qty": "1"}
    assert uta.post("v3/trade/place-order", **order, clientOid="a#")["code"] == "40305"
    assert uta.post("v3/trade/place-order", **order, clientOid="x" * 33)["code"] == "40304"


def test_ids_have_nineteen_digits(desk: Any) -> None:
    assert len(desk.buy()["data"]["orderId"]) == 19
