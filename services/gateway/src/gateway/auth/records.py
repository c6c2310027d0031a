"""What is kept of users, their sessions and their API tokens, and the stores that keep it."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from gateway.auth.identity import Caller, Role, Scope


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A registered user."""

    user_id: str
    email: str
    password_hash: str
    created_ms: int
    role: Role = Role.TRADER


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request comes from."""

    address: str
    agent: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One log-in: the family of refresh tokens that began with it."""

    session_id: str
    user_id: str
    created_ms: int
    last_used_ms: int
    expires_ms: int
    address: str
    network: str
    """What of the address stays with its user; see `gateway.auth.lockout.network_of`."""
    agent: str


class Rotation(StrEnum):
    """What became of a refresh token that was handed in."""

    DONE = "done"
    REUSED = "reused"
    """It had been used before; its session has been ended."""
    UNKNOWN = "unknown"
    """Nobody was given it, it has expired, or its session has ended."""


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a rotation; the session's user and id when it was done."""

    outcome: Rotation
    user_id: str = ""
    session_id: str = ""


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token of a program: of its secret only the hash is kept, and a hint to recognise it by."""

    token_id: str
    user_id: str
    name: str
    scopes: frozenset[Scope]
    token_hash: str
    hint: str
    created_ms: int
    expires_ms: int
    last_used_ms: int | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A caller, and when at the latest its token is worth nothing."""

    caller: Caller
    expires_ms: int


class Added(StrEnum):
    """What became of a new API token."""

    DONE = "done"
    NAME_TAKEN = "name_taken"
    TOO_MANY = "too_many"


class UserStore(Protocol):
    """Users. E-mail addresses are in lower case."""

    async def add_user(self, user: User) -> bool:
        """False when the e-mail is taken."""

    async def by_email(self, email: str) -> User | None: ...

    async def by_id(self, user_id: str) -> User | None: ...

    async def set_password(self, user_id: str, password_hash: str) -> None: ...

    async def set_role(self, email: str, role: Role) -> bool:
        """False when nobody has this e-mail."""

    async def admins(self) -> Sequence[User]: ...


class SessionStore(Protocol):
    """Sessions and their refresh tokens, which are known by their hashes."""

    async def begin(self, session: Session, refresh_hash: str) -> None: ...

    async def rotate(self, old_hash: str, fresh_hash: str, now_ms: int, expires_ms: int) -> Rotated:
        """Use the old token, once, and give its session the fresh one; a used one ends its session."""

    async def end(self, refresh_hash: str, now_ms: int) -> str | None:
        """End the session of this refresh token; its id, None for a token that is not known."""

    async def of_user(self, user_id: str, now_ms: int) -> Sequence[Session]:
        """Those that work, the last used first."""

    async def revoke(self, user_id: str, session_id: str, now_ms: int) -> bool:
        """False when the user has no such session that works."""

    async def revoke_others(self, user_id: str, kept: str | None, now_ms: int) -> int:
        """End all of the user's sessions but one; how many there were."""

    async def seen_from(self, user_id: str, network: str, since_ms: int) -> bool:
        """Whether the user has logged in from this network since then."""

    async def caller(self, session_id: str, now_ms: int) -> Known | None:
        """Who calls in a session that works, noted as its last use."""


class ApiTokenStore(Protocol):
    """API tokens."""

    async def add(self, token: ApiToken, most: int) -> Added:
        """A user has at most `most`, each with its own name."""

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        """The newest first, expired ones too."""

    async def remove(self, user_id: str, token_id: str) -> bool:
        """False when the user has no such token."""

    async def caller(self, token_hash: str, now_ms: int) -> Known | None:
        """Who calls with a token that works, noted as its last use."""
