import base64
from typing import Any

import pytest

from binance_connector.signing import UnusableSecret, ed25519_key, signature, signed_params, signed_request, ws_payload
from common.connector.ports import HttpRequest

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
ED25519_BODY = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
ED25519_PEM = f"-----BEGIN PRIVATE KEY-----\n{ED25519_BODY}\n-----END PRIVATE KEY-----\n"
TAIL = "&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"

REST_VECTORS = {
    f"symbol=LTCBTC{TAIL}": "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    f"symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96{TAIL}": (
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"
    ),
    f"symbol=１２３４５６{TAIL}": "ca2cdfbf21d2e2958de492c7f2dd1f059dd2ed4d4459d26a5ec7928db50c8d4f",
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559": (
        "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    ),
}


@pytest.mark.parametrize(("payload", "expected"), REST_VECTORS.items())
def test_an_hmac_signature_is_the_documented_one(payload: str, expected: str) -> None:
    assert signature(SECRET, payload) == expected


WS_VECTORS = [
    (
        {
            "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
            "price": "52000.00", "recvWindow": 100, "timestamp": 1645423376532,
        },
        "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    ),
    (
        {
            "symbol": "１２３４５６", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1.00000000",
            "price": "0.10000000", "recvWindow": 5000, "timestamp": 1645423376532,
        },
        "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
    ),
    ({"timestamp": 1747385641636}, "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "expected"), WS_VECTORS)
def test_a_websocket_request_is_signed_sorted_and_unencoded(params: Any, expected: Any, credentials: Any) -> None:
    rest = {name: value for name, value in params.items() if name != "timestamp"}
    signed = signed_params(rest, credentials(), params["timestamp"])
    assert signed["signature"] == expected
    assert signed["apiKey"] == API_KEY


ED25519_PAYLOAD = (
    "symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2&timestamp=1668481559918&recvWindow=5000"
)
ED25519_SIGNATURE = "m5loLRxgkb9HyW0wkZ4KNrpck881bx5D0OrKNnPklvk4tlGjEJkhiP9DoyC0sc1lXA/TWugjVPrMb/bfNdmdBw=="


@pytest.mark.parametrize("secret", [ED25519_PEM, ED25519_BODY, f"  {ED25519_PEM}\n", ED25519_PEM.replace("\n", "\r\n")])
def test_an_ed25519_key_is_recognised_and_signs_as_the_reference_says(secret: str) -> None:
    assert signature(secret, ED25519_PAYLOAD) == ED25519_SIGNATURE


def test_an_ed25519_signature_of_session_logon_is_the_reference_one() -> None:
    key = "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO"
    payload = ws_payload({"timestamp": 1649729878532, "apiKey": key})
    expected = "3f607ShE7NxDVBcqOzPxVhTwlmZdEt6RDPtVmIJJYCfEU/AT3wCvX9TgIFs3JhSeCZihhY3eUVXK0ye2WyKjBw=="
    assert signature(ED25519_PEM, payload) == expected


def test_an_hmac_secret_is_not_taken_for_a_key() -> None:
    assert ed25519_key(SECRET) is None
    assert ed25519_key(base64.b64encode(b"48 bytes that are base64 but nothing like PKCS#8").decode()) is None


@pytest.mark.parametrize(
    "secret",
    [
        "-----BEGIN PRIVATE KEY-----\nnot base64 at all!\n-----END PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQEFDTBK\n-----END ENCRYPTED PRIVATE KEY-----",
        ED25519_BODY[:-8],
    ],
)
def test_a_broken_private_key_is_refused_without_quoting_it(secret: str) -> None:
    with pytest.raises(UnusableSecret) as raised:
        signature(secret, "x=1")
    assert secret[30:50] not in str(raised.value)


def test_a_reading_request_travels_in_the_query_and_is_sent_as_it_was_signed(credentials: Any) -> None:
    request = HttpRequest(
        method="GET", path="/api/v3/order", params=(("symbol", "这是测试币456"),), signed=True, read=True
    )
    signed = signed_request(request, credentials(), 1499827319559, 5000)
    path, _, query = signed.target.partition("?")
    payload, _, sent = query.rpartition("&signature=")
    assert path == "/api/v3/order"
    assert payload == (
        "symbol=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E5%B8%81456&recvWindow=5000&timestamp=1499827319559"
    )
    assert sent == signature(SECRET, payload)
    assert ("X-MBX-APIKEY", API_KEY) in signed.headers
    assert signed.body == b""


def test_an_ed25519_signature_is_percent_encoded_in_the_form_body(credentials: Any) -> None:
    request = HttpRequest(method="POST", path="/api/v3/order", params=(("symbol", "BTCUSDT"),), signed=True)
    signed = signed_request(request, credentials(secret=ED25519_PEM), 1668481559918, 5000)
    payload, _, sent = signed.body.decode().rpartition("&signature=")
    assert signed.target == "/api/v3/order"
    assert ("content-type", "application/x-www-form-urlencoded") in signed.headers
    raw = signature(ED25519_PEM, payload)
    assert sent == raw.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def test_a_public_request_carries_neither_key_nor_time() -> None:
    signed = signed_request(HttpRequest(method="GET", path="/api/v3/time", read=True), None, 1, 5000)
    assert (signed.target, signed.headers, signed.body) == ("/api/v3/time", (), b"")


def test_a_signed_request_never_shows_itself(credentials: Any) -> None:
    request = HttpRequest(method="GET", path="/api/v3/order", params=(("symbol", "BTCUSDT"),), signed=True)
    shown = repr(signed_request(request, credentials(), 1, 5000))
    assert "signature" not in shown
    assert API_KEY not in shown
