"""The HTTP face of a service: /health and /metrics beside its own routes, served in the service's own event loop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import Field
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from common.errors import CgtError
from common.health import Health
from common.service.problems import install_problem_handlers
from common.settings import EnvSettings

_GRACE_S: Final = 5
_LAST_WORDS_S: Final = 2.0
_MOST_HEARD_BYTES: Final = 65_536
"""Of one WebSocket message from a client."""


class HttpSettings(EnvSettings):
    """Where the service listens; port 0 lets the operating system choose."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, ge=0, le=65_535)
    trusted_proxies: str = "127.0.0.1"
    """Whose X-Forwarded-For is believed: addresses and networks, separated by commas."""


class CannotListen(CgtError):
    """The address is taken or not ours."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(f"cannot listen on {host}:{port}: set CGT_HTTP_PORT to a free port, or stop what uses it")


def new_app(title: str, health: Health, *, openapi_url: str | None = None) -> FastAPI:
    """An app with /health, /metrics and problem+json errors; the service adds its routes."""
    app = FastAPI(title=title, docs_url=None, redoc_url=None, openapi_url=openapi_url)
    install_problem_handlers(app)

    @app.get("/health", include_in_schema=False)
    async def answer_health() -> JSONResponse:
        """Alive, because it answers; ready, if every check is true (503 otherwise)."""
        checks = await health.report()
        ready = all(checks.values())
        body = {"status": "ready" if ready else "starting", "live": True, "ready": ready, "checks": checks}
        return JSONResponse(body, status_code=200 if ready else 503)

    @app.get("/health/live", include_in_schema=False)
    async def answer_live() -> dict[str, bool]:
        """For a supervisor that restarts what does not answer, and nothing else."""
        return {"live": True}

    @app.get("/metrics", include_in_schema=False)
    async def answer_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


class HttpServer:
    """Uvicorn inside our loop: it takes no signals, writes no access log, and ends when told."""

    def __init__(self, app: object, settings: HttpSettings) -> None:
        self._settings = settings
        self._listening = asyncio.Event()
        self._server = _Server(
            uvicorn.Config(
                app,  # type: ignore[arg-type]
                host=settings.http_host,
                port=settings.http_port,
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                forwarded_allow_ips=settings.trusted_proxies,
                timeout_graceful_shutdown=_GRACE_S,
                ws=_WebSocket,
                ws_max_size=_MOST_HEARD_BYTES,
                # Our messages are small: compressing each costs more than it saves, and memory per connection.
                ws_per_message_deflate=False,
            )
        )

    async def run(self) -> None:
        """Serve until `stop()`. Raises CannotListen."""
        address = (self._settings.http_host, self._settings.http_port)
        # Uvicorn answers a taken port with SystemExit; bound here, it is an error like any other.
        try:
            sock = socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        except OSError as error:
            raise CannotListen(*address) from error
        self.port: int = sock.getsockname()[1]
        self._listening.set()
        await self._server.serve(sockets=[sock])

    async def listening(self) -> int:
        """The port, once there is one."""
        await self._listening.wait()
        return self.port

    async def stop(self) -> None:
        """Answer what is being asked, then end `run()`."""
        self._server.should_exit = True


class _WebSocket(WebSocketsSansIOProtocol):
    """Uvicorn's, but a client that reads no more cannot keep its connection: what it leaves unread is thrown away."""

    def keepalive_timeout(self) -> None:
        """No answer to a ping: nothing that is still to be sent would be read."""
        super().keepalive_timeout()
        self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The application has said all it had to say: the client has a moment to read it."""
        super().on_task_complete(task)
        self.loop.call_later(_LAST_WORDS_S, self.transport.abort)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to `common.service.run`."""
        yield
