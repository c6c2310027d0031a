"""Signatures and time as MEXC checks them (section 2)."""

import hmac
import re
from collections.abc import Mapping

from paper_exchange.mexc.errors import bad_signature, bad_time, bad_window

DEFAULT_WINDOW_MS, LONGEST_WINDOW_MS, AHEAD_MS = 5000, 60_000, 1000
# Reserved characters must be encoded, with upper-case digits, in the very string that is signed.
_NOT_ENCODED = re.compile(r'[,\[\]{}":]|%(?![0-9A-F]{2})')


def payload(query: str, body: str) -> str:
    """What is signed: query and body exactly as sent, joined by nothing, without the signature."""
    return _unsigned(query) + _unsigned(body)


def _unsigned(part: str) -> str:
    return "&".join(piece for piece in part.split("&") if not piece.startswith("signature="))


def signature_of(secret: str, signed: str) -> str:
    """HMAC-SHA256 in lower-case hexadecimal."""
    return hmac.digest(secret.encode(), signed.encode(), "sha256").hex()


def check_signature(secret: str, signed: str, signature: str) -> None:
    """Refuse any other signature, upper-case digits included. Raises: 700002."""
    if _NOT_ENCODED.search(signed) or not hmac.compare_digest(signature_of(secret, signed), signature):
        raise bad_signature()


def check_time(params: Mapping[str, str], now_ms: int) -> None:
    """The timestamp is less than a second ahead and no older than the window. Raises: 700003, 700005."""
    sent, window = params.get("timestamp", ""), params.get("recvWindow") or str(DEFAULT_WINDOW_MS)
    if not (sent.isdecimal() and window.isdecimal() and len(sent) <= 19):
        raise bad_time()
    if len(window) > 5 or int(window) > LONGEST_WINDOW_MS:
        raise bad_window()
    if not int(sent) < now_ms + AHEAD_MS or now_ms - int(sent) > int(window):
        raise bad_time()
