"""Order entry over a socket: requests of all accounts go out on one connection, replies find their requests by id."""

import asyncio
import itertools
from typing import Final, cast

from common.accounts import Credentials
from common.clock import Clock
from common.connector.client import KeyRefused, Route
from common.connector.ports import (
    Dialect,
    HttpRequest,
    OrderSocket,
    Reply,
    ReplyReceived,
    Send,
    SocketScript,
    StreamEvent,
    Unknown,
)
from common.connector.rest import NotSent
from common.connector.session import AskExchange, Dial, Session, dial_websocket
from common.connector.sockets import SocketLoop
from common.errors import CgtError

_Answer = Reply | Unknown
KIND: Final = "orders"


class SocketRoute:
    """Sends orders over a socket while it is open, over the other route while it is not."""

    def __init__(
        self,
        dialect: Dialect,
        clock: Clock,
        otherwise: Route,
        ask: AskExchange,
        *,
        timeout_s: float,
        rotate_after_s: float,
        dial: Dial = dial_websocket,
    ) -> None:
        self._dialect = dialect
        self._clock = clock
        self._otherwise = otherwise
        self._timeout_s = timeout_s
        self._ids = itertools.count(1)
        self._pending: dict[Session, dict[str, asyncio.Future[_Answer]]] = {}
        self._loop = SocketLoop(
            self, clock, ask, exchange=dialect.exchange, kind=KIND, rotate_after_s=rotate_after_s, dial=dial
        )

    async def run(self) -> None:
        """Keep the socket open until cancelled."""
        await self._loop.run()

    async def send(self, request: HttpRequest, credentials: Credentials | None) -> Reply | NotSent | Unknown:
        """One request, one answer; a connection that ends before the answer leaves it unknown."""
        session = next((each for each in reversed(self._loop.sessions) if each in self._pending), None)
        if session is None or credentials is None:
            return await self._otherwise.send(request, credentials)
        request_id = f"c{next(self._ids)}"
        script = cast("OrderSocket", session.script)
        try:
            frame = script.request(request_id, request, credentials, self._clock.now_ms())
        except CgtError as error:
            raise KeyRefused(credentials.account_id, str(error)) from None
        answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        pending = self._pending[session]
        pending[request_id] = answer
        session.act([Send(frame)])
        try:
            async with asyncio.timeout(self._timeout_s):
                return await answer
        except TimeoutError:
            return Unknown("timeout", "no answer in time")
        finally:
            pending.pop(request_id, None)

    def script(self) -> SocketScript:
        """A fresh order socket."""
        script = self._dialect.order_socket()
        assert script is not None, f"{self._dialect.exchange} takes orders over REST only"
        return script

    def on_open(self, session: Session) -> None:
        """From now on orders leave here."""
        self._pending[session] = {}
        session.complete.set()

    def on_event(self, session: Session, event: StreamEvent) -> None:
        """Hand a reply to whom it belongs."""
        if isinstance(event, ReplyReceived):
            answer = self._pending.get(session, {}).get(event.request_id)
            if answer is not None and not answer.done():
                answer.set_result(event.reply)

    def on_closed(self, session: Session, reason: str) -> None:
        """What was not answered on this connection never will be."""
        for answer in self._pending.pop(session, {}).values():
            if not answer.done():
                answer.set_result(Unknown("socket_closed", reason))
