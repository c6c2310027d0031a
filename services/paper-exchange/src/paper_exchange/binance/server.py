"""The sockets around the face: one port serves REST, the WebSocket API and the market streams."""

import asyncio
import contextlib
import re
import time
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs

import orjson
from aiohttp import web

from paper_exchange.binance.errors import ApiError
from paper_exchange.binance.face import BinanceFace, Reply, RestRequest
from paper_exchange.binance.injected import injected
from paper_exchange.binance.limits import CONNECT_WEIGHT
from paper_exchange.binance.routes import WS
from paper_exchange.binance.sockets import PING_EVERY_S, Socket
from paper_exchange.binance.stream_control import answer_control
from paper_exchange.binance.streams import TICK_MS, Streams
from paper_exchange.binance.userdata import encode, kind, owner
from paper_exchange.binance.wsapi import Session, WsApi, WsRequest, envelope, parse
from paper_exchange.clock import Clock
from paper_exchange.core.events import Event, MarketTraded, OrderTraded
from paper_exchange.faults import Fault, Faults, Kind, RequestFacts
from paper_exchange.timings import Timings

_CLIENT_IDS = re.compile(r"[cC]lientOrderId=([^&]*)")
_WRITES = frozenset({"POST", "PUT", "DELETE"})


class BinanceServer:
    """Listens on one port; everything it knows is in `face`."""

    def __init__(self, face: BinanceFace, clock: Clock, faults: Faults, *, walk_every_ms: int | None = None) -> None:
        self.face, self.faults, self.timings = face, faults, Timings()
        self._clock, self._walk_every_ms = clock, walk_every_ms
        self.wsapi, self.streams = WsApi(face, self._on_terminated), Streams(face.exchange)
        self._sessions: dict[Session, Socket] = {}
        self._market_sockets: set[Socket] = set()
        self._refuse_until_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.ServerRunner | None = None
        face.listeners.append(self._on_event)

    def now_ms(self) -> int:
        """The exchange's clock, with its skew."""
        return self._clock() + (self.faults.skew_ms() if self.faults else 0)

    async def start(self, host: str, port: int) -> int:
        """Listen; answers the port (the one given, or the one the system chose for 0)."""
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._spawn(self._every(TICK_MS / 1000, self._tick))
        self._spawn(self._every(PING_EVERY_S, self._ping))
        if self._walk_every_ms is not None:
            self._spawn(self._every(self._walk_every_ms / 1000, self._walk))
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Close every socket and stop listening."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*(socket.close() for socket in self._all_sockets()), return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _all_sockets(self) -> list[Socket]:
        return [*self._sessions.values(), *self._market_sockets]

    # -- time -----------------------------------------------------------------------------------------------------

    @staticmethod
    async def _every(seconds: float, action: Any) -> None:
        while True:
            await asyncio.sleep(seconds)
            await action()

    async def _tick(self) -> None:
        self.streams.tick(self.now_ms())

    async def _ping(self) -> None:
        for socket in self._all_sockets():
            with contextlib.suppress(ConnectionError):
                await socket.ping()

    async def _walk(self) -> None:
        for symbol in self.face.exchange.markets:
            self.face.exchange.step(symbol, self.now_ms())

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
        fault = self.faults.for_event(uid, kind(event)) if self.faults else None
        if fault is not None and fault.kind is Kind.SWALLOW_EVENT:
            return
        for session, subscription_id in listening:
            socket, frame = self._sessions[session], envelope(subscription_id, body)
            if fault is not None and fault.kind is Kind.DELAY_EVENT:
                asyncio.get_running_loop().call_later(fault.delay_ms / 1000, socket.push, frame, stamp)
                continue
            socket.push(frame, stamp)
            if fault is not None:
                socket.push(frame)

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
        if request.method in _WRITES or self.faults:
            ids = tuple(_CLIENT_IDS.findall(query) + _CLIENT_IDS.findall(body))
            uid = self.face.keys.uid_of(api_key)
            if request.method in _WRITES:
                self.timings.requests.append((time.monotonic_ns(), uid, f"{request.method} {path}", ids))
            facts = RequestFacts(method=request.method, path=path, uid=uid, client_order_ids=ids)
            fault = self.faults.for_request(facts) if self.faults else None
            if fault is not None:
                return await self._serve_faulty(fault, request, asked)
        return _response(self.face.rest(asked, self.now_ms()))

    async def _serve_faulty(self, fault: Fault, request: web.BaseRequest, asked: RestRequest) -> web.Response:
        error = injected(fault, self.now_ms())
        if fault.kind in {Kind.ERROR_BEFORE, Kind.RATE_LIMITED}:
            headers = {"Retry-After": str(fault.retry_after_s)} if fault.kind is Kind.RATE_LIMITED else {}
            return _response(Reply(error.status, orjson.dumps(error.body()), headers))
        reply = self.face.rest(asked, self.now_ms())
        if fault.kind is Kind.ERROR_AFTER_ACCEPT:
            return _response(Reply(error.status, orjson.dumps(error.body())))
        if fault.kind is Kind.SLOW_RESPONSE:
            await asyncio.sleep(fault.delay_ms / 1000)
        elif request.transport is not None:
            request.transport.abort()
        return _response(reply)

    # -- WebSocket API --------------------------------------------------------------------------------------------

    async def _open_socket(self, request: web.BaseRequest, *, combined: bool = False) -> Socket | None:
        """A socket, or nothing while connections are refused."""
        if time.monotonic() < self._refuse_until_s:
            if request.transport is not None:
                request.transport.abort()
            return None
        socket = Socket(request, self.timings, combined=combined)
        await socket.open()
        return socket

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
                self._answer(session, socket, asked, read_ns)
        finally:
            self.wsapi.close(session)
            del self._sessions[session]
            socket.stop()
        return socket.ws

    def _answer(self, session: Session, socket: Socket, asked: WsRequest, read_ns: int) -> None:
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

    # -- faults of sockets ----------------------------------------------------------------------------------------

    def drop_sockets(self, which: str = "all") -> int:
        """Cut sockets now: `ws_api` (every API connection), `user` (those with a subscription), `market` or `all`."""
        chosen: list[Socket] = []
        if which in {"all", "market"}:
            chosen += self._market_sockets
        if which in {"all", "ws_api"}:
            chosen += self._sessions.values()
        if which == "user":
            chosen += [socket for session, socket in self._sessions.items() if session.subscriptions]
        for socket in chosen:
            socket.abort()
        return len(chosen)

    def refuse_connections(self, for_ms: int) -> None:
        """Cut every new WebSocket connection for this long."""
        self._refuse_until_s = time.monotonic() + for_ms / 1000


def _response(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body, status=reply.status, headers=reply.headers, content_type=reply.content_type
    )  # fmt: skip
