"""Signatures (section 2): base64 of an HMAC-SHA256 over one line of text."""

import hashlib
import hmac
from base64 import b64encode
from urllib.parse import unquote_plus

LOGIN_PATH = "GET/user/verify"


def prehash(timestamp: str, method: str, path: str, query: str, body: str) -> str:
    """What is signed: the query un-escaped, as the server compares it; the body as sent."""
    line = f"{timestamp}{method}{path}"
    return f"{line}{'?' + unquote_plus(query) if query else ''}{body}"


def sign(secret: str, text: str) -> str:
    """The signature of `text`."""
    return b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def fits(secret: str, text: str, signature: str) -> bool:
    """Whether `signature` was made with `secret` over `text`."""
    return hmac.compare_digest(sign(secret, text).encode(), signature.encode())
