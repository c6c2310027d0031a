"""The vectors of the reference, and what a key must bring."""

import json
from typing import Any

import msgspec
import pytest

from bitget_connector.signing import UnusableKey, login_frame, signature, signed_request
from common.connector.ports import HttpRequest

VECTORS = {
    "1763800000123GET/api/v2/spot/trade/unfilled-orders?limit=100&symbol=BTCUSDT": (
        "+KPVO5NdGAYSxlOQuoqTDdWa8pz3u/LbgpOWVzQuvZ8="
    ),
    '1763800000123POST/api/v2/spot/trade/place-order{"symbol":"BTCUSDT","side":"buy","orderType":"limit","force":'
    '"gtc","price":"60000","size":"0.005","clientOid":"p1-ENTRY"}': "cGcWLjWx80HIcBfkfe02gEYYY966O9iqEZSV4b0aC+8=",
    "1763800000GET/user/verify": "CwRe+zxmSqXrfd7aqHBPcS0q+JMZBe7+wqo9UeJa+Uw=",
}


@pytest.mark.parametrize("prehash", VECTORS)
def test_the_signature_of_a_recorded_prehash_is_the_recorded_one(prehash: str) -> None:
    assert signature("demo-secret", prehash) == VECTORS[prehash]


def test_a_question_is_signed_with_its_query_as_it_is_sent(credentials: Any) -> None:
    request = HttpRequest(
        method="GET",
        path="/api/v2/spot/trade/unfilled-orders",
        params=(("limit", "100"), ("symbol", "BTCUSDT")),
        signed=True,
    )
    signed = signed_request(request, credentials, 1763800000123)
    headers = dict(signed.headers)
    assert signed.target == "/api/v2/spot/trade/unfilled-orders?limit=100&symbol=BTCUSDT"
    assert headers["ACCESS-SIGN"] == "+KPVO5NdGAYSxlOQuoqTDdWa8pz3u/LbgpOWVzQuvZ8="
    assert (headers["ACCESS-TIMESTAMP"], headers["ACCESS-PASSPHRASE"]) == ("1763800000123", "demo-pass")
    assert signed.body == b""
    assert headers["locale"] == "en-US"


def test_a_body_is_signed_as_the_bytes_that_are_sent(credentials: Any) -> None:
    body = {
        "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "price": "60000", "size": "0.005",
        "clientOid": "p1-ENTRY",
    }  # fmt: skip
    request = HttpRequest(method="POST", path="/api/v2/spot/trade/place-order", body=body, signed=True)
    signed = signed_request(request, credentials, 1763800000123, demo=True)
    assert json.loads(signed.body) == body
    assert dict(signed.headers)["ACCESS-SIGN"] == "cGcWLjWx80HIcBfkfe02gEYYY966O9iqEZSV4b0aC+8="
    assert dict(signed.headers)["paptrading"] == "1"


def test_what_changes_something_is_soon_too_late_and_a_question_is_not(credentials: Any) -> None:
    """A lost order that may still arrive keeps its successor waiting, and the position bare."""
    order = HttpRequest(method="POST", path="/api/v2/spot/trade/place-plan-order", body={}, signed=True)
    question = HttpRequest(method="GET", path="/api/v2/spot/trade/orderInfo", signed=True, read=True)
    times = [
        dict(signed_request(each, credentials, 1763800000123, validity_ms=4_000).headers)["ACCESS-TIMESTAMP"]
        for each in (order, question)
    ]
    assert times == [str(1763800000123 - 26_000), "1763800000123"]


def test_a_login_is_signed_over_seconds(credentials: Any, frame: Any) -> None:
    assert json.loads(login_frame(credentials, 1763800000999)) == frame("ws.login.request")


def test_a_key_without_its_passphrase_cannot_sign(credentials: Any) -> None:
    bare = msgspec.structs.replace(credentials, passphrase=None)
    with pytest.raises(UnusableKey):
        login_frame(bare, 0)


def test_nothing_secret_shows_in_a_signed_request(credentials: Any) -> None:
    request = HttpRequest(method="GET", path="/x", signed=True)
    assert "demo" not in repr(signed_request(request, credentials, 1))
