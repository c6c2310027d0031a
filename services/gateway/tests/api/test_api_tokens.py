"""API tokens: shown once, limited to their scopes at every door, ended by their user, a clock, or nobody else."""

from typing import Any

import pytest
import socketio

from gateway.admin import carry_out


async def token(user: Any, *scopes: str, **changes: Any) -> str:
    body = {"name": f"a bot that may {scopes}", "scopes": list(scopes)} | changes
    reply = await user.ask("POST", "/auth/tokens", body)
    assert reply.status == 201, reply.text
    return str(reply.body["data"]["token"])


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_is_shown_once_and_afterwards_by_its_hint(house: Any, user: Any) -> None:
    secret = await token(user, "trade", "read", name="my bot", expiresInDays=30)
    listed = await user.ask("GET", "/auth/tokens")
    assert secret not in listed.text
    now_ms = house.clock.now_ms()
    assert listed.body["data"][0] | {"id": ""} == {
        "id": "",
        "name": "my bot",
        "scopes": ["read", "trade"],
        "hint": secret[-4:],
        "createdAt": now_ms,
        "expiresAt": now_ms + 30 * 86_400_000,
        "lastUsedAt": None,
        "expired": False,
    }


DOORS = [
    ("read", "GET", "/api-credentials", None),
    ("read", "GET", "/exchanges/trades?exchange=BINANCE", None),
    ("read", "GET", "/auth/me", None),
    ("trade", "POST", "/exchanges/place-order", {"symbol": "BTCUSDT"}),
    ("trade", "DELETE", "/exchanges/cancel-all-orders?exchange=BINANCE&symbol=BTCUSDT", None),
    ("credentials", "POST", "/api-credentials", {"exchange": "BINANCE"}),
    ("credentials", "DELETE", "/api-credentials/8a1e3f52", None),
]


@pytest.mark.parametrize(("scope", "method", "path", "body"), DOORS)
async def test_a_token_passes_the_doors_of_its_scope_and_no_others(
    trader: Any, scope: str, method: str, path: str, body: Any
) -> None:
    others = [each for each in ("read", "trade", "credentials") if each != scope]
    refused = await trader.ask(method, path, body, **bearer(await token(trader, *others)))
    assert (refused.status, refused.body["code"]) == (403, "SCOPE_MISSING")
    assert f"the scope {scope}" in refused.body["rule"]
    passed = await trader.ask(method, path, body, **bearer(await token(trader, scope)))
    assert passed.status not in {401, 403}


async def test_a_program_trades_with_its_token(trader: Any) -> None:
    trader.token = await token(trader, "trade")
    assert (await trader.buy()).body["data"]["status"] == "FILLED"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/auth/tokens", None),
        ("POST", "/auth/tokens", {"name": "another", "scopes": ["read"]}),
        ("GET", "/auth/sessions", None),
        ("DELETE", "/auth/sessions", None),
        ("POST", "/auth/password", {"currentPassword": "x", "newPassword": "yyyyyyyyyyy"}),
    ],
)
async def test_a_token_does_not_manage_its_user(user: Any, method: str, path: str, body: Any) -> None:
    reply = await user.ask(method, path, body, **bearer(await token(user, "read", "trade", "credentials")))
    assert (reply.status, reply.body["code"]) == (403, "LOGIN_REQUIRED")


async def test_a_revoked_token_and_an_expired_one_are_nobodys(house: Any, user: Any) -> None:
    revoked, expiring = await token(user, "read"), await token(user, "read", name="short", expiresInDays=1)
    assert (await user.ask("GET", "/auth/me", **bearer(revoked))).status == 200
    first = (await user.ask("GET", "/auth/tokens")).body["data"][-1]["id"]
    assert (await user.ask("DELETE", f"/auth/tokens/{first}")).status == 200
    assert (await user.ask("GET", "/auth/me", **bearer(revoked))).status == 401
    assert (await user.ask("GET", "/auth/me", **bearer(expiring))).status == 200
    house.clock.advance(86_400_000)
    assert (await user.ask("GET", "/auth/me", **bearer(expiring))).status == 401


async def test_a_foreign_token_is_as_good_as_none(user: Any) -> None:
    await token(user, "read")
    theirs = (await user.ask("GET", "/auth/tokens")).body["data"][0]["id"]
    await user.sign_in("other@example.com")
    reply = await user.ask("DELETE", f"/auth/tokens/{theirs}")
    assert (reply.status, reply.body["code"]) == (404, "TOKEN_NOT_FOUND")


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"scopes": []}, 400, "scopes"),
        ({"scopes": ["withdraw"]}, 400, "scopes.0"),
        ({"scopes": ["admin"]}, 403, "scopes"),
        ({"name": ""}, 400, "name"),
        ({"name": "a\u0000b"}, 400, "name"),
        ({"expiresInDays": 0}, 400, "expiresInDays"),
        ({"expiresInDays": 366}, 400, "expiresInDays"),
        ({"role": "admin"}, 400, "role"),
        ({"name": "taken"}, 409, "name"),
    ],
)
async def test_a_token_that_breaks_a_rule_is_not_made(user: Any, change: Any, status: int, field: str) -> None:
    await token(user, "read", name="taken")
    reply = await user.ask("POST", "/auth/tokens", {"name": "n", "scopes": ["read"]} | change)
    assert (reply.status, reply.body["field"]) == (status, field)
    assert len((await user.ask("GET", "/auth/tokens")).body["data"]) == 1


async def test_an_admins_token_is_worth_its_scope_only_while_its_user_is_an_admin(house: Any, user: Any) -> None:
    await carry_out(house.users, "grant", "user@example.com")
    house.clock.advance(2_000)
    secret = await token(user, "admin")
    assert (await user.ask("GET", "/auth/me")).body["data"]["role"] == "admin"
    caller = await house.parts.callers.of(secret)
    await carry_out(house.users, "revoke", "user@example.com")
    house.clock.advance(2_000)
    assert (caller.role, (await house.parts.callers.of(secret)).role) == ("admin", "trader")


async def test_socket_io_takes_a_token_that_may_read_and_no_other(user: Any) -> None:
    for scope, welcome in (("read", True), ("trade", False)):
        client = socketio.AsyncClient(reconnection=False)
        auth = {"token": await token(user, scope)}
        if welcome:
            await client.connect(user.base, auth=auth, transports=["websocket"])
            await client.disconnect()
        else:
            with pytest.raises(socketio.exceptions.ConnectionError):
                await client.connect(user.base, auth=auth, transports=["websocket"])
