"""The signature vectors of the Binance documentation, and an Ed25519 one."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from paper_exchange.binance.signing import ed25519_fits, hmac_fits, rest_payload, ws_payload

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
REST = "symbol={}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
ENCODED = "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96"
PLAIN = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


@pytest.mark.parametrize(
    ("query", "signature"),
    [
        (REST.format("LTCBTC"), PLAIN),
        (REST.format("LTCBTC"), PLAIN.upper()),
        (REST.format(ENCODED), "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3"),
    ],
)
def test_rest_signs_the_encoded_query_and_hex_case_does_not_matter(query: str, signature: str) -> None:
    assert hmac_fits(SECRET, rest_payload(f"{query}&signature={signature}", ""), signature)


def test_a_signature_over_the_unencoded_text_does_not_fit() -> None:
    unencoded = "ca2cdfbf21d2e2958de492c7f2dd1f059dd2ed4d4459d26a5ec7928db50c8d4f"
    assert not hmac_fits(SECRET, rest_payload(REST.format(ENCODED), ""), unencoded)


def test_query_and_body_are_signed_together_with_nothing_between() -> None:
    query = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
    body = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    signature = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"
    assert hmac_fits(SECRET, rest_payload(query, f"{body}&signature={signature}"), signature)


@pytest.mark.parametrize(
    ("params", "signature"),
    [
        (
            {
                "symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000000",
                "price": "52000.00", "recvWindow": "100", "timestamp": "1645423376532", "apiKey": KEY,
            },
            "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
        ),
        (
            {
                "symbol": "１２３４５６", "side": "BUY", "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "1.00000000", "price": "0.10000000", "recvWindow": "5000", "timestamp": "1645423376532",
                "apiKey": KEY,
            },
            "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
        ),
        (
            {"apiKey": KEY, "timestamp": "1747385641636"},
            "681110a6057ad58657af22f5640fab9dd17418834cdfccdc81be8b0f7b2cde3e",
        ),
    ],
)  # fmt: skip
def test_the_websocket_api_signs_sorted_unencoded_parameters(params: dict[str, str], signature: str) -> None:
    assert hmac_fits(SECRET, ws_payload(params | {"signature": signature}), signature)


@pytest.fixture
def public_key() -> Ed25519PublicKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()


def test_ed25519_signatures_are_base64_of_the_payload_as_sent(public_key: Ed25519PublicKey) -> None:
    payload = (
        b"symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=0.2"
        b"&timestamp=1668481559918&recvWindow=5000"
    )
    signature = "m5loLRxgkb9HyW0wkZ4KNrpck881bx5D0OrKNnPklvk4tlGjEJkhiP9DoyC0sc1lXA/TWugjVPrMb/bfNdmdBw=="
    assert ed25519_fits(public_key, payload, signature)
    assert not ed25519_fits(public_key, payload + b"0", signature)
    assert not ed25519_fits(public_key, payload, "not base64!")
    assert not ed25519_fits(public_key, payload, base64.b64encode(b"short").decode())


def test_session_logon_is_signed_like_any_websocket_request(public_key: Ed25519PublicKey) -> None:
    params = {
        "apiKey": "4yNzx3yWC5bS6YTwEkSRaC0nRmSQIIStAUOh1b6kqaBrTLIhjCpI5lJH8q8R8WNO",
        "timestamp": "1649729878532",
    }
    signature = "3f607ShE7NxDVBcqOzPxVhTwlmZdEt6RDPtVmIJJYCfEU/AT3wCvX9TgIFs3JhSeCZihhY3eUVXK0ye2WyKjBw=="
    assert ed25519_fits(public_key, ws_payload(params), signature)
