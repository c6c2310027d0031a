"""Users in PostgreSQL."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from common.db.errors import typed_errors
from gateway.auth.identity import Role
from gateway.auth.records import User

_SELECT: Final = "SELECT user_id, email, password_hash, created_ms, role FROM users"


class PostgresUsers:
    """The store of users. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def add_user(self, user: User) -> bool:
        """False when the e-mail is taken."""
        with typed_errors():
            status = await self._pool.execute(
                "INSERT INTO users (user_id, email, password_hash, created_ms, role) VALUES ($1, $2, $3, $4, $5) "
                "ON CONFLICT (email) DO NOTHING",
                *(user.user_id, user.email, user.password_hash, user.created_ms, user.role.value),
            )
        return str(status).endswith(" 1")

    async def by_email(self, email: str) -> User | None:
        """The user with this address, in lower case."""
        return await self._user("email", email)

    async def by_id(self, user_id: str) -> User | None:
        """The user with this id."""
        return await self._user("user_id", user_id)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """The hash that counts from now on."""
        with typed_errors():
            await self._pool.execute("UPDATE users SET password_hash = $2 WHERE user_id = $1", user_id, password_hash)

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

    async def _user(self, column: str, value: str) -> User | None:
        with typed_errors():
            row = await self._pool.fetchrow(f"{_SELECT} WHERE {column} = $1", value)
        return None if row is None else _user(row)


def _user(row: asyncpg.Record) -> User:
    fields = dict(row)
    return User(**(fields | {"role": Role(fields["role"])}))
