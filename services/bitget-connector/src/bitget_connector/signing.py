"""(request, credentials, time) to signed bytes: base64 of HMAC-SHA256 over time, method, path with query, and body.

The query is signed and sent un-escaped: the exchange compares with the decoded text, and values that need escaping
are refused (40009). Times are ms over REST and, against the documentation but as live servers take them, seconds in
the login of a socket.

A signature is taken within 30 seconds of its time, and a plan has no `receiveWindow` to make that shorter. What changes
something is therefore signed with a time set back: what reaches the exchange later than `validity_ms` carries a time it
refuses. Without that a lost order could still arrive half a minute later, and nothing could be placed in its stead.
"""

import base64
import hmac
from typing import Final

import orjson

from common.accounts import Credentials
from common.connector.ports import HttpRequest, SignedRequest
from common.errors import CgtError

LOCALE = ("locale", "en-US")
JSON = ("content-type", "application/json")
LOGIN_PATH = "/user/verify"
CLOCK_WINDOW_MS: Final = 30_000
"""How far a timestamp may be from the exchange's clock."""


class UnusableKey(CgtError):
    """A key without its passphrase: Bitget signs in with three secrets."""


def signature(secret: str, payload: str) -> str:
    """The signature of a payload."""
    return base64.b64encode(hmac.digest(secret.encode(), payload.encode(), "sha256")).decode()


def signed_request(
    request: HttpRequest,
    credentials: Credentials | None,
    now_ms: int,
    *,
    validity_ms: int = CLOCK_WINDOW_MS,
    demo: bool = False,
) -> SignedRequest:
    """The exact bytes to send; `now_ms` is the exchange's time. Raises UnusableKey."""
    query = "&".join(f"{name}={value}" for name, value in request.params)
    target = f"{request.path}?{query}" if query else request.path
    body = b"" if request.body is None else orjson.dumps(request.body)
    headers: tuple[tuple[str, str], ...] = (LOCALE, JSON)
    if request.signed:
        assert credentials is not None, "a signed request needs credentials"
        passphrase = passphrase_of(credentials)
        timestamp = str(now_ms if request.read else now_ms - (CLOCK_WINDOW_MS - validity_ms))
        sign = signature(credentials.secret, f"{timestamp}{request.method}{target}{body.decode()}")
        headers = (
            ("ACCESS-KEY", credentials.api_key),
            ("ACCESS-SIGN", sign),
            ("ACCESS-TIMESTAMP", timestamp),
            ("ACCESS-PASSPHRASE", passphrase),
            *headers,
        )
        if demo:
            headers = (*headers, ("paptrading", "1"))
    return SignedRequest(method=request.method, target=target, headers=headers, body=body)


def login_frame(credentials: Credentials, now_ms: int) -> str:
    """The login of a private socket. Raises UnusableKey."""
    seconds = str(now_ms // 1000)
    login = {
        "apiKey": credentials.api_key,
        "passphrase": passphrase_of(credentials),
        "timestamp": seconds,
        "sign": signature(credentials.secret, f"{seconds}GET{LOGIN_PATH}"),
    }
    return orjson.dumps({"op": "login", "args": [login]}).decode()


def passphrase_of(credentials: Credentials) -> str:
    """The passphrase chosen when the key was made. Raises UnusableKey."""
    if not credentials.passphrase:
        raise UnusableKey("a Bitget key has a passphrase: give the one chosen when the key was made")
    return credentials.passphrase
