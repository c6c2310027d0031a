"""Register, log in, refresh, log out. A refresh token works once; one that comes back ends its whole family."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from common.clock import Clock
from common.errors import Refused
from common.ids import new_id
from gateway.auth.identity import Role
from gateway.auth.passwords import Passwords
from gateway.auth.tokens import Claims, TokenRules, access_token, refresh_token, token_hash


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A registered user."""

    user_id: str
    email: str
    password_hash: str
    created_ms: int
    role: Role = Role.TRADER


class RefreshRow(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token as it is stored: hashed, in the family that began with one log-in."""

    token_hash: str
    family_id: str
    user_id: str
    expires_ms: int


class Taken(StrEnum):
    """What became of the attempt to use a refresh token."""

    FRESH = "fresh"
    USED_BEFORE = "used_before"


class UserStore(Protocol):
    """Users and their refresh tokens."""

    async def add_user(self, user: User) -> bool:
        """False when the e-mail is taken."""

    async def by_email(self, email: str) -> User | None: ...

    async def by_id(self, user_id: str) -> User | None: ...

    async def set_role(self, email: str, role: Role) -> bool:
        """False when nobody has this e-mail."""

    async def admins(self) -> Sequence[User]: ...

    async def add_refresh(self, row: RefreshRow) -> None: ...

    async def take_refresh(self, token_hash: str, now_ms: int) -> tuple[Taken, RefreshRow] | None:
        """Mark the token used, once; None for a token that is unknown or revoked."""

    async def revoke_family(self, family_id: str) -> None: ...


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a log-in hands out."""

    user: User
    access_token: str
    refresh_token: str


class Sessions:
    """The four things a user does before trading."""

    def __init__(self, users: UserStore, passwords: Passwords, rules: TokenRules, clock: Clock) -> None:
        self._users = users
        self._passwords = passwords
        self._rules = rules
        self._clock = clock

    async def register(self, email: str, password: str) -> Tokens:
        """A new user, logged in. Raises Refused (409)."""
        user = User(
            user_id=new_id(),
            email=email.lower(),
            password_hash=await self._passwords.hashed(password),
            created_ms=self._clock.now_ms(),
        )
        if not await self._users.add_user(user):
            raise Refused(
                code="EMAIL_TAKEN",
                title="E-mail already registered",
                field="email",
                rule="An e-mail address is registered once.",
                fix="Log in, or register with another address.",
                status=409,
            )
        return await self._tokens(user, new_id())

    async def log_in(self, email: str, password: str) -> Tokens:
        """Tokens of a new family. Raises Refused (401), the same for a wrong password and an unknown e-mail."""
        user = await self._users.by_email(email.lower())
        if not await self._passwords.matches(password, user.password_hash if user else None) or user is None:
            raise _unauthorised("INVALID_LOGIN", "Invalid credentials", "The e-mail and password do not match.")
        return await self._tokens(user, new_id())

    async def refresh(self, token: str) -> Tokens:
        """New tokens for an unused refresh token. Raises Refused (401); a used one ends its family."""
        now_ms = self._clock.now_ms()
        taken = await self._users.take_refresh(token_hash(token), now_ms)
        if taken is None:
            raise _unauthorised("INVALID_REFRESH_TOKEN", "Invalid refresh token", "The refresh token is not valid.")
        how, row = taken
        if how is Taken.USED_BEFORE:
            # Somebody holds a copy. Who is the thief cannot be known, so both log in again (RFC 9700, 4.14.2).
            await self._users.revoke_family(row.family_id)
            raise _unauthorised("REFRESH_TOKEN_REUSED", "Invalid refresh token", "The refresh token was used before.")
        user = await self._users.by_id(row.user_id)
        if user is None or row.expires_ms <= now_ms:
            raise _unauthorised("REFRESH_TOKEN_EXPIRED", "Invalid refresh token", "The refresh token has expired.")
        return await self._tokens(user, row.family_id)

    async def log_out(self, token: str) -> None:
        """End the token's family; an unknown token is as good as ended."""
        taken = await self._users.take_refresh(token_hash(token), self._clock.now_ms())
        if taken is not None:
            await self._users.revoke_family(taken[1].family_id)

    async def _tokens(self, user: User, family_id: str) -> Tokens:
        now_ms = self._clock.now_ms()
        token = refresh_token()
        await self._users.add_refresh(
            RefreshRow(
                token_hash=token_hash(token),
                family_id=family_id,
                user_id=user.user_id,
                expires_ms=now_ms + self._rules.refresh_s * 1000,
            )
        )
        claims = Claims(user_id=user.user_id, session_id=family_id, role=user.role)
        return Tokens(
            user=user,
            access_token=access_token(claims, self._rules, now_ms),
            refresh_token=token,
        )


def _unauthorised(code: str, title: str, rule: str) -> Refused:
    return Refused(code=code, title=title, field=None, rule=rule, fix="Log in again.", status=401)
