"""The same stream as a plain WebSocket at /ws: JSON text frames `{"event": name, "data": {...}}`.

The token comes in the Authorization header, as a subprotocol (`cgt.v1, bearer.<token>`, for browsers, which can set no
header), or in the first message. A URL is written to logs and histories, so a token in it is refused.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from common.clock import Clock
from common.errors import Refused, Unavailable
from gateway.problems import refused_problem, unavailable_problem
from gateway.stream.door import Door
from gateway.stream.ports import StreamEvent
from gateway.stream.session import Ending, Gone, Session, since_of

SUBPROTOCOL: Final = "cgt.v1"
_BEARER: Final = "bearer."
_HELLO_WITHIN_S: Final = 10.0
_GOODBYE_S: Final = 1.0
_PAUSE_S: Final = 0.05
"""After each message of a client, so that one that talks without end reads its answers at a human pace."""


def router(door: Door, clock: Clock) -> APIRouter:
    """The one route."""
    routes = APIRouter()

    @routes.websocket("/ws")
    async def listen(socket: WebSocket) -> None:
        with suppress(Gone, WebSocketDisconnect):
            await PlainSocket(socket, door, clock).serve()

    return routes


class PlainSocket:
    """One client: the sink of its session, and the reader of what it says."""

    def __init__(self, socket: WebSocket, door: Door, clock: Clock) -> None:
        self._socket = socket
        self._door = door
        self._clock = clock
        self._over = asyncio.Event()

    async def serve(self) -> None:
        """Let the client in, and do what it says until it is gone."""
        token, subprotocol = _offered(self._socket)
        await self._socket.accept(subprotocol=subprotocol)
        session = await self._entered(token)
        if session is None:
            return
        talking = asyncio.create_task(self._talk(session))
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait([talking, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            talking.cancel()
            over.cancel()
            session.closed()

    async def send(self, events: Sequence[StreamEvent]) -> None:
        """Return when the transport has room again. Raises Gone."""
        for event in events:
            await self._write(f'{{"event":"{event.name}","data":{event.json}}}')

    async def say(self, name: str, message: dict[str, Any]) -> None:
        """Return when the transport has room again. Raises Gone."""
        await self._write(orjson.dumps({"event": name, "data": message}).decode())

    async def end(self, ending: Ending) -> None:
        """Close with the ending's own code, as far as the client takes it; the server cuts who stays."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await self._close(ending.close_code, ending.name)
        self._over.set()

    async def _entered(self, token: str | None) -> Session | None:
        """The session of a client whose token is good; None after saying why there is none."""
        try:
            since = since_of(self._socket.query_params.get("since"))
            if "token" in self._socket.query_params:
                raise _in_the_url()
            if token is None:
                async with asyncio.timeout(_HELLO_WITHIN_S):
                    hello = await self._heard()
                token, since = _hello(hello, since)
            session = await self._door.enter(token, self)
        except TimeoutError:
            await self.end(Ending.NO_TOKEN)
        except Refused as error:
            await self.say("error", refused_problem(error).model_dump(exclude_none=True))
            await self._close(4000 + error.status, error.code)
        except Unavailable as error:
            await self.say("error", unavailable_problem(error).model_dump(exclude_none=True))
            await self._close(1013, "UNAVAILABLE")
        else:
            session.start(since)
            return session
        return None

    async def _talk(self, session: Session) -> None:
        with suppress(Gone):
            while True:
                await self._answer(session, await self._heard())
                await asyncio.sleep(_PAUSE_S)

    async def _answer(self, session: Session, message: Mapping[str, Any]) -> None:
        try:
            match message:
                case {"type": "resync", "since": since}:
                    session.resync(since_of(since) or 0)
                case {"type": "authenticate", "token": str(token)}:
                    await self._door.renew(session, token)
                    await self.say("authenticated", {"time": self._clock.now_ms()})
                case {"type": "ping"}:
                    await self.say("pong", {"time": self._clock.now_ms()})
                case _:
                    raise _not_understood()
        except Refused as error:
            await self.say("error", refused_problem(error).model_dump(exclude_none=True))
        except Unavailable as error:
            await self.say("error", unavailable_problem(error).model_dump(exclude_none=True))

    async def _heard(self) -> Mapping[str, Any]:
        """The next message; an empty one if it is no JSON object."""
        received = await self._socket.receive()
        if received["type"] != "websocket.receive":
            raise Gone
        try:
            message = orjson.loads(received.get("text") or received.get("bytes") or b"")
        except orjson.JSONDecodeError:
            return {}
        return message if isinstance(message, dict) else {}

    async def _write(self, text: str) -> None:
        if self._socket.application_state is not WebSocketState.CONNECTED:
            raise Gone
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            raise Gone from None

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(code, reason)


def _offered(socket: WebSocket) -> tuple[str | None, str | None]:
    """The token of the handshake, and the subprotocol to agree to."""
    offered = [each.strip() for each in socket.headers.get("sec-websocket-protocol", "").split(",")]
    agreed = SUBPROTOCOL if SUBPROTOCOL in offered else None
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token, agreed
    return next((each.removeprefix(_BEARER) for each in offered if each.startswith(_BEARER)), None), agreed


def _hello(message: Mapping[str, Any], since: int | None) -> tuple[str, int | None]:
    """Token and `since` of a first message. Raises Refused."""
    match message:
        case {"type": "authenticate", "token": str(token)}:
            return token, since_of(message["since"]) if "since" in message else since
        case _:
            raise Refused(
                code="UNAUTHENTICATED",
                title="Not authenticated",
                field="token",
                rule="The first message brings the token, if the handshake did not.",
                fix='Send {"type": "authenticate", "token": "<access_token>", "since": <last seq>}.',
                status=401,
            )


def _in_the_url() -> Refused:
    return Refused(
        code="TOKEN_IN_URL",
        title="Invalid request",
        field="token",
        rule="A token never stands in a URL, which logs and histories keep.",
        fix=f"Send it in the Authorization header, as the subprotocols {SUBPROTOCOL!r} and 'bearer.<token>', "
        "or in the first message.",
    )


def _not_understood() -> Refused:
    return Refused(
        code="NOT_UNDERSTOOD",
        title="Invalid request",
        field="type",
        rule="A message is a JSON object whose type is resync (with since), authenticate (with token) or ping.",
        fix="See /async-docs.",
    )
