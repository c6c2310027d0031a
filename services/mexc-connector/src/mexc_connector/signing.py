"""(request, credentials, time) to signed bytes: HMAC-SHA256 in lower-case hex over the raw query and the raw body.

Everything travels in the query string, percent-encoded with upper-case digits, the signature last; every request says
`application/json`, GET too, because some have been refused without (700013).
"""

import hmac
from urllib.parse import quote

from common.accounts import Credentials
from common.connector.ports import HttpRequest, SignedRequest
from mexc_connector.queries import KEY_INFO_PATH

KEY_HEADER = "X-MEXC-APIKEY"
JSON = ("content-type", "application/json")


def signature(secret: str, total_params: str) -> str:
    """The signature of the raw query immediately followed by the raw body."""
    return hmac.digest(secret.encode(), total_params.encode(), "sha256").hex()


def encoded(params: tuple[tuple[str, str], ...]) -> str:
    """Parameters as they stand in a URL: UTF-8, every reserved character as %XX. Names are the API's own, and plain."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in params)


def signed_request(
    request: HttpRequest, credentials: Credentials | None, now_ms: int, recv_window_ms: int
) -> SignedRequest:
    """The exact bytes to send. A timestamp more than a second ahead of the exchange is refused whatever the window."""
    if not request.signed:
        return _sent(request, encoded(request.params), (JSON,))
    assert credentials is not None, "a signed request needs credentials"
    params = request.params
    if request.path == KEY_INFO_PATH:
        params = (("accessKey", credentials.api_key), *params)
    query = encoded((*params, ("recvWindow", str(recv_window_ms)), ("timestamp", str(now_ms))))
    sent = f"{query}&signature={signature(credentials.secret, query)}"
    return _sent(request, sent, ((KEY_HEADER, credentials.api_key), JSON))


def _sent(request: HttpRequest, query: str, headers: tuple[tuple[str, str], ...]) -> SignedRequest:
    target = f"{request.path}?{query}" if query else request.path
    return SignedRequest(method=request.method, target=target, headers=headers)
