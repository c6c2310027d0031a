"""(request, credentials, time) to signed bytes. REST and the WebSocket API sign by different rules.

REST ("Signed endpoint security"): the query string and the form body, percent-encoded as they are sent, glued without a
separator. WebSocket API ("Request security"): all parameters with `apiKey`, sorted by name, as plain text.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from common.accounts import Credentials
from common.connector.ports import HttpRequest, SignedRequest
from common.errors import CgtError

FORM = ("content-type", "application/x-www-form-urlencoded")
KEY_HEADER = "X-MBX-APIKEY"

# A PKCS#8 Ed25519 private key is this prefix and 32 bytes (RFC 8410, section 7); no HMAC secret decodes to it.
_ED25519_PREFIX = bytes.fromhex("302e020100300506032b657004220420")


_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]*").fullmatch


class UnusableSecret(CgtError):
    """A secret that looks like a private key, and is none we can sign with."""


def ed25519_key(secret: str) -> Ed25519PrivateKey | None:
    """The Ed25519 key in a PEM or in the base64 of one; None for an HMAC secret. Raises UnusableSecret."""
    is_pem = secret.lstrip().startswith("-----BEGIN")
    lines = [line for line in secret.split() if line] if not is_pem else _pem_body(secret)
    try:
        der = base64.b64decode("".join(lines), validate=True)
    except (binascii.Error, ValueError):
        der = b""
    if not is_pem and not der.startswith(_ED25519_PREFIX):
        return None
    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableSecret("the private key cannot be read: give the unencrypted PKCS#8 PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableSecret("the private key is not Ed25519: create an Ed25519 or an HMAC key")
    return key


def _pem_body(secret: str) -> list[str]:
    return [line.strip() for line in secret.strip().splitlines() if not line.startswith("-----")]


def signature(secret: str, payload: str) -> str:
    """The signature of a payload: hex for HMAC-SHA256, base64 for Ed25519. Raises UnusableSecret."""
    key = ed25519_key(secret)
    if key is None:
        return hmac.digest(secret.encode(), payload.encode(), "sha256").hex()
    return base64.b64encode(key.sign(payload.encode())).decode()


def encoded(params: tuple[tuple[str, str], ...]) -> str:
    """Parameters as they stand in a URL: UTF-8, every reserved character as %XX. Names are the API's own, and plain."""
    return "&".join([f"{name}={v if _UNRESERVED(v) else quote(v, safe='')}" for name, v in params])


def signed_request(
    request: HttpRequest, credentials: Credentials | None, now_ms: int, recv_window_ms: int
) -> SignedRequest:
    """The exact bytes to send. What reads travels in the query string, what changes something in a form body."""
    if not request.signed:
        return _assembled(request, encoded(request.params), ())
    assert credentials is not None, "a signed request needs credentials"
    timing = (("recvWindow", str(recv_window_ms)), ("timestamp", str(now_ms)))
    payload = encoded((*request.params, *timing))
    # The signature's base64 is percent-encoded like any other value; hex needs none.
    sent = f"{payload}&signature={quote(signature(credentials.secret, payload), safe='')}"
    return _assembled(request, sent, ((KEY_HEADER, credentials.api_key),))


def _assembled(request: HttpRequest, text: str, headers: tuple[tuple[str, str], ...]) -> SignedRequest:
    if request.method in {"POST", "PUT"}:
        return SignedRequest(
            method=request.method, target=request.path, headers=(*headers, FORM), body=text.encode("ascii")
        )
    target = f"{request.path}?{text}" if text else request.path
    return SignedRequest(method=request.method, target=target, headers=headers)


def ws_payload(params: Mapping[str, str | int]) -> str:
    """The text the WebSocket API wants signed: sorted by name, values as plain text."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params))


def signed_params(params: Mapping[str, str | int], credentials: Credentials, now_ms: int) -> dict[str, str | int]:
    """The parameters of a WebSocket API request with key, time and signature; the signature is sent raw."""
    full: dict[str, str | int] = {**params, "timestamp": now_ms, "apiKey": credentials.api_key}
    return {**full, "signature": signature(credentials.secret, ws_payload(full))}
