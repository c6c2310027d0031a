"""`python -m gateway admin grant | revoke | list`: admins are made where the database is, never by a request."""

import asyncio
import os
import sys

from common.db.pool import DatabaseSettings, create_pool
from common.errors import CgtError
from gateway.auth.identity import Role
from gateway.auth.records import UserStore
from gateway.store.users import PostgresUsers


def run(command: str, email: str | None) -> None:
    """Carry the command out on the database of `CGT_DATABASE_URL`; exit status 2 and one line for what goes wrong."""
    try:
        print(asyncio.run(_on_the_database(command, email)))
    except CgtError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


class NobodyRegistered(CgtError):
    """No user has this e-mail."""

    def __init__(self, email: str) -> None:
        super().__init__(f"nobody is registered as {email}: register first with POST /auth/register")


async def carry_out(users: UserStore, command: str, email: str | None) -> str:
    """What to tell the operator. Raises NobodyRegistered or Unavailable."""
    if email is None:
        return "\n".join(user.email for user in await users.admins()) or "there are no admins"
    role = Role.ADMIN if command == "grant" else Role.TRADER
    if not await users.set_role(email.lower(), role):
        raise NobodyRegistered(email)
    return f"{email.lower()} is now {'an admin' if role is Role.ADMIN else 'a trader'}"


async def _on_the_database(command: str, email: str | None) -> str:
    url = DatabaseSettings.from_env(os.environ).database_url
    pool = await create_pool(url, "gateway", application_name="gateway-admin", size=1)
    try:
        return await carry_out(PostgresUsers(pool), command, email)
    finally:
        await pool.close()
