"""Around every request: an id, a line in the access log without secrets, and a bound on the body."""

import re
import time
from typing import Final

import msgspec
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.ids import new_id
from common.service.problems import problem_response
from gateway.problems import body_too_large
from gateway.rates import Rates

_UNLOGGED: Final = frozenset({"/health", "/health/live", "/metrics"})
"""Asked by machines every few seconds."""
_USABLE_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around every request of the REST surface."""

    origins: tuple[str, ...] = ()
    """Of frontends in browsers; `*` is any."""
    max_body_bytes: int = 65_536
    rates: Rates = Rates()


_log = structlog.get_logger("gateway.access")


class RequestLog:
    """Gives each request an id (the caller's X-Request-Id if it is a plain one), and logs it when it is answered.

    The query is not logged: a Socket.IO handshake may carry a token there.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get("x-request-id", "")
        request_id = offered if _USABLE_ID.fullmatch(offered) else new_id()
        started, status = time.perf_counter(), 500

        async def stamped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, stamped)
            finally:
                if scope["path"] not in _UNLOGGED:
                    took_ms = round((time.perf_counter() - started) * 1000, 2)
                    _log.info("request", method=scope["method"], path=scope["path"], status=status, took_ms=took_ms)


class BodyLimit:
    """Answers 413 to a body above the bound, by its announced length or as it arrives."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._most_bytes:
            await self._refuse(scope, receive, send)
            return
        body = await self._read(receive)
        if body is None:
            await self._refuse(scope, receive, send)
            return
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return messages.pop() if messages else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body; None when it is too long."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return bytes(body)
            body += message.get("body", b"")
            if len(body) > self._most_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        await problem_response(body_too_large(self._most_bytes))(scope, receive, send)
