"""The keys of an exchange, whatever they look like there: whose each is, and which still count."""

from typing import Generic, Protocol, TypeVar


class Key(Protocol):
    """What every exchange's keys have in common."""

    api_key: str
    uid: int
    is_revoked: bool


K = TypeVar("K", bound=Key)


class Keys(Generic[K]):
    """Every key of one exchange; how a request that names none of them is refused is the exchange's own matter."""

    def __init__(self) -> None:
        self._keys: dict[str, K] = {}

    def add(self, key: K) -> None:
        """Make `key` usable."""
        self._keys[key.api_key] = key

    def usable(self, api_key: str) -> K | None:
        """The key with this name; None when nobody has it, or it was revoked."""
        key = self._keys.get(api_key)
        return None if key is None or key.is_revoked else key

    def uid_of(self, api_key: str | None) -> int | None:
        """Whose key this is, without any check; None when nobody's."""
        key = self._keys.get(api_key or "")
        return None if key is None else key.uid

    def revoke(self, uid: int) -> int:
        """Revoke every key of `uid`; answers how many."""
        mine = [key for key in self._keys.values() if key.uid == uid and not key.is_revoked]
        for key in mine:
            key.is_revoked = True
        return len(mine)
