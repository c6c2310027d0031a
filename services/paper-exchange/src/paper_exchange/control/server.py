"""The control API's port: JSON in, JSON out."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson
from aiohttp import web

from paper_exchange.control.face import FAULT_FIELDS, FILL_FIELDS, FaceControl
from paper_exchange.control.read import BadRequest, read_body
from paper_exchange.core.refusals import Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except BadRequest as error:
        return _json(error.body(), error.status)
    except Refused as refused:
        body = {"error": f"the exchange refused: {refused.reason.name}", "rule": refused.reason.name}
        return _json(body, 409)


def _uid(request: web.Request) -> int:
    text = request.match_info["uid"]
    if not text.isdigit():
        raise BadRequest("uid", "must be a number", "use the uid that opening the account answered")
    return int(text)


def _fault_id(request: web.Request) -> int | None:
    text = request.query.get("id")
    if text is not None and not text.isdigit():
        raise BadRequest("id", "must be a number", "use the id that arming the fault answered")
    return None if text is None else int(text)


async def _fields(request: web.Request, known: frozenset[str]) -> Any:
    return read_body(await request.read(), known)


class Paths:
    """Adds the control API's paths to an application."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    def serve(self, method: str, path: str, action: Callable[[web.Request], Awaitable[Any]]) -> None:
        """Answer with what `action` makes of the request."""

        async def handle(request: web.Request) -> web.Response:
            return _json(await action(request))

        self._app.router.add_route(method, path, handle)

    def posts(self, path: str, known: frozenset[str], act: Callable[[Any], Any]) -> None:
        """Answer with what `act` makes of the body's fields."""

        async def action(request: web.Request) -> Any:
            return act(await _fields(request, known))

        self.serve("POST", path, action)

    def reads(self, method: str, path: str, act: Callable[[web.Request], Any]) -> None:
        """Answer with what `act` makes of a request without a body."""

        async def action(request: web.Request) -> Any:
            return act(request)

        self.serve(method, path, action)


def _add_face(paths: Paths, control: FaceControl) -> None:
    async def deposit(request: web.Request) -> Any:
        return control.deposit(_uid(request), await _fields(request, frozenset({"asset", "qty"})))

    async def fill_paced(request: web.Request) -> Any:
        return await control.fill_paced(await _fields(request, frozenset({"orders", "per_second"})))

    root = f"/control/{control.name}"
    paths.posts(f"{root}/accounts", control.account_fields, control.open_account)
    paths.reads("GET", f"{root}/accounts/{{uid}}", lambda request: control.state(_uid(request)))
    paths.serve("POST", f"{root}/accounts/{{uid}}/deposit", deposit)
    paths.reads("POST", f"{root}/accounts/{{uid}}/revoke-key", lambda request: control.revoke_key(_uid(request)))
    paths.posts(f"{root}/price", frozenset({"symbol", "price", "gap"}), control.move)
    paths.posts(f"{root}/fill", FILL_FIELDS, control.fill)
    paths.serve("POST", f"{root}/fills", fill_paced)
    paths.posts(f"{root}/faults", FAULT_FIELDS, control.arm)
    paths.reads("GET", f"{root}/faults", lambda _: control.faults())
    paths.reads("DELETE", f"{root}/faults", lambda request: control.disarm(_fault_id(request)))
    paths.reads("GET", f"{root}/timings", lambda _: control.timings())
    paths.reads("POST", f"{root}/timings/reset", lambda _: control.reset_timings())
    for path, known, act in control.posts():
        paths.posts(f"{root}/{path}", known, act)
    if control.switch_names:
        paths.posts(f"{root}/switches", control.switch_names, control.switch)
        paths.reads("GET", f"{root}/switches", lambda _: control.switches())


def control_app(controls: Iterable[FaceControl]) -> web.Application:
    """The application that serves the control API of every face."""
    app = web.Application(middlewares=[_errors])
    paths = Paths(app)
    paths.reads("GET", "/control/health", lambda _: {"status": "ok"})
    for control in controls:
        _add_face(paths, control)
    return app
