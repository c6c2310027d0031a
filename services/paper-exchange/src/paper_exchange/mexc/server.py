"""The sockets around the venue: one port serves REST and the WebSocket."""

import asyncio
import random
import re
import time
from collections.abc import Callable, Iterable
from urllib.parse import parse_qs, unquote

from aiohttp import WSMsgType, web

from paper_exchange.clock import Clock
from paper_exchange.faults import Fault, Faults, Kind, RequestFacts
from paper_exchange.mexc.channels import FAST_MS
from paper_exchange.mexc.errors import ApiError
from paper_exchange.mexc.face import RestRequest, answer, error_reply
from paper_exchange.mexc.pushes import Push
from paper_exchange.mexc.streams import Streams
from paper_exchange.mexc.subscriptions import Session, leave
from paper_exchange.mexc.subscriptions import answer as answer_text
from paper_exchange.mexc.venue import Venue
from paper_exchange.reply import Reply
from paper_exchange.serving import WRITES, FaceServer, Job
from paper_exchange.sockets import Socket

_CLIENT_IDS = re.compile(r'[cC]lientOrderId(?:=|"\s*:\s*")([^&"]*)')
LOOK_EVERY_S = 0.25


class MexcSession(Session):
    """A session with its socket and the times that decide when the server drops it."""

    def __init__(self, socket: Socket) -> None:
        super().__init__(self)
        self.socket = socket
        self.opened_s = self.active_s = time.monotonic()

    def push(self, frame: bytes, stamp: tuple[str, str, str] | None = None) -> None:
        """Send a public push."""
        self.active_s = time.monotonic()
        self.socket.push(frame, stamp)


class MexcServer(FaceServer):
    """Listens on one port; everything it knows is in `venue`."""

    data = WSMsgType.BINARY

    def __init__(
        self, rng: random.Random, fault_rng: random.Random, clock: Clock, *, walk_every_ms: int | None = None
    ) -> None:
        self.venue = Venue(rng, fault_rng, clock(), self._later)
        super().__init__(self.venue.exchange, clock, Faults(fault_rng), walk_every_ms=walk_every_ms)
        self.streams = Streams(self.venue.exchange, self.venue.switches)
        self._sessions: dict[MexcSession, None] = {}
        self.venue.on_trade.append(self.streams.on_trade)
        self.venue.on_push.append(self._on_push)

    def _later(self, delay_ms: int, action: Callable[[int], None]) -> None:
        asyncio.get_running_loop().call_later(delay_ms / 1000, lambda: action(self.now_ms()))

    def _jobs(self) -> Iterable[Job]:
        return ((FAST_MS / 1000, self._tick), (LOOK_EVERY_S, self._drop_stale))

    def _sockets(self, which: str) -> list[Socket]:
        """`user` (opened with a listen key), `market` (the others) or `all`."""
        return [
            session.socket
            for session in self._sessions
            if which == "all" or (which == "user") == (session.uid is not None)
        ]

    # -- time -----------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        self.streams.tick(self.now_ms())

    async def _drop_stale(self) -> None:
        """Cut connections that never subscribed, say nothing, or are too old (section 10)."""
        switches, now_s, now_ms = self.venue.switches, time.monotonic(), self.now_ms()
        for session in list(self._sessions):
            active_s = max(session.active_s, session.socket.last_heard_s)
            is_mute = not session.channels and (now_s - session.opened_s) * 1000 > switches.no_subscription_drop_ms
            is_idle = (now_s - active_s) * 1000 > switches.idle_drop_ms
            is_old = (now_s - session.opened_s) * 1000 > switches.longest_connection_ms
            is_dead = switches.listen_key_expiry == "drop" and not self._is_entitled(session, now_ms)
            if is_mute or is_idle or is_old or is_dead:
                session.socket.abort()

    def _is_entitled(self, session: Session, now_ms: int) -> bool:
        """Whether it is public, or its listen key lives."""
        return session.uid is None or self.venue.listen_keys.owner(session.listen_key, now_ms) == session.uid

    # -- facts ----------------------------------------------------------------------------------------------------

    def _on_push(self, push: Push, now_ms: int) -> None:
        hearing = [
            session
            for session in self._sessions
            if session.uid == push.uid and session.hears(push.kind) and self._is_entitled(session, now_ms)
        ]
        if not hearing:
            return
        frame = push.encode(now_ms)
        for session in hearing:
            session.active_s = time.monotonic()
        self._push_event(push.uid, push.kind, [(session.socket, frame) for session in hearing], push.stamp)

    # -- requests -------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        return await (self._serve_socket(request, query) if path == "/ws" else self._serve_rest(request, path, query))

    async def _serve_rest(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        body = (await request.read()).decode() if request.can_read_body else ""
        api_key, kind = request.headers.get("X-MEXC-APIKEY"), request.headers.get("Content-Type", "")
        asked = RestRequest(request.method, path, query, body, api_key, kind, request.remote or "")
        facts = RequestFacts(request.method, path)
        if request.method in WRITES or self.faults:
            ids = tuple(_CLIENT_IDS.findall(unquote(f"{query}&{body}")))
            facts = RequestFacts(request.method, path, uid=self.venue.keys.uid_of(api_key), client_order_ids=ids)
        return await self._answer(request, facts, lambda: answer(self.venue, asked, self.now_ms()), _failure)

    async def _serve_socket(self, request: web.BaseRequest, query: str) -> web.StreamResponse:
        socket = await self._open_socket(request)
        if socket is None:
            return web.Response(status=503)
        session, asked = MexcSession(socket), parse_qs(query, keep_blank_values=True).get("listenKey")
        if asked is not None:
            session.listen_key, session.uid = asked[0], self.venue.listen_keys.owner(asked[0], self.now_ms())
            if session.uid is None:
                await socket.ws.send_str("Invalid listen key")
                await socket.close()
                return socket.ws
        self._sessions[session] = None
        try:
            async for text in socket.frames():
                socket.say(answer_text(session, self.streams, text, self.venue.switches.most_subscriptions))
        finally:
            for name in list(session.channels):
                leave(session, self.streams, name)
            del self._sessions[session]
            socket.stop()
        return socket.ws


def _failure(fault: Fault) -> Reply:
    """The error of a request fault; its status, code and text win over the defaults (section 8)."""
    if fault.kind is Kind.RATE_LIMITED:
        return error_reply(ApiError(429, "Too Many Requests", 429, retry_after_ms=fault.retry_after_s * 1000))
    if fault.kind is Kind.ERROR_AFTER_ACCEPT:
        return error_reply(ApiError(fault.code or 503, fault.msg or "Service Unavailable", fault.status or 503))
    status = fault.status or (400 if fault.code else 500)
    return error_reply(ApiError(fault.code or 500, fault.msg or "Internal error, please try again later", status))
