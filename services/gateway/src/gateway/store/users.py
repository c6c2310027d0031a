"""Users and refresh tokens in PostgreSQL."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from common.db.errors import typed_errors
from gateway.auth.identity import Role
from gateway.auth.sessions import RefreshRow, Taken, User

_SELECT: Final = "SELECT user_id, email, password_hash, created_ms, role FROM users"


class PostgresUsers:
    """The store of users. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add_user(self, user: User) -> bool:
        """False when the e-mail is taken."""
        with typed_errors():
            status = await self._pool.execute(
                "INSERT INTO users (user_id, email, password_hash, created_ms) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT (email) DO NOTHING",
                *(user.user_id, user.email, user.password_hash, user.created_ms),
            )
        return str(status).endswith(" 1")

    async def by_email(self, email: str) -> User | None:
        """The user with this address, in lower case."""
        return await self._user("email", email)

    async def by_id(self, user_id: str) -> User | None:
        """The user with this id."""
        return await self._user("user_id", user_id)

    async def role_of(self, user_id: str) -> Role | None:
        """What the user is; None for one who does not exist."""
        with typed_errors():
            role = await self._pool.fetchval("SELECT role FROM users WHERE user_id = $1", user_id)
        return None if role is None else Role(role)

    async def set_role(self, email: str, role: Role) -> bool:
        """False when nobody has this address."""
        with typed_errors():
            status = await self._pool.execute("UPDATE users SET role = $2 WHERE email = $1", email, role.value)
        return str(status).endswith(" 1")

    async def admins(self) -> Sequence[User]:
        """Every admin, by address."""
        with typed_errors():
            rows = await self._pool.fetch(f"{_SELECT} WHERE role = 'admin' ORDER BY email")
        return [_user(row) for row in rows]

    async def add_refresh(self, row: RefreshRow) -> None:
        """Store a fresh token by its hash."""
        with typed_errors():
            await self._pool.execute(
                "INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_ms) VALUES ($1, $2, $3, $4)",
                *(row.token_hash, row.family_id, row.user_id, row.expires_ms),
            )

    async def take_refresh(self, token_hash: str, now_ms: int) -> tuple[Taken, RefreshRow] | None:
        """Mark the token used, once; None for a token that is unknown or revoked."""
        with typed_errors():
            first = await self._pool.fetchrow(
                "UPDATE refresh_tokens SET used_ms = $2 "
                "WHERE token_hash = $1 AND used_ms IS NULL AND NOT revoked "
                "RETURNING token_hash, family_id, user_id, expires_ms",
                *(token_hash, now_ms),
            )
            if first is not None:
                return Taken.FRESH, RefreshRow(**dict(first))
            again = await self._pool.fetchrow(
                "SELECT token_hash, family_id, user_id, expires_ms FROM refresh_tokens "
                "WHERE token_hash = $1 AND used_ms IS NOT NULL",
                token_hash,
            )
        return None if again is None else (Taken.USED_BEFORE, RefreshRow(**dict(again)))

    async def revoke_family(self, family_id: str) -> None:
        """None of the family's tokens works any more."""
        with typed_errors():
            await self._pool.execute("UPDATE refresh_tokens SET revoked = true WHERE family_id = $1", family_id)

    async def _user(self, column: str, value: str) -> User | None:
        with typed_errors():
            row = await self._pool.fetchrow(f"{_SELECT} WHERE {column} = $1", value)
        return None if row is None else _user(row)


def _user(row: asyncpg.Record) -> User:
    fields = dict(row)
    return User(**(fields | {"role": Role(fields["role"])}))
