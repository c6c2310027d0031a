"""Asks another internal service over HTTP: signed as the caller, bounded in time, silence told apart from a no."""

from typing import Any, Final

import aiohttp
import orjson

from common.errors import Unavailable
from common.service.auth import ServiceAuth

TIMEOUT_S: Final = 5.0


class ServiceReply:
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


class InternalService:
    """One internal service at one address; `name` is who it proves to be. An answer may take `timeout_s`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        auth: ServiceAuth,
        name: str,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._base_url = base_url.rstrip("/")
        self._auth = auth
        self.name = name

    async def ask(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> ServiceReply:
        """The reply, of whatever status. Raises Unavailable for silence or a lost connection."""
        headers = self._auth.header(self.name)
        if body is not None:
            headers["content-type"] = "application/json"
        try:
            async with self._session.request(
                method,
                self._base_url + path,
                params=query,
                data=body,
                headers=headers,
                timeout=self._timeout,
            ) as answer:
                return ServiceReply(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(self.name) from error
