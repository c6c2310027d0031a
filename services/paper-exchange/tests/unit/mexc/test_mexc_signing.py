"""Signatures, time and keys as section 2 has them."""

from typing import Any

import pytest

from paper_exchange.mexc.signing import payload, signature_of

SECRET = "45d0b3c26f2644f19bfb98b07741b2f5"
ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"
BATCH = (
    "batchOrders=%5B%7B%22symbol%22%3A%22MXUSDT%22%2C%22side%22%3A%22SELL%22%2C%22type%22%3A%22LIMIT%22%2C%22quantity"
    "%22%3A%2220%22%2C%22price%22%3A%223.9%22%2C%22newClientOrderId%22%3A%22p1-tp1-1%22%7D%2C%7B%22symbol%22%3A"
    "%22MXUSDT%22%2C%22side%22%3A%22SELL%22%2C%22type%22%3A%22LIMIT%22%2C%22quantity%22%3A%2220%22%2C%22price%22%3A"
    "%224.1%22%2C%22newClientOrderId%22%3A%22p1-tp2-1%22%7D%5D&recvWindow=5000&timestamp=1644489390087"
)
ACCOUNT = "recvWindow=5000&timestamp=1644489390087"


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (ORDER, "", "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"),
        ("", ORDER, "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"),
        (ORDER[:34], ORDER[35:], "d1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592"),
        (ACCOUNT, "", "1103ce19f47c037fc03b8b9d674e10ee76e53272851eb2a3b10321cd353fb9bf"),
        (f"symbol=BTCUSDT%2CMXUSDT&{ACCOUNT}", "", "4e65c8c510185ec443988aae78fbed02d255536ab80a62b6294cd97163d98de6"),
        (BATCH, "", "cff0e27e1f579c7605c4955e0eed60de21db3af08f886cec6bab2620cac0969a"),
    ],
)
def test_checked_vectors(query: str, body: str, signature: str) -> None:
    assert signature_of(SECRET, payload(f"{query}&signature={signature}", body)) == signature


def sign(query: str) -> str:
    return f"{query}&signature={signature_of(SECRET, query)}"


def test_a_signature_in_upper_case_is_refused(desk: Any, frame: Any) -> None:
    query = desk.signed()
    head, _, signature = query.rpartition("=")
    refused = desk.raw("GET", "openOrders", f"{head}={signature.upper()}")
    sample = frame("rest_error_bad_signature")
    assert refused == (sample["http_status"], sample["body"])
    assert desk.raw("GET", "openOrders", query)[0] == 200


def test_the_signature_may_stand_anywhere_and_the_body_is_signed_too(desk: Any) -> None:
    query, body = "symbol=MXUSDT&side=SELL&type=LIMIT", f"quantity=20&price=3.9&timestamp={desk.now_ms}"
    signature = signature_of(SECRET, query + body)
    assert desk.raw("POST", "order", f"signature={signature}&{query}", body)[0] == 200


def test_the_query_wins_over_the_body(desk: Any) -> None:
    query, body = "symbol=MXUSDT&side=SELL&type=LIMIT&price=3.9", f"price=4.5&quantity=20&timestamp={desk.now_ms}"
    assert (
        desk.raw("POST", "order", f"{query}&signature={signature_of(SECRET, query + body)}", body)[1]["price"] == "3.9"
    )


def test_reserved_characters_must_be_encoded_with_upper_case_digits(desk: Any) -> None:
    for symbols in ("MXUSDT%2cBTCUSDT", "MXUSDT,BTCUSDT"):
        query = sign(f"symbol={symbols}&timestamp={desk.now_ms}")
        assert desk.raw("DELETE", "openOrders", query)[1]["code"] == 700002
    assert desk.call("DELETE", "openOrders", symbol="MXUSDT,BTCUSDT") == (200, [])


@pytest.mark.parametrize(
    ("ahead_ms", "window", "code"),
    [(999, "", 200), (1000, "", 700003), (-5000, "", 200), (-5001, "", 700003), (-59_000, "60000", 200),
     (1000, "60000", 700003), (0, "60001", 700005), (0, "abc", 700003)],
)  # fmt: skip
def test_the_window_has_two_sides(desk: Any, ahead_ms: int, window: str, code: int) -> None:
    tail = f"&recvWindow={window}" if window else ""
    status, body = desk.raw("GET", "openOrders", sign(f"timestamp={desk.now_ms + ahead_ms}{tail}"))
    assert (status if status == 200 else body["code"]) == code


def test_who_sends_no_key_a_strange_key_or_a_revoked_one(desk: Any, frame: Any) -> None:
    assert desk.raw("GET", "openOrders", desk.signed(), api_key=None) == (400, {"msg": "api key required", "code": 400})
    sample = frame("rest_error_bad_api_key")
    assert desk.raw("GET", "openOrders", desk.signed(), api_key="mx0v") == (sample["http_status"], sample["body"])
    desk.venue.keys.revoke(desk.account.uid)
    assert desk.call("GET", "openOrders")[1]["code"] == 10072


def test_a_key_may_do_only_what_it_is_permitted(desk: Any) -> None:
    desk.key.permissions = frozenset({"SPOT_DEAL_READ"})
    assert desk.call("GET", "openOrders")[0] == 200
    assert desk.order()[1]["code"] == 700007


@pytest.mark.parametrize(("switch", "refused"), [("off", set()), ("writes", {"POST"}), ("all", {"GET", "POST"})])
def test_requests_must_say_that_they_are_json(desk: Any, frame: Any, switch: str, refused: set[str]) -> None:
    desk.venue.switches.content_type = switch
    sample = frame("rest_error_bad_content_type")
    for method in ("GET", "POST"):
        query = desk.signed()
        reply = desk.raw(method, "userDataStream", query, content_type="application/x-www-form-urlencoded")
        assert (reply == (sample["http_status"], sample["body"])) == (method in refused)
