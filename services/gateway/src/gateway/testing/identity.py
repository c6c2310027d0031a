"""Fakes that work: users, sessions, API tokens and the counts of attempts, kept in memory."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from gateway.auth.identity import Caller, Role
from gateway.auth.lockout import Count, Door, attempted, forgiven
from gateway.auth.records import Added, ApiToken, Known, Rotated, Rotation, Session, User


class MemoryUsers:
    """Users."""

    def __init__(self) -> None:
        self.rows: dict[str, User] = {}

    async def add_user(self, user: User) -> bool:
        if await self.by_email(user.email) is not None:
            return False
        self.rows[user.user_id] = user
        return True

    async def by_email(self, email: str) -> User | None:
        return next((user for user in self.rows.values() if user.email == email), None)

    async def by_id(self, user_id: str) -> User | None:
        return self.rows.get(user_id)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        self.rows[user_id] = msgspec.structs.replace(self.rows[user_id], password_hash=password_hash)

    async def set_role(self, email: str, role: Role) -> bool:
        user = await self.by_email(email)
        if user is not None:
            self.rows[user.user_id] = msgspec.structs.replace(user, role=role)
        return user is not None

    async def admins(self) -> Sequence[User]:
        return [user for user in self.rows.values() if user.role is Role.ADMIN]


class _Refresh(NamedTuple):
    session_id: str
    expires_ms: int
    used: bool = False


class MemorySessions:
    """Sessions and their refresh tokens."""

    def __init__(self, users: MemoryUsers) -> None:
        self._users = users
        self._rows: dict[str, Session] = {}
        self._ended: set[str] = set()
        self._refresh: dict[str, _Refresh] = {}

    async def begin(self, session: Session, refresh_hash: str) -> None:
        self._rows[session.session_id] = session
        self._refresh[refresh_hash] = _Refresh(session.session_id, session.expires_ms)

    async def rotate(self, old_hash: str, fresh_hash: str, now_ms: int, expires_ms: int) -> Rotated:
        old = self._refresh.get(old_hash)
        if old is None:
            return Rotated(outcome=Rotation.UNKNOWN)
        session = self._rows[old.session_id]
        about = {"user_id": session.user_id, "session_id": session.session_id}
        if old.used:
            self._ended.add(session.session_id)
            return Rotated(outcome=Rotation.REUSED, **about)
        if session.session_id in self._ended or old.expires_ms <= now_ms:
            return Rotated(outcome=Rotation.UNKNOWN)
        self._refresh[old_hash] = old._replace(used=True)
        self._refresh[fresh_hash] = _Refresh(session.session_id, expires_ms)
        self._rows[session.session_id] = msgspec.structs.replace(session, last_used_ms=now_ms, expires_ms=expires_ms)
        return Rotated(outcome=Rotation.DONE, **about)

    async def end(self, refresh_hash: str, now_ms: int) -> str | None:
        row = self._refresh.get(refresh_hash)
        if row is None:
            return None
        self._ended.add(row.session_id)
        return row.session_id

    async def of_user(self, user_id: str, now_ms: int) -> Sequence[Session]:
        working = [each for each in self._rows.values() if each.user_id == user_id and self._works(each, now_ms)]
        return sorted(working, key=lambda each: each.last_used_ms, reverse=True)

    async def revoke(self, user_id: str, session_id: str, now_ms: int) -> bool:
        found = any(each.session_id == session_id for each in await self.of_user(user_id, now_ms))
        if found:
            self._ended.add(session_id)
        return found

    async def revoke_others(self, user_id: str, kept: str | None, now_ms: int) -> int:
        others = [each.session_id for each in await self.of_user(user_id, now_ms) if each.session_id != kept]
        self._ended.update(others)
        return len(others)

    async def seen_from(self, user_id: str, network: str, since_ms: int) -> bool:
        rows = self._rows.values()
        return any((r.user_id, r.network) == (user_id, network) and r.created_ms >= since_ms for r in rows)

    async def caller(self, session_id: str, now_ms: int) -> Known | None:
        session = self._rows.get(session_id)
        if session is None or not self._works(session, now_ms):
            return None
        self._rows[session_id] = msgspec.structs.replace(session, last_used_ms=now_ms)
        user = self._users.rows[session.user_id]
        caller = Caller(user_id=user.user_id, role=user.role, session_id=session_id)
        return Known(caller=caller, expires_ms=session.expires_ms)

    def _works(self, session: Session, now_ms: int) -> bool:
        return session.session_id not in self._ended and session.expires_ms > now_ms


class MemoryApiTokens:
    """API tokens."""

    def __init__(self, users: MemoryUsers) -> None:
        self._users = users
        self._rows: dict[str, ApiToken] = {}

    async def add(self, token: ApiToken, most: int) -> Added:
        theirs = await self.of_user(token.user_id)
        if any(other.name == token.name for other in theirs):
            return Added.NAME_TAKEN
        if len(theirs) >= most:
            return Added.TOO_MANY
        self._rows[token.token_id] = token
        return Added.DONE

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        return [token for token in reversed(self._rows.values()) if token.user_id == user_id]

    async def remove(self, user_id: str, token_id: str) -> bool:
        found = any(token.token_id == token_id for token in await self.of_user(user_id))
        if found:
            del self._rows[token_id]
        return found

    async def caller(self, token_hash: str, now_ms: int) -> Known | None:
        token = next((row for row in self._rows.values() if row.token_hash == token_hash), None)
        if token is None or token.expires_ms <= now_ms:
            return None
        self._rows[token.token_id] = msgspec.structs.replace(token, last_used_ms=now_ms)
        role = self._users.rows[token.user_id].role
        caller = Caller(user_id=token.user_id, role=role, scopes=token.scopes)
        return Known(caller=caller, expires_ms=token.expires_ms)


class MemoryAttempts:
    """The counts of attempts."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}

    async def attempt(self, doors: Sequence[Door], now_ms: int) -> int:
        tried = attempted(doors, self._counts, now_ms)
        self._counts.update(tried.counts)
        return tried.wait_ms

    async def succeeded(self, doors: Sequence[Door], now_ms: int) -> None:
        self._counts.update({door.key: forgiven(door, self._counts.get(door.key, Count())) for door in doors})
