"""Signatures against vectors: the first is Gate.io's own, the others were computed from its description."""

import pytest

from common.accounts import Credentials
from common.connector.ports import HttpRequest
from common.exchanges import Exchange
from gateio_connector import queries, requests
from gateio_connector.signing import channel_signature, prehash, signature, signed_request

BODY = (
    b'{"text":"t-tp1-0001","currency_pair":"BTC_USDT","type":"limit","account":"spot","side":"sell",'
    b'"amount":"0.001","price":"65000","time_in_force":"gtc"}'
)
VECTORS = [
    ("secret", "GET", "/api/v4/futures/orders", "contract=BTC_USD&status=finished&limit=50", b"", "1541993715",
     "55f84ea195d6fe57ce62464daaa7c3c02fa9d1dde954e4c898289c9a2407a3d6fb3faf24deff16790d726b66ac9f74526668b13bd01029199cc4fcc522418b8a"),
    ("paper-secret", "GET", "/api/v4/spot/open_orders", "page=1&limit=100&account=spot", b"", "1763800000",
     "5b5626c6883409b8fab0571580807c348088b2a6ed294de2f65c7388214e08c16b067874b9b4216e40cf790709d27afe44375233f68f2d59e30c59740eef866a"),
    ("paper-secret", "GET", "/api/v4/spot/accounts", "", b"", "1763800000.5",
     "27bed322367185140e5d250978da252468b2e2f722d8d18b9ae71702c08c4bdd4cd288641f6b31769089dbac7889e4b38664f88e66740120a05196eed912ee75"),
    ("paper-secret", "DELETE", "/api/v4/spot/price_orders/1432329", "", b"", "1763800000",
     "e5d8722cb1fe6558c3ba66b700d1f68bf633eaab63ee611dd338ab4915617d35e60e5d50cdba1dbdb6746130d8856332a7e932d5d1dc0fe9e12e395457966c2b"),
    ("paper-secret", "POST", "/api/v4/spot/orders", "", BODY, "1763800000",
     "0124f02987b7b2df010eddf1e4b75fa56b4c32a57d99d44a2fd21078b2a48a3d88aa456ace57e52883bd0b1c41604c832507139e843caf268e67622bba264e28"),
]  # fmt: skip
NOW_MS = 1_763_800_000_000
KEY = Credentials(
    account_id="a", exchange=Exchange.GATEIO, api_key="k", secret="paper-secret", passphrase=None, key_version=1,
    expires_at_ms=NOW_MS,
)  # fmt: skip


@pytest.mark.parametrize(("secret", "method", "path", "query", "body", "time", "expected"), VECTORS)
def test_a_request_is_signed_as_documented(
    secret: str, method: str, path: str, query: str, body: bytes, time: str, expected: str
) -> None:
    assert signature(secret, prehash(method, path, query, body, time)) == expected


def test_a_subscription_is_signed_as_documented() -> None:
    assert channel_signature("paper-secret", "spot.orders", "subscribe", 1763800000) == (
        "5c80f0075d5a2a4949f1ebcbb074a6df4943a4079e5ca1a9621d0e3afbda08855a6cc003b6e95d45f4d17f90427b3b8010f8a863f369"
        "aea190689ceb9a78ae04"
    )


def test_a_query_is_signed_decoded_and_sent_encoded() -> None:
    request = HttpRequest(method="GET", path="/spot/batch_fee", params=(("currency_pairs", "A_B,C_D"),), signed=True)
    signed = signed_request(msg_read(request), KEY, NOW_MS, 10_000)
    assert signed.target == "/api/v4/spot/batch_fee?currency_pairs=A_B%2CC_D"
    text = prehash("GET", "/api/v4/spot/batch_fee", "currency_pairs=A_B,C_D", b"", "1763800000")
    assert dict(signed.headers)["SIGN"] == signature("paper-secret", text)


def msg_read(request: HttpRequest) -> HttpRequest:
    return HttpRequest(method=request.method, path=request.path, params=request.params, signed=True, read=True)


def test_an_order_says_itself_until_when_it_may_arrive() -> None:
    headers = dict(signed_request(requests.cancel("BTC_USDT", "1"), KEY, NOW_MS, 10_000).headers)
    assert headers["x-gate-exptime"] == str(NOW_MS + 10_000)
    assert headers["Timestamp"] == "1763800000"


def test_a_price_order_carries_a_time_that_is_refused_soon() -> None:
    headers = dict(signed_request(requests.disarm("1"), KEY, NOW_MS, 10_000).headers)
    assert "x-gate-exptime" not in headers
    assert headers["Timestamp"] == str(1763800000 - 50)
    assert dict(signed_request(requests.disarm("1"), KEY, NOW_MS, 60_000).headers)["Timestamp"] == "1763800000"


def test_a_question_carries_the_true_time() -> None:
    assert dict(signed_request(queries.accounts(), KEY, NOW_MS, 10_000).headers)["Timestamp"] == "1763800000"
