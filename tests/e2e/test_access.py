"""Who may do what: programs with tokens, sessions that end, guessers that wait, keys that guard trades."""

import asyncio
import secrets
from typing import Any, NamedTuple

import aiohttp
import pytest
import socketio

from tests.e2e.admins import make_admin

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ORDER = {"exchange": "BINANCE", "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01", "sl": 95_000}


class Reply(NamedTuple):
    status: int
    body: Any
    headers: Any


class Door:
    """The gateway's front, for whoever holds a token."""

    def __init__(self, desk: Any, http: aiohttp.ClientSession) -> None:
        self._url = desk.stack.gateway_url
        self._http = http

    async def ask(self, method: str, path: str, token: str = "", body: Any = None, **headers: str) -> Reply:
        sent = {"Authorization": f"Bearer {token}"} if token else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._http.request(method, self._url + path, json=body, headers=sent) as answer:
            return Reply(answer.status, await answer.json(content_type=None), answer.headers)

    async def status(self, path: str, token: str) -> int:
        return (await self.ask("GET", path, token)).status


class Person(NamedTuple):
    """Somebody with two browsers."""

    login: dict[str, str]
    here: str
    there: str
    refresh_there: str


async def a_person(door: Door) -> Person:
    login = {"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(16)}
    assert (await door.ask("POST", "/auth/register", body=login)).status == 201
    here, there = [(await door.ask("POST", "/auth/login", body=login)).body["data"] for _ in range(2)]
    return Person(login, here["access_token"], there["access_token"], there["refresh_token"])


async def test_a_program_trades_with_its_token_and_within_its_scopes_until_it_is_revoked(desk: Any) -> None:
    async with desk.user() as user, aiohttp.ClientSession() as http:
        door, own = Door(desk, http), user.trader.authorization["Authorization"].removeprefix("Bearer ")
        made = await door.ask("POST", "/auth/tokens", own, {"name": "bot", "scopes": ["trade"], "expiresInDays": 1})
        token = made.body["data"]["token"]
        placed = await door.ask("POST", "/exchanges/place-order", token, ORDER)
        assert (placed.status, placed.body["data"]["status"]) == (200, "FILLED"), placed.body
        await desk.until_protected(user)
        for path in ("/exchanges/balance?exchange=BINANCE", "/api-credentials"):
            assert (await door.ask("GET", path, token)).body["code"] == "SCOPE_MISSING"
        assert (await door.ask("GET", "/auth/tokens", token)).body["code"] == "LOGIN_REQUIRED"
        await door.ask("DELETE", f"/auth/tokens/{made.body['data']['id']}", own)
        assert (await door.ask("POST", "/exchanges/place-order", token, ORDER)).status == 401


async def test_a_session_that_is_ended_takes_its_tokens_and_its_sockets_with_it(desk: Any) -> None:
    async with aiohttp.ClientSession() as http:
        door = Door(desk, http)
        person, gone = await a_person(door), asyncio.Event()
        socket = socketio.AsyncClient(reconnection=False)
        socket.on("disconnect", lambda *_: gone.set())
        await socket.connect(desk.stack.gateway_url, auth={"token": person.there}, transports=["websocket"])
        seen = (await door.ask("GET", "/auth/sessions", person.here)).body["data"]
        assert len(seen) == 3
        assert (await door.ask("DELETE", "/auth/sessions", person.here)).body["data"] == {"revoked": 2}
        assert await door.status("/auth/me", person.there) == 401
        refreshed = await door.ask("POST", "/auth/refresh", body={"refresh_token": person.refresh_there})
        assert (refreshed.status, refreshed.body["code"]) == (401, "INVALID_REFRESH_TOKEN")
        async with asyncio.timeout(30):
            await gone.wait()
        assert await door.status("/auth/me", person.here) == 200


async def test_a_guesser_waits_while_the_owner_logs_in(desk: Any) -> None:
    async with aiohttp.ClientSession() as http:
        door = Door(desk, http)
        person = await a_person(door)
        guess = person.login | {"password": "a guess"}
        answers = [await door.ask("POST", "/auth/login", body=guess, X_Forwarded_For="203.0.113.9") for _ in range(5)]
        assert [each.status for each in answers] == [401] * 5
        # The wait doubles with each failure, so that even a slow machine soon asks too early.
        for _ in range(12):
            if answers[-1].status == 429:
                break
            answers.append(await door.ask("POST", "/auth/login", body=guess, X_Forwarded_For="203.0.113.9"))
        assert (answers[-1].status, answers[-1].body["code"]) == (429, "TOO_MANY_ATTEMPTS")
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert (await door.ask("POST", "/auth/login", body=person.login)).status == 200


async def test_an_admin_is_made_where_the_database_is(desk: Any) -> None:
    async with aiohttp.ClientSession() as http:
        door = Door(desk, http)
        person = await a_person(door)
        await make_admin(desk.stack, person.login["email"])

        async def role() -> Any:
            return (await door.ask("GET", "/auth/me", person.here)).body["data"]["role"]

        await desk.eventually(role, lambda seen: seen == "admin", "the session that was open is an admin's")


async def test_a_key_that_guards_a_trade_goes_only_by_force_and_says_what_it_leaves(desk: Any) -> None:
    async with desk.user() as user, aiohttp.ClientSession() as http:
        door, own = Door(desk, http), user.trader.authorization["Authorization"].removeprefix("Bearer ")
        path = f"/api-credentials/{user.credential_id}"
        other = await desk.paper.post("/control/binance/accounts", {"balances": {"USDT": "1000"}})
        keys = {"exchange": "BINANCE", "apiKey": other["api_key"], "secretKey": other["secret"], "label": "second"}
        second = await user.trader.post("/api-credentials", keys)
        assert (second["isDefault"], second["accountKind"]) == (False, "SPOT")
        await user.buy("0.01")
        await desk.until_protected(user)
        for method, where in (("DELETE", path), ("PATCH", f"{path}/toggle")):
            refused = await door.ask(method, where, own)
            assert (refused.status, refused.body["code"]) == (409, "TRADES_OPEN"), refused.body
        named = await door.ask(
            "POST", "/exchanges/place-order", own, ORDER | {"quantity": "0.001", "credentialId": "second"}
        )
        assert (named.status, named.body["data"]["credentialId"]) == (200, second["id"]), named.body
        gone = await door.ask("DELETE", f"{path}?force=true", own)
        (left,) = gone.body["data"]["leftBehind"]["trades"]
        assert (left["symbol"], left["state"], left["unprotectedQty"]) == ("BTCUSDT", "PROTECTED", "0")
        assert (await desk.account(user)).open_exits
        unnamed = await door.ask("POST", "/exchanges/place-order", own, ORDER)
        assert (unnamed.status, unnamed.body["code"]) == (409, "CREDENTIAL_AMBIGUOUS")
