"""Finishes the OpenAPI document: what every route has in common is said once, here, and not beside each of them.

Routers say what a success looks like and which refusals are their own. Added are the refusals that follow from what a
request consists of (a body, a token, an Idempotency-Key…), and the headers that stand in every answer.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI

from common.errors import ErrorCategory, Unavailable
from common.service.problems import MEDIA_TYPE
from gateway.accounts import not_chosen, not_found
from gateway.auth import refusals
from gateway.auth.identity import Scope
from gateway.http.paging import no_cursor
from gateway.http.shapes import Json
from gateway.keycheck import signature_failed
from gateway.problems import (
    GatewayProblem,
    body_too_large,
    invalid_problem,
    refusal_problem,
    refused_problem,
    unavailable_problem,
)
from gateway.rates import HEADERS, too_many_requests
from gateway.trading.progress import Refusal
from gateway.trading.refusals import exchange_required
from gateway.trading.service import key_reused

PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
_HEADERS: Final[Json] = {
    "X-Request-Id": "The request's id: yours, if you sent one, and the one in our log.",
    **HEADERS,
}


def install(app: FastAPI) -> None:
    """Let the app answer its document finished; it is made once."""
    plain = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = finished(plain())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def finished(document: Json) -> Json:
    """The document with what all operations share."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _finish(operation, path)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = GatewayProblem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    components["examples"] = _hoisted(document["paths"])
    components["headers"] = {
        name: {"description": about, "schema": {"type": "string"}} for name, about in _HEADERS.items()
    }
    return document


def problem_response(description: str) -> Json:
    """A response that is a problem, without its examples."""
    return {"description": description, "content": {MEDIA_TYPE: {"schema": PROBLEM_REF, "examples": {}}}}


def add_problem(responses: dict[Any, Any], problem: GatewayProblem) -> None:
    """One more way to be refused."""
    known = responses.setdefault(str(problem.status), problem_response(problem.title))
    # Whoever happens to be the first to need the document is not in it.
    value = problem.model_dump(mode="json", exclude_none=True, exclude={"requestId"})
    known["content"][MEDIA_TYPE]["examples"].setdefault(problem.code, {"summary": problem.title, "value": value})


def _finish(operation: Json, path: str) -> None:
    responses = operation["responses"]
    if _is_generated(responses.get("422")):
        del responses["422"]
    for problem in _shared(operation, path):
        add_problem(responses, problem)
    for response in responses.values():
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    operation["responses"] = dict(sorted(responses.items()))


def _hoisted(paths: Json) -> Json:
    """The examples that many operations share, which then refer to them: written out, they would be most of it."""
    kept: Json = {}
    operations = (operation for methods in paths.values() for operation in methods.values())
    for response in (each for operation in operations for each in operation["responses"].values()):
        examples = response["content"].get(MEDIA_TYPE, {}).get("examples", {})
        for code, example in examples.items():
            if kept.setdefault(code, example) == example:
                examples[code] = {"$ref": f"#/components/examples/{code}"}
    return kept


def _is_generated(response: Json | None) -> bool:
    """FastAPI's own 422, which this API never answers."""
    return response is not None and "application/json" in response.get("content", {})


def _shared(operation: Json, path: str) -> Iterator[GatewayProblem]:
    """The refusals that follow from what a request consists of."""
    parameters = {each["name"] for each in operation.get("parameters", [])}
    body, secured = "requestBody" in operation, bool(operation.get("security"))
    yield invalid_problem({"type": "extra_forbidden", "msg": ""}, "body" if body else "query", "symobl")
    if body:
        yield body_too_large(65_536)
    if secured:
        yield refused_problem(refusals.unauthenticated())
        yield refused_problem(refusals.scope_missing(Scope.TRADE, {Scope.READ}))
    if "exchange" in parameters:
        yield refused_problem(exchange_required())
    if path.startswith(_ON_EXCHANGES):
        yield from _by_exchanges(EXCHANGE_REFUSALS)
    if "credentialId" in parameters or (path.startswith(_ON_EXCHANGES) and secured):
        yield refused_problem(not_found())
    if path.startswith(_ON_EXCHANGES) and secured:
        yield refused_problem(not_chosen("None of your keys for BINANCE is the default."))
        yield refused_problem(signature_failed())
    if "Idempotency-Key" in parameters:
        yield refused_problem(key_reused())
        yield from _by_exchanges(ORDER_REFUSALS)
    if "cursor" in parameters:
        yield refused_problem(no_cursor())
    yield refused_problem(too_many_requests("A user may ask 3000 times a minute.", 1_000))
    yield unavailable_problem(Unavailable("the database"))


def _by_exchanges(examples: Mapping[ErrorCategory, tuple[str, str]]) -> Iterator[GatewayProblem]:
    for category, (code, reason) in examples.items():
        yield refusal_problem(Refusal(category=category, code=code, reason=reason))


_ON_EXCHANGES: Final = (
    *("/exchanges/place", "/exchanges/cancel", "/exchanges/balance", "/exchanges/open", "/exchanges/trades"),
    *("/binance/", "/bitget/", "/gateio", "/mexc/"),
)
"""What asks an exchange."""
EXCHANGE_REFUSALS: Final = MappingProxyType(
    {
        ErrorCategory.INVALID_SYMBOL: ("-1121", "Invalid symbol."),
        ErrorCategory.PERMISSION: ("-2015", "Invalid API-key, IP, or permissions for action."),
        ErrorCategory.NOT_FOUND: ("-2013", "Order does not exist."),
        ErrorCategory.MARKET_CLOSED: ("-1013", "Market is closed."),
        ErrorCategory.UNCLASSIFIED: ("-1000", "An unknown error occurred while processing the request."),
    }
)
ORDER_REFUSALS: Final = MappingProxyType(
    {
        ErrorCategory.INSUFFICIENT_BALANCE: ("-2010", "Account has insufficient balance for requested action."),
        ErrorCategory.FILTER: ("-1013", "Filter failure: NOTIONAL"),
        ErrorCategory.TOO_MANY_ORDERS: ("-1015", "Too many new orders."),
    }
)
