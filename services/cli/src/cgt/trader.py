"""A user of the gateway, as a frontend would be: its REST endpoints and its Socket.IO events, and nothing else."""

import asyncio
import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any, Final, Self

import aiohttp
import socketio

from common.errors import CgtError

# What the gateway tells a frontend (DESIGN, section 10).
EVENTS = (
    "order_update",
    "balance_update",
    "list_status_update",
    "auto_oco_placed",
    "position_update",
    "protection_update",
)

_PAUSE_S: Final = 0.25

Json = dict[str, Any]


class Refused(CgtError):
    """The gateway or the paper exchange answered with an error: its status, and what its problem document says."""

    def __init__(self, request: str, status: int, problem: Json) -> None:
        super().__init__(f"{request} answered {status}: {problem}")
        self.status = status
        self.problem = problem

    @property
    def code(self) -> str:
        """What was wrong, as `KILL_SWITCH_ENGAGED`; empty where the problem has no code."""
        return str(self.problem.get("code", ""))

    @property
    def retryable(self) -> bool:
        """Whether the same again may work."""
        return self.problem.get("retryable") is True

    @property
    def rejected(self) -> bool:
        """Whether the exchange refused it: provably nothing was placed, and this answer is kept under its key."""
        return self.problem.get("outcome") == "rejected"


class HttpJson:
    """JSON over HTTP to one base URL: `async with HttpJson(url) as api`."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        self._headers: dict[str, str] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=20)
        self._http = await self._open.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def get(self, path: str, **query: str) -> Any:
        """The answer's data. Raises Refused."""
        return await self._call("GET", path, params=query)

    async def post(self, path: str, body: Json, *, key: str | None = None) -> Any:
        """The answer's data; under one key a request is carried out once, however often it is sent. Raises Refused."""
        return await self._call("POST", path, {} if key is None else {"Idempotency-Key": key}, json=body)

    async def post_patiently(self, path: str, body: Json, *, within_s: float, key: str | None = None) -> Any:
        """The same, repeated under the same key while it is not answered or the refusal says that it may work later.

        Only what the exchange rejected is asked under a new key. After `within_s` seconds the last try decides:
        raises Refused, aiohttp.ClientError, TimeoutError.
        """
        key, deadline = key or secrets.token_hex(8), time.monotonic() + within_s
        while True:
            try:
                return await self.post(path, body, key=key)
            except Refused as refused:
                if not refused.retryable or time.monotonic() > deadline:
                    raise
                key = secrets.token_hex(8) if refused.rejected else key
            except (aiohttp.ClientError, TimeoutError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE_S)

    async def put(self, path: str, body: Json) -> Any:
        """PUT a JSON body. Raises Refused."""
        return await self._call("PUT", path, json=body)

    async def delete(self, path: str, **query: str) -> Any:
        """The answer's data. Raises Refused."""
        return await self._call("DELETE", path, params=query)

    async def _call(self, method: str, path: str, more: Mapping[str, str] | None = None, **request: Any) -> Any:
        headers = {**self._headers, **(more or {})}
        async with self._http.request(method, f"{self._base_url}{path}", headers=headers, **request) as answer:
            body = json.loads(await answer.text(), parse_float=Decimal)
            if answer.status >= 400:
                raise Refused(f"{method} {path}", answer.status, body)
        return body["data"] if isinstance(body, dict) and "data" in body else body


class Trader(HttpJson):
    """One user with an email and a password."""

    def __init__(self, gateway_url: str) -> None:
        super().__init__(gateway_url)
        self.received: Counter[str] = Counter()
        self._socket = socketio.AsyncClient()

    async def sign_in(self, email: str, password: str) -> None:
        """Register, and log in."""
        await self.post("/auth/register", {"email": email, "password": password})
        tokens = await self.post("/auth/login", {"email": email, "password": password})
        self._token: str = tokens["access_token"]
        self._headers["Authorization"] = f"Bearer {self._token}"

    @property
    def authorization(self) -> dict[str, str]:
        """The header that proves who this is."""
        return dict(self._headers)

    async def listen(self) -> None:
        """Connect to Socket.IO as this user; `received` counts the events from now on."""
        for event in EVENTS:
            self._socket.on(event, self._counting(event))
        await self._socket.connect(self._base_url, auth={"token": self._token}, transports=["websocket"])
        self._open.push_async_callback(self._socket.disconnect)

    def _counting(self, event: str) -> Any:
        async def count(_data: Json) -> None:
            self.received[event] += 1

        return count
