"""(request, credentials, time) to signed bytes: HMAC-SHA512 over five lines, and over one line for subscriptions.

The prehash holds the decoded query and the hash of the body, so a body is written once and sent as it was hashed.
A signature is valid for 60 seconds and there is no shorter window to ask for. Orders carry `x-gate-exptime`, after
which the exchange refuses them; price orders may not, so their timestamp is set back: what reaches the exchange later
than `validity_ms` and a second carries a time it refuses. Without that a lost price order could still arrive a minute
later.
"""

import hashlib
import hmac
from typing import Final
from urllib.parse import quote

import orjson

from common.accounts import Credentials
from common.connector.ports import HttpRequest, SignedRequest

PREFIX: Final = "/api/v4"
TOLERANCE_MS: Final = 60_000
"""How far a timestamp may be from the exchange's clock."""
_JSON: Final = (("Accept", "application/json"), ("Content-Type", "application/json"))


def signature(secret: str, text: str) -> str:
    """Lower-case hex of HMAC-SHA512."""
    return hmac.digest(secret.encode(), text.encode(), "sha512").hex()


def prehash(method: str, path: str, query: str, body: bytes, timestamp: str) -> str:
    """The five lines that are signed; `path` has its prefix, `query` is not percent-encoded."""
    return "\n".join((method, path, query, hashlib.sha512(body).hexdigest(), timestamp))


def channel_signature(secret: str, channel: str, event: str, time_s: int) -> str:
    """The signature of a private subscription."""
    return signature(secret, f"channel={channel}&event={event}&time={time_s}")


def signed_request(
    request: HttpRequest, credentials: Credentials | None, now_ms: int, validity_ms: int
) -> SignedRequest:
    """The exact bytes to send; `now_ms` is the exchange's time."""
    path = PREFIX + request.path
    plain = "&".join(f"{name}={value}" for name, value in request.params)
    sent = "&".join(f"{name}={quote(value, safe='')}" for name, value in request.params)
    body = b"" if request.body is None else orjson.dumps(request.body)
    headers: tuple[tuple[str, str], ...] = _JSON
    if request.signed:
        assert credentials is not None, "a signed request needs credentials"
        expires = _takes_expiry(request)
        back_ms = 0 if request.read or expires else TOLERANCE_MS - validity_ms
        # Whole seconds, rounded up: what is set back by nearly a minute must not fall out of it by a fraction.
        timestamp = str(-((back_ms - now_ms) // 1000))
        sign = signature(credentials.secret, prehash(request.method, path, plain, body, timestamp))
        headers = (*headers, ("KEY", credentials.api_key), ("Timestamp", timestamp), ("SIGN", sign))
        if expires:
            headers = (*headers, ("x-gate-exptime", str(now_ms + validity_ms)))
    return SignedRequest(method=request.method, target=f"{path}?{sent}" if sent else path, headers=headers, body=body)


def _takes_expiry(request: HttpRequest) -> bool:
    """Orders, their cancels and amends; of everything else the exchange documents no such header."""
    return not request.read and request.path.startswith("/spot/orders")
