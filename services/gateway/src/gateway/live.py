"""Socket.IO: each user's facts to each of that user's frontends, numbered so that a gap is seen."""

import asyncio
from collections import defaultdict
from typing import Any, Final
from urllib.parse import parse_qs

import orjson
import socketio
import structlog

from common.codec import encode
from common.errors import Refused, Unavailable
from common.ids import new_id
from gateway.accounts import Accounts
from gateway.auth.callers import Callers, permitted
from gateway.auth.identity import Scope
from gateway.events import LiveEvent, live_events

MOST_WAITING: Final = 10_000
"""Facts that wait for the owner of their account to be known; beyond it the oldest are dropped, and the log says so."""

_log = structlog.get_logger(__name__)


class Live:
    """The Socket.IO server and what it sends. `stream` names this run: when it changes, `seq` has begun anew."""

    def __init__(self, accounts: Accounts, callers: Callers, origins: list[str]) -> None:
        self._accounts = accounts
        self._callers = callers
        self._stream = new_id()
        self._seq: defaultdict[str, int] = defaultdict(int)
        self._facts: asyncio.Queue[Any] = asyncio.Queue(MOST_WAITING)
        self.server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=origins, logger=False)
        self.server.on("connect", self._connect)

    def tell(self, fact: Any) -> None:
        """Send this fact to its user's frontends, after those before it."""
        if self._facts.full():
            _log.error("live_event_dropped", account_id=self._facts.get_nowait().account_id)
        self._facts.put_nowait(fact)

    async def run(self) -> None:
        """Send for ever."""
        while True:
            fact = await self._facts.get()
            try:
                owner = await self._accounts.owner(fact.account_id)
            except Unavailable as error:
                _log.warning("live_event_not_sent", account_id=fact.account_id, error=str(error))
                continue
            if owner is not None:
                await self._send(owner, live_events(fact))

    async def _send(self, user_id: str, events: list[LiveEvent]) -> None:
        for event in events:
            self._seq[user_id] += 1
            payload = event.payload | {"seq": self._seq[user_id], "stream": self._stream}
            # Through our codec, so that decimals leave as the strings they are everywhere.
            await self.server.emit(event.name, orjson.loads(encode(payload)), room=_room(user_id))

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        try:
            user_id = permitted(await self._callers.of(_token(environ, auth)), Scope.READ).user_id
        except Refused as refused:
            problem = {"code": refused.code, "title": refused.title, "rule": refused.rule, "fix": refused.fix}
            raise socketio.exceptions.ConnectionRefusedError(refused.title, problem) from None
        await self.server.enter_room(sid, _room(user_id))


def _room(user_id: str) -> str:
    return f"user:{user_id}"


def _token(environ: dict[str, Any], auth: Any) -> str:
    """From the handshake's auth, the Authorization header, or the query, in this order."""
    if isinstance(auth, dict) and isinstance(auth.get("token"), str):
        return str(auth["token"]).removeprefix("Bearer ")
    header = str(environ.get("HTTP_AUTHORIZATION", ""))
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer ")
    return parse_qs(str(environ.get("QUERY_STRING", ""))).get("token", [""])[0]
