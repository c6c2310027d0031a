"""The REST surface on fakes, served on a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import pytest

from common.exchanges import Exchange
from common.health import Health
from common.service.http import HttpServer, HttpSettings
from gateway.http.api import rest_app, whole_app
from gateway.testing.contract import Contract
from gateway.testing.fakes import (
    FakeConnector,
)
from gateway.testing.house import House

BUY = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "tpLevels": [105000, 110000], "sl": 95000}


class Reply(NamedTuple):
    status: int
    body: Any
    text: str
    headers: Any


class Client:
    """A frontend."""

    def __init__(self, session: aiohttp.ClientSession, base: str, contract: Contract) -> None:
        self._session = session
        self._contract = contract
        self.base = base
        self.token = ""

    async def ask(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
        async with self._session.request(method, self.base + path, data=data, headers=sent) as answer:
            text = await answer.text()
            reply = Reply(answer.status, json.loads(text) if text[:1] in {"{", "["} else None, text, answer.headers)
        self._contract.check(method, path.partition("?")[0], reply.status, answer.content_type, reply.body)
        return reply

    async def sign_in(self, email: str) -> str:
        """Register and log in; the user's id."""
        password = {"email": email, "password": "correct horse battery"}
        user = (await self.ask("POST", "/auth/register", password)).body["data"]["user"]
        self.token = (await self.ask("POST", "/auth/login", password)).body["access_token"]
        return str(user["id"])

    async def store_key(self, **changes: Any) -> str:
        """Store a key; its id."""
        keys = {"exchange": "BINANCE", "apiKey": "the-api-key-of-a-trader", "secretKey": "the-secret-of-a-trader"}
        reply = await self.ask("POST", "/api-credentials", keys | changes)
        assert reply.status == 201, reply
        return str(reply.body["data"]["id"])

    async def trades_on(self, house: House, exchange: Exchange) -> FakeConnector:
        """Have a key on an exchange whose connector runs."""
        connector = house.serve(exchange)
        await self.store_key(exchange=exchange.value.upper(), passphrase="words-of-passage")
        return connector

    async def buy(self, **changes: Any) -> Reply:
        """Buy, by default as the spec's example does."""
        order = {name: value for name, value in (BUY | changes).items() if value is not None}
        return await self.ask("POST", "/exchanges/place-order?exchange=BINANCE", order)


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Client]:
    """Somebody who has not logged in."""
    rest = rest_app(house.parts, Health(), house.guards)
    server = HttpServer(whole_app(rest, house.socket_io), HttpSettings())
    serving = asyncio.create_task(server.run())
    reading = asyncio.create_task(house.parts.stream.hub.run())
    port = await server.listening()
    async with aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{port}", Contract(rest.openapi()))
    reading.cancel()
    await server.stop()
    await serving


@pytest.fixture
async def user(stranger: Client) -> Client:
    """A user without keys."""
    await stranger.sign_in("user@example.com")
    return stranger


@pytest.fixture
async def trader(user: Client) -> Client:
    """A user with a key on Binance."""
    await user.store_key()
    return user
