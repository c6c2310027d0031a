"""The sockets around the face: one port serves REST and the public and private sockets of v2 and v3."""

import re
import time
from collections.abc import Iterable

import orjson
from aiohttp import web

from paper_exchange.bitget.errors import ApiError, too_fast
from paper_exchange.bitget.face import RestRequest, answer
from paper_exchange.bitget.keys import Credentials
from paper_exchange.bitget.markets import TICK_MS, MarketChannels
from paper_exchange.bitget.pushes import Push, Pushes, balances
from paper_exchange.bitget.sessions import Closing, Session, Sessions, frame
from paper_exchange.bitget.venue import Venue
from paper_exchange.clock import Clock
from paper_exchange.core.events import (
    BalanceAdjusted,
    BalancesChanged,
    Event,
    ListChanged,
    MarketTraded,
    OrderEvent,
    OrderTraded,
    TriggerChanged,
)
from paper_exchange.faults import Fault, Faults, Kind, RequestFacts
from paper_exchange.reply import Reply
from paper_exchange.serving import WRITES, FaceServer, Job
from paper_exchange.sockets import Socket
from paper_exchange.timings import Stamp

_PATHS = {
    f"/v{version}/ws/{side}": (version, side == "private") for version in (2, 3) for side in ("public", "private")
}  # fmt: skip
_CLIENT_OIDS = re.compile(r'"clientOid"\s*:\s*"([^"]*)"')
SILENCE_S = 120.0  # without a word for so long the connection is closed (section 11.1)
LIFETIME_S = 24 * 3600.0


class BitgetServer(FaceServer):
    """Listens on one port; everything it knows is in `venue`."""

    def __init__(self, venue: Venue, clock: Clock, faults: Faults, *, walk_every_ms: int | None = None) -> None:
        super().__init__(venue.exchange, clock, faults, walk_every_ms=walk_every_ms)
        self.venue = venue
        self.markets = MarketChannels(venue.exchange)
        self._rows = Pushes(venue.exchange.markets, venue.switches)
        self._protocol = Sessions(venue, self.markets, self._rows)
        self._open: dict[Session, Socket] = {}
        self._private: dict[Session, None] = {}
        self._moved: set[int] = set()
        venue.listeners.append(self._on_event)

    def _jobs(self) -> Iterable[Job]:
        return ((TICK_MS / 1000, self._tick), (10.0, self._cut))

    def _sockets(self, which: str) -> list[Socket]:
        """`private` (or `user`), `market` (or `public`), or `all`."""
        wanted = {"user": {True}, "private": {True}, "market": {False}, "public": {False}, "all": {True, False}}
        sides = wanted.get(which, set())
        return [socket for session, socket in self._open.items() if (session in self._private) in sides]

    async def _tick(self) -> None:
        self.venue.tick(self.now_ms())
        self.markets.tick(self.now_ms())

    async def _cut(self) -> None:
        """Cut those who are silent for too long, or connected for a day."""
        now_s = time.monotonic()
        for socket in self._sockets("all"):
            if now_s - socket.last_heard_s > SILENCE_S or now_s - socket.opened_s > LIFETIME_S:
                socket.abort()

    # -- facts ----------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MarketTraded):
            self.markets.on_trade(event)
            return
        uid = _owner(event)
        if isinstance(event, OrderTraded | BalanceAdjusted):
            self._moved.add(uid)
        listening = [session for session in self._private if session.key is not None and session.key.uid == uid]
        stamp: Stamp | None = None
        if isinstance(event, OrderTraded):
            stamp = (uid, event.order.symbol, event.order.order_id, event.fill.trade_id)
        is_uta = any(session.is_uta for session in listening)
        if isinstance(event, BalancesChanged):
            if uid not in self._moved and not self.venue.switches.account_push_on_freeze:
                return
            self._moved.discard(uid)
            told = list(balances(event, is_uta=is_uta))
        else:
            told = list(self._rows.of(event, is_uta=is_uta))
        for push in told:
            # A fill is told on two channels; its time is that of the first.
            self._push(uid, push, listening, stamp if push.channel in {"orders", "order"} else None)

    def _push(self, uid: int, push: Push, listening: list[Session], stamp: Stamp | None) -> None:
        frames = [
            (self._open[session], frame(arg, [push.row], self.now_ms()))
            for session in listening
            if (arg := session.arg_for(push)) is not None
        ]
        if frames:
            self._push_event(uid, push.channel, frames, stamp)

    def listeners(self, uid: int, channel: str) -> int:
        """How many connections of an account listen to a private channel."""
        mine = (session for session in self._private if session.key is not None and session.key.uid == uid)
        return sum(1 for session in mine if any(name == channel for name, _ in session.topics))

    def end_account(self, uid: int) -> None:
        """Cut the account's connections."""
        for session in list(self._private):
            if session.key is not None and session.key.uid == uid:
                self._open[session].abort()

    # -- requests -------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        if path in _PATHS:
            return await self._serve_socket(request, *_PATHS[path])
        return await self._serve_rest(request, path, query)

    async def _serve_rest(self, request: web.BaseRequest, path: str, query: str) -> web.Response:
        body, headers = (await request.read()).decode() if request.can_read_body else "", request.headers
        sent = Credentials(
            headers.get("ACCESS-KEY", ""), headers.get("ACCESS-SIGN", ""), headers.get("ACCESS-TIMESTAMP", ""),
            headers.get("ACCESS-PASSPHRASE", ""),
        )  # fmt: skip
        asked = RestRequest(request.method, path, query, body, sent, request.remote or "")
        facts = RequestFacts(request.method, path)
        if request.method in WRITES or self.faults:
            uid, names = self.venue.keys.uid_of(sent.api_key), tuple(_CLIENT_OIDS.findall(body))
            facts = RequestFacts(request.method, path, uid=uid, client_order_ids=names)
        return await self._answer(request, facts, lambda: answer(self.venue, asked, self.now_ms()), self._failure)

    def _failure(self, fault: Fault) -> Reply:
        """45001 leaves open whether anything happened, whichever fault says it (section 8)."""
        error = too_fast() if fault.kind is Kind.RATE_LIMITED else ApiError("45001", "Unknown error")
        code = error.code if fault.code is None else str(fault.code)
        worded = ApiError(code, fault.msg or error.msg, fault.status or error.status)
        return Reply(worded.status, orjson.dumps(worded.body(self.now_ms())))

    async def _serve_socket(self, request: web.BaseRequest, version: int, is_private: bool) -> web.StreamResponse:
        socket = await self._open_socket(request)
        if socket is None:
            return web.Response(status=503)
        session = Session(version, socket.push)
        self._open[session] = socket
        if is_private:
            self._private[session] = None
        try:
            async for text in socket.frames():
                self._protocol.hear(session, text, socket, self.now_ms())
        except Closing as closing:
            await socket.finish(closing.frame)
        finally:
            self.markets.close(socket)
            del self._open[session]
            self._private.pop(session, None)
            socket.stop()
        return socket.ws


def _owner(event: Event) -> int:
    """Whose private channels this goes to."""
    if isinstance(event, OrderEvent):
        return event.order.uid
    if isinstance(event, ListChanged):
        return event.order_list.uid
    if isinstance(event, TriggerChanged):
        return event.trigger.uid
    assert not isinstance(event, MarketTraded)
    return event.uid
