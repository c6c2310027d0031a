"""Signatures: the vectors of the reference, what is signed, and what is refused."""

from typing import Any

import pytest

from paper_exchange.gateio import signing
from paper_exchange.gateio.face import RestRequest

SECRET = "paper-secret"
BODY = (
    b'{"text":"t-tp1-0001","currency_pair":"BTC_USDT","type":"limit","account":"spot","side":"sell",'
    b'"amount":"0.001","price":"65000","time_in_force":"gtc"}'
)


@pytest.mark.parametrize(
    ("secret", "parts", "signature"),
    [
        (
            "secret",
            (
                "GET",
                "/api/v4/futures/orders",
                "contract=BTC_USD&status=finished&limit=50",
                b"",
                "1541993715",
            ),
            (
                "55f84ea195d6fe57ce62464daaa7c3c02fa9d1dde954e4c898289c9a2407a3d6"
                "fb3faf24deff16790d726b66ac9f74526668b13bd01029199cc4fcc522418b8a"
            ),
        ),
        (
            SECRET,
            ("GET", "/api/v4/spot/open_orders", "page=1&limit=100&account=spot", b"", "1763800000"),
            (
                "5b5626c6883409b8fab0571580807c348088b2a6ed294de2f65c7388214e08c1"
                "6b067874b9b4216e40cf790709d27afe44375233f68f2d59e30c59740eef866a"
            ),
        ),
        (
            SECRET,
            ("GET", "/api/v4/spot/accounts", "", b"", "1763800000.5"),
            (
                "27bed322367185140e5d250978da252468b2e2f722d8d18b9ae71702c08c4bdd"
                "4cd288641f6b31769089dbac7889e4b38664f88e66740120a05196eed912ee75"
            ),
        ),
        (
            SECRET,
            ("DELETE", "/api/v4/spot/price_orders/1432329", "", b"", "1763800000"),
            (
                "e5d8722cb1fe6558c3ba66b700d1f68bf633eaab63ee611dd338ab4915617d35"
                "e60e5d50cdba1dbdb6746130d8856332a7e932d5d1dc0fe9e12e395457966c2b"
            ),
        ),
        (
            SECRET,
            ("POST", "/api/v4/spot/orders", "", BODY, "1763800000"),
            (
                "0124f02987b7b2df010eddf1e4b75fa56b4c32a57d99d44a2fd21078b2a48a3d"
                "88aa456ace57e52883bd0b1c41604c832507139e843caf268e67622bba264e28"
            ),
        ),
    ],
)
def test_rest_signatures_are_those_of_the_reference(secret: str, parts: Any, signature: str) -> None:
    assert signing.signature_of(secret, signing.rest_payload(*parts)) == signature


def test_channel_and_login_signatures_are_those_of_the_reference() -> None:
    subscribe = signing.channel_payload("spot.orders", "subscribe", 1763800000)
    assert signing.signature_of(SECRET, subscribe) == (
        "5c80f0075d5a2a4949f1ebcbb074a6df4943a4079e5ca1a9621d0e3afbda0885"
        "5a6cc003b6e95d45f4d17f90427b3b8010f8a863f369aea190689ceb9a78ae04"
    )
    login = signing.login_payload("spot.login", "", "1763800000")
    assert signing.signature_of(SECRET, login) == (
        "a6f4a44f5932e8787450f12399bfb81369dc373e189ed01d867e910cbe1d0fc7"
        "47491608769a1c0895a0639f54b42f73873690aa7ce3ee94831ab3320c78a1cd"
    )


def test_the_query_is_signed_decoded_and_sent_encoded(desk: Any) -> None:
    assert desk.call("GET", "spot/batch_fee", currency_pairs="BTC_USDT,ETH_USDT")[0] == 200


def test_a_query_signed_encoded_is_refused(desk: Any) -> None:
    path, query = "/api/v4/spot/batch_fee", "currency_pairs=BTC_USDT%2CETH_USDT"
    timestamp = str(desk.now_ms // 1000)
    hashed = signing.rest_payload("GET", path, "", b"", timestamp).split("\n")[3]
    payload = "\n".join(("GET", path, query, hashed, timestamp))
    headers = {"key": desk.key.api_key, "timestamp": timestamp, "sign": signing.signature_of(desk.key.secret, payload)}
    assert desk.face.rest(RestRequest("GET", path, query, b"", headers), desk.now_ms).status == 401


@pytest.mark.parametrize(("age_s", "status"), [(59, 200), (-59, 200), (61, 403), (-61, 403)])
def test_a_request_may_be_a_minute_off(desk: Any, age_s: int, status: int) -> None:
    path = "/api/v4/spot/accounts"
    headers = desk.headers("GET", path)
    reply = desk.face.rest(RestRequest("GET", path, headers=headers), desk.now_ms + age_s * 1000)
    assert reply.status == status
    if status == 403:
        assert b"REQUEST_EXPIRED" in reply.body


def test_a_timestamp_that_is_no_number_has_expired(desk: Any) -> None:
    path = "/api/v4/spot/accounts"
    headers = desk.headers("GET", path) | {"timestamp": "yesterday"}
    assert desk.face.rest(RestRequest("GET", path, headers=headers), desk.now_ms).status == 403


def test_a_body_other_than_the_signed_one_is_refused(desk: Any) -> None:
    path = "/api/v4/spot/orders"
    headers = desk.headers("POST", path, body=b"{}")
    assert b"INVALID_SIGNATURE" in desk.face.rest(RestRequest("POST", path, "", BODY, headers), desk.now_ms).body


def test_a_request_that_comes_after_its_own_deadline_is_refused(desk: Any) -> None:
    path = "/api/v4/spot/accounts"
    headers = desk.headers("GET", path) | {"x-gate-exptime": str(desk.now_ms - 1)}
    assert desk.face.rest(RestRequest("GET", path, headers=headers), desk.now_ms).status == 403
    headers["x-gate-exptime"] = str(desk.now_ms + 1)
    assert desk.face.rest(RestRequest("GET", path, headers=headers), desk.now_ms).status == 200
