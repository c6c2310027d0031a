"""The one ASGI app: REST beside Socket.IO, documented at /api-docs."""

from typing import Final

import socketio
from fastapi import FastAPI
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
    gateio,
    markets,
    mexc,
    portfolio,
    reads,
    risk,
    sessions,
    trading,
)
from gateway.http.middleware import BodyLimit, RequestLog
from gateway.http.parts import Parts
from gateway.live import Live

DESCRIPTION = """
One API for trading on several exchanges. A success is `{"status": "Success", "data": ...}`; an error is
`application/problem+json` naming the field, the rule and what would mend it. Amounts and prices are decimal strings.

Send an `Idempotency-Key` with whatever trades: the same key with the same request is carried out once. A request whose
outcome is not known in time is answered 202 with an operation to follow.

Socket.IO at `/socket.io` with `auth: {token}` sends `order_update`, `balance_update`, `list_status_update`,
`auto_oco_placed`, `position_update` and `protection_update`, each with a per-user `seq`.
"""

AREAS: Final = (
    *(auth, sessions, api_tokens, credentials),
    *(trading, reads, portfolio, risk),
    *(markets, bitget, gateio, mexc),
)
"""In the order of the documentation."""


def rest_app(parts: Parts, health: Health, origins: list[str]) -> FastAPI:
    """The REST surface."""
    app = new_app("Crypto Graph Trader", health, docs_url="/api-docs")
    app.description = DESCRIPTION
    problems.install(app)
    for area in AREAS:
        app.include_router(area.router(parts))
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    return app


def whole_app(rest: FastAPI, live: Live, max_body_bytes: int) -> ASGIApp:
    """REST and Socket.IO on one port."""
    bounded = BodyLimit(rest, max_body_bytes)
    return RequestLog(socketio.ASGIApp(live.server, other_asgi_app=bounded))
