"""Traders and admins: granted where the database is, asked for by the doors that are for admins alone."""

from typing import Any

import pytest
from fastapi.security import HTTPAuthorizationCredentials

from common.errors import Refused
from gateway.admin import NobodyRegistered, carry_out
from gateway.auth.identity import Role
from gateway.http.parts import admin_of


async def at_the_admins_door(house: Any, token: str) -> str:
    return await admin_of(house.parts)(HTTPAuthorizationCredentials(scheme="Bearer", credentials=token))


async def test_the_admins_door_opens_and_closes_with_the_role_without_a_new_log_in(house: Any, user: Any) -> None:
    with pytest.raises(Refused) as refused:
        await at_the_admins_door(house, user.token)
    assert (refused.value.status, refused.value.code) == (403, "ADMIN_ONLY")
    assert await carry_out(house.users, "grant", "User@Example.com") == "user@example.com is now an admin"
    house.clock.advance(2_000)
    assert await at_the_admins_door(house, user.token)
    await carry_out(house.users, "revoke", "user@example.com")
    house.clock.advance(2_000)
    with pytest.raises(Refused):
        await at_the_admins_door(house, user.token)


async def test_nobody_in_particular_is_no_admin(house: Any) -> None:
    with pytest.raises(Refused) as refused:
        await admin_of(house.parts)(None)
    assert refused.value.status == 401


async def test_only_a_registered_user_becomes_an_admin(house: Any, user: Any) -> None:
    assert await carry_out(house.users, "list", None) == "there are no admins"
    with pytest.raises(NobodyRegistered):
        await carry_out(house.users, "grant", "nobody@example.com")
    await carry_out(house.users, "grant", "user@example.com")
    assert await carry_out(house.users, "list", None) == "user@example.com"
    assert (await house.users.by_email("user@example.com")).role is Role.ADMIN
