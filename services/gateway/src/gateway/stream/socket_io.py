"""Socket.IO: one session per connection. Events leave as the JSON they are kept as.

python-socketio queues without bound for a client that does not read. So nothing is emitted before the client's
transport has taken what was emitted before: a few events wait in a queue, however slow the client is.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import socketio

from common.errors import Refused, Unavailable
from gateway.problems import refused_problem, unavailable_problem
from gateway.stream.door import Door
from gateway.stream.ports import StreamEvent
from gateway.stream.session import Ending, Gone, Session, since_of

MOST_SENT_BYTES: Final = 16_384
"""Of one message from a client: a token and a number fit well."""
_AT_ONCE: Final = 10
"""Events handed to the transport before it has taken them. A client that polls gets them in one answer, and
python-engineio's takes no more than 16 packets in one."""
_NAMESPACE: Final = "/"
_CUT_AFTER_S: Final = 2.0


class SocketIo:
    """The Socket.IO server and the sessions behind its connections."""

    def __init__(self, door: Door, origins: list[str]) -> None:
        self._door = door
        self._sessions: dict[str, Session] = {}
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            cors_allowed_origins=origins,
            logger=False,
            json=_Json,
            max_http_buffer_size=MOST_SENT_BYTES,
        )
        for event in ("connect", "disconnect", "resync", "authenticate"):
            self.server.on(event, getattr(self, f"_{event}"))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        query = parse_qs(str(environ.get("QUERY_STRING", "")))
        sink = SocketIoSink(self.server, sid)
        try:
            since = since_of(_said(auth, query, "since"))
            session = await self._door.enter(_token(environ, auth, query), sink)
        except (Refused, Unavailable) as error:
            problem = _problem(error)
            raise socketio.exceptions.ConnectionRefusedError(problem["title"], problem) from None
        self._sessions[sid] = session
        session.start(since)

    async def _disconnect(self, sid: str, _reason: Any = None) -> None:
        session = self._sessions.pop(sid, None)
        if session is not None:
            session.closed()

    async def _resync(self, sid: str, wish: Any = None) -> dict[str, Any]:
        """The acknowledgement says whether it begins; what follows begins with stream_ready or resync_required."""
        try:
            since = since_of(wish.get("since") if isinstance(wish, dict) else wish)
            session = self._sessions.get(sid)
            if session is not None:
                session.resync(since or 0)
        except Refused as error:
            return _problem(error)
        return {"status": "Success"}

    async def _authenticate(self, sid: str, wish: Any = None) -> dict[str, Any]:
        token = wish.get("token") if isinstance(wish, dict) else wish
        session = self._sessions.get(sid)
        try:
            if session is not None:
                await self._door.renew(session, _plain(token))
        except (Refused, Unavailable) as error:
            return _problem(error)
        return {"status": "Success"}


class SocketIoSink:
    """One Socket.IO client."""

    def __init__(self, server: Any, sid: str) -> None:
        self._server = server
        self._sid = sid

    async def send(self, events: Sequence[StreamEvent]) -> None:
        """Return when the transport has taken all but the last few. Raises Gone."""
        for place, event in enumerate(events):
            if place % _AT_ONCE == 0:
                await self._taken()
            await self._server.emit(event.name, orjson.Fragment(event.json), to=self._sid)

    async def say(self, name: str, message: dict[str, Any]) -> None:
        """Return when the transport has taken what came before. Raises Gone."""
        await self._taken()
        await self._server.emit(name, message, to=self._sid)

    async def end(self, ending: Ending) -> None:
        """Say goodbye in Socket.IO's words, and cut the transport of a client that stays."""
        del ending  # Socket.IO has no close codes; stream_closed has said it.
        transport = self._transport()
        await self._server.disconnect(self._sid)
        if transport is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._server.eio.disconnect(transport.sid), _CUT_AFTER_S)

    async def _taken(self) -> None:
        # The handshake's own packet goes first: connected is who has been sent it.
        while not self._server.manager.is_connected(self._sid, _NAMESPACE):
            if self._transport() is None:
                raise Gone
            await asyncio.sleep(0.001)
        transport = self._transport()
        if transport is None or transport.closed:
            raise Gone
        await transport.queue.join()

    def _transport(self) -> Any:
        """The Engine.IO socket beneath; None when it is gone."""
        eio_sid = self._server.manager.eio_sid_from_sid(self._sid, _NAMESPACE)
        return self._server.eio.sockets.get(eio_sid)


class _Json:
    """What python-socketio encodes and decodes with: orjson, which takes an event's JSON as it is."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes) -> Any:
        return orjson.loads(text)


def _problem(error: Refused | Unavailable) -> dict[str, Any]:
    problem = refused_problem(error) if isinstance(error, Refused) else unavailable_problem(error)
    shown: dict[str, Any] = problem.model_dump(exclude_none=True)
    return shown


def _said(auth: Any, query: dict[str, list[str]], name: str) -> Any:
    """What the handshake says by this name: in its auth, else in the query."""
    if isinstance(auth, dict) and auth.get(name) is not None:
        return auth[name]
    return query.get(name, [None])[0]


def _token(environ: dict[str, Any], auth: Any, query: dict[str, list[str]]) -> str:
    """From the handshake's auth, the Authorization header, or the query, in this order."""
    if isinstance(auth, dict) and isinstance(auth.get("token"), str):
        return _plain(auth["token"])
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    return _plain(header) if header.startswith("Bearer ") else query.get("token", [""])[0]


def _plain(token: Any) -> str:
    return str(token).removeprefix("Bearer ") if isinstance(token, str) else ""
