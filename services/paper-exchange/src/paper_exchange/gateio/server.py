"""The sockets around the face: one port serves REST and the WebSocket."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable

import orjson
from aiohttp import web

from paper_exchange.clock import Clock
from paper_exchange.core.events import MarketTraded
from paper_exchange.faults import Fault, Faults, Kind, RequestFacts
from paper_exchange.gateio.errors import ApiError, too_many_requests
from paper_exchange.gateio.face import GateFace, RestRequest
from paper_exchange.gateio.frames import Push, pushes, update
from paper_exchange.gateio.private import Private
from paper_exchange.gateio.sessions import BadFrame, Session, Subscribing, read_frame, refuse_frame
from paper_exchange.gateio.streams import TICK_MS, Streams
from paper_exchange.gateio.venue import Told, Venue
from paper_exchange.gateio.wsapi import METHODS, ApiRequest, WsApi, failure
from paper_exchange.reply import Reply
from paper_exchange.serving import WRITES, FaceServer, Job
from paper_exchange.sockets import PING_EVERY_S, Socket

SOCKET_PATHS = frozenset({"/ws/v4/", "/ws/v4"})
_TEXTS = re.compile(rb'"text"\s*:\s*"(t-[^"]*)"')
_UPGRADE = {
    "type": "upgrade",
    "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
}


class GateServer(FaceServer):
    """Listens on one port; everything it knows is in `venue`."""

    def __init__(self, venue: Venue, clock: Clock, faults: Faults, *, walk_every_ms: int | None = None) -> None:
        super().__init__(venue.exchange, clock, faults, walk_every_ms=walk_every_ms)
        self.venue, self.face, self.wsapi = venue, GateFace(venue), WsApi(venue)
        self.streams, self.private = Streams(venue.exchange.markets), Private[Session]()
        self._subscribing = Subscribing(venue, self.streams, self.private)
        self._open: dict[Session, Socket] = {}
        venue.listeners.append(self._on_told)

    def _jobs(self) -> Iterable[Job]:
        return ((TICK_MS / 1000, self._tick), (PING_EVERY_S, self._ping))

    def _sockets(self, which: str) -> list[Socket]:
        """`user` (those that follow an account), `ws_api` (those logged in), `market` (public channels) or `all`."""
        following = self.private.all()
        return [
            socket
            for session, socket in self._open.items()
            if which == "all"
            or (which == "user" and session in following)
            or (which == "ws_api" and session.key is not None)
            or (which == "market" and self.streams.listens(socket))
        ]

    def drop_sockets(self, which: str = "all") -> int:
        """Cut sockets of a kind now, with a notice before if so switched; answers how many."""
        if not self.venue.switches.upgrade_notice:
            return super().drop_sockets(which)
        chosen, now_ms = self._sockets(which), self.now_ms()
        notice = orjson.dumps(update("spot.system", _UPGRADE, now_ms))
        for socket in chosen:
            socket.push(notice)
            self._spawn(_close_soon(socket))
        return len(chosen)

    # -- time -----------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        now_ms = self.now_ms()
        self.venue.settle(now_ms)
        self.streams.tick(now_ms)

    async def _ping(self) -> None:
        for socket in self._sockets("all"):
            with contextlib.suppress(ConnectionError):
                await socket.ping()

    # -- facts ----------------------------------------------------------------------------------------------------

    def _on_told(self, told: Told) -> None:
        if isinstance(told, MarketTraded):
            self.streams.on_trade(told, self.venue.pair(told.symbol))
            return
        for push in pushes(self.venue, told):
            followers = self.private.followers(push.channel, push.uid, push.pair)
            if followers:
                self._push(push, followers)

    def _push(self, push: Push, followers: list[Session]) -> None:
        stamp = None
        if push.fill is not None:
            order, fill = push.fill
            stamp = (order.uid, order.symbol, order.order_id, fill.trade_id)
        frame = push.frame(self.now_ms())
        self._push_event(push.uid, push.channel, [(self._open[session], frame) for session in followers], stamp)

    def end_account(self, uid: int) -> None:
        """The account's keys are gone: nothing more is told, and its logged-in sockets are cut."""
        self.private.end_account(uid)
        for session, socket in self._open.items():
            if session.key is not None and session.key.uid == uid:
                socket.abort()

    # -- REST -----------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path in SOCKET_PATHS:
            return await self._serve_socket(request)
        return await self._serve_rest(request, path, query)

    async def _serve_rest(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        body = await request.read() if request.can_read_body else b""
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = RestRequest(request.method, path, query, body, headers, request.remote or "")
        facts = RequestFacts(request.method, path)
        if request.method in WRITES or self.faults:
            names = tuple(name.decode() for name in _TEXTS.findall(body))
            uid = self.venue.keys.uid_of(headers.get("key"))
            facts = RequestFacts(request.method, path, uid=uid, client_order_ids=names)
        return await self._answer(request, facts, lambda: self.face.rest(asked, self.now_ms()), self._failure)

    def _failure(self, fault: Fault) -> Reply:
        error = _injected(fault)
        headers: dict[str, str] = {}
        if fault.kind is Kind.RATE_LIMITED:
            reset_s = self.now_ms() // 1000 + fault.retry_after_s
            headers = {"X-Gate-RateLimit-Requests-Remain": "0", "X-Gate-RateLimit-Reset-Timestamp": str(reset_s)}
        return Reply(error.status, orjson.dumps(error.body()), headers)

    # -- WebSocket ------------------------------------------------------------------------------------------------

    async def _serve_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = await self._open_socket(request)
        if socket is None:
            return web.Response(status=503)
        session = Session(socket, request.remote or "")
        self._open[session] = socket
        try:
            async for text in socket.frames():
                self._hear(session, socket, text, time.monotonic_ns())
        finally:
            self.private.close(session)
            self.streams.close(socket)
            del self._open[session]
            socket.stop()
        return socket.ws

    def _hear(self, session: Session, socket: Socket, text: str, read_ns: int) -> None:
        try:
            asked = read_frame(text)
        except BadFrame as error:
            socket.push(refuse_frame(error, self.now_ms()))
            return
        if asked.get("event") == "api":
            self._answer_api(session, socket, ApiRequest.of(asked), read_ns)
        else:
            socket.push(self._subscribing.answer(session, asked, self.now_ms()))

    def _answer_api(self, session: Session, socket: Socket, asked: ApiRequest, read_ns: int) -> None:
        uid = None if session.key is None else session.key.uid
        method, names = METHODS.get(asked.channel), asked.client_ids()
        if method is not None and method.writes:
            self.timings.requests.append((read_ns, uid, asked.channel, names))
        facts = RequestFacts(ws_method=asked.channel, uid=uid, client_order_ids=names)
        fault = self.faults.for_request(facts) if self.faults else None
        if fault is not None and fault.kind in {Kind.ERROR_BEFORE, Kind.RATE_LIMITED}:
            socket.push(failure(session, asked, _injected(fault), self.now_ms()))
            return
        frames = self.wsapi.answer(session, asked, self.now_ms())
        if fault is None:
            for frame in frames:
                socket.push(frame)
        elif fault.kind is Kind.ERROR_AFTER_ACCEPT:
            socket.push(failure(session, asked, _injected(fault), self.now_ms()))
        elif fault.kind is Kind.SLOW_RESPONSE:
            for frame in frames:
                asyncio.get_running_loop().call_later(fault.delay_ms / 1000, socket.push, frame)
        else:
            socket.abort()


async def _close_soon(socket: Socket) -> None:
    """Let the writer send what waits, then close."""
    await asyncio.sleep(0)
    await socket.close()


def _injected(fault: Fault) -> ApiError:
    """The error that a fault asks for; its label, text and status win over what Gate.io would say."""
    if fault.kind is Kind.RATE_LIMITED:
        usual = too_many_requests()
    elif fault.kind is Kind.ERROR_AFTER_ACCEPT:
        usual = ApiError("INTERNAL", "internal server error")
    else:
        usual = ApiError("SERVER_ERROR", "server error")
    return ApiError(fault.label or usual.label, fault.msg or usual.message, fault.status or usual.status)
