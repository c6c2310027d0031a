"""The sockets around the face: one port serves REST, the WebSocket API and the market streams."""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable
from urllib.parse import parse_qs

import orjson
from aiohttp import web

from paper_exchange.binance.errors import ApiError
from paper_exchange.binance.face import BinanceFace, RestRequest
from paper_exchange.binance.injected import injected
from paper_exchange.binance.limits import CONNECT_WEIGHT
from paper_exchange.binance.routes import WS
from paper_exchange.binance.stream_control import answer_control
from paper_exchange.binance.streams import TICK_MS, Streams
from paper_exchange.binance.userdata import encode, kind, owner
from paper_exchange.binance.wsapi import Session, WsApi, WsRequest, envelope, parse
from paper_exchange.clock import Clock
from paper_exchange.core.events import Event, MarketTraded, OrderTraded
from paper_exchange.faults import Fault, Faults, Kind, RequestFacts
from paper_exchange.reply import Reply
from paper_exchange.serving import WRITES, FaceServer, Job
from paper_exchange.sockets import PING_EVERY_S, Socket

_CLIENT_IDS = re.compile(r"[cC]lientOrderId=([^&]*)")


class BinanceServer(FaceServer):
    """Listens on one port; everything it knows is in `face`."""

    def __init__(self, face: BinanceFace, clock: Clock, faults: Faults, *, walk_every_ms: int | None = None) -> None:
        super().__init__(face.exchange, clock, faults, walk_every_ms=walk_every_ms)
        self.face = face
        self.wsapi, self.streams = WsApi(face, self._on_terminated), Streams(face.exchange)
        self._sessions: dict[Session, Socket] = {}
        self._market_sockets: set[Socket] = set()
        face.listeners.append(self._on_event)

    def _jobs(self) -> Iterable[Job]:
        return ((TICK_MS / 1000, self._tick), (PING_EVERY_S, self._ping))

    def _sockets(self, which: str) -> list[Socket]:
        """`ws_api` (every API connection), `user` (those with a subscription), `market` or `all`."""
        chosen: list[Socket] = []
        if which in {"all", "market"}:
            chosen += self._market_sockets
        if which in {"all", "ws_api"}:
            chosen += self._sessions.values()
        if which == "user":
            chosen += [socket for session, socket in self._sessions.items() if session.subscriptions]
        return chosen

    # -- time -----------------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        self.streams.tick(self.now_ms())

    async def _ping(self) -> None:
        for socket in self._sockets("all"):
            with contextlib.suppress(ConnectionError):
                await socket.ping()

    # -- facts ----------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MarketTraded):
            self.streams.on_trade(event)
            return
        uid = owner(event)
        assert uid is not None
        listening = self.wsapi.subscribers(uid)
        if not listening:
            return
        body, stamp = encode(event), None
        if isinstance(event, OrderTraded):
            stamp = (uid, event.order.symbol, event.order.order_id, event.fill.trade_id)
        frames = [(self._sessions[session], envelope(number, body)) for session, number in listening]
        self._push_event(uid, kind(event), frames, stamp)

    def _on_terminated(self, session: Session, subscription_id: int, body: bytes) -> None:
        self._sessions[session].push(envelope(subscription_id, body))

    # -- requests -------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path == "/ws-api/v3":
            return await self._serve_api_socket(request, query)
        if path in {"/ws", "/stream"} or path.startswith("/ws/"):
            return await self._serve_market_socket(request, path, query)
        return await self._serve_rest(request, path, query)

    async def _serve_rest(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        body = (await request.read()).decode() if request.can_read_body else ""
        api_key, address = request.headers.get("X-MBX-APIKEY"), request.remote or ""
        asked = RestRequest(request.method, path, query, body, api_key, address)
        facts = RequestFacts(request.method, path)
        if request.method in WRITES or self.faults:
            ids = tuple(_CLIENT_IDS.findall(query) + _CLIENT_IDS.findall(body))
            facts = RequestFacts(request.method, path, uid=self.face.keys.uid_of(api_key), client_order_ids=ids)
        return await self._answer(request, facts, lambda: self.face.rest(asked, self.now_ms()), self._failure)

    def _failure(self, fault: Fault) -> Reply:
        error = injected(fault, self.now_ms())
        headers = {"Retry-After": str(fault.retry_after_s)} if fault.kind is Kind.RATE_LIMITED else {}
        return Reply(error.status, orjson.dumps(error.body()), headers)

    # -- WebSocket API --------------------------------------------------------------------------------------------

    async def _serve_api_socket(self, request: web.BaseRequest, query: str) -> web.StreamResponse:
        socket = await self._open_socket(request)
        if socket is None:
            return web.Response(status=503)
        session = Session(request.remote or "", self.now_ms())
        session.returns_limits = parse_qs(query).get("returnRateLimits") != ["false"]
        self._sessions[session] = socket
        self.face.meter.charge(session.address, CONNECT_WEIGHT, self.now_ms())
        try:
            async for text in socket.frames():
                read_ns = time.monotonic_ns()
                try:
                    asked = parse(text)
                except ApiError as error:
                    socket.push(self.wsapi.refuse(error))
                    continue
                self._answer_frame(session, socket, asked, read_ns)
        finally:
            self.wsapi.close(session)
            del self._sessions[session]
            socket.stop()
        return socket.ws

    def _answer_frame(self, session: Session, socket: Socket, asked: WsRequest, read_ns: int) -> None:
        route = WS.get(asked.method)
        is_order = route is not None and route.security == "TRADE"
        fault = None
        if is_order or self.faults:
            ids = tuple(value for name, value in asked.params.items() if name.endswith("lientOrderId"))
            uid = self.face.keys.uid_of(asked.params.get("apiKey")) if session.key is None else session.key.uid
            if is_order:
                self.timings.requests.append((read_ns, uid, asked.method, ids))
            if self.faults:
                fault = self.faults.for_request(RequestFacts(ws_method=asked.method, uid=uid, client_order_ids=ids))
        if fault is None:
            socket.push(self.wsapi.answer(session, asked, self.now_ms()))
        else:
            self._answer_faulty(fault, session, socket, asked)

    def _answer_faulty(self, fault: Fault, session: Session, socket: Socket, asked: WsRequest) -> None:
        now_ms = self.now_ms()
        error = injected(fault, now_ms)
        failure = orjson.dumps({"id": asked.id, "status": error.status, "error": error.body()})
        if fault.kind in {Kind.ERROR_BEFORE, Kind.RATE_LIMITED}:
            socket.push(failure)
            return
        answer = self.wsapi.answer(session, asked, now_ms)
        if fault.kind is Kind.ERROR_AFTER_ACCEPT:
            socket.push(failure)
        elif fault.kind is Kind.SLOW_RESPONSE:
            asyncio.get_running_loop().call_later(fault.delay_ms / 1000, socket.push, answer)
        else:
            socket.abort()

    # -- market streams -------------------------------------------------------------------------------------------

    async def _serve_market_socket(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        combined = path == "/stream"
        socket = await self._open_socket(request, combined=combined)
        if socket is None:
            return web.Response(status=503)
        self._market_sockets.add(socket)
        names = parse_qs(query).get("streams", [""])[0].split("/") if combined else path.split("/")[2:]
        for name in filter(None, names):
            self.streams.subscribe(socket, name, self.now_ms())
        try:
            async for text in socket.frames():
                socket.push(orjson.dumps(answer_control(self.streams, socket, text, self.now_ms())))
        finally:
            self.streams.close(socket)
            self._market_sockets.discard(socket)
            socket.stop()
        return socket.ws
