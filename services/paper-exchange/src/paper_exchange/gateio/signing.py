"""Signatures and time as Gate.io checks them (sections 2, 13 and 15): HMAC-SHA512 in lower-case hexadecimal."""

import hashlib
import hmac
from decimal import Decimal, InvalidOperation
from urllib.parse import unquote_plus

from paper_exchange.gateio.errors import bad_signature, expired

WINDOW_S = 60


def rest_payload(method: str, path: str, query: str, body: bytes, timestamp: str) -> str:
    """What is signed on REST: the query decoded, the body as its SHA-512, the timestamp as it was sent."""
    decoded = unquote_plus(query) if "%" in query or "+" in query else query
    return "\n".join((method, path, decoded, hashlib.sha512(body).hexdigest(), timestamp))


def channel_payload(channel: str, event: str, time_s: object) -> str:
    """What is signed per subscription on the WebSocket."""
    return f"channel={channel}&event={event}&time={time_s}"


def login_payload(channel: str, req_param: str, timestamp: str) -> str:
    """What is signed to log in to the order API; `req_param` is its JSON text, or empty."""
    return "\n".join(("api", channel, req_param, timestamp))


def signature_of(secret: str, payload: str) -> str:
    """The signature of a payload."""
    return hmac.digest(secret.encode(), payload.encode(), "sha512").hex()


def check_signature(secret: str, payload: str, signature: str) -> None:
    """Refuse any other signature. Raises: INVALID_SIGNATURE."""
    if not hmac.compare_digest(signature_of(secret, payload).encode(), signature.encode()):
        raise bad_signature()


def check_time(timestamp: str, now_ms: int) -> None:
    """The timestamp (seconds, decimals allowed) is at most a minute away. Raises: REQUEST_EXPIRED."""
    try:
        sent_ms = Decimal(timestamp) * 1000
    except InvalidOperation:
        raise expired() from None
    if not sent_ms.is_finite() or abs(sent_ms - now_ms) > WINDOW_S * 1000:
        raise expired()
