"""The control API's port: JSON in, JSON out."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from paper_exchange.control.binance import ACCOUNT_FIELDS, FAULT_FIELDS, FILL_FIELDS, BinanceControl
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


def control_app(binance: BinanceControl) -> web.Application:
    """The application that serves the control API of every face."""
    app = web.Application(middlewares=[_errors])

    def serve(method: str, path: str, action: Callable[[web.Request], Awaitable[Any]]) -> None:
        async def handle(request: web.Request) -> web.Response:
            return _json(await action(request))

        app.router.add_route(method, path, handle)

    def posts(path: str, known: frozenset[str], act: Callable[[Any], Any]) -> None:
        async def action(request: web.Request) -> Any:
            return act(await _fields(request, known))

        serve("POST", path, action)

    def reads(method: str, path: str, act: Callable[[web.Request], Any]) -> None:
        async def action(request: web.Request) -> Any:
            return act(request)

        serve(method, path, action)

    async def deposit(request: web.Request) -> Any:
        return binance.deposit(_uid(request), await _fields(request, frozenset({"asset", "qty"})))

    async def fill_paced(request: web.Request) -> Any:
        return await binance.fill_paced(await _fields(request, frozenset({"orders", "per_second"})))

    root = "/control/binance"
    reads("GET", "/control/health", lambda _: {"status": "ok"})
    posts(f"{root}/accounts", ACCOUNT_FIELDS, binance.open_account)
    reads("GET", f"{root}/accounts/{{uid}}", lambda request: binance.state(_uid(request)))
    serve("POST", f"{root}/accounts/{{uid}}/deposit", deposit)
    reads("POST", f"{root}/accounts/{{uid}}/revoke-key", lambda request: binance.revoke_key(_uid(request)))
    posts(f"{root}/price", frozenset({"symbol", "price", "gap"}), binance.move)
    posts(f"{root}/fill", FILL_FIELDS, binance.fill)
    serve("POST", f"{root}/fills", fill_paced)
    posts(f"{root}/faults", FAULT_FIELDS, binance.arm)
    reads("GET", f"{root}/faults", lambda _: binance.faults())
    reads("DELETE", f"{root}/faults", lambda request: binance.disarm(_fault_id(request)))
    reads("GET", f"{root}/timings", lambda _: binance.timings())
    reads("POST", f"{root}/timings/reset", lambda _: binance.reset_timings())
    return app
