"""(request, credentials, time) to signed bytes: base64 of HMAC-SHA256 over time, method, path with query, and body.

The query is signed and sent un-escaped: the exchange compares with the decoded text, and values that need escaping
are refused (40009). Times are ms over REST and, against the documentation but as live servers take them, seconds in
the login of a socket.
"""

import base64
import hmac

import orjson

from common.accounts import Credentials
from common.connector.ports import HttpRequest, SignedRequest
from common.errors import CgtError

LOCALE = ("locale", "en-US")
JSON = ("content-type", "application/json")
LOGIN_PATH = "/user/verify"


class UnusableKey(CgtError):
    """A key without its passphrase: Bitget signs in with three secrets."""


def signature(secret: str, payload: str) -> str:
    """The signature of a payload."""
    return base64.b64encode(hmac.digest(secret.encode(), payload.encode(), "sha256")).decode()


def signed_request(
    request: HttpRequest, credentials: Credentials | None, now_ms: int, *, demo: bool = False
) -> SignedRequest:
    """The exact bytes to send. Raises UnusableKey."""
    query = "&".join(f"{name}={value}" for name, value in request.params)
    target = f"{request.path}?{query}" if query else request.path
    body = b"" if request.body is None else orjson.dumps(request.body)
    headers: tuple[tuple[str, str], ...] = (LOCALE, JSON)
    if request.signed:
        assert credentials is not None, "a signed request needs credentials"
        passphrase = passphrase_of(credentials)
        sign = signature(credentials.secret, f"{now_ms}{request.method}{target}{body.decode()}")
        headers = (
            ("ACCESS-KEY", credentials.api_key),
            ("ACCESS-SIGN", sign),
            ("ACCESS-TIMESTAMP", str(now_ms)),
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
