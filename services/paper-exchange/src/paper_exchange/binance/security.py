"""Who sends a request, and whether in time (section 3)."""

from collections.abc import Mapping

from paper_exchange.binance.errors import ApiError, bad_key, bad_signature, early, illegal, late, missing
from paper_exchange.binance.keys import ApiKey

DEFAULT_WINDOW_MS, LONGEST_WINDOW_MS, AHEAD_MS = 5000, 60_000, 1000
_MICROSECONDS_FROM = 10**14


def check_signed(key: ApiKey, params: Mapping[str, str], payload: bytes, now_ms: int) -> None:
    """Time, then signature, then permission. Raises: -1102, -1021, -1022, -2015."""
    check_time(params, now_ms)
    if not params.get("signature"):
        raise missing("signature")
    if not key.fits(payload, params["signature"]):
        raise bad_signature()
    if "SPOT" not in key.permissions:
        raise bad_key()


def check_time(params: Mapping[str, str], now_ms: int) -> None:
    """The timestamp lies inside the receive window. Raises: -1102, -1100, -1131, -1021."""
    if not params.get("timestamp"):
        raise missing("timestamp")
    text = params["timestamp"]
    if not text.isdigit() or len(text) > 20:
        raise illegal("timestamp", "^[0-9]{1,20}$")
    # Microseconds are accepted too; they are told apart by their size.
    sent_ms = int(text) // 1000 if int(text) >= _MICROSECONDS_FROM else int(text)
    if sent_ms >= now_ms + AHEAD_MS:
        raise early()
    if now_ms - sent_ms > _window_ms(params.get("recvWindow")):
        raise late()


def _window_ms(text: str | None) -> float:
    if text is None:
        return DEFAULT_WINDOW_MS
    whole, _, fraction = text.partition(".")
    if not whole.isdigit() or (fraction and not fraction.isdigit()) or len(fraction) > 3:
        raise illegal("recvWindow", r"^([0-9]{1,5})(\.[0-9]{1,3})?$")
    window = float(text)
    if window > LONGEST_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000.")
    return window
