"""API keys and listen keys."""

from dataclasses import dataclass, field

from paper_exchange.keyring import Keys
from paper_exchange.mexc.errors import ApiError, bad_key, missing, no_key
from paper_exchange.mexc.ids import new_listen_key

PERMISSIONS = frozenset({"SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE"})


@dataclass(slots=True)
class ApiKey:
    """One key of one account."""

    api_key: str
    uid: int
    secret: str = field(repr=False)
    permissions: frozenset[str] = PERMISSIONS
    symbols: frozenset[str] | None = None
    created_ms: int = 0
    is_revoked: bool = False


class KeyRing(Keys[ApiKey]):
    """Every key of the exchange."""

    def find(self, api_key: str | None) -> ApiKey:
        """The usable key with this name. Raises: 400 when none was sent, 10072 when nobody has it."""
        if not api_key:
            raise no_key()
        key = self.usable(api_key)
        if key is None:
            raise bad_key()
        return key


class ListenKeys:
    """The keys that open private sockets: they belong to an account and die an hour after they were last extended."""

    def __init__(self) -> None:
        self._keys: dict[str, tuple[int, int]] = {}

    def owner(self, listen_key: str, now_ms: int) -> int | None:
        """Whose key this is; None when it is unknown or has expired."""
        uid, until_ms = self._keys.get(listen_key, (0, 0))
        return uid if now_ms < until_ms else None

    def of(self, uid: int, now_ms: int) -> list[str]:
        """The account's living keys, oldest first."""
        return [key for key, (owner, until_ms) in self._keys.items() if owner == uid and now_ms < until_ms]

    def open(self, uid: int, now_ms: int, lasts_ms: int, most: int) -> str:
        """A new key. Raises: 730003 when the account has too many."""
        if len(self.of(uid, now_ms)) >= most:
            raise ApiError(730003, "The number of listen keys exceeds the limit.")
        listen_key = new_listen_key()
        self._keys[listen_key] = uid, now_ms + lasts_ms
        return listen_key

    def extend(self, uid: int, listen_key: str, now_ms: int, lasts_ms: int) -> None:
        """Let a key live on for `lasts_ms` from now. Raises: 33333, 730002."""
        self._check(uid, listen_key, now_ms)
        self._keys[listen_key] = uid, now_ms + lasts_ms

    def close(self, uid: int, listen_key: str, now_ms: int) -> None:
        """End a key. Raises: 33333, 730002."""
        self._check(uid, listen_key, now_ms)
        del self._keys[listen_key]

    def _check(self, uid: int, listen_key: str, now_ms: int) -> None:
        if not listen_key:
            raise missing("listenKey")
        if self.owner(listen_key, now_ms) != uid:
            raise ApiError(730002, "Invalid listen key")

    def expire(self, uid: int) -> int:
        """End every key of `uid` now, as if its hour were over; answers how many."""
        mine = [key for key, (owner, _) in self._keys.items() if owner == uid]
        for key in mine:
            del self._keys[key]
        return len(mine)
