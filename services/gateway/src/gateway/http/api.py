"""The one ASGI app: REST beside Socket.IO, documented at /api-docs."""

from typing import Final

import socketio
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from common.health import Health
from common.service.http import new_app
from gateway import problems
from gateway.http import (
    api_tokens,
    auth,
    bitget,
    credentials,
    docs_page,
    document,
    events,
    fred,
    gateio,
    markets,
    mexc,
    portfolio,
    reads,
    risk,
    sessions,
    settings,
    signals,
    sync,
    trading,
)
from gateway.http.limiting import RateLimit
from gateway.http.middleware import BodyLimit, Guards, RequestLog
from gateway.http.parts import Parts
from gateway.http.queries import known_query
from gateway.rates import HEADERS
from gateway.stream import plain
from gateway.stream.socket_io import SocketIo

DESCRIPTION = """
One API for trading on several exchanges. A success is `{"status": "Success", "data": ...}`; an error is
`application/problem+json` naming the field, the rule and what would mend it. Amounts and prices are decimal strings.

Send an `Idempotency-Key` with whatever trades: the same key with the same request is carried out once. A request whose
outcome is not known in time is answered 202 with an operation to follow.

Events come over Socket.IO at `/socket.io` and over a plain WebSocket at `/ws`, numbered per user by `seq` and replayed
from `since`: see [async-docs](/async-docs).
"""

AREAS: Final = (
    *(auth, sessions, api_tokens, credentials),
    *(trading, signals, reads, sync, fred, portfolio, settings, risk),
    *(markets, bitget, gateio, mexc),
    events,
)
"""In the order of the documentation."""


def rest_app(parts: Parts, health: Health, guards: Guards) -> FastAPI:
    """The REST surface."""
    app = new_app("Crypto Graph Trader", health, openapi_url="/openapi.json")
    app.description = DESCRIPTION
    problems.install(app)
    for area in AREAS:
        app.include_router(area.router(parts), dependencies=[Depends(known_query)])
    app.include_router(plain.router(parts.door, parts.clock))
    document.install(app)
    docs_page.install(app)
    # The last one added stands outside: a browser may read what the others refuse.
    app.add_middleware(BodyLimit, most_bytes=guards.max_body_bytes)
    app.add_middleware(RateLimit, callers=parts.callers, rates=guards.rates, clock=parts.clock)
    if guards.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=guards.origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Retry-After", *HEADERS],
        )
    return app


def whole_app(rest: FastAPI, socket_io: SocketIo) -> ASGIApp:
    """REST and Socket.IO on one port."""
    return RequestLog(socketio.ASGIApp(socket_io.server, other_asgi_app=rest))
