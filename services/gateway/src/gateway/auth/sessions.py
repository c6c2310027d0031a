"""Register, log in, refresh, log out, change the password. A refresh token works once; one that comes back ends its
session, because somebody holds a copy."""

import msgspec

from common.clock import Clock
from common.ids import new_id
from gateway.auth import refusals, trail
from gateway.auth.identity import Caller
from gateway.auth.lockout import (
    KNOWN_MS,
    AttemptStore,
    Door,
    login_doors,
    network_of,
    registration_doors,
)
from gateway.auth.passwords import Passwords
from gateway.auth.records import Origin, Rotation, Session, SessionStore, User, UserStore
from gateway.auth.tokens import Claims, TokenRules, access_token, refresh_token, token_hash


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a log-in hands out."""

    user: User
    session_id: str
    access_token: str
    refresh_token: str
    expires_in_s: int
    """How long the access token lasts."""


class Sessions:
    """What a user does before trading."""

    def __init__(
        self,
        users: UserStore,
        sessions: SessionStore,
        attempts: AttemptStore,
        passwords: Passwords,
        rules: TokenRules,
        clock: Clock,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._attempts = attempts
        self._passwords = passwords
        self._rules = rules
        self._clock = clock

    async def register(self, email: str, password: str, origin: Origin) -> Tokens:
        """A new user, logged in. Raises Refused (409, 429): asking which e-mails are taken is counted."""
        doors = await self._knock(registration_doors(origin.address), origin)
        user = User(
            user_id=new_id(),
            email=email.lower(),
            password_hash=await self._passwords.hashed(password),
            created_ms=self._clock.now_ms(),
        )
        if not await self._users.add_user(user):
            raise refusals.email_taken()
        await self._attempts.succeeded(doors, self._clock.now_ms())
        return await self._begun(user, origin)

    async def log_in(self, email: str, password: str, origin: Origin) -> Tokens:
        """A new session. Raises Refused (401, 429), the same for a wrong password and an unknown e-mail."""
        user = await self._users.by_email(email.lower())
        if not await self._right(email.lower(), password, user, origin) or user is None:
            raise refusals.invalid_login()
        if self._passwords.outdated(user.password_hash):
            await self._users.set_password(user.user_id, await self._passwords.hashed(password))
        return await self._begun(user, origin)

    async def refresh(self, token: str) -> Tokens:
        """New tokens for an unused refresh token. Raises Refused (401); a used one ends its session."""
        now_ms, fresh = self._clock.now_ms(), refresh_token()
        expires_ms = now_ms + self._rules.refresh_s * 1000
        rotated = await self._sessions.rotate(token_hash(token), token_hash(fresh), now_ms, expires_ms)
        if rotated.outcome is Rotation.REUSED:
            # Who is the thief cannot be known, so both log in again (RFC 9700, 4.14.2).
            trail.refresh_reused(rotated.user_id, rotated.session_id)
            raise refusals.refresh_reused()
        user = await self._users.by_id(rotated.user_id) if rotated.outcome is Rotation.DONE else None
        if user is None:
            raise refusals.refresh_unknown()
        return self._tokens(user, rotated.session_id, fresh)

    async def log_out(self, token: str) -> str | None:
        """End the refresh token's session; its id. An unknown token is as good as ended."""
        return await self._sessions.end(token_hash(token), self._clock.now_ms())

    async def change_password(self, caller: Caller, old: str, new: str, origin: Origin) -> int:
        """A new password ends the user's other sessions; how many. Raises Refused (401, 429) for a wrong old one."""
        user = await self._users.by_id(caller.user_id)
        if user is None or not await self._right(user.email, old, user, origin):
            raise refusals.wrong_password()
        await self._users.set_password(user.user_id, await self._passwords.hashed(new))
        ended = await self._sessions.revoke_others(user.user_id, caller.session_id, self._clock.now_ms())
        trail.password_changed(user.user_id, origin, ended)
        return ended

    async def _right(self, email: str, password: str, user: User | None, origin: Origin) -> bool:
        """Whether it is the user's password. Raises Refused (429)."""
        since_ms, network = self._clock.now_ms() - KNOWN_MS, network_of(origin.address)
        # Asked about nobody too, so that the time an answer takes does not tell who is registered.
        known = await self._sessions.seen_from(user.user_id if user else "", network, since_ms)
        doors = await self._knock(login_doors(email, origin.address, known=known), origin)
        if not await self._passwords.matches(password, user.password_hash if user else None):
            trail.refused(origin)
            return False
        await self._attempts.succeeded(doors, self._clock.now_ms())
        return True

    async def _knock(self, doors: list[Door], origin: Origin) -> list[Door]:
        # Counted before the password is looked at, so that many attempts at once get no more than one after another.
        wait_ms = await self._attempts.attempt(doors, self._clock.now_ms())
        if wait_ms > 0:
            trail.made_to_wait(origin, wait_ms)
            raise refusals.too_many_attempts(wait_ms)
        return doors

    async def _begun(self, user: User, origin: Origin) -> Tokens:
        now_ms, token = self._clock.now_ms(), refresh_token()
        session = Session(
            session_id=new_id(),
            user_id=user.user_id,
            created_ms=now_ms,
            last_used_ms=now_ms,
            expires_ms=now_ms + self._rules.refresh_s * 1000,
            address=origin.address,
            network=network_of(origin.address),
            agent=origin.agent,
        )
        await self._sessions.begin(session, token_hash(token))
        trail.let_in(session)
        return self._tokens(user, session.session_id, token)

    def _tokens(self, user: User, session_id: str, refresh: str) -> Tokens:
        claims = Claims(user_id=user.user_id, session_id=session_id, role=user.role)
        return Tokens(
            user=user,
            session_id=session_id,
            access_token=access_token(claims, self._rules, self._clock.now_ms()),
            refresh_token=refresh,
            expires_in_s=self._rules.access_s,
        )
