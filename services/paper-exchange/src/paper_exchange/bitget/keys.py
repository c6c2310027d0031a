"""API keys: who they speak for, in which of the two account worlds, and how a request proves to come from them."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from paper_exchange.bitget import signing
from paper_exchange.bitget.errors import ApiError
from paper_exchange.keyring import Keys

Kind = Literal["classic", "uta"]
CLOCK_WINDOW_MS = 30_000
_LONGEST_WINDOW_MS = 60_000


@dataclass(slots=True)
class ApiKey:
    """One key of one account."""

    api_key: str
    uid: int
    secret: str = field(repr=False)
    passphrase: str = field(repr=False)
    kind: Kind = "classic"
    permissions: frozenset[str] = frozenset({"read", "trade"})
    is_revoked: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about who sent it."""

    api_key: str = ""
    sign: str = field(default="", repr=False)
    timestamp: str = ""
    passphrase: str = field(default="", repr=False)


def new_key_name() -> str:
    """A name as Bitget's keys have it."""
    return f"bg_{secrets.token_hex(16)}"


def new_secret() -> str:
    """Sixty-four hexadecimal digits."""
    return secrets.token_hex(32)


class KeyRing(Keys[ApiKey]):
    """Every key of the exchange."""

    def kind_of(self, uid: int) -> Kind:
        """In which world the account lives; Classic when it has no key."""
        return next((key.kind for key in self._keys.values() if key.uid == uid), "classic")

    def check(self, sent: Credentials, text: str, now_ms: int) -> ApiKey:
        """The key that signed `text` now. Raises: 40006, 40011, 40005, 40008, 40012, 40009."""
        key = self.usable(sent.api_key)
        if key is None:
            raise ApiError("40006", "Invalid ACCESS_KEY")
        if not sent.passphrase:
            raise ApiError("40011", "ACCESS_PASSPHRASE header is required")
        if not sent.timestamp.isdigit() or len(sent.timestamp) != 13:
            raise ApiError("40005", "Invalid ACCESS_TIMESTAMP")
        if abs(now_ms - int(sent.timestamp)) > CLOCK_WINDOW_MS:
            raise ApiError("40008", "Request timestamp expired")
        if sent.passphrase != key.passphrase:
            raise ApiError("40012", "apikey/password is incorrect")
        if not signing.fits(key.secret, text, sent.sign):
            raise ApiError("40009", "sign signature error")
        return key


def check_window(params: Mapping[str, object], now_ms: int) -> None:
    """The optional tighter window of a request. Raises: 40079, 40078."""
    window, sent = str(params.get("receiveWindow") or ""), str(params.get("requestTime") or "")
    if not window.isdigit():
        return
    if int(window) >= _LONGEST_WINDOW_MS:
        raise ApiError("40079", "receiveWindow must be less than 60000")
    if sent.isdigit() and abs(now_ms - int(sent)) > int(window):
        raise ApiError("40078", "The requested time exceeds the time window")
