"""Asks an internal service: signed as the gateway, bounded in time, its silence told apart from its no."""

from typing import Any, Final

import aiohttp
import orjson

from common.errors import Unavailable
from common.service.auth import ServiceAuth

TIMEOUT_S: Final = 5.0


class Reply:
    """What came back."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    def problem(self) -> dict[str, Any]:
        """The problem document of an error; empty when it is none."""
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return document if isinstance(document, dict) else {}


class Asking:
    """One internal service at one address."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, auth: ServiceAuth, service: str) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self.service = service

    async def ask(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """The reply, of whatever status. Raises Unavailable for silence or a lost connection."""
        headers = self._auth.header(self.service)
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                params=query,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            ) as answer:
                return Reply(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(self.service) from error
