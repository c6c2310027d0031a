"""The documented vectors, byte for byte."""

from typing import Any

import pytest

from common.connector.ports import HttpRequest
from mexc_connector import queries
from mexc_connector.signing import encoded, signature, signed_request

SECRET = "45d0b3c26f2644f19bfb98b07741b2f5"
NOW_MS = 1644489390087
LIMIT = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=11&recvWindow=5000&timestamp=1644489390087"
SPLIT = "symbol=BTCUSDT&side=BUY&type=LIMITquantity=1&price=11&recvWindow=5000&timestamp=1644489390087"


@pytest.mark.parametrize(
    ("total_params", "expected"),
    [
        (LIMIT, "fd3e4e8543c5188531eb7279d68ae7d26a573d0fc5ab0d18eb692451654d837a"),
        (SPLIT, "d1a676610ceb39174c8039b3f548357994b2a34139a8addd33baadba65684592"),
        (
            "recvWindow=5000&timestamp=1644489390087",
            "1103ce19f47c037fc03b8b9d674e10ee76e53272851eb2a3b10321cd353fb9bf",
        ),
    ],
)
def test_a_documented_text_has_its_documented_signature(total_params: str, expected: str) -> None:
    assert signature(SECRET, total_params) == expected


def sent(request: HttpRequest, credentials: Any) -> str:
    return signed_request(request, credentials, NOW_MS, 5_000).target


def test_a_comma_is_encoded_with_upper_case_digits_before_it_is_signed(credentials: Any) -> None:
    request = HttpRequest(method="GET", path="/p", params=(("symbol", "BTCUSDT,MXUSDT"),), signed=True)
    assert sent(request, credentials) == (
        "/p?symbol=BTCUSDT%2CMXUSDT&recvWindow=5000&timestamp=1644489390087"
        "&signature=4e65c8c510185ec443988aae78fbed02d255536ab80a62b6294cd97163d98de6"
    )


def test_a_batch_is_signed_as_it_is_sent(credentials: Any) -> None:
    orders = (
        '[{"symbol":"MXUSDT","side":"SELL","type":"LIMIT","quantity":"20","price":"3.9","newClientOrderId":"p1-tp1-1"},'
        '{"symbol":"MXUSDT","side":"SELL","type":"LIMIT","quantity":"20","price":"4.1","newClientOrderId":"p1-tp2-1"}]'
    )
    request = HttpRequest(method="POST", path="/p", params=(("batchOrders", orders),), signed=True)
    signed = signed_request(request, credentials, NOW_MS, 5_000)
    assert signed.target.endswith("&signature=cff0e27e1f579c7605c4955e0eed60de21db3af08f886cec6bab2620cac0969a")
    assert signed.body == b""


def test_every_request_says_json_and_only_signed_ones_name_the_key(credentials: Any) -> None:
    asked = signed_request(queries.time(), None, NOW_MS, 5_000)
    assert (asked.target, dict(asked.headers)) == ("/api/v3/time", {"content-type": "application/json"})
    private = signed_request(queries.account(), credentials, NOW_MS, 5_000)
    assert dict(private.headers) == {"content-type": "application/json", "X-MEXC-APIKEY": credentials.api_key}


def test_the_question_about_a_key_names_that_key(credentials: Any) -> None:
    assert f"?accessKey={credentials.api_key}&" in sent(queries.api_key_info(), credentials)


def test_text_beyond_ascii_is_encoded_as_utf_8() -> None:
    assert encoded((("a", "ü /+"),)) == "a=%C3%BC%20%2F%2B"
